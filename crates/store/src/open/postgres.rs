//! Connections to a PostgreSQL server.

use std::str::FromStr;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sea_orm::sqlx::{ConnectOptions as _, Executor, Row};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, SqlxError};

use crate::StoreError;
use crate::call::limited;
use crate::sql::connection::{COMMITS_ARE_DURABLE, IS_STANDBY};

const READERS: u32 = 16;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const IDLE_BEFORE_PING: Duration = Duration::from_secs(1);

/// The writer may be paused at any instruction while it holds the lock; these limits free the lock
/// again. Its statements only look up keys, but a plan is made once, and would be made while the
/// tables are still empty: what would then be a cheap scan must not be chosen for ever.
const WRITER: [(&str, &str); 9] = [
    ("idle_in_transaction_session_timeout", "2s"),
    ("tcp_user_timeout", "3s"),
    ("lock_timeout", "5s"),
    ("statement_timeout", "5s"),
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// Readers only send single statements and never begin a transaction, so a call that is cancelled
/// cannot leave one open behind it.
const READER: [(&str, &str); 5] = [
    ("default_transaction_read_only", "on"),
    ("statement_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("plan_cache_mode", "force_custom_plan"),
    ("jit", "off"),
];

/// A migration takes the time it takes, but does not wait for ever for its turn.
const SETUP: [(&str, &str); 3] = [
    ("statement_timeout", "0"),
    ("lock_timeout", "120s"),
    ("idle_in_transaction_session_timeout", "0"),
];

/// The one connection that writes.
pub(crate) async fn connect_writer(url: &str) -> Result<DatabaseConnection, StoreError> {
    let mut options = pool_options(url, &WRITER)?;
    // No ping: a connection that was cut is noticed at BEGIN, when nothing is lost.
    options
        .max_connections(1)
        .test_before_acquire(false)
        .map_sqlx_postgres_pool_opts(|pool| {
            pool.after_connect(|connection, _| {
                Box::pin(async move {
                    refuse_standby(connection).await?;
                    connection.execute(COMMITS_ARE_DURABLE).await.map(drop)
                })
            })
        });
    limited("connect", Database::connect(options)).await
}

/// The connections that read; they cannot write. A standby lags behind what was answered, so what
/// is served is read from the primary alone.
pub(crate) async fn connect_readers(url: &str) -> Result<DatabaseConnection, StoreError> {
    let mut options = pool_options(url, &READER)?;
    options
        .max_connections(READERS)
        .test_before_acquire_if_idle_for(IDLE_BEFORE_PING)
        .map_sqlx_postgres_pool_opts(|pool| {
            pool.after_connect(|connection, _| Box::pin(refuse_standby(connection)))
        });
    limited("connect", Database::connect(options)).await
}

/// Connections that read for proving, which may happen on a standby.
pub(crate) async fn connect_provers(url: &str) -> Result<DatabaseConnection, StoreError> {
    let mut options = pool_options(url, &READER)?;
    options.max_connections(2);
    limited("connect", Database::connect(options)).await
}

async fn refuse_standby(connection: &mut PgConnection) -> Result<(), SqlxError> {
    let row = connection.fetch_one(IS_STANDBY).await?;
    if row.try_get(0)? {
        return Err(SqlxError::Protocol("the server is a standby".to_owned()));
    }
    Ok(())
}

/// Two connections for making the schema: one holds the lock, the other works.
pub(crate) async fn connect_setup(url: &str) -> Result<DatabaseConnection, StoreError> {
    let mut options = pool_options(url, &SETUP)?;
    options.max_connections(2);
    Database::connect(options)
        .await
        .map_err(|error| StoreError::new("connect", error))
}

/// A connection of its own for notifications.
pub(crate) fn listener_pool(url: &str) -> Result<PgPool, StoreError> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None);
    Ok(pool.connect_lazy_with(connect_options(url, &[])?))
}

fn pool_options(
    url: &str,
    settings: &'static [(&str, &str)],
) -> Result<ConnectOptions, StoreError> {
    let inner = connect_options(url, settings)?;
    // The real options stay out of sea-orm's: it puts those into spans, and a URL has a password.
    let mut outer = ConnectOptions::new("postgres://localhost");
    outer
        .min_connections(0)
        .acquire_timeout(CONNECT_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_postgres_opts(move |_| inner.clone());
    Ok(outer)
}

fn connect_options(url: &str, settings: &[(&str, &str)]) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| StoreError::BadUrl)?;
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("countersign"),
    };
    Ok(options
        .options(settings.iter().copied())
        .disable_statement_logging())
}
