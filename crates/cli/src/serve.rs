//! `countersign serve`: opens the store, binds, serves until it is told to stop.

use std::io::IsTerminal as _;

use anyhow::{Context as _, ensure};
use countersign_server::{
    AccessSettings, BoundServer, Engine, EngineConfig, Server, ServerConfig, TlsFiles,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::arguments::{LogFormat, Serve};
use crate::{descriptors, output, store};

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
    let access = match &arguments.access {
        Some(file) => AccessSettings::load(file)
            .with_context(|| format!("failed to read {}", file.display()))?,
        None if arguments.insecure_dev => AccessSettings::insecure_dev(),
        None => AccessSettings::default(),
    };
    let given = arguments.prefix.as_deref().map(store::prefix).transpose()?;
    let prefix = given.clone().map_or_else(store::usual_prefix, Ok)?;
    let config = arguments.store.config()?;
    let what = format!("store {config}, {access}");
    let tls = arguments.tls.files();
    let asks = tls
        .as_ref()
        .is_some_and(|it| it.client_authorities.is_some());
    ensure!(
        asks || !access.knows_certificates(),
        "the access file names services by certificate, and this server asks for none: name whose \
         certificates are believed (--client-ca), or leave the services out"
    );
    let mut server = ServerConfig::new(arguments.listen, access);
    server.tls = tls;
    server.plaintext = arguments.plaintext;
    server.limits = arguments.limits.limits();
    server.security_log.file = arguments.security_log;
    server.metrics = arguments.metrics_address;
    // Before the store is opened: a server that may not run shall not create or migrate one.
    server.check_addresses()?;
    server.tls.as_ref().map_or(Ok(()), TlsFiles::check)?;
    descriptors::provide(&mut server.limits);
    let mut config = EngineConfig::new(config, prefix, store::new_id());
    config.settings.require_policy = arguments.require_policy;
    let engine = Engine::open(config).await?;
    store::check_prefix(&engine, given.as_ref())?;
    Ok((Server::bind(server, engine).await?, what))
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
