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
use super::security_log::{Call, SecurityLog};
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
    /// Where denials are told.
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
            if let Err((fault, why)) = door.admit(&mut call, path, request.headers()).await {
                let status = status(&fault, &door.prefix);
                door.log.answered(&call, &status, why);
                return Ok(status.into_http());
            }
            let span = tracing::info_span!(
                "server.rpc.call",
                method = call.method.map_or("", |method| method.path),
                subject = call.caller.as_deref().map_or("", |it| &it.person.subject),
            );
            if let Some(caller) = &call.caller {
                request.extensions_mut().insert(Arc::clone(caller));
            }
            let answer = inner.call(request).instrument(span).await?;
            if let Some(status) = answer.extensions().get::<Status>() {
                door.log.answered(&call, status, "");
            }
            Ok(answer)
        })
    }
}

/// Why a call does not go on; and in words for our own log, where a caller is told less.
type Stopped = (Fault, &'static str);

impl Door {
    /// Finds out who calls, and whether the call may go on.
    async fn admit(&self, call: &mut Call, path: &str, headers: &HeaderMap) -> Result<(), Stopped> {
        if let Some(Method {
            access: Access::Open,
            ..
        }) = call.method
        {
            return Ok(());
        }
        let caller = self.caller(call.peer.as_ref(), headers).await?;
        call.caller = Some(Arc::clone(&caller));
        self.check(call.method, &caller, path)
            .map_err(|fault| (fault, ""))?;
        if call.method.is_some_and(|method| method.audited) {
            self.log.read(call);
        }
        Ok(())
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
            Err(Denied::NotAccepted(why)) => {
                if let Some(address) = address {
                    self.rates.failed(address);
                }
                Err((Fault::Unauthenticated, why))
            }
            Err(Denied::TooOften) => Err((Fault::TooManyBadCredentials, "too often")),
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
