//! The store as the engine sees it.

use std::path::Path;
use std::sync::Arc;

use countersign_domain::Instant;
use countersign_domain::log::Entry;
use sea_orm::{DatabaseConnection, DbBackend, QueryResult, Statement};

use crate::cache::ResultantCache;
use crate::open::{LockFile, migrate_postgres, migrate_sqlite, postgres, sqlite};
use crate::sql::connection::SETUP_LOCK_KEY;
use crate::{CommitError, StoreConfig, StoreError, Writer, call};

/// The store: cheap to clone, safe to share.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

/// What all handles of one store share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: StoreConfig,
    pub(crate) readers: DatabaseConnection,
    pub(crate) resultants: ResultantCache,
    read_only: bool,
    _lock_file: Option<LockFile>,
}

impl Store {
    /// Opens the store, creating and migrating it where needed. A file is served by one process:
    /// the second one is refused.
    pub async fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        if config.trusts_the_network() {
            tracing::warn!(
                "the database is asked over a network without proof that it is the one that is \
                 meant; add sslmode=verify-full and sslrootcert=FILE to its URL"
            );
        }
        let (readers, lock_file) = match config {
            StoreConfig::Sqlite { path } => {
                let lock_file = LockFile::take(path)?;
                sqlite::create_file(path)?;
                migrate_sqlite(path).await?;
                (sqlite::connect_readers(path).await?, Some(lock_file))
            }
            StoreConfig::Postgres { url } => {
                migrate_postgres(url).await?;
                (postgres::connect_readers(url).await?, None)
            }
        };
        Ok(Self::new(config, readers, false, lock_file))
    }

    /// Opens an existing store to be read only: no lock, no migration, nothing is written. A file
    /// may be served by another process meanwhile.
    pub async fn open_read_only(config: &StoreConfig) -> Result<Self, StoreError> {
        let readers = match config {
            StoreConfig::Sqlite { path } => {
                check_is_there(path)?;
                sqlite::connect_readers(path).await?
            }
            StoreConfig::Postgres { url } => postgres::connect_provers(url).await?,
        };
        Ok(Self::new(config, readers, true, None))
    }

    fn new(
        config: &StoreConfig,
        readers: DatabaseConnection,
        read_only: bool,
        lock_file: Option<LockFile>,
    ) -> Self {
        let inner = Inner {
            config: config.clone(),
            readers,
            resultants: ResultantCache::new(),
            read_only,
            _lock_file: lock_file,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Whether the store is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.inner.backend() == DbBackend::Postgres
    }

    /// Closes the connections that read. Calls that come later fail.
    pub async fn close(&self) {
        // What could fail is saying good-bye; the connections are gone either way.
        let _ = self.inner.readers.close_by_ref().await;
    }

    /// A connection of its own that writes under a lock; it is made again whenever it breaks.
    pub async fn writer(&self, lock_key: i64) -> Result<Writer, StoreError> {
        if self.inner.read_only {
            return Err(StoreError::ReadOnly);
        }
        Writer::connect(Arc::clone(&self.inner), lock_key).await
    }

    /// Appends entry 1 to a store without entries, whichever process comes first. `make` is given
    /// the database's clock, if it has one.
    pub async fn create_if_empty(
        &self,
        make: impl FnOnce(Option<Instant>) -> Entry + Send,
    ) -> Result<(), StoreError> {
        let mut writer = self.writer(SETUP_LOCK_KEY).await?;
        let mut transaction = writer.begin().await?;
        let (clock, head) = transaction.clock_and_head().await?;
        if head.is_some() {
            transaction.rollback().await;
            return Ok(());
        }
        transaction
            .save(&[make(clock)], &Default::default())
            .await?;
        match transaction.commit().await {
            Ok(()) => Ok(()),
            Err(CommitError::Aborted(error)) => Err(error),
            Err(CommitError::Unknown(error)) => {
                let mut transaction = writer.begin().await?;
                let (_, head) = transaction.clock_and_head().await?;
                transaction.rollback().await;
                head.map(drop).ok_or(error)
            }
        }
    }

    /// Reads with one statement, which is one snapshot.
    pub(crate) async fn read(
        &self,
        what: &'static str,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, StoreError> {
        call::read(&self.inner.readers, what, statement).await
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.inner.backend()
    }
}

impl Inner {
    pub(crate) fn backend(&self) -> DbBackend {
        match self.config {
            StoreConfig::Sqlite { .. } => DbBackend::Sqlite,
            StoreConfig::Postgres { .. } => DbBackend::Postgres,
        }
    }
}

fn check_is_there(path: &Path) -> Result<(), StoreError> {
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(StoreError::Missing(path.to_owned())),
        Err(source) => Err(StoreError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sql, testing};

    async fn readers_cannot_write(config: &StoreConfig) {
        let store = Store::open(config).await.unwrap();
        let writing = sql::directory::delete_policy(store.backend(), "any");
        let error = store.read("write", writing).await.unwrap_err();
        assert!(error.is_connection_loss(), "read-only: {error:?}");
    }

    mod readers_cannot_write {
        #[tokio::test]
        async fn sqlite() {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("store.db");
            super::readers_cannot_write(&super::StoreConfig::Sqlite { path }).await;
        }

        #[tokio::test]
        async fn postgres() {
            let url = super::testing::postgres_url();
            let url = super::testing::fresh_postgres(&url).await.unwrap();
            super::readers_cannot_write(&super::StoreConfig::Postgres { url }).await;
        }
    }
}
