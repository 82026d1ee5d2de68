//! Folded rows against stored ones, column by column.

use std::collections::BTreeMap;

use countersign_domain::ids::CrNumber;
use sea_orm::{QueryResult, Statement};

use super::columns::{Column, Folded, Table};
use super::fold::{self, Waiting};
use super::{VerifyError, VerifyReport};
use crate::Store;
use crate::rows::RowReader;
use crate::sql::verify as sql;

/// Compares a page of rows that were folded up to a sequence.
pub(super) async fn check(
    store: &Store,
    waiting: Waiting,
    up_to: u64,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    let compare = Compare { store, up_to };
    let rows = waiting
        .change_requests
        .iter()
        .map(Folded::change_request)
        .collect();
    compare.table(Table::ChangeRequests, rows, report).await?;
    let rows = waiting.tasks.iter().map(Folded::task).collect();
    compare.table(Table::Tasks, rows, report).await?;
    let rows = waiting
        .policies
        .iter()
        .map(|(id, row)| Folded::policy(id, row.as_ref()))
        .collect();
    compare.table(Table::Policies, rows, report).await?;
    let rows = waiting
        .teams
        .iter()
        .map(|(id, row)| Folded::team(id, row.as_ref()))
        .collect();
    compare.table(Table::Teams, rows, report).await?;
    let rows = waiting
        .freezes
        .iter()
        .map(|(id, row)| Folded::freeze(id, row.as_ref()))
        .collect();
    compare.table(Table::Freezes, rows, report).await?;
    let rows = waiting.tokens.iter().map(Folded::token).collect();
    compare.table(Table::Tokens, rows, report).await
}

struct Compare<'a> {
    store: &'a Store,
    up_to: u64,
}

impl Compare<'_> {
    async fn table(
        &self,
        table: Table,
        rows: Vec<Folded>,
        report: &mut VerifyReport,
    ) -> Result<(), VerifyError> {
        if rows.is_empty() {
            return Ok(());
        }
        let found = self.stored(table, &rows).await?;
        for row in rows {
            let moved = self.row(table, &row, found.get(&row.key)).await?;
            report.moved += u64::from(moved);
            let count = match table {
                Table::ChangeRequests => &mut report.change_requests,
                Table::Tasks => &mut report.tasks,
                Table::Policies => &mut report.policies,
                Table::Teams => &mut report.teams,
                Table::Freezes => &mut report.freezes,
                Table::Tokens => &mut report.tokens,
            };
            *count += u64::from(row.columns.is_some());
        }
        Ok(())
    }

    /// Proves one row; the answer is whether it has changed since the check began.
    async fn row(
        &self,
        table: Table,
        folded: &Folded,
        stored: Option<&QueryResult>,
    ) -> Result<bool, VerifyError> {
        let key = || folded.key.clone();
        match (&folded.columns, stored) {
            (None, None) => Ok(false),
            (Some(columns), Some(row)) => match difference(table, columns, row, &folded.key)? {
                None => Ok(false),
                Some(column) => {
                    let (table_name, key) = (table.name(), key());
                    let differs = VerifyError::RowDiffers {
                        table: table_name,
                        key,
                        column,
                    };
                    self.changed_since(table, row, &folded.key, differs).await
                }
            },
            (None, Some(row)) => {
                let unexplained = VerifyError::RowUnexplained {
                    table: table.name(),
                    key: key(),
                };
                self.changed_since(table, row, &folded.key, unexplained)
                    .await
            }
            (Some(_), None) => self.deleted_since(table, &folded.key).await,
        }
    }

    /// A row that differs may be newer than what was folded. Then it is proven from all its entries
    /// up to the one it names: they were committed with it. A row that is not newer is wrong.
    async fn changed_since(
        &self,
        table: Table,
        row: &QueryResult,
        key: &str,
        wrong: VerifyError,
    ) -> Result<bool, VerifyError> {
        let reader = RowReader::new(row, table.name(), key.to_owned());
        let sequence = reader.number(table.sequence_column(), "sequence")?;
        if sequence <= self.up_to {
            return Err(wrong);
        }
        let folded = fold::one(self.store, table.kind(), key, sequence).await?;
        let Some(columns) = folded.and_then(|row| row.columns) else {
            return Err(wrong);
        };
        match difference(table, &columns, row, key)? {
            None => Ok(true),
            Some(column) => {
                let (table, key) = (table.name(), key.to_owned());
                Err(VerifyError::RowDiffers { table, key, column })
            }
        }
    }

    /// A row that is missing may have been deleted since, and even made again after that.
    async fn deleted_since(&self, table: Table, key: &str) -> Result<bool, VerifyError> {
        let missing = VerifyError::RowMissing {
            table: table.name(),
            key: key.to_owned(),
        };
        let folded = fold::one(self.store, table.kind(), key, u64::MAX).await?;
        let Some(folded) = folded else {
            return Err(missing);
        };
        if folded.columns.is_none() {
            return Ok(true);
        }
        let again = self.stored(table, std::slice::from_ref(&folded)).await?;
        match again.get(key) {
            Some(row) => self.changed_since(table, row, key, missing).await,
            None => Err(missing),
        }
    }

    async fn stored(
        &self,
        table: Table,
        rows: &[Folded],
    ) -> Result<BTreeMap<String, QueryResult>, VerifyError> {
        let found = self
            .store
            .read("read rows by key", self.statement(table, rows))
            .await?;
        let mut stored = BTreeMap::new();
        for row in found {
            let key = match table {
                Table::ChangeRequests => RowReader::numbered(&row, table.name(), "number")?
                    .1
                    .to_string(),
                Table::Tasks | Table::Policies | Table::Teams | Table::Freezes | Table::Tokens => {
                    RowReader::named(&row, table.name(), "id")?.1
                }
            };
            stored.insert(key, row);
        }
        Ok(stored)
    }

    fn statement(&self, table: Table, rows: &[Folded]) -> Statement {
        let backend = self.store.backend();
        let keys = rows.iter().map(|row| row.key.as_str());
        match table {
            Table::ChangeRequests => {
                let numbers = keys.filter_map(|key| key.parse().ok()).map(CrNumber);
                sql::change_requests(backend, numbers.map(|number| number.0))
            }
            Table::Tasks => sql::tasks(backend, keys),
            Table::Policies => sql::policies(backend, keys),
            Table::Teams => sql::teams(backend, keys),
            Table::Freezes => sql::freezes(backend, keys),
            Table::Tokens => sql::tokens(backend, keys),
        }
    }
}

/// The first column in which a stored row is not the folded one.
fn difference(
    table: Table,
    columns: &[(&'static str, Column)],
    row: &QueryResult,
    key: &str,
) -> Result<Option<&'static str>, VerifyError> {
    let reader = RowReader::new(row, table.name(), key.to_owned());
    for (index, (name, column)) in columns.iter().enumerate() {
        if !column.is_stored(&reader, index, name)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
