//! Reads one row, column by column.

use countersign_domain::Instant;
use countersign_domain::log::Hash;
use sea_orm::{QueryResult, TryGetable};

use crate::UnreadableRow;

/// A row that is being read, with what its errors name it by.
pub(crate) struct RowReader<'a> {
    row: &'a QueryResult,
    table: &'static str,
    key: String,
}

impl<'a> RowReader<'a> {
    pub(crate) fn new(row: &'a QueryResult, table: &'static str, key: String) -> Self {
        Self { row, table, key }
    }

    /// A row whose first column is its key, a number.
    pub(crate) fn numbered(
        row: &'a QueryResult,
        table: &'static str,
        column: &'static str,
    ) -> Result<(Self, u64), UnreadableRow> {
        let mut reader = Self::new(row, table, "?".to_owned());
        let number = reader.number(0, column)?;
        reader.key = number.to_string();
        Ok((reader, number))
    }

    /// A row whose first column is its key, a text.
    pub(crate) fn named(
        row: &'a QueryResult,
        table: &'static str,
        column: &'static str,
    ) -> Result<(Self, String), UnreadableRow> {
        let mut reader = Self::new(row, table, "?".to_owned());
        let name = reader.text(0, column)?;
        reader.key.clone_from(&name);
        Ok((reader, name))
    }

    /// An error about this row.
    pub(crate) fn problem(
        &self,
        column: &'static str,
        problem: impl Into<String>,
    ) -> UnreadableRow {
        UnreadableRow {
            table: self.table,
            column,
            row: self.key.clone(),
            problem: problem.into(),
        }
    }

    pub(crate) fn value<T: TryGetable>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<T, UnreadableRow> {
        self.row
            .try_get_by(index)
            .map_err(|error| self.problem(column, error.to_string()))
    }

    pub(crate) fn number(&self, index: usize, column: &'static str) -> Result<u64, UnreadableRow> {
        let found: i64 = self.value(index, column)?;
        u64::try_from(found).map_err(|_| self.problem(column, format!("{found} is negative")))
    }

    pub(crate) fn text(&self, index: usize, column: &'static str) -> Result<String, UnreadableRow> {
        self.value(index, column)
    }

    pub(crate) fn optional_text(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<String>, UnreadableRow> {
        self.value(index, column)
    }

    pub(crate) fn instant(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Instant, UnreadableRow> {
        let found: i64 = self.value(index, column)?;
        Instant::from_micros(found)
            .ok_or_else(|| self.problem(column, format!("{found} is not an instant")))
    }

    pub(crate) fn hash(&self, index: usize, column: &'static str) -> Result<Hash, UnreadableRow> {
        let found = self.text(index, column)?;
        Hash::parse(&found).ok_or_else(|| self.problem(column, format!("{found:?} is not a hash")))
    }
}
