//! `countersign serve`: opens the store, binds, serves until it is told to stop.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use countersign_server::{
    Authenticator, BoundServer, CrPrefix, Engine, EngineConfig, Server, ServerConfig, TlsFiles,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::arguments::{LogFormat, Serve};
use crate::{descriptors, output};

/// Serves. The first SIGTERM or interrupt asks it to leave in good order, the second ends it.
pub(crate) async fn run(arguments: Serve) -> anyhow::Result<()> {
    write_log(arguments.log_format);
    let (bound, what) = bind(arguments).await?;
    let stop = CancellationToken::new();
    let mut asked = Asked::new()?;
    let address = bound.local_addr();
    output::line(&format!(
        "countersign is ready: listening on {address}, {what}"
    ))?;
    let serving = bound.serve(stop.clone());
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        () = asked.wait() => tracing::info!("asked to stop; once more ends it at once"),
    }
    stop.cancel();
    tokio::select! {
        ended = &mut serving => Ok(ended?),
        () = asked.wait() => anyhow::bail!("ended while calls were still open"),
    }
}

/// Opens the store and binds; answers with the server, and in words with what it serves to whom.
async fn bind(arguments: Serve) -> anyhow::Result<(BoundServer, String)> {
    let authenticator = match &arguments.tokens {
        Some(file) => Authenticator::tokens_file(file)?,
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
    let what = format!("store {store}, {authenticator}");
    let mut server = ServerConfig::new(arguments.listen, authenticator);
    server.tls = arguments.tls.files();
    server.plaintext = arguments.plaintext;
    server.limits = arguments.limits.limits();
    server.metrics = arguments.metrics_address;
    // Before the store is opened: a server that may not run shall not create or migrate one.
    server.check_addresses()?;
    server.tls.as_ref().map_or(Ok(()), TlsFiles::check)?;
    descriptors::provide(&mut server.limits);
    let mut config = EngineConfig::new(store, prefix, new_store_id());
    config.settings.require_policy = arguments.require_policy;
    let engine = Engine::open(config).await?;
    Ok((Server::bind(server, engine).await?, what))
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
    use tracing_subscriber::filter::{Directive, LevelFilter};
    let denials: Directive = "security=warn".parse().unwrap_or(LevelFilter::WARN.into());
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,sea_orm=warn,h2=warn"))
        // Whatever else is asked for: denied calls are always recorded.
        .add_directive(denials);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
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

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminated.recv() => {}
            _ = self.interrupted.recv() => {}
        }
    }
}
