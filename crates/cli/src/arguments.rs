//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use countersign_server::TlsFiles;

use crate::limits::LimitOptions;
use crate::store::Store;
use crate::token::Token;
use crate::whoami::WhoAmI;

/// The approval gate for deployments and runbooks.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    after_help = "Exit codes: 0 done; 1 failed, or a conformance case did; 2 the command line is \
                  wrong; 3 `verify` found a store that does not prove."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Serve the gate.
    Serve(Box<Serve>),
    /// Play the whole story on a server of its own, in about ten seconds.
    Demo {
        /// Leave the server up afterwards, and print calls to try.
        #[arg(long)]
        keep: bool,
    },
    /// Make, list, show and revoke API tokens: at the store itself, as the first ones are made, or
    /// at a server.
    Token(Token),
    /// Tell who a credential makes its bearer, and what it may do.
    #[command(name = "whoami")]
    WhoAmI(WhoAmI),
    /// Prove the log and all rows of a store; also of one that is being served.
    Verify(Verify),
    /// Bring a store to the schema of this release. `serve` does it too.
    Migrate(Migrate),
    /// Play the conformance cases against any server, and say what it does differently.
    Conformance(Conformance),
}

/// How log lines look.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) store: Store,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7733")]
    pub(crate) listen: SocketAddr,
    /// Who may call beside the bearers of API tokens: a TOML file with the identity provider of
    /// people, what they may do, and the services that come with client certificates.
    #[arg(long, value_name = "FILE")]
    pub(crate) access: Option<PathBuf>,
    /// Also take the bearer text of each call as its subject. Only on a loopback address.
    #[arg(long, conflicts_with = "access")]
    pub(crate) insecure_dev: bool,
    #[command(flatten)]
    pub(crate) tls: TlsOptions,
    /// Allow another address than loopback without TLS: something in front must speak it. Metrics
    /// on another address than loopback need this too: they always travel in the clear.
    #[arg(long)]
    pub(crate) plaintext: bool,
    /// Refuse tasks that no policy matches.
    #[arg(long)]
    pub(crate) require_policy: bool,
    /// What stands before change request numbers; fixed when the store is created. Left out: CR
    /// for a new store.
    #[arg(long, value_name = "PREFIX")]
    pub(crate) prefix: Option<String>,
    /// Where denied calls, and reads of the log, are told, as lines of JSON: five files of 16 MiB
    /// at the most. Left out: among the log lines.
    #[arg(long, value_name = "FILE")]
    pub(crate) security_log: Option<PathBuf>,
    /// Where to serve Prometheus metrics. Left out: nowhere.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics_address: Option<SocketAddr>,
    /// How log lines look.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,
    #[command(flatten)]
    pub(crate) limits: LimitOptions,
}

/// Files of TLS, all PEM. They are looked at every two seconds: new ones need no restart.
#[derive(Debug, Args)]
pub(crate) struct TlsOptions {
    /// Speak TLS with this certificate, followed in the file by those that prove it. New files are
    /// taken over while the server runs.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate. Nobody but its owner may read it (0600); if that is
    /// root, also its group (0640).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Also ask for client certificates, and believe those of these authorities. Callers may still
    /// come without one.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
}

impl TlsOptions {
    /// The files that are meant, if any.
    pub(crate) fn files(self) -> Option<TlsFiles> {
        Some(TlsFiles {
            certificate: self.tls_cert?,
            key: self.tls_key?,
            client_authorities: self.client_ca,
        })
    }
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) store: Store,
    /// A head that was kept elsewhere, as SEQUENCE:HASH. Without one, a log that was cut at its end
    /// cannot be told from one that was never longer.
    #[arg(long, value_name = "HEAD")]
    pub(crate) expect_head: Option<String>,
}

/// Options of `migrate`.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) store: Store,
    /// Raise the store to the newest format, once no older release writes to it any more.
    #[arg(long)]
    pub(crate) finalize: bool,
}

/// Options of `conformance`.
#[derive(Debug, Args)]
pub(crate) struct Conformance {
    /// The server, for example http://127.0.0.1:7733. Use one where a few ended tasks more in the
    /// log do no harm.
    #[arg(long, value_name = "URL", required_unless_present_any = ["list", "callers"])]
    pub(crate) address: Option<String>,
    /// The credentials of the callers, as a YAML or JSON file. Left out: those of a server that
    /// runs with --insecure-dev.
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,
    /// Cases of your own instead of those of this release: a folder of .yaml files.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cases: Option<PathBuf>,
    /// Only cases with this text in their title.
    #[arg(long, value_name = "TEXT")]
    pub(crate) case: Option<String>,
    /// Also play cases that take longer than five seconds, some of them hours.
    #[arg(long)]
    pub(crate) slow: bool,
    /// List the cases with their rules, and play none.
    #[arg(long, conflicts_with = "address")]
    pub(crate) list: bool,
    /// List the callers that need a credential.
    #[arg(long, conflicts_with = "address")]
    pub(crate) callers: bool,
}
