//! Deadlines, mended statuses, and one measurement per call.
//!
//! The transport answers a passed deadline with CANCELLED. Our clock starts before the call goes on
//! to the transport's, and is looked at first, so ours speaks.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use countersign_domain::ids::CrPrefix;
use http::{Request, Response};
use metrics::{counter, histogram};
use tokio::time::Sleep;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::deadline::deadline;
use super::mend::mend;
use crate::auth::methods::find;
use crate::fault::Fault;
use crate::status::status;

/// Puts [`Edge`] around a service.
#[derive(Debug, Clone)]
pub(crate) struct EdgeLayer {
    prefix: CrPrefix,
    message_bytes: usize,
}

impl EdgeLayer {
    /// With numbers written like this, and messages of at most so many bytes.
    pub(crate) fn new(prefix: CrPrefix, message_bytes: usize) -> Self {
        Self {
            prefix,
            message_bytes,
        }
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service behind the edge.
#[derive(Debug, Clone)]
pub(crate) struct Edge<S> {
    inner: S,
    layer: EdgeLayer,
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S, B> Service<Request<B>> for Edge<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let method = find(request.uri().path()).map_or("unknown", |method| method.path);
        let expiry = deadline(request.headers()).map(tokio::time::sleep);
        let EdgeLayer {
            prefix,
            message_bytes,
        } = self.layer.clone();
        let began = now();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = within(expiry, answer).await;
            let answer = match answer {
                Some(answer) => mend(answer?, &prefix, message_bytes),
                None => status(&Fault::DeadlineExceeded, &prefix).into_http(),
            };
            measure(method, &answer, began.elapsed());
            Ok(answer)
        })
    }
}

/// What a future answers, if it does so in time.
async fn within<F: Future>(expiry: Option<Sleep>, future: F) -> Option<F::Output> {
    let Some(expiry) = expiry else {
        return Some(future.await);
    };
    tokio::select! {
        biased;
        () = expiry => None,
        answer = future => Some(answer),
    }
}

/// For streams this is the time until they begin.
fn measure(method: &'static str, answer: &Response<Body>, took: Duration) {
    let code = answer
        .extensions()
        .get::<Status>()
        .map_or(Code::Ok, Status::code);
    let code = format!("{code:?}");
    counter!("countersign_rpc_calls_total", "method" => method, "code" => code).increment(1);
    histogram!("countersign_rpc_seconds", "method" => method).record(took.as_secs_f64());
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how long a call takes; decides nothing"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tonic_types::StatusExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_passed_deadline_is_told_as_one() {
        let slow = tower::service_fn(|request: Request<bool>| async move {
            if *request.body() {
                std::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(Response::new(Body::default()))
        });
        let service = EdgeLayer::new(CrPrefix::parse("CR").unwrap(), 7).layer(slow);
        let request = |timeout: &str, hangs: bool| {
            let request = Request::builder().uri("http://gate/x/y");
            request.header("grpc-timeout", timeout).body(hangs).unwrap()
        };
        let late = service.clone().oneshot(request("10m", true)).await.unwrap();
        let status = late.extensions().get::<Status>().unwrap();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.reason, "DEADLINE_EXCEEDED");
        let in_time = service.oneshot(request("2M", false)).await.unwrap();
        assert!(in_time.extensions().get::<Status>().is_none());
    }
}
