//! An open write transaction.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_domain::Instant;
use countersign_domain::log::{Entry, Hash, Head};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement};

use crate::call::{limited, limited_raw};
use crate::read::entries;
use crate::rows::{self, RowReader};
use crate::sql::{connection, log};
use crate::store::Inner;
use crate::{CommitError, StoreError};

/// An open write transaction that holds the write lock.
///
/// After any failure it can only be rolled back: PostgreSQL answers a commit of a failed
/// transaction with success and rolls back, so a commit is not even tried.
pub struct WriteTransaction {
    pub(super) store: Arc<Inner>,
    inner: Option<DatabaseTransaction>,
    failed: bool,
    lost: bool,
    spoilt: Arc<AtomicBool>,
}

impl fmt::Debug for WriteTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteTransaction")
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl WriteTransaction {
    pub(super) fn new(
        store: Arc<Inner>,
        inner: DatabaseTransaction,
        spoilt: Arc<AtomicBool>,
    ) -> Self {
        Self {
            store,
            inner: Some(inner),
            failed: false,
            lost: false,
            spoilt,
        }
    }

    /// The clock of the database, where it has one, and the newest entry. One statement.
    pub async fn clock_and_head(&mut self) -> Result<(Option<Instant>, Option<Head>), StoreError> {
        let statement = connection::clock_and_head(self.backend());
        let found = self.query("read the clock and the head", statement).await?;
        let Some(row) = found.first() else {
            return Ok((None, None));
        };
        let read = || {
            let reader = RowReader::new(row, "clock", "now".to_owned());
            let clock = match reader.value::<Option<i64>>(0, "clock_timestamp")? {
                Some(_) => Some(reader.instant(0, "clock_timestamp")?),
                None => None,
            };
            Ok((clock, rows::head(row)?))
        };
        let read: Result<_, StoreError> = read();
        self.noted(read)
    }

    /// The policy, team, freeze and token entries after a revision of the directory, in order.
    pub async fn directory_entries(
        &mut self,
        after_revision: u64,
    ) -> Result<Vec<Entry>, StoreError> {
        let statement = log::directory_entries(self.backend(), after_revision);
        let found = self
            .query("read entries of the directory", statement)
            .await?;
        self.noted(entries(&found))
    }

    /// The hash of one entry: what tells whether a batch whose commit was not answered is there.
    pub async fn entry_hash(&mut self, sequence: u64) -> Result<Option<Hash>, StoreError> {
        let statement = connection::entry_hash(self.backend(), sequence);
        let found = self.query("read a hash", statement).await?;
        let hash = found
            .first()
            .map(|row| RowReader::new(row, "entries", sequence.to_string()).hash(0, "hash"));
        self.noted(hash.transpose().map_err(StoreError::from))
    }

    /// Commits. After any failure it rolls back instead, and says so.
    pub async fn commit(mut self) -> Result<(), CommitError> {
        if self.failed {
            self.roll_back().await;
            return Err(CommitError::Aborted(StoreError::TransactionFailed));
        }
        let Some(inner) = self.inner.take() else {
            return Err(CommitError::Aborted(StoreError::TransactionFailed));
        };
        self.spoilt.store(true, Ordering::Release);
        match limited_raw(inner.commit()).await {
            Ok(Ok(())) => {
                self.spoilt.store(false, Ordering::Release);
                Ok(())
            }
            Ok(Err(error)) => Err(CommitError::new(error)),
            Err(no_answer) => Err(CommitError::Unknown(no_answer)),
        }
    }

    /// Rolls back.
    pub async fn rollback(mut self) {
        self.roll_back().await;
    }

    async fn roll_back(&mut self) {
        let Some(inner) = self.inner.take() else {
            return;
        };
        // Whatever it says, a connection that did not roll back cleanly is not used again, and
        // the server ends what was open on it.
        self.spoilt.store(true, Ordering::Release);
        if self.lost {
            return;
        }
        if limited("roll back", inner.rollback()).await.is_ok() {
            self.spoilt.store(false, Ordering::Release);
        }
    }

    /// Runs a statement that answers with rows.
    pub(super) async fn query(
        &mut self,
        what: &'static str,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, StoreError> {
        let inner = self.usable()?;
        let answered = limited(what, inner.query_all_raw(statement)).await;
        self.noted(answered)
    }

    /// Runs a statement, and answers with the number of rows it changed.
    pub(super) async fn execute(
        &mut self,
        what: &'static str,
        statement: Statement,
    ) -> Result<u64, StoreError> {
        let inner = self.usable()?;
        let answered = limited(what, inner.execute_raw(statement)).await;
        self.noted(answered).map(|done| done.rows_affected())
    }

    /// Remembers a failure: after one there is no commit.
    pub(super) fn noted<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &outcome {
            self.failed = true;
            self.lost |= error.is_connection_loss();
        }
        outcome
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.store.backend()
    }

    fn usable(&self) -> Result<&DatabaseTransaction, StoreError> {
        match &self.inner {
            Some(inner) if !self.failed => Ok(inner),
            Some(_) | None => Err(StoreError::TransactionFailed),
        }
    }
}

impl Drop for WriteTransaction {
    fn drop(&mut self) {
        if self.inner.is_some() {
            self.spoilt.store(true, Ordering::Release);
        }
    }
}
