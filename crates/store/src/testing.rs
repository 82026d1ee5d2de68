//! Help for the tests of this and of other crates. Not a part of the store.

use std::str::FromStr;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::call::limited;
use crate::open::postgres::connect_setup;
use crate::{StoreConfig, StoreError, sql};

/// Names the server that tests use; `tests/tools/postgres start DIR` starts one and prints it.
pub const POSTGRES_URL: &str = "COUNTERSIGN_TEST_POSTGRES_URL";

/// The server that tests use. Without one they fail: what was not tested must not look tested.
#[expect(clippy::panic, reason = "called by tests only")]
pub fn postgres_url() -> String {
    match std::env::var(POSTGRES_URL) {
        Ok(url) => url,
        Err(_) => panic!(
            "{POSTGRES_URL} is not set: start a server with `tests/tools/postgres start DIR` and \
             set it to the URL that this prints"
        ),
    }
}

/// Creates a database with a name of its own, and answers with its URL.
pub async fn fresh_postgres(admin_url: &str) -> Result<String, StoreError> {
    let server = connect_setup(admin_url).await?;
    let found = limited(
        "name a database",
        server.query_all_raw(sql::testing::fresh_name()),
    )
    .await?;
    let name: Option<String> = found.first().and_then(|row| row.try_get_by(0_usize).ok());
    let name = name.ok_or(StoreError::BadUrl)?;
    let create = sql::testing::create_database(&name);
    limited("create a database", server.execute_unprepared(&create)).await?;
    limited("close the connections", server.close()).await?;
    let options = PgConnectOptions::from_str(admin_url).map_err(|_| StoreError::BadUrl)?;
    Ok(options.database(&name).to_url_lossy().to_string())
}

/// A connection that may do anything to a store, as an intruder could.
pub async fn intrude(config: &StoreConfig) -> Result<DatabaseConnection, StoreError> {
    match config {
        StoreConfig::Sqlite { path } => crate::open::sqlite::connect_writer(path).await,
        StoreConfig::Postgres { url } => connect_setup(url).await,
    }
}

/// Ends all connections to a PostgreSQL store, as a server does that is restarted.
pub async fn cut_connections(config: &StoreConfig) -> Result<(), StoreError> {
    let intruder = intrude(config).await?;
    let cut = intruder.query_all_raw(sql::testing::cut_connections());
    limited("cut connections", cut).await?;
    limited("close the connections", intruder.close()).await
}

/// The server's processes that have a transaction open in a PostgreSQL store.
pub async fn processes_in_transactions(config: &StoreConfig) -> Result<Vec<i32>, StoreError> {
    let intruder = intrude(config).await?;
    let found = intruder.query_all_raw(sql::testing::processes_in_transactions());
    let found = limited("look at the server", found).await?;
    limited("close the connections", intruder.close()).await?;
    Ok(found
        .iter()
        .filter_map(|row| row.try_get_by(0_usize).ok())
        .collect())
}
