//! Connections to a file.

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use super::lock_file::open_private;
use crate::StoreError;
use crate::call::limited;

const READERS: u32 = 4;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes the file where it is missing, for its owner alone; its side files get the same mode.
pub(crate) fn create_file(path: &Path) -> Result<(), StoreError> {
    let unusable = |source| StoreError::File {
        path: path.to_owned(),
        source,
    };
    open_private(path).map(drop).map_err(unusable)
}

/// The one connection that writes.
pub(crate) async fn connect_writer(path: &Path) -> Result<DatabaseConnection, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // Fewer and larger checkpoints: each one stops the writer.
        .pragma("wal_autocheckpoint", "10000")
        .pragma("cache_size", "-32768")
        .disable_statement_logging();
    connect(options, 1).await
}

/// The connections that read; they cannot write.
pub(crate) async fn connect_readers(path: &Path) -> Result<DatabaseConnection, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    connect(options, READERS).await
}

async fn connect(
    options: SqliteConnectOptions,
    connections: u32,
) -> Result<DatabaseConnection, StoreError> {
    // The path goes in by the options: in a URL some characters of it would mean something.
    let mut outer = ConnectOptions::new("sqlite::memory:");
    outer
        .max_connections(connections)
        .acquire_timeout(BUSY_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |_| options.clone());
    limited("open the file", Database::connect(outer)).await
}
