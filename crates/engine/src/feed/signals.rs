//! Following the signals of tasks.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_domain::Refusal;
use countersign_domain::access::{Grant, Principal};
use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, RunnerName, TaskId};
use countersign_domain::task::Task;
use countersign_store::TaskFilter;

use super::conditions::{Conditions, Interest};
use super::hub::Follows;
use super::session::{Face, News, Session};
use super::shared::{Mark, Shared, Subscription, channel};
use super::slot::Slot;
use super::snapshot::{OfRunner, PAGE, Snapshot};
use super::{position, read_failed};
use crate::failure::Failure;

/// Which tasks to follow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignalFilter {
    /// These; all must exist and be open to the caller. Empty: all that name the caller's runner.
    pub tasks: Vec<TaskId>,
    /// Only those that fit.
    pub conditions: Conditions,
}

/// One message of a signal stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalMessage {
    /// Tasks in a newer state, each with its change request.
    pub tasks: Vec<(TaskId, Arc<Case>)>,
    /// Set when everything up to here has been sent.
    pub mark: Option<Mark>,
}

/// Follows the signals of tasks.
pub(crate) async fn watch_signals(
    shared: Shared,
    caller: &Principal,
    filter: SignalFilter,
    token: Option<&str>,
) -> Result<Subscription<SignalMessage>, Failure> {
    let began = *shared.head.borrow();
    let position = match token {
        Some(token) => Some(position(&shared, token).await?.sequence),
        None => None,
    };
    let ids: BTreeSet<TaskId> = filter.tasks.into_iter().collect();
    let mut conditions = filter.conditions;
    let (follows, numbers) = if ids.is_empty() {
        let runner = runner(caller)?;
        conditions.runner = Some(runner.clone());
        (Follows::Runner(runner), Vec::new())
    } else {
        let numbers = named(&shared, caller, &ids).await?;
        let listed = numbers.iter().copied().collect();
        (Follows::ChangeRequests(numbers), listed)
    };
    // What is followed was found open to the caller, or names its runner; neither ever changes.
    let interest = Interest {
        conditions: conditions.clone(),
        grant: None,
    };
    let registration = shared.hub.register(follows, interest);
    let noted = *shared.head.borrow();
    let snapshot = if ids.is_empty() {
        let wanted = TaskFilter {
            project: conditions.project.clone(),
            environment: conditions.environment.clone(),
            runner: conditions.runner.clone(),
            ..TaskFilter::new(Grant::unlimited(), PAGE as u64)
        };
        Snapshot::OfRunner(OfRunner::new(&shared, wanted, conditions, position).await?)
    } else {
        Snapshot::Named(numbers.into_iter())
    };
    let (sender, subscription) = channel();
    let face = SignalFace {
        slot: Arc::clone(&registration.slot),
        named: (!ids.is_empty()).then_some(ids),
        ended_before: position.unwrap_or(noted.head.sequence),
    };
    let session = Session::new(shared, began, registration, face, sender);
    tokio::spawn(session.run(noted, snapshot));
    Ok(subscription)
}

fn runner(caller: &Principal) -> Result<RunnerName, Refusal> {
    caller.runner.clone().ok_or_else(|| {
        let allowed = "ids of tasks, or a credential that names a runner";
        Refusal::field("task_ids", "nothing", allowed, "P5")
    })
}

/// What holds named tasks; each task must exist and be open to the caller.
async fn named(
    shared: &Shared,
    caller: &Principal,
    ids: &BTreeSet<TaskId>,
) -> Result<BTreeSet<CrNumber>, Failure> {
    let wanted: Vec<TaskId> = ids.iter().cloned().collect();
    let mut numbers = BTreeSet::new();
    for page in wanted.chunks(PAGE) {
        let _turn = shared.turn().await;
        let cases = shared.store.cases_of_tasks(page).await;
        let cases = cases.map_err(|e| read_failed(&e))?;
        let is_open = |id: &TaskId| {
            let held = |case: &Case| {
                let task = case.tasks.get(id);
                task.is_some_and(|task| may_act(caller, case, task))
            };
            cases.iter().any(held)
        };
        if let Some(absent) = page.iter().find(|&id| !is_open(id)) {
            return Err(Refusal::task_not_found(absent).into());
        }
        numbers.extend(cases.iter().map(Case::number));
    }
    Ok(numbers)
}

/// Whether a task's signals are open to a runner: the task names it, or names none and lies in its
/// grant (P5).
fn may_act(caller: &Principal, case: &Case, task: &Task) -> bool {
    task.names(caller) || (task.is_for(caller) && case.is_covered_by(caller))
}

struct SignalFace {
    slot: Arc<Slot>,
    /// `None`: all tasks that fit.
    named: Option<BTreeSet<TaskId>>,
    /// What had ended by then is told only if it is named.
    ended_before: u64,
}

impl SignalFace {
    fn wants(&self, task: &Task) -> bool {
        let named = self.named.as_ref();
        named.is_none_or(|ids| ids.contains(task.id()))
            && self.slot.interest.conditions.fit_task(task)
    }

    /// Whether a task's signal is new to this stream. A state of a change request holds all its
    /// tasks, so of one that was told of before only what came after that is.
    fn is_news(&self, task: &Task, told: Option<u64>) -> bool {
        let sequence = task.stamp.sequence;
        match told {
            Some(told) => sequence > told,
            None => self.named.is_some() || !task.has_ended() || sequence > self.ended_before,
        }
    }
}

impl Face for SignalFace {
    type Message = SignalMessage;

    fn message(&mut self, news: Vec<News>, mark: Option<Mark>) -> Option<SignalMessage> {
        let mut tasks = Vec::new();
        for News { case, told } in news {
            let newer = case
                .tasks
                .values()
                .filter(|task| self.wants(task) && self.is_news(task, told));
            tasks.extend(newer.map(|task| (task.id().clone(), Arc::clone(&case))));
        }
        (!tasks.is_empty() || mark.is_some()).then_some(SignalMessage { tasks, mark })
    }

    fn is_done(&self) -> Result<bool, Failure> {
        Ok(false)
    }
}
