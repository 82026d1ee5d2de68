//! Writing what a batch left.

use countersign_domain::batch::Changes;
use countersign_domain::log::Entry;
use sea_orm::{DbBackend, Statement};

use super::WriteTransaction;
use crate::StoreError;
use crate::rows::RowReader;
use crate::sql::{directory, save_postgres, save_sqlite};

impl WriteTransaction {
    /// Appends entries and writes the rows that they changed; on PostgreSQL it also tells the other
    /// processes. Every row must be there to be changed, older than its change: anything else is
    /// an error.
    pub async fn save(&mut self, entries: &[Entry], changes: &Changes) -> Result<(), StoreError> {
        if entries.is_empty() && *changes == Changes::default() {
            return Ok(());
        }
        if self.backend() == DbBackend::Postgres {
            self.save_at_once(entries, changes).await?;
        } else {
            self.save_step_by_step(entries, changes).await?;
        }
        self.save_directory(changes).await
    }

    async fn save_at_once(
        &mut self,
        entries: &[Entry],
        changes: &Changes,
    ) -> Result<(), StoreError> {
        let statement = save_postgres::save(entries, changes);
        let found = self.query("write a batch", statement).await?;
        let expected = [
            ("entries", entries.len()),
            ("change_requests", changes.new_change_requests.len()),
            ("change_requests", changes.change_requests.len()),
            ("tasks", changes.new_tasks.len()),
            ("tasks", changes.tasks.len()),
        ];
        let checked = || {
            for (index, (table, expected)) in expected.into_iter().enumerate() {
                let written = match found.first() {
                    Some(row) => {
                        RowReader::new(row, table, "count".to_owned()).number(index, "count")?
                    }
                    None => 0,
                };
                check(table, expected, written)?;
            }
            Ok(())
        };
        let checked = checked();
        self.noted(checked)
    }

    async fn save_step_by_step(
        &mut self,
        entries: &[Entry],
        changes: &Changes,
    ) -> Result<(), StoreError> {
        for step in save_sqlite::save(entries, changes) {
            let written = self.execute("write a batch", step.statement).await?;
            if let Some(expected) = step.rows {
                self.noted(check(step.table, expected, written))?;
            }
        }
        Ok(())
    }

    /// Policies, teams, freezes and tokens. A batch changes one of them at most, so each has a
    /// statement of its own.
    async fn save_directory(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let backend = self.backend();
        for (id, row) in &changes.policies {
            let statement = match row {
                Some(row) => directory::put_policy(backend, row),
                None => directory::delete_policy(backend, id.as_str()),
            };
            self.save_one("policies", statement).await?;
        }
        for (id, row) in &changes.teams {
            let statement = match row {
                Some(row) => directory::put_team(backend, row),
                None => directory::delete_team(backend, id.as_str()),
            };
            self.save_one("teams", statement).await?;
        }
        for (id, row) in &changes.freezes {
            let statement = match row {
                Some(row) => directory::put_freeze(backend, row),
                None => directory::delete_freeze(backend, id.as_str()),
            };
            self.save_one("freezes", statement).await?;
        }
        for row in &changes.tokens {
            let statement = directory::put_token(backend, row);
            self.save_one("tokens", statement).await?;
        }
        Ok(())
    }

    async fn save_one(
        &mut self,
        table: &'static str,
        statement: Statement,
    ) -> Result<(), StoreError> {
        let written = self
            .execute("write a policy, a team, a freeze or a token", statement)
            .await?;
        self.noted(check(table, 1, written))
    }
}

fn check(table: &'static str, expected: usize, found: u64) -> Result<(), StoreError> {
    if u64::try_from(expected).is_ok_and(|expected| expected == found) {
        Ok(())
    } else {
        Err(StoreError::RowsNotWritten {
            table,
            expected,
            found,
        })
    }
}
