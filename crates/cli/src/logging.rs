//! The log of the process: standard error, for people or for machines.

use std::io::{IsTerminal as _, stderr};

use anyhow::anyhow;
use tracing_subscriber::EnvFilter;

use crate::arguments::LogFormat;

/// What is logged unless `RUST_LOG` says otherwise. The database libraries would log every statement.
const FILTER: &str = "info,sqlx=off,sea_orm=off,sea_orm_migration=off";

/// Starts logging.
pub(crate) fn start(format: LogFormat) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(text)?,
        _ => EnvFilter::try_new(FILTER)?,
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr);
    let started = match format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow!("failed to start logging: {error}"))
}
