//! A server with its store and its clock.

use std::net::SocketAddr;

use countersign_client::Connection;
use countersign_domain::Instant;
use countersign_domain::ids::CrPrefix;
use countersign_engine::{
    Clock, Engine, EngineConfig, ManualClock, OpenError, StoreConfig, StoreError,
};
use countersign_server::{AccessSettings, Server, ServerConfig};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Caller, LIMIT, TokenSpec, tokens};

/// When every test begins: 2026-11-23T00:00:00Z.
pub(super) const BEGINNING_MICROS: i64 = 1_795_392_000_000_000;

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Sqlite,
    Postgres,
}

/// What a test wants to be set.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) require_policy: bool,
    pub(crate) prefix: &'static str,
    /// The tokens that the store has before the test begins.
    pub(crate) tokens: fn() -> Vec<TokenSpec>,
    /// Which other credentials are accepted; where nothing is said, the server believes any name.
    pub(crate) access: fn() -> AccessSettings,
    /// Change anything else of the engine.
    pub(crate) configure: fn(&mut EngineConfig),
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            require_policy: false,
            prefix: "CR",
            tokens: Vec::new,
            access: AccessSettings::insecure_dev,
            configure: |_| {},
        }
    }
}

/// A server that a test drives.
pub(crate) struct Gate {
    pub(crate) kind: StoreKind,
    engine: Option<Engine>,
    pub(crate) clock: ManualClock,
    pub(crate) store: StoreConfig,
    pub(crate) setup: Setup,
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    _files: TempDir,
}

impl Gate {
    /// Starts a server on an empty store.
    pub(crate) async fn start(kind: StoreKind, setup: Setup) -> Self {
        let files = tempfile::tempdir().unwrap();
        let store = match kind {
            StoreKind::Sqlite => StoreConfig::Sqlite {
                path: files.path().join("store.db"),
            },
            StoreKind::Postgres => StoreConfig::Postgres {
                url: fresh_database().await,
            },
        };
        let clock = ManualClock::at(Instant::from_micros(BEGINNING_MICROS).unwrap());
        let running = serve(&store, &clock, &setup).await;
        let (engine, address, stop, serving) = running;
        tokens::make(&engine, (setup.tokens)()).await;
        let engine = Some(engine);
        Self {
            kind,
            engine,
            clock,
            store,
            setup,
            address,
            stop,
            serving,
            _files: files,
        }
    }

    /// A second server on the same store; only PostgreSQL allows it.
    pub(crate) async fn replica(&self) -> (Engine, SocketAddr, CancellationToken) {
        let (engine, address, stop, _) = serve(&self.store, &self.clock, &self.setup).await;
        (engine, address, stop)
    }

    /// Stops the server in good order and starts it again on the same store.
    pub(crate) async fn restart(&mut self) {
        self.restart_after(0).await;
    }

    /// Stops the server in good order, lets time pass, and starts it again on the same store.
    pub(crate) async fn restart_after(&mut self, seconds: i64) {
        self.shut_down().await;
        self.advance(seconds);
        self.start_again().await;
    }

    /// Stops the server in good order.
    pub(crate) async fn shut_down(&mut self) {
        self.stop.cancel();
        (&mut self.serving).await.unwrap();
        self.engine = None;
    }

    /// Starts a server that was stopped, on whatever store is set now.
    pub(crate) async fn start_again(&mut self) {
        let (engine, address, stop, serving) = serve(&self.store, &self.clock, &self.setup).await;
        self.engine = Some(engine);
        (self.address, self.stop, self.serving) = (address, stop, serving);
    }

    /// The engine behind the server.
    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("the server runs")
    }

    /// A caller with this bearer; see the development authenticator for what it may.
    pub(crate) fn as_(&self, bearer: &str) -> Caller {
        Caller(Connection::new(&self.url(), bearer).unwrap())
    }

    /// The same, at the address of a replica.
    pub(crate) fn at_replica(address: SocketAddr, bearer: &str) -> Caller {
        Caller(Connection::new(&format!("http://{address}"), bearer).unwrap())
    }

    /// The orchestrator of most tests.
    pub(crate) fn orchestrator(&self) -> Caller {
        self.as_("orchestrator:deployer")
    }

    /// The runner of most tests.
    pub(crate) fn runner(&self) -> Caller {
        self.as_("runner:web-1")
    }

    /// Who keeps policies and teams in most tests.
    pub(crate) fn admin(&self) -> Caller {
        self.as_("admin:root")
    }

    /// The server's address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Moves the clock, and has settled what became due.
    pub(crate) async fn pass(&self, seconds: i64) {
        self.advance(seconds);
        while self.engine().settle_due(1_000).await.unwrap() > 0 {}
    }

    /// Moves the clock while the scheduler sleeps.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance_micros(seconds * 1_000_000);
    }

    /// The clock's instant plus these seconds, for windows.
    pub(crate) fn at(&self, seconds: i64) -> Option<prost_types::Timestamp> {
        self.at_micros(seconds * 1_000_000)
    }

    /// The clock's instant plus these microseconds.
    pub(crate) fn at_micros(&self, micros: i64) -> Option<prost_types::Timestamp> {
        let micros = self.clock.now().micros() + micros;
        let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap();
        Some(prost_types::Timestamp {
            seconds: micros.div_euclid(1_000_000),
            nanos,
        })
    }

    /// How many entries the log has.
    pub(crate) async fn entries(&self) -> u64 {
        self.engine().head().await.unwrap().head.sequence
    }
}

/// Stops the server and verifies its store.
pub(crate) async fn check(mut gate: Gate) {
    gate.stop.cancel();
    (&mut gate.serving).await.unwrap();
    let head = gate.engine().head().await.unwrap().head;
    let kept = Some((head.sequence, head.hash));
    drop(gate.engine);
    let report = countersign_engine::verify(&gate.store, kept).await.unwrap();
    assert_eq!(report.entries, head.sequence, "every entry was verified");
}

async fn serve(
    store: &StoreConfig,
    clock: &ManualClock,
    setup: &Setup,
) -> (Engine, SocketAddr, CancellationToken, JoinHandle<()>) {
    let prefix = CrPrefix::parse(setup.prefix).unwrap();
    let mut config = EngineConfig::new(store.clone(), prefix, "test-store".to_owned());
    config.clock = Clock::Manual(clock.clone());
    config.settings.require_policy = setup.require_policy;
    (setup.configure)(&mut config);
    let opening = tokio::time::timeout(LIMIT, opened(config)).await;
    let engine = opening.expect("the server before has let go of the store");
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = ServerConfig::new(listen, (setup.access)());
    // The clock stands still, so a test says itself when what is due is settled.
    config.scheduler = false;
    let bound = Server::bind(config, engine.clone()).await.unwrap();
    let address = bound.local_addr();
    let stop = CancellationToken::new();
    let serving = bound.serve(stop.clone());
    let serving = tokio::spawn(async move { serving.await.unwrap() });
    (engine, address, stop, serving)
}

/// Opens the store as soon as the last task of a server before has let go of it.
async fn opened(config: EngineConfig) -> Engine {
    loop {
        match Engine::open(config.clone()).await {
            Err(OpenError::Store(StoreError::InUse(_))) => tokio::task::yield_now().await,
            engine => return engine.unwrap(),
        }
    }
}

/// An empty database of the cluster that the test run has started.
async fn fresh_database() -> String {
    let admin = std::env::var("COUNTERSIGN_TEST_POSTGRES_URL").expect(
        "COUNTERSIGN_TEST_POSTGRES_URL is not set: run `make test`, or start a cluster with \
         `tests/tools/postgres start DIR` and set it to the URL that this prints",
    );
    countersign_store::testing::fresh_postgres(&admin)
        .await
        .unwrap()
}
