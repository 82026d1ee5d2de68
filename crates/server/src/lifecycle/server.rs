//! Binds and serves, and leaves in good order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use countersign_engine::Engine;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use super::accept::transport::Transport;
use super::config::ServerConfig;
use super::routes::routes;
use super::tls::TlsError;
use super::tls::live::Tls;
use super::{health, scrape, telemetry};
use crate::auth::authenticator::Authenticator;
use crate::auth::layer::{AuthLayer, Door};
use crate::auth::oidc::OidcError;
use crate::auth::security_log::SecurityLog;
use crate::edge::arriving::ArrivalsLayer;
use crate::edge::layer::EdgeLayer;
use crate::edge::open_calls::OpenCalls;
use crate::edge::panic::Panicked;
use crate::edge::rate::Rates;
use crate::rpc::gate::Gate;

/// How long connections may take to close once every command is answered and every stream of ours
/// has ended.
const GRACE: Duration = Duration::from_secs(1);

/// Why a server cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Anybody who can connect could be anybody.
    #[error(
        "insecure-dev refuses {address}: anybody who reaches it could approve as anybody; \
         listen on 127.0.0.1 or ::1, or leave it out and make API tokens"
    )]
    InsecureDev {
        /// The address.
        address: SocketAddr,
    },
    /// Tokens would travel in the clear.
    #[error(
        "{address} can be reached from other machines, so tokens would travel in the clear; name \
         a certificate and its key (--tls-cert, --tls-key), or put a proxy that ends TLS in front \
         and allow plaintext (--plaintext), or listen on 127.0.0.1 or ::1"
    )]
    Plaintext {
        /// The address.
        address: SocketAddr,
    },
    /// Metrics would travel in the clear.
    #[error(
        "metrics on {address} can be read from other machines, and always travel in the clear; \
         allow that (--plaintext), or offer them on 127.0.0.1 or ::1"
    )]
    PlaintextMetrics {
        /// The address.
        address: SocketAddr,
    },
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Metrics cannot be offered.
    #[error("failed to offer metrics on {address}")]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: metrics_exporter_prometheus::BuildError,
    },
    /// The identity provider cannot be asked as it is set.
    #[error("failed to set up the identity provider")]
    Oidc(#[from] OidcError),
    /// The security log cannot be opened.
    #[error("failed to open the security log")]
    SecurityLog(#[source] io::Error),
    /// The descriptors cannot be shown.
    #[error("failed to set up reflection")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Why a server ended other than by being stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The transport ended by itself.
    #[error("failed to serve: the transport ended by itself")]
    Ended,
}

/// Binds servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Listens, without answering yet.
    pub async fn bind(config: ServerConfig, engine: Engine) -> Result<BoundServer, BindError> {
        config.check_addresses()?;
        let metrics = match config.metrics {
            Some(address) => Some(Metrics::bind(address).await?),
            None => None,
        };
        // After the recorder is there: it is told until when the certificate is good.
        let tls = config.tls.clone().map(Tls::open).transpose()?.map(Arc::new);
        let address = config.listen;
        let listen = |source| BindError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let local_addr = listener.local_addr().map_err(listen)?;
        let stop = CancellationToken::new();
        let authorities = tls.as_ref().and_then(|tls| tls.authorities().cloned());
        let access = config.access.clone();
        let authenticator =
            Authenticator::start(engine.clone(), access, authorities, stop.clone())?;
        let authenticator = Arc::new(authenticator);
        let security_log = SecurityLog::open(&config.security_log);
        let security_log = security_log.map_err(BindError::SecurityLog)?;
        let streams = config.limits.streams_per_caller;
        let gate = Gate::new(engine.clone(), Arc::clone(&authenticator), streams);
        let reporter = HealthReporter::new();
        health::tell(&reporter, false).await;
        let health = HealthServer::new(HealthService::from_health_reporter(reporter.clone()));
        let routes = routes(&gate, health, config.limits.message_bytes)?;
        Ok(BoundServer {
            local_addr,
            config,
            engine,
            listener,
            reporter,
            routes,
            tls,
            authenticator,
            security_log,
            metrics,
            _asking: stop.drop_guard(),
        })
    }
}

/// Metrics that are recorded, and the listener that tells them.
struct Metrics {
    listener: TcpListener,
    page: PrometheusHandle,
}

impl Metrics {
    async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let listen = |source| BindError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let page = telemetry::record().map_err(|source| BindError::Metrics { address, source })?;
        Ok(Self { listener, page })
    }
}

/// A server that listens.
pub struct BoundServer {
    local_addr: SocketAddr,
    config: ServerConfig,
    engine: Engine,
    listener: TcpListener,
    reporter: HealthReporter,
    routes: Routes,
    tls: Option<Arc<Tls>>,
    authenticator: Arc<Authenticator>,
    security_log: SecurityLog,
    metrics: Option<Metrics>,
    /// Ends what is asked of the identity provider.
    _asking: DropGuard,
}

impl BoundServer {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until it is stopped, then leaves in good order: says that it serves no more, takes no
    /// more connections and commands, commits what waits, lets every stream come to its end.
    pub async fn serve(mut self, stop: CancellationToken) -> Result<(), ServeError> {
        warn_of_settings(&self.engine);
        let drain = self.config.drain;
        let engine = self.engine.clone();
        let reporter = self.reporter.clone();
        let no_more = CancellationToken::new();
        let scheduler_stop = CancellationToken::new();
        let health_stop = CancellationToken::new();
        let at_last = CancellationToken::new();
        let _at_last = at_last.clone().drop_guard();
        if let Some(tls) = self.tls.clone() {
            tokio::spawn(tls.follow(at_last.clone()));
        }
        if let Some(Metrics { listener, page }) = self.metrics.take() {
            tokio::spawn(scrape::serve(listener, page, at_last));
        }
        let health = tokio::spawn(health::follow(
            engine.clone(),
            reporter.clone(),
            health_stop.clone(),
        ));
        if !self.config.scheduler {
            scheduler_stop.cancel();
        }
        let scheduler = tokio::spawn(countersign_scheduler::run(
            engine.clone(),
            scheduler_stop.clone(),
        ));
        let mut transport = tokio::spawn(self.transport(no_more.clone()));

        let early = tokio::select! {
            () = stop.cancelled() => None,
            ended = &mut transport => Some(ended),
        };
        let leave = async {
            health_stop.cancel();
            ended("health", health.await);
            no_more.cancel();
            engine.shutdown().await;
            scheduler_stop.cancel();
            ended("scheduler", scheduler.await);
            health::end_watches(reporter).await;
            match early {
                Some(end) => flatten(end).and(Err(ServeError::Ended)),
                // What is still open now is nobody's loss: a reflection stream that was left open.
                None => match tokio::time::timeout(GRACE, &mut transport).await {
                    Ok(end) => flatten(end),
                    Err(_) => {
                        transport.abort();
                        Ok(())
                    }
                },
            }
        };
        match tokio::time::timeout(drain, leave).await {
            Ok(left) => left,
            Err(_) => {
                tracing::warn!(?drain, "calls were still open at the limit; they are cut");
                transport.abort();
                Ok(())
            }
        }
    }

    /// Answers calls until no more are to be taken and those that are open have ended.
    async fn transport(self, no_more: CancellationToken) {
        let prefix = self.engine.prefix();
        let limits = self.config.limits;
        let door = Door {
            authenticator: self.authenticator,
            rates: Rates::new(&limits),
            open_calls: OpenCalls::default(),
            log: self.security_log,
            prefix: prefix.clone(),
        };
        let app = ServiceBuilder::new()
            .layer(CatchPanicLayer::custom(Panicked::new(prefix.clone())))
            .layer(EdgeLayer::new(prefix.clone(), limits.message_bytes))
            .layer(ArrivalsLayer::new(prefix, limits.message_bytes))
            .layer(AuthLayer::new(door))
            .service(self.routes.prepare());
        let transport = Transport::new(limits, self.tls, app);
        transport.run(self.listener, no_more).await;
    }
}

fn warn_of_settings(engine: &Engine) {
    if !engine.settings().require_policy {
        tracing::warn!(
            "require_policy is off: a task that no policy matches may start without an approval"
        );
    }
}

fn ended(what: &'static str, end: Result<(), tokio::task::JoinError>) {
    if let Err(error) = end {
        tracing::error!(what, %error, "a part of the server had ended by a panic");
    }
}

fn flatten(end: Result<(), tokio::task::JoinError>) -> Result<(), ServeError> {
    end.map_err(|error| {
        tracing::error!(%error, "the transport had ended by a panic");
        ServeError::Ended
    })
}
