//! The connection that writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use super::WriteTransaction;
use crate::call::limited;
use crate::open::{postgres, sqlite};
use crate::sql::connection::take_lock;
use crate::store::Inner;
use crate::{StoreConfig, StoreError};

/// The connection that writes, under one lock.
#[derive(Debug)]
pub struct Writer {
    store: Arc<Inner>,
    lock_key: i64,
    connection: Option<Connection>,
}

/// One connection, and whether something was left unfinished on it.
#[derive(Debug)]
struct Connection {
    pool: DatabaseConnection,
    spoilt: Arc<AtomicBool>,
}

impl Writer {
    pub(crate) async fn connect(store: Arc<Inner>, lock_key: i64) -> Result<Self, StoreError> {
        let mut writer = Self {
            store,
            lock_key,
            connection: None,
        };
        writer.connection().await?;
        Ok(writer)
    }

    /// Begins a transaction and takes the write lock. A connection that was lost is made again.
    pub async fn begin(&mut self) -> Result<WriteTransaction, StoreError> {
        let was_used = self.connection.is_some();
        match self.try_begin().await {
            Err(error) if was_used && error.is_connection_loss() => self.try_begin().await,
            begun => begun,
        }
    }

    async fn try_begin(&mut self) -> Result<WriteTransaction, StoreError> {
        let store = Arc::clone(&self.store);
        let lock_key = self.lock_key;
        let Connection { pool, spoilt } = self.connection().await?;
        // Until it has begun: what is cancelled half-way may be open on the server all the same.
        spoilt.store(true, Ordering::Release);
        let transaction = begin(pool, lock_key).await?;
        spoilt.store(false, Ordering::Release);
        Ok(WriteTransaction::new(
            store,
            transaction,
            Arc::clone(spoilt),
        ))
    }

    async fn connection(&mut self) -> Result<&Connection, StoreError> {
        // A dropped transaction rolls back some time later, or never: its connection is not used
        // again, so that nothing of it can come into the next transaction.
        let found = self.connection.take();
        let usable = found.filter(|found| !found.spoilt.load(Ordering::Acquire));
        let connection = match usable {
            Some(connection) => connection,
            None => self.connect_again().await?,
        };
        Ok(self.connection.insert(connection))
    }

    async fn connect_again(&self) -> Result<Connection, StoreError> {
        let pool = match &self.store.config {
            StoreConfig::Sqlite { path } => sqlite::connect_writer(path).await?,
            StoreConfig::Postgres { url } => postgres::connect_writer(url).await?,
        };
        Ok(Connection {
            pool,
            spoilt: Arc::new(AtomicBool::new(false)),
        })
    }
}

/// Begins, and takes the lock in a statement of its own.
async fn begin(
    pool: &DatabaseConnection,
    lock_key: i64,
) -> Result<DatabaseTransaction, StoreError> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let what = "take the write lock";
    let transaction = limited(what, pool.begin_with_options(options)).await?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        limited(what, transaction.execute_raw(take_lock(lock_key))).await?;
    }
    Ok(transaction)
}
