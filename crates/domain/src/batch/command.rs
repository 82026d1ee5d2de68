//! What the engine is asked to do, by a caller or by time.

use std::collections::BTreeSet;

use crate::Instant;
use crate::access::Principal;
use crate::change_request::{Approve, CreateTask, Reject, Revoke};
use crate::directory::DirectoryCommand;
use crate::freeze::SweepFreeze;
use crate::ids::{CrNumber, CrRef, RequestId, TaskId};
use crate::log::RequestMark;
use crate::person::Person;
use crate::task::{FinishTask, StartTask, WithdrawTask};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Permission to run a task.
    Create(Box<CreateTask>),
    /// An approval.
    Approve(Approve),
    /// A rejection.
    Reject(Reject),
    /// A revocation of an approval.
    Revoke(Revoke),
    /// A withdrawal.
    Withdraw(WithdrawTask),
    /// The claim of a start.
    Start(StartTask),
    /// The report of an outcome.
    Finish(FinishTask),
    /// A change of policies, teams, freezes or tokens.
    Directory(DirectoryCommand),
    /// That the clock be accepted (K2).
    AcceptClock {
        /// Why.
        comment: String,
    },
    /// It is now the instant of the transaction: settle this change request.
    Settle {
        /// Which.
        number: CrNumber,
        /// When that was due, if it is because of a freeze: its tasks do not know.
        due_at: Option<Instant>,
    },
    /// Tasks were looked at because of a freeze.
    Sweep(SweepFreeze),
}

impl Action {
    /// Whether the action must be alone in its batch.
    pub fn is_alone(&self) -> bool {
        match self {
            Self::Directory(_) | Self::AcceptClock { .. } | Self::Sweep(_) => true,
            Self::Create(_)
            | Self::Approve(_)
            | Self::Reject(_)
            | Self::Revoke(_)
            | Self::Withdraw(_)
            | Self::Start(_)
            | Self::Finish(_)
            | Self::Settle { .. } => false,
        }
    }
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Who asks; `None` for time, and for whoever runs the program at the store.
    pub caller: Option<Principal>,
    /// What is asked.
    pub action: Action,
    /// The mark of a call that may be repeated.
    pub request: Option<RequestMark>,
}

/// What a batch must have loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Tasks, each with its change request and all tasks of that.
    pub tasks: BTreeSet<TaskId>,
    /// Change requests with all their tasks.
    pub change_requests: BTreeSet<CrNumber>,
    /// The newest change request of each key, open or not, with all its tasks. If it has ended, an
    /// older one is not looked for: whether it ended before this batch, within it, or is only due
    /// to, must make no difference.
    pub sharing_keys: BTreeSet<String>,
    /// Calls that may have been made before.
    pub requests: BTreeSet<(Person, RequestId)>,
}

impl Wanted {
    /// Everything that these commands look at.
    pub fn by<'a>(commands: impl Iterator<Item = &'a Command>) -> Self {
        let mut wanted = Self::default();
        for command in commands {
            if let (Some(caller), Some(mark)) = (&command.caller, &command.request) {
                wanted
                    .requests
                    .insert((caller.person.clone(), mark.id.clone()));
            }
            match &command.action {
                Action::Create(create) => {
                    wanted.task(&create.spec.id);
                    wanted.sharing_keys.extend(create.sharing_key.clone());
                }
                Action::Approve(Approve { target, .. })
                | Action::Reject(Reject { target, .. })
                | Action::Revoke(Revoke { target, .. }) => wanted.target(target),
                Action::Withdraw(WithdrawTask { task, .. })
                | Action::Start(StartTask { task, .. })
                | Action::Finish(FinishTask { task, .. }) => wanted.task(task),
                Action::Settle { number, .. } => {
                    wanted.change_requests.insert(*number);
                }
                Action::Directory(_) | Action::AcceptClock { .. } | Action::Sweep(_) => {}
            }
        }
        wanted
    }

    fn task(&mut self, id: &TaskId) {
        self.tasks.insert(id.clone());
    }

    fn target(&mut self, target: &CrRef) {
        match target {
            CrRef::Number(number) => {
                self.change_requests.insert(*number);
            }
            CrRef::Task(id) => self.task(id),
        }
    }
}
