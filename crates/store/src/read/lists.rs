//! Pages of change requests and tasks, and what is due.

use std::collections::BTreeMap;

use countersign_domain::Instant;
use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, TaskId};
use sea_orm::QueryResult;

use crate::rows::RowReader;
use crate::sql::{change_requests, tasks};
use crate::{CrFilter, Store, StoreError, TaskFilter, WatchFilter};

/// Up to so many entries are looked through to find what they changed; beyond, the rows are.
const RECENT_ENTRIES: u64 = 20_000;

impl Store {
    /// Change requests, newest first.
    pub async fn list_change_requests(&self, filter: &CrFilter) -> Result<Vec<Case>, StoreError> {
        let statement = change_requests::list(self.backend(), filter);
        let (_, found) = self.read_cases("list change requests", statement).await?;
        Ok(found.into_values().rev().collect())
    }

    /// Tasks by id, each with its change request and all tasks of that.
    pub async fn list_tasks(&self, filter: &TaskFilter) -> Result<Vec<(TaskId, Case)>, StoreError> {
        let recent = self.is_recent(filter.changed_after).await?;
        let statement = tasks::list(self.backend(), filter, recent);
        let (mut picked, found) = self.read_cases("list tasks", statement).await?;
        picked.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
        let with_case =
            |(number, id): (CrNumber, Option<TaskId>)| Some((id?, found.get(&number)?.clone()));
        Ok(picked.into_iter().filter_map(with_case).collect())
    }

    /// The numbers of change requests, ascending, after a number.
    pub async fn matching_numbers(
        &self,
        filter: &WatchFilter,
        after: Option<CrNumber>,
        limit: u64,
    ) -> Result<Vec<CrNumber>, StoreError> {
        let recent = self.is_recent(filter.changed_after).await?;
        let after = after.map_or(0, |number| number.0);
        let statement = change_requests::matching(self.backend(), filter, after, recent, limit);
        numbers(&self.read("match change requests", statement).await?, 0)
    }

    /// How many change requests a watch follows, counted up to a limit.
    pub async fn count_matching(
        &self,
        filter: &WatchFilter,
        limit: u64,
    ) -> Result<u64, StoreError> {
        let recent = self.is_recent(filter.changed_after).await?;
        let statement = change_requests::count_matching(self.backend(), filter, recent, limit);
        count(&self.read("count change requests", statement).await?)
    }

    /// A page of tasks by id, and what holds them: each change request once, with all its tasks.
    pub async fn held_tasks(&self, filter: &TaskFilter) -> Result<HeldTasks, StoreError> {
        let recent = self.is_recent(filter.changed_after).await?;
        let statement = tasks::list(self.backend(), filter, recent);
        let (picked, cases) = self.read_cases("list tasks", statement).await?;
        let mut ids: Vec<TaskId> = picked.into_iter().filter_map(|(_, id)| id).collect();
        ids.sort_unstable();
        Ok(HeldTasks { ids, cases })
    }

    /// How many tasks fit a filter, counted up to its limit.
    pub async fn count_tasks(&self, filter: &TaskFilter) -> Result<u64, StoreError> {
        let recent = self.is_recent(filter.changed_after).await?;
        let statement = tasks::count(self.backend(), filter, recent);
        count(&self.read("count tasks", statement).await?)
    }

    /// Change requests that are due up to and at an instant, or have tasks that are, each with the
    /// first instant at which it is; by instant and number. Fewer than asked for are all of them.
    pub async fn due(
        &self,
        until: Instant,
        limit: u64,
    ) -> Result<Vec<(Instant, CrNumber)>, StoreError> {
        // Of one change request a thousand tasks can be due at once. Mostly it is one, so a few
        // tasks more are looked at than change requests are asked for, and many more only where
        // these were not enough.
        let mut looked_at = limit.saturating_add(1_000);
        loop {
            let statement = tasks::due(self.backend(), until, looked_at, limit);
            let found = self.read("read what is due", statement).await?;
            if is_enough(&found, looked_at, limit)? {
                return due(&found);
            }
            looked_at = looked_at.saturating_mul(8);
        }
    }

    /// The next instant at which something is due; it may have passed.
    pub async fn next_due(&self) -> Result<Option<Instant>, StoreError> {
        let statement = tasks::next_due(self.backend());
        let found = self.read("read what is due next", statement).await?;
        let Some(row) = found.first() else {
            return Ok(None);
        };
        let reader = RowReader::new(row, "tasks or change_requests", "next due".to_owned());
        Ok(match reader.value::<Option<i64>>(0, "due_at")? {
            Some(_) => Some(reader.instant(0, "due_at")?),
            None => None,
        })
    }

    /// Change requests that could still start something and whose resultant policy has a part: how
    /// many there are, and the newest of them.
    pub async fn open_change_requests(
        &self,
        part: &str,
        limit: u64,
    ) -> Result<(u64, Vec<CrNumber>), StoreError> {
        let statement = change_requests::open_with_part(self.backend(), part, limit);
        let found = self.read("count open change requests", statement).await?;
        let count = found.first().map(|row| {
            RowReader::new(row, "change_requests", "count".to_owned()).number(0, "count")
        });
        Ok((count.transpose()?.unwrap_or(0), numbers(&found, 1)?))
    }

    async fn is_recent(&self, sequence: Option<u64>) -> Result<bool, StoreError> {
        let Some(sequence) = sequence else {
            return Ok(false);
        };
        let head = self.head().await?.map_or(0, |head| head.sequence);
        Ok(head.saturating_sub(sequence) <= RECENT_ENTRIES)
    }
}

/// A page of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldTasks {
    /// Their ids, ascending.
    pub ids: Vec<TaskId>,
    /// What holds them.
    pub cases: BTreeMap<CrNumber, Case>,
}

/// Whether the first change requests that are due are known: the tasks that were looked at are all
/// that are due, or belong to as many change requests as were asked for.
fn is_enough(found: &[QueryResult], looked_at: u64, limit: u64) -> Result<bool, StoreError> {
    let Some(row) = found.first() else {
        return Ok(true);
    };
    let reader = RowReader::new(row, "tasks", "due".to_owned());
    Ok(reader.number(2, "count")? < looked_at || reader.number(3, "count")? >= limit)
}

fn due(found: &[QueryResult]) -> Result<Vec<(Instant, CrNumber)>, StoreError> {
    let due = |row| {
        let (reader, number) = RowReader::numbered(row, "tasks or change_requests", "number")?;
        Ok((reader.instant(1, "due_at")?, CrNumber(number)))
    };
    found.iter().map(due).collect()
}

fn count(found: &[QueryResult]) -> Result<u64, StoreError> {
    let reader = |row| RowReader::new(row, "count", "?".to_owned());
    let counted = found.first().map(|row| reader(row).number(0, "count"));
    Ok(counted.transpose()?.unwrap_or(0))
}

fn numbers(found: &[QueryResult], column: usize) -> Result<Vec<CrNumber>, StoreError> {
    let number = |row| {
        let reader = RowReader::new(row, "change_requests", "?".to_owned());
        reader.number(column, "number").map(CrNumber)
    };
    Ok(found.iter().map(number).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use countersign_domain::access::Grant;
    use countersign_domain::batch::Changes;
    use countersign_domain::rows::{CrRow, TaskRow};

    use super::*;
    use crate::sql::cases::PICKED;
    use crate::{StoreConfig, testing};

    /// What has changed since long ago is found in the rows; newer changes are found in the log,
    /// which the tests from outside see.
    async fn old_changes_are_found(config: &StoreConfig) {
        let store = Store::open(config).await.unwrap();
        let mut writer = store.writer(1).await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        let changes = Changes {
            new_change_requests: vec![change_request(1, 10), change_request(2, 20)],
            new_tasks: vec![task("a", 1, 30), task("b", 2, 21)],
            ..Changes::default()
        };
        transaction.save(&[], &changes).await.unwrap();
        transaction.commit().await.unwrap();
        for (after, numbers_after, ids_after) in [
            (0, vec![1, 2], vec!["a", "b"]),
            (20, vec![1, 2], vec!["a", "b"]),
            (21, vec![1], vec!["a"]),
            (30, vec![], vec![]),
        ] {
            let filter = WatchFilter {
                changed_after: Some(after),
                ..WatchFilter::new(Grant::unlimited())
            };
            let statement = change_requests::matching(store.backend(), &filter, 0, false, 10);
            let found = numbers(&store.read("match", statement).await.unwrap(), 0).unwrap();
            assert_eq!(found.iter().map(|n| n.0).collect::<Vec<_>>(), numbers_after);

            let mut filter = TaskFilter::new(Grant::unlimited(), 10);
            filter.changed_after = Some(after);
            let statement = tasks::list(store.backend(), &filter, false);
            let rows = store.read("list", statement).await.unwrap();
            let picked = |row: &&QueryResult| row.try_get_by::<i64, usize>(0).unwrap() == PICKED;
            let id = |row: &QueryResult| row.try_get_by::<String, usize>(2).unwrap();
            let mut found: Vec<String> = rows.iter().filter(picked).map(id).collect();
            found.sort_unstable();
            assert_eq!(found, ids_after);
        }
    }

    fn change_request(number: u64, sequence: u64) -> CrRow {
        CrRow {
            number,
            state: "PENDING",
            kind: "deployment",
            project: "web".to_owned(),
            environment: "production".to_owned(),
            release: None,
            approval_required: true,
            resultant: String::new(),
            sharing_key: None,
            frozen: String::new(),
            live: String::new(),
            due_at: None,
            sequence,
        }
    }

    fn task(id: &str, change_request: u64, sequence: u64) -> TaskRow {
        TaskRow {
            id: id.to_owned(),
            change_request,
            state: "PAUSED",
            waiting_for: Some("approval"),
            project: "web".to_owned(),
            environment: "production".to_owned(),
            release: None,
            runner: None,
            frozen: String::new(),
            live: String::new(),
            due_at: None,
            sequence,
        }
    }

    mod old_changes_are_found {
        use super::*;

        #[tokio::test]
        async fn sqlite() {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("store.db");
            old_changes_are_found(&StoreConfig::Sqlite { path }).await;
        }

        #[tokio::test]
        async fn postgres() {
            let url = testing::fresh_postgres(&testing::postgres_url())
                .await
                .unwrap();
            old_changes_are_found(&StoreConfig::Postgres { url }).await;
        }
    }
}
