//! Tasks that could still start, without what holds them: what freezes are matched with.

use countersign_domain::ids::{CrNumber, TaskId};
use countersign_domain::task::Task;

use crate::sql::tasks;
use crate::{Store, StoreError, rows};

impl Store {
    /// Tasks that are cleared or wait for a freeze, of the change requests after a number; by
    /// number and id. The last change request of a full page may have more of them.
    pub async fn held_or_cleared(
        &self,
        after: CrNumber,
        limit: u64,
    ) -> Result<Vec<Task>, StoreError> {
        let statement = tasks::held_or_cleared(self.backend(), after.0, limit);
        let found = self.read("read held and cleared tasks", statement).await?;
        Ok(rows::tasks(&found)?)
    }

    /// Tasks that are paused or cleared, after one of them; by number of what holds them, and id.
    pub async fn open_tasks(
        &self,
        after: Option<(CrNumber, TaskId)>,
        limit: u64,
    ) -> Result<Vec<Task>, StoreError> {
        let (number, id) = match &after {
            Some((number, id)) => (number.0, id.as_str()),
            None => (0, ""),
        };
        let statement = tasks::open(self.backend(), (number, id), limit);
        let found = self.read("read open tasks", statement).await?;
        Ok(rows::tasks(&found)?)
    }
}
