//! Which store a verb works on, and how a new one is made.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;
use countersign_server::{CrPrefix, Engine, StoreConfig};

/// Where the URL of a database is looked for when no store is named.
const DATABASE_URL: &str = "COUNTERSIGN_DATABASE_URL";
/// What stands before change request numbers where nothing else is said.
const USUAL_PREFIX: &str = "CR";

/// Which store: a SQLite file, or PostgreSQL. Named at most once. Without any, the environment
/// variable COUNTERSIGN_DATABASE_URL names one, else it is `countersign.db` in this folder.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Store {
    /// The SQLite file.
    #[arg(long, value_name = "FILE")]
    sqlite: Option<PathBuf>,
    /// PostgreSQL, as postgres://user@host/database. Prefer the file if it has a password. Also by
    /// the environment, as COUNTERSIGN_DATABASE_URL, where no store is named here.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// PostgreSQL, with the URL in this file.
    #[arg(long, value_name = "FILE")]
    database_url_file: Option<PathBuf>,
}

impl Store {
    /// The store that is meant.
    pub(crate) fn config(&self) -> anyhow::Result<StoreConfig> {
        if let Some(path) = &self.sqlite {
            return Ok(StoreConfig::Sqlite { path: path.clone() });
        }
        if let Some(url) = &self.database_url {
            return postgres(url.clone());
        }
        if let Some(file) = &self.database_url_file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("failed to read {}", file.display()))?;
            return postgres(text.trim().to_owned());
        }
        match std::env::var(DATABASE_URL) {
            Ok(url) => postgres(url),
            Err(_) => Ok(StoreConfig::Sqlite {
                path: PathBuf::from("countersign.db"),
            }),
        }
    }
}

fn postgres(url: String) -> anyhow::Result<StoreConfig> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(StoreConfig::Postgres { url });
    }
    bail!("the database URL must begin with postgres:// or postgresql://")
}

/// What stands before change request numbers, as somebody wants it.
pub(crate) fn prefix(text: &str) -> anyhow::Result<CrPrefix> {
    CrPrefix::parse(text).map_err(|problem| {
        anyhow!(
            "--prefix: found {}; allowed: {}",
            problem.found,
            problem.allowed
        )
    })
}

/// What stands before them in a new store where nothing is said.
pub(crate) fn usual_prefix() -> anyhow::Result<CrPrefix> {
    prefix(USUAL_PREFIX)
}

/// Refuses a prefix that the store does not have: it was fixed when the store was created, and who
/// names another one would look for change requests that never are.
pub(crate) fn check_prefix(engine: &Engine, wanted: Option<&CrPrefix>) -> anyhow::Result<()> {
    let found = engine.prefix();
    let fits = wanted.is_none_or(|wanted| *wanted == found);
    ensure!(
        fits,
        "--prefix: the store was created with {}, which never changes; leave the option out",
        found.as_str()
    );
    Ok(())
}

/// The id of a new store.
#[expect(
    clippy::disallowed_methods,
    reason = "the one edge where a store gets its id"
)]
pub(crate) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
