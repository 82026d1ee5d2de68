//! Calls on one connection, until it is old or the server leaves.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tower::Service;
use tower_http::catch_panic::CatchPanic;

use super::connection::Connection;
use crate::auth::layer::Auth;
use crate::edge::arriving::Arrivals;
use crate::edge::layer::Edge;
use crate::edge::panic::Panicked;
use crate::edge::peer::Peer;
use crate::lifecycle::Limits;

/// How long a peer that was asked whether it is there may take to answer.
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(20);
/// How many streams that the peer has reset may wait to be looked at, and how many that were reset
/// for its faults. Above that the peer is an attacker, and the connection ends.
const RESETS_LIMIT: usize = 20;
const FAULTS_LIMIT: usize = 1_024;

/// All services behind their layers.
pub(crate) type App = CatchPanic<Edge<Arrivals<Auth<Routes>>>, Panicked>;

/// How connections are served.
#[derive(Clone)]
pub(super) struct Serving {
    builder: Builder<TokioExecutor>,
    app: App,
    age: Duration,
}

/// When a connection ends other than by itself.
pub(super) struct Ends {
    /// It takes no more calls; those that are open may end.
    pub(super) no_more: CancellationToken,
    /// It ends at once.
    pub(super) cut: CancellationToken,
}

impl Serving {
    pub(super) fn new(app: App, limits: &Limits) -> Self {
        let mut builder = Builder::new(TokioExecutor::new()).http2_only();
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams_per_connection)
            .max_header_list_size(limits.header_bytes)
            .keep_alive_interval(limits.keepalive)
            .keep_alive_timeout(KEEPALIVE_ANSWER)
            .max_pending_accept_reset_streams(RESETS_LIMIT)
            .max_local_error_reset_streams(FAULTS_LIMIT);
        Self {
            builder,
            app,
            age: limits.connection_age,
        }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(self, connection: Connection, peer: Peer, number: u64, ends: Ends) {
        let known = Known {
            inner: self.app,
            peer,
        };
        let io = TokioIo::new(connection);
        let served = self
            .builder
            .serve_connection(io, TowerToHyperService::new(known));
        let mut served = pin!(served);
        let ended = tokio::select! {
            ended = &mut served => Some(ended),
            () = ends.cut.cancelled() => return,
            () = ends.no_more.cancelled() => None,
            () = sleep(end_of_life(self.age, number)) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                served.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = served => ended,
                    () = ends.cut.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended with an error");
        }
    }
}

/// The age at which a connection is told to go: once to twice the limit, spread evenly over
/// whatever connections follow each other.
fn end_of_life(age: Duration, number: u64) -> Duration {
    /// 2^64 divided by the golden ratio: multiples of it never bunch.
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let share = number.wrapping_mul(STEP) >> 32;
    age.saturating_add(age.mul_f64(share as f64 / 2_f64.powi(32)))
}

/// A service that is told with each call whose connection it comes over.
#[derive(Clone)]
struct Known<S> {
    inner: S,
    peer: Peer,
}

impl<S, B> Service<Request<B>> for Known<S>
where
    S: Service<Request<B>, Error = Infallible>,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(self.peer.clone());
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_service_is_told_who_is_at_the_other_end() {
        let inner = tower::service_fn(|request: Request<()>| async move {
            Ok::<_, Infallible>(request.extensions().get::<Peer>().unwrap().address)
        });
        let peer = Peer {
            address: Some("127.0.0.1:1".parse().unwrap()),
            certificate: None,
        };
        let known = Known {
            inner,
            peer: peer.clone(),
        };
        let told = known.oneshot(Request::new(())).await.unwrap();
        assert_eq!(told, peer.address);
    }

    #[test]
    fn connections_do_not_all_end_at_once() {
        let age = Duration::from_secs(1_000);
        let mut ends: Vec<u64> = (0..100)
            .map(|number| end_of_life(age, number).as_secs())
            .collect();
        ends.sort_unstable();
        assert!(ends[0] >= 1_000 && ends[99] < 2_000);
        let widest = ends.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(widest < Some(30), "{widest:?}");
    }
}
