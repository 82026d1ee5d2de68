//! A change request with everything a decision about it looks at.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ChangeRequest;
use crate::access::Principal;
use crate::ids::{CrNumber, TaskId};
use crate::person::Person;
use crate::policy::ResultantPolicy;
use crate::task::Task;

/// A change request, its tasks and its frozen resultant policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The change request.
    pub change_request: ChangeRequest,
    /// What was required of it.
    pub resultant: Arc<ResultantPolicy>,
    /// Its tasks.
    pub tasks: BTreeMap<TaskId, Task>,
}

impl Case {
    /// Its number.
    pub fn number(&self) -> CrNumber {
        self.change_request.content.number
    }

    /// The same case without a number, for one that was only tried out: number 0 is never given.
    pub fn unnumbered(mut self) -> Self {
        Arc::make_mut(&mut self.change_request.content).number = CrNumber(0);
        for task in self.tasks.values_mut() {
            Arc::make_mut(&mut task.content).change_request = CrNumber(0);
        }
        self
    }

    /// Whether any task could still start under it (D12).
    pub fn could_start(&self) -> bool {
        self.tasks.values().any(Task::could_start)
    }

    /// The tasks that could still start.
    pub fn open_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter(|task| task.could_start())
    }

    /// Whether a person triggered any of its tasks; all of those are barred by a creator block.
    pub fn was_triggered_by(&self, person: &Person) -> bool {
        let first = self.change_request.content.creator.iter();
        let tasks = self
            .tasks
            .values()
            .filter_map(|task| task.content.spec.creator.as_ref());
        first.chain(tasks).any(|creator| creator.person == *person)
    }

    /// Whether a caller's grant covers it.
    pub fn is_covered_by(&self, caller: &Principal) -> bool {
        let content = &self.change_request.content;
        caller.grant.covers(&content.project, &content.environment)
    }

    /// The sequence of its newest entry, its own or a task's: tells newer from older.
    pub fn newest_entry(&self) -> u64 {
        let tasks = self.tasks.values().map(|task| task.stamp.sequence);
        tasks
            .chain([self.change_request.stamp.sequence])
            .max()
            .unwrap_or_default()
    }

    /// How many approvals count: one for each person whose latest decision is one (D2).
    pub fn counted(&self) -> u32 {
        self.change_request.counted()
    }
}
