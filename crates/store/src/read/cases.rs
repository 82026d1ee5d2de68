//! Change requests with their tasks.

use std::collections::BTreeMap;

use countersign_domain::batch::Wanted;
use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, CrRef, TaskId};
use sea_orm::Statement;

use crate::rows::{CaseParts, known_resultants};
use crate::sql::cases;
use crate::{Store, StoreError};

impl Store {
    /// One change request with its tasks.
    pub async fn case(&self, target: &CrRef) -> Result<Option<Case>, StoreError> {
        let found = match target {
            CrRef::Number(number) => self.cases(&[*number]).await?,
            CrRef::Task(id) => self.cases_of_tasks(std::slice::from_ref(id)).await?,
        };
        Ok(found.into_iter().next())
    }

    /// Change requests with their tasks, by number.
    pub async fn cases(&self, numbers: &[CrNumber]) -> Result<Vec<Case>, StoreError> {
        let statement = cases::by_number(self.backend(), numbers.iter().map(|number| number.0));
        let (_, found) = self.read_cases("read change requests", statement).await?;
        Ok(found.into_values().collect())
    }

    /// The change requests that hold these tasks, by number.
    pub async fn cases_of_tasks(&self, ids: &[TaskId]) -> Result<Vec<Case>, StoreError> {
        let statement = cases::by_task(self.backend(), ids.iter().map(TaskId::as_str));
        let (_, found) = self
            .read_cases("read change requests by task", statement)
            .await?;
        Ok(found.into_values().collect())
    }

    /// What creations of tasks would look at: the change requests that hold these tasks, and the
    /// newest one of each sharing key.
    pub async fn cases_concerned(
        &self,
        tasks: &[TaskId],
        sharing_keys: &[String],
    ) -> Result<Vec<Case>, StoreError> {
        let wanted = Wanted {
            tasks: tasks.iter().cloned().collect(),
            sharing_keys: sharing_keys.iter().cloned().collect(),
            ..Wanted::default()
        };
        let statement = cases::load(self.backend(), &wanted);
        let (_, found) = self
            .read_cases("read change requests for a creation", statement)
            .await?;
        Ok(found.into_values().collect())
    }

    /// The cases of a statement of `sql::cases`, and what it picked. Resultant policies that were
    /// not read before need a second statement; they never change.
    pub(crate) async fn read_cases(
        &self,
        what: &'static str,
        statement: Statement,
    ) -> Result<(Vec<(CrNumber, Option<TaskId>)>, BTreeMap<CrNumber, Case>), StoreError> {
        let mut parts = CaseParts::read(&self.read(what, statement).await?)?;
        let cache = &self.inner.resultants;
        let (mut resultants, missing) = cache.look_up(parts.digests());
        if !missing.is_empty() {
            let digests = missing.iter().map(String::as_str);
            let statement = cases::resultants(self.backend(), digests);
            let found = self.read("read resultant policies", statement).await?;
            for (digest, resultant, bytes) in known_resultants(&found)? {
                cache.remember(&digest, &resultant, bytes);
                resultants.insert(digest, resultant);
            }
        }
        let picked = std::mem::take(&mut parts.picked);
        Ok((picked, parts.finish(&resultants)?))
    }
}
