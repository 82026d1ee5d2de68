//! The log and its head.

use countersign_domain::Instant;
use countersign_domain::log::{Entry, Head};
use sea_orm::QueryResult;

use crate::rows::{self, RowReader};
use crate::sql::{connection, log};
use crate::{EntryFilter, Store, StoreError};

impl Store {
    /// Entry 1.
    pub async fn first_entry(&self) -> Result<Option<Entry>, StoreError> {
        let found = self
            .read("read entry 1", log::first_entry(self.backend()))
            .await?;
        Ok(found.first().map(rows::entry).transpose()?)
    }

    /// The newest entry.
    pub async fn head(&self) -> Result<Option<Head>, StoreError> {
        let statement = connection::clock_and_head(self.backend());
        let found = self.read("read the head", statement).await?;
        Ok(found.first().map(rows::head).transpose()?.flatten())
    }

    /// The clock of the database; SQLite has none.
    pub async fn clock(&self) -> Result<Option<Instant>, StoreError> {
        if !self.is_postgres() {
            return Ok(None);
        }
        let found = self.read("read the clock", connection::clock()).await?;
        let reader = found
            .first()
            .map(|row| RowReader::new(row, "clock", "now".to_owned()));
        Ok(reader
            .map(|reader| reader.instant(0, "clock_timestamp"))
            .transpose()?)
    }

    /// Entries in order.
    pub async fn entries(&self, filter: &EntryFilter) -> Result<Vec<Entry>, StoreError> {
        let statement = log::entries(self.backend(), filter);
        entries(&self.read("read entries", statement).await?)
    }

    /// Entries by aggregate kind, aggregate id and sequence, after a position. Ids are ordered byte
    /// by byte on every store.
    pub async fn entries_by_aggregate(
        &self,
        after: Option<&(String, String, u64)>,
        up_to: u64,
        limit: u64,
    ) -> Result<Vec<Entry>, StoreError> {
        let statement = log::entries_by_aggregate(self.backend(), after, up_to, limit);
        entries(&self.read("read entries by aggregate", statement).await?)
    }
}

pub(crate) fn entries(found: &[QueryResult]) -> Result<Vec<Entry>, StoreError> {
    Ok(found.iter().map(rows::entry).collect::<Result<_, _>>()?)
}
