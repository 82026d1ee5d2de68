//! The layer that looks at every call before anything else does: who calls, and may they.
//!
//! The order is the safe one. Only an exact path of an open method goes on without a credential;
//! everything else is authenticated first, so a caller without a credential cannot even learn which
//! methods there are. What the table does not name never reaches a service.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use countersign_domain::access::Principal;
use countersign_domain::ids::CrPrefix;
use http::{HeaderMap, Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::Instrument;

use super::authenticator::{Authenticator, Denied};
use super::methods::{Access, Method, find};
use super::security_log::{Call, SecurityLog, Unrecorded};
use crate::edge::open_calls::{OpenCall, OpenCalls, kept};
use crate::edge::peer::Peer;
use crate::edge::rate::Rates;
use crate::fault::Fault;
use crate::status::status;

/// What every call is looked at with.
pub(crate) struct Door {
    /// Who calls.
    pub(crate) authenticator: Arc<Authenticator>,
    /// How often they may.
    pub(crate) rates: Rates,
    /// How many calls are under way that need no credential.
    pub(crate) open_calls: OpenCalls,
    /// Where denials, and reads of the log, are told.
    pub(crate) log: SecurityLog,
    /// How change requests are numbered.
    pub(crate) prefix: CrPrefix,
}

/// Puts [`Auth`] around a service.
#[derive(Clone)]
pub(crate) struct AuthLayer(Arc<Door>);

impl AuthLayer {
    /// With this door.
    pub(crate) fn new(door: Door) -> Self {
        Self(Arc::new(door))
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth {
            inner,
            door: Arc::clone(&self.0),
        }
    }
}

/// A service behind the look at every call.
#[derive(Clone)]
pub(crate) struct Auth<S> {
    inner: S,
    door: Arc<Door>,
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S, B> Service<Request<B>> for Auth<S>
where
    S: Service<Request<B>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The one that is ready goes on; its clone waits for the next call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let door = Arc::clone(&self.door);
        Box::pin(async move {
            let peer = request.extensions().get::<Peer>().cloned();
            let mut call = Call {
                method: find(request.uri().path()),
                caller: None,
                peer,
            };
            let path = request.uri().path();
            let open = match door.admit(&mut call, path, request.headers()).await {
                Ok(open) => open,
                Err((fault, why)) => {
                    let status = status(&fault, &door.prefix);
                    door.log.answered(&call, &status, why);
                    return Ok(status.into_http());
                }
            };
            let span = tracing::info_span!(
                "server.rpc.call",
                method = call.method.map_or("", |method| method.path),
                subject = call.caller.as_deref().map_or("", |it| &it.person.subject),
            );
            if let Some(caller) = &call.caller {
                request.extensions_mut().insert(Arc::clone(caller));
            }
            let mutates = call.method.is_some_and(|method| method.mutates);
            let answered = async move {
                let answer = inner.call(request).instrument(span).await?;
                if let Some(status) = answer.extensions().get::<Status>() {
                    door.log.answered(&call, status, "");
                }
                Ok(answer)
            };
            let answer = if mutates {
                to_its_end(answered).await
            } else {
                answered.await
            };
            answer.map(|answer| answer.map(|body| kept(body, open)))
        })
    }
}

/// Goes on also when the caller has gone: what is refused then is recorded all the same.
async fn to_its_end<A, E>(
    answered: impl Future<Output = Result<A, E>> + Send + 'static,
) -> Result<A, E>
where
    A: Send + 'static,
    E: Send + 'static,
{
    match tokio::spawn(answered).await {
        Ok(answer) => answer,
        // The layer around this one makes an answer of a panic.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The program is on its way out, and this call with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Why a call does not go on; and in words for our own log, where a caller is told less.
type Stopped = (Fault, &'static str);

impl Door {
    /// Finds out who calls, and whether the call may go on. What is returned counts a call of an
    /// open method.
    async fn admit(
        &self,
        call: &mut Call,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Option<OpenCall>, Stopped> {
        if let Some(Method {
            access: Access::Open,
            ..
        }) = call.method
        {
            let address = call.peer.as_ref().and_then(|peer| peer.address);
            let open = self.open_calls.enter(address.map(|it| it.ip()));
            return open.map(Some).map_err(|fault| (fault, ""));
        }
        let caller = self.caller(call.peer.as_ref(), headers).await?;
        call.caller = Some(Arc::clone(&caller));
        self.check(call.method, &caller, path)
            .map_err(|fault| (fault, ""))?;
        if call.method.is_some_and(|method| method.audited) {
            let recorded = self.log.read(call).await;
            recorded.map_err(|Unrecorded| {
                let fault = Fault::SecurityLogUnavailable;
                (fault, "the security log cannot be written")
            })?;
        }
        Ok(None)
    }

    async fn caller(
        &self,
        peer: Option<&Peer>,
        headers: &HeaderMap,
    ) -> Result<Arc<Principal>, Stopped> {
        let address = peer.and_then(|peer| peer.address).map(|it| it.ip());
        let may_try = || address.is_none_or(|address| self.rates.may_try(address));
        let authenticated = self.authenticator.authenticate(headers, peer, may_try);
        match authenticated.await {
            Ok(caller) => Ok(Arc::new(caller)),
            Err(Denied::NotAccepted(why)) => Err((Fault::Unauthenticated, why)),
            Err(Denied::BadLogin(why)) => {
                if let Some(address) = address {
                    self.rates.failed(address);
                }
                Err((Fault::Unauthenticated, why))
            }
            Err(Denied::TooOften) => Err((Fault::TooManyBadLogins, "too often")),
            Err(Denied::KeysUnavailable) => Err((Fault::IdentityProviderUnavailable, "")),
        }
    }

    fn check(&self, method: Option<&Method>, caller: &Principal, path: &str) -> Result<(), Fault> {
        self.rates.admit(&caller.person)?;
        match method {
            Some(method) => method.check(caller),
            None => Err(Fault::UnknownMethod {
                method: path.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::convert::Infallible;
    use std::path::{Path, PathBuf};

    use countersign_domain::access::{GrantSide, Role};
    use http::header::AUTHORIZATION;
    use serde_json::Value;
    use tempfile::TempDir;
    use tokio::sync::oneshot;
    use tonic::Code;
    use tonic_types::StatusExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::auth::AccessSettings;
    use crate::auth::bench::{Bench, peer};
    use crate::auth::security_log::SecurityLogConfig;
    use crate::lifecycle::Limits;

    const APPROVE: &str = "/countersign.v1.ChangeRequestService/Approve";
    const CREATE: &str = "/countersign.v1.ChangeRequestService/CreateChangeRequest";
    const CREATE_TEAM: &str = "/countersign.v1.TeamService/CreateTeam";
    const LIST_ENTRIES: &str = "/countersign.v1.LogService/ListEntries";
    const GET_HEAD: &str = "/countersign.v1.LogService/GetHead";
    const HEALTH: &str = "/grpc.health.v1.Health/Check";

    /// A layer before a store, and what it tells.
    pub(in crate::auth) struct House {
        pub(in crate::auth) bench: Bench,
        pub(in crate::auth) layer: AuthLayer,
        pub(in crate::auth) folder: TempDir,
    }

    impl House {
        pub(in crate::auth) async fn new(settings: AccessSettings, limits: Limits) -> Self {
            let bench = Bench::open().await;
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("logs")).unwrap();
            let config = SecurityLogConfig {
                file: Some(log_file(folder.path())),
                ..SecurityLogConfig::default()
            };
            let layer = AuthLayer::new(Door {
                authenticator: Arc::new(bench.authenticator(settings, None)),
                open_calls: OpenCalls::default(),
                rates: Rates::new(&limits),
                log: SecurityLog::open(&config).unwrap(),
                prefix: CrPrefix::parse("CR").unwrap(),
            });
            Self {
                bench,
                layer,
                folder,
            }
        }

        /// One that believes whatever a caller says about itself.
        pub(in crate::auth) async fn insecure() -> Self {
            Self::new(AccessSettings::insecure_dev(), Limits::default()).await
        }

        /// Asks a service behind the layer, which answers with the caller it was told, or refuses.
        pub(in crate::auth) async fn ask(
            &self,
            path: &str,
            bearers: &[&str],
            refuses: Option<Status>,
        ) -> Result<Option<String>, Status> {
            let inner = tower::service_fn(move |request: Request<()>| {
                let refused = refuses.clone();
                async move {
                    let caller = request.extensions().get::<Arc<Principal>>().cloned();
                    let answer = refused.map_or_else(Response::default, Status::into_http);
                    let mut answer: Response<Body> = answer;
                    let subject = caller.map(|it| it.person.subject.clone());
                    answer.extensions_mut().insert(subject);
                    Ok::<_, Infallible>(answer)
                }
            });
            let request = request(path, bearers).body(()).unwrap();
            let answer = self.layer.layer(inner).oneshot(request).await.unwrap();
            match answer.extensions().get::<Status>() {
                Some(status) => Err(status.clone()),
                None => Ok(answer.extensions().get::<Option<String>>().unwrap().clone()),
            }
        }

        pub(in crate::auth) async fn call(
            &self,
            path: &str,
            bearer: &str,
        ) -> Result<Option<String>, Status> {
            self.ask(path, &[bearer], None).await
        }

        pub(in crate::auth) async fn reason(&self, path: &str, bearer: &str) -> String {
            match self.call(path, bearer).await {
                Ok(_) => "OK".to_owned(),
                Err(status) => status.get_details_error_info().unwrap().reason,
            }
        }

        /// Ends everything, and reads what was told.
        pub(in crate::auth) fn told(self) -> Vec<Value> {
            drop(self.layer);
            let text = std::fs::read_to_string(log_file(self.folder.path())).unwrap();
            let lines = text.lines();
            lines
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        }
    }

    fn log_file(folder: &Path) -> PathBuf {
        folder.join("logs/security.jsonl")
    }

    pub(in crate::auth) fn request(path: &str, bearers: &[&str]) -> http::request::Builder {
        let mut request = Request::builder()
            .method("POST")
            .uri(format!("http://gate{path}"))
            .extension(peer("10.0.0.1", None));
        for bearer in bearers {
            request = request.header(AUTHORIZATION, format!("Bearer {bearer}"));
        }
        request
    }

    #[tokio::test]
    async fn i12_a_service_is_told_who_the_credential_names() {
        let house = House::insecure().await;
        let told = house.call(APPROVE, "alice").await.unwrap();
        assert_eq!(told.as_deref(), Some("alice"));
        assert_eq!(house.ask(HEALTH, &[], None).await.unwrap(), None);
        let open = house.call(HEALTH, "alice").await.unwrap();
        assert_eq!(open, None, "nobody is looked up where nobody is asked for");
    }

    #[tokio::test]
    async fn i11_without_a_credential_every_path_answers_alike() {
        let house = House::new(AccessSettings::default(), Limits::default()).await;
        let known = house.ask(APPROVE, &[], None).await.unwrap_err();
        let rows: [(&str, &[&str]); 9] = [
            ("/countersign.v1.ChangeRequestService/Nothing", &[]),
            ("/x/y", &[]),
            ("/", &[]),
            ("//", &[]),
            (CREATE, &[]),
            (LIST_ENTRIES, &[]),
            (CREATE, &["alice"]),
            ("/x/y", &["csn_nobody-knows-it"]),
            (APPROVE, &["alice", "alice"]),
        ];
        for (path, bearers) in rows {
            let other = house.ask(path, bearers, None).await.unwrap_err();
            assert_eq!(other.code(), Code::Unauthenticated, "{path}");
            assert_eq!(other.message(), known.message(), "{path}");
            assert_eq!(other.details(), known.details(), "{path}");
        }
    }

    #[tokio::test]
    async fn i11_what_the_table_does_not_name_reaches_no_service() {
        let house = House::insecure().await;
        for path in [
            "/countersign.v1.ChangeRequestService/Nothing",
            "/countersign.v1.changerequestservice/Approve",
            "//countersign.v1.ChangeRequestService/Approve",
            "/countersign.v1.ChangeRequestService%2fApprove",
            "/grpc.health.v1.Health/check",
            "/",
        ] {
            let reason = house.reason(path, "root:alice").await;
            assert_eq!(reason, "UNKNOWN_METHOD", "{path}");
        }
    }

    #[tokio::test]
    async fn i11_a_role_is_needed_where_the_table_says_so() {
        let house = House::insecure().await;
        assert_eq!(house.reason(CREATE, "alice").await, "ROLE_REQUIRED");
        assert_eq!(house.reason(CREATE, "orchestrator:ci").await, "OK");
        assert_eq!(house.reason(LIST_ENTRIES, "root:alice").await, "OK");
        assert_eq!(
            house.reason(LIST_ENTRIES, "admin:alice").await,
            "ROLE_REQUIRED"
        );
    }

    #[tokio::test]
    async fn i11_what_is_the_whole_stores_takes_a_grant_without_limits() {
        let house = House::new(AccessSettings::default(), Limits::default()).await;
        let roles = [Role::PolicyAdmin, Role::Auditor, Role::Operator];
        let all = house.bench.token("all", |draft| {
            draft.roles = roles.into();
        });
        let all = all.await;
        let web = house.bench.token("web", |draft| {
            draft.roles = roles.into();
            draft.grant.projects = GrantSide::Only(["web".to_owned()].into());
        });
        let web = web.await;
        for path in [CREATE_TEAM, LIST_ENTRIES] {
            assert_eq!(house.reason(path, &all).await, "OK", "{path}");
            assert_eq!(house.reason(path, &web).await, "OUTSIDE_GRANT", "{path}");
        }
        assert_eq!(house.reason(GET_HEAD, &web).await, "OK");
    }

    #[tokio::test]
    async fn one_caller_has_a_rate_and_others_have_theirs() {
        let limits = Limits {
            calls_per_second_per_caller: 1,
            ..Limits::default()
        };
        let house = House::new(AccessSettings::insecure_dev(), limits).await;
        let mut reasons = Vec::new();
        for _ in 0..20 {
            reasons.push(house.reason(APPROVE, "alice").await);
        }
        assert!(reasons.contains(&"RATE_LIMITED".to_owned()));
        assert_eq!(house.reason(APPROVE, "bob").await, "OK");
    }

    #[tokio::test]
    async fn abuse_whoever_hangs_up_is_told_of_all_the_same() {
        let house = House::insecure().await;
        let (go, wait) = oneshot::channel::<()>();
        let (reach, reached) = oneshot::channel::<()>();
        let both = Arc::new(std::sync::Mutex::new(Some((wait, reach))));
        let inner = tower::service_fn(move |_: Request<()>| {
            let (wait, reach) = both.lock().unwrap().take().unwrap();
            async move {
                reach.send(()).unwrap();
                wait.await.unwrap();
                let denied = Status::permission_denied("as tests do");
                Ok::<Response<Body>, Infallible>(denied.into_http())
            }
        });
        let call = request(APPROVE, &["alice"]).body(()).unwrap();
        let call = tokio::spawn(house.layer.layer(inner).oneshot(call));
        reached.await.unwrap();
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        go.send(()).unwrap();
        while Arc::strong_count(&house.layer.0) > 1 {
            tokio::task::yield_now().await;
        }
        let told = house.told();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["subject"], "alice");
    }
}
