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
use http::{Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::{Layer, Service};
use tracing::Instrument;

use super::Authenticator;
use super::methods::{Access, Method, find};
use crate::fault::Fault;
use crate::status::status;

/// Puts [`Auth`] around a service.
#[derive(Debug, Clone)]
pub(crate) struct AuthLayer {
    authenticator: Authenticator,
    prefix: CrPrefix,
}

impl AuthLayer {
    /// With this authenticator.
    pub(crate) fn new(authenticator: Authenticator, prefix: CrPrefix) -> Self {
        Self {
            authenticator,
            prefix,
        }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service behind the look at every call.
#[derive(Debug, Clone)]
pub(crate) struct Auth<S> {
    inner: S,
    layer: AuthLayer,
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S, B> Service<Request<B>> for Auth<S>
where
    S: Service<Request<B>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let method = find(request.uri().path());
        let caller = self.layer.authenticator.authenticate(request.headers());
        if let Err(fault) = admit(method, caller.as_deref(), request.uri().path()) {
            let status = status(&fault, &self.layer.prefix);
            record(method, caller.as_deref(), &status);
            return Box::pin(async move { Ok(status.into_http()) });
        }
        let span = tracing::info_span!(
            "server.rpc.call",
            method = method.map_or("", |method| method.path),
            subject = caller
                .as_deref()
                .map_or("", |caller| &caller.person.subject),
        );
        if let Some(caller) = &caller {
            request.extensions_mut().insert(Arc::clone(caller));
        }
        let answer = self.inner.call(request);
        let watched = async move {
            let answer = answer.await?;
            if let Some(status) = answer.extensions().get::<Status>() {
                record(method, caller.as_deref(), status);
            }
            Ok(answer)
        };
        Box::pin(watched.instrument(span))
    }
}

/// Whether a call may go on.
fn admit(method: Option<&Method>, caller: Option<&Principal>, path: &str) -> Result<(), Fault> {
    if let Some(Method {
        access: Access::Open,
        ..
    }) = method
    {
        return Ok(());
    }
    let caller = caller.ok_or(Fault::Unauthenticated)?;
    match method {
        Some(method) => method.access.check(caller),
        None => Err(Fault::UnknownMethod {
            method: path.to_owned(),
        }),
    }
}

/// Records a denied call that asked for a change. What is absent and what is forbidden look alike
/// to the caller, so both are recorded.
fn record(method: Option<&Method>, caller: Option<&Principal>, status: &Status) {
    let denied = matches!(
        status.code(),
        Code::Unauthenticated | Code::PermissionDenied | Code::NotFound
    );
    let Some(method) = method.filter(|method| denied && method.mutates) else {
        return;
    };
    let reason = status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default();
    tracing::warn!(
        target: "security",
        method = method.path,
        issuer = caller.map_or("", |caller| &caller.person.issuer),
        subject = caller.map_or("", |caller| &caller.person.subject),
        credential = caller.map_or("", |caller| &caller.credential.id),
        reason,
        "a call was denied",
    );
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::header::AUTHORIZATION;
    use tower::ServiceExt;

    use super::*;

    const APPROVE: &str = "/countersign.v1.ChangeRequestService/Approve";
    const CREATE: &str = "/countersign.v1.ChangeRequestService/CreateChangeRequest";
    const HEALTH: &str = "/grpc.health.v1.Health/Check";

    /// Asks a service behind the layer, which answers `ok` with the caller it was told.
    async fn call(path: &str, bearer: Option<&str>) -> Result<Option<String>, Status> {
        let inner = tower::service_fn(|request: Request<()>| async move {
            let caller = request.extensions().get::<Arc<Principal>>().cloned();
            let mut answer = Response::new(Body::default());
            answer
                .extensions_mut()
                .insert(caller.map(|it| it.person.subject.clone()));
            Ok::<_, Infallible>(answer)
        });
        let authenticator = Authenticator::insecure_dev();
        let service = AuthLayer::new(authenticator, CrPrefix::parse("CR").unwrap()).layer(inner);
        let mut request = Request::builder().uri(format!("http://gate{path}"));
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {bearer}"));
        }
        let answer = service.oneshot(request.body(()).unwrap()).await.unwrap();
        match answer.extensions().get::<Status>() {
            Some(status) => Err(status.clone()),
            None => Ok(answer.extensions().get::<Option<String>>().unwrap().clone()),
        }
    }

    fn reason(answer: Result<Option<String>, Status>) -> String {
        let status = answer.unwrap_err();
        status.get_details_error_info().unwrap().reason
    }

    #[tokio::test]
    async fn i12_a_service_is_told_who_the_credential_names() {
        assert_eq!(
            call(APPROVE, Some("alice")).await.unwrap().as_deref(),
            Some("alice")
        );
        assert_eq!(call(HEALTH, None).await.unwrap(), None);
    }

    #[tokio::test]
    async fn i11_without_a_credential_every_path_answers_alike() {
        let known = call(APPROVE, None).await.unwrap_err();
        for path in [
            "/countersign.v1.ChangeRequestService/Nothing",
            "/x/y",
            "/",
            "//",
            CREATE,
        ] {
            let other = call(path, None).await.unwrap_err();
            assert_eq!(other.code(), Code::Unauthenticated, "{path}");
            assert_eq!(other.message(), known.message(), "{path}");
            assert_eq!(other.details(), known.details(), "{path}");
        }
    }

    #[tokio::test]
    async fn i11_what_the_table_does_not_name_reaches_no_service() {
        for path in [
            "/countersign.v1.ChangeRequestService/Nothing",
            "/countersign.v1.changerequestservice/Approve",
            "//countersign.v1.ChangeRequestService/Approve",
            "/countersign.v1.ChangeRequestService%2fApprove",
            "/",
        ] {
            assert_eq!(
                reason(call(path, Some("root:alice")).await),
                "UNKNOWN_METHOD",
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn i11_a_role_is_needed_where_the_table_says_so() {
        assert_eq!(reason(call(CREATE, Some("alice")).await), "ROLE_REQUIRED");
        assert!(call(CREATE, Some("orchestrator:ci")).await.is_ok());
    }
}
