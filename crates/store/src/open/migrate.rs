//! Bringing the schema up to date, one process at a time.

use std::path::Path;

use countersign_migrations::migrate;
use sea_orm::{ConnectionTrait, TransactionTrait};

use super::{postgres, sqlite};
use crate::StoreError;
use crate::sql::connection::{SETUP_LOCK_KEY, take_lock};

/// The caller holds the lock file.
pub(crate) async fn migrate_sqlite(path: &Path) -> Result<(), StoreError> {
    let connection = sqlite::connect_writer(path).await?;
    migrate(&connection)
        .await
        .map_err(|error| StoreError::new("make the schema", error))?;
    connection
        .close()
        .await
        .map_err(|error| StoreError::new("close the file", error))
}

/// The migrations themselves take no lock, so another connection holds one meanwhile. Processes
/// that start at the same time wait here, and then find nothing left to do.
pub(crate) async fn migrate_postgres(url: &str) -> Result<(), StoreError> {
    let what = "make the schema";
    let pool = postgres::connect_setup(url).await?;
    let guard = pool
        .begin()
        .await
        .map_err(|error| StoreError::new(what, error))?;
    let locked = guard.execute_raw(take_lock(SETUP_LOCK_KEY)).await;
    locked.map_err(|error| StoreError::new(what, error))?;
    migrate(&pool)
        .await
        .map_err(|error| StoreError::new(what, error))?;
    guard
        .rollback()
        .await
        .map_err(|error| StoreError::new(what, error))?;
    pool.close()
        .await
        .map_err(|error| StoreError::new("close the connections", error))
}
