//! A change request with everything a decision about it looks at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::quorum::missing;
use super::sharing::TASKS_LIMIT;
use super::{ChangeRequest, CrState};
use crate::Instant;
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

    /// Whether any task could still start under it (D12): one that waits or is cleared, or under an
    /// approved one that tasks may share, one that might still join.
    pub fn could_start(&self) -> bool {
        self.has_open_tasks() || self.might_be_joined()
    }

    /// Whether any of its tasks waits or is cleared.
    pub fn has_open_tasks(&self) -> bool {
        self.open_tasks().next().is_some()
    }

    fn might_be_joined(&self) -> bool {
        let approved = matches!(self.change_request.state, CrState::Approved { .. });
        approved
            && self.change_request.content.sharing_key.is_some()
            && self.tasks.len() < TASKS_LIMIT
    }

    /// When time ends it, or what it allows, if nobody decides until then (W7).
    pub fn expires_at(&self) -> Option<Instant> {
        self.change_request.due_at().filter(|_| self.could_start())
    }

    /// The tasks that could still start.
    pub fn open_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter(|task| task.could_start())
    }

    /// Those who triggered its tasks; all of them are barred by a creator block (S4).
    pub fn creators(&self) -> BTreeSet<&Person> {
        self.each_creator().collect()
    }

    fn each_creator(&self) -> impl Iterator<Item = &Person> {
        let first = self.change_request.content.creator.iter();
        let tasks = self.tasks.values();
        let each = tasks.filter_map(|task| task.content.spec.creator.as_ref());
        first.chain(each).map(|creator| &creator.person)
    }

    /// Whether a person triggered any of its tasks.
    pub fn was_triggered_by(&self, person: &Person) -> bool {
        self.each_creator().any(|creator| creator == person)
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

    /// Whether no approval is missing.
    pub fn has_quorum(&self) -> bool {
        missing(self) == 0
    }

    /// How many approvals count: one for each person whose latest decision is one (D2).
    pub fn counted(&self) -> u32 {
        self.change_request.counted()
    }
}
