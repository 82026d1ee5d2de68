//! `countersign serve`: opens the store, binds, serves until it is told to stop.

use anyhow::Context as _;
use countersign_server::{
    Authenticator, BoundServer, CrPrefix, Engine, EngineConfig, Server, ServerConfig,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::arguments::{LogFormat, Serve};
use crate::output;

/// Serves. The first SIGTERM or interrupt asks it to leave in good order, the second ends it.
pub(crate) async fn run(arguments: Serve) -> anyhow::Result<()> {
    write_log(arguments.log_format);
    let (bound, engine) = bind(arguments).await?;
    let stop = CancellationToken::new();
    let mut asked = Asked::new()?;
    output::line(&format!(
        "countersign is ready: listening on {}, store {}",
        bound.local_addr(),
        engine.store_id()
    ))?;
    drop(engine);
    let serving = bound.serve(stop.clone());
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        () = asked.to_stop() => tracing::info!("asked to stop; once more ends it at once"),
    }
    stop.cancel();
    tokio::select! {
        ended = &mut serving => Ok(ended?),
        () = asked.to_stop() => anyhow::bail!("ended while calls were still open"),
    }
}

async fn bind(arguments: Serve) -> anyhow::Result<(BoundServer, Engine)> {
    let authenticator = match &arguments.tokens {
        Some(file) => Authenticator::tokens_file(file)
            .with_context(|| format!("failed to read the tokens file {}", file.display()))?,
        None => Authenticator::insecure_dev(),
    };
    let prefix = CrPrefix::parse(&arguments.prefix).map_err(|problem| {
        anyhow::anyhow!(
            "--prefix: found {}; allowed: {}",
            problem.found,
            problem.allowed
        )
    })?;
    let store = arguments.store.config()?;
    let mut config = EngineConfig::new(store, prefix, new_store_id());
    config.settings.require_policy = arguments.require_policy;
    let mut server = ServerConfig::new(arguments.listen, authenticator);
    server.plaintext = arguments.plaintext;
    server.metrics = arguments.metrics_address;
    let engine = Engine::open(config).await?;
    let bound = Server::bind(server, engine.clone()).await?;
    Ok((bound, engine))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one edge where a store gets its id"
)]
fn new_store_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Log lines go to standard error. The database driver's own are too many by default.
fn write_log(format: LogFormat) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,sea_orm=warn,h2=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

/// The two ways to ask a process to stop.
struct Asked {
    terminated: Signal,
    interrupted: Signal,
}

impl Asked {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("failed to listen for signals");
        Ok(Self {
            terminated: listen(SignalKind::terminate())?,
            interrupted: listen(SignalKind::interrupt())?,
        })
    }

    async fn to_stop(&mut self) {
        tokio::select! {
            _ = self.terminated.recv() => {}
            _ = self.interrupted.recv() => {}
        }
    }
}
