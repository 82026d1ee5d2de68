//! Following the signals of tasks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use countersign_domain::Refusal;
use countersign_domain::access::{Grant, Principal};
use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, RunnerName, TaskId};
use countersign_domain::task::Task;
use countersign_store::TaskFilter;

use super::hub::Follows;
use super::session::{Face, Session};
use super::shared::{Mark, Shared, Subscription, channel};
use super::{STREAM_LIMIT, position, read_failed};
use crate::failure::Failure;

/// How many tasks are read at once.
const PAGE: usize = 500;

/// Which tasks to follow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignalFilter {
    /// These; all must exist and be open to the caller. Empty: all that name the caller's runner.
    pub tasks: Vec<TaskId>,
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
    let position = position(&shared, token).await?;
    let (registration, noted, first, wanted) = if filter.tasks.is_empty() {
        let Some(runner) = caller.runner.clone() else {
            let allowed = "ids of tasks, or a credential that names a runner";
            return Err(Refusal::field("task_ids", "nothing", allowed, "P5").into());
        };
        let registration = shared.hub.register(Follows::Runner(runner.clone()));
        let noted = shared.head.borrow().head;
        let first = of_runner(&shared, &runner, position).await?;
        (registration, noted, first, Wanted::Runner(runner))
    } else {
        let ids: BTreeSet<TaskId> = filter.tasks.into_iter().collect();
        let numbers = held_by(&named(&shared, caller, &ids).await?);
        let registration = shared.hub.register(Follows::ChangeRequests(numbers));
        let noted = shared.head.borrow().head;
        let first = named(&shared, caller, &ids).await?;
        (registration, noted, first, Wanted::Tasks(ids))
    };
    let (sender, subscription) = channel();
    let face = SignalFace {
        caller: caller.clone(),
        wanted,
        sent: HashMap::new(),
    };
    tokio::spawn(Session::new(shared, registration, face, sender).run(noted, first));
    Ok(subscription)
}

fn held_by(cases: &[Arc<Case>]) -> BTreeSet<CrNumber> {
    cases.iter().map(|case| case.number()).collect()
}

/// The change requests of named tasks; each task must exist and be open to the caller.
async fn named(
    shared: &Shared,
    caller: &Principal,
    ids: &BTreeSet<TaskId>,
) -> Result<Vec<Arc<Case>>, Failure> {
    let wanted: Vec<TaskId> = ids.iter().cloned().collect();
    let mut found: BTreeMap<CrNumber, Arc<Case>> = BTreeMap::new();
    for page in wanted.chunks(PAGE) {
        let cases = shared
            .store
            .cases_of_tasks(page)
            .await
            .map_err(|e| read_failed(&e))?;
        found.extend(
            cases
                .into_iter()
                .map(|case| (case.number(), Arc::new(case))),
        );
    }
    let open: BTreeSet<&TaskId> = found
        .values()
        .flat_map(|case| case.tasks.values().map(move |task| (case, task)))
        .filter(|(case, task)| may_act(caller, case, task))
        .map(|(_, task)| task.id())
        .collect();
    match ids.iter().find(|&id| !open.contains(id)) {
        Some(absent) => Err(Refusal::task_not_found(absent).into()),
        None => Ok(found.into_values().collect()),
    }
}

/// The waiting, cleared and running tasks of a runner, and with a position what ended since.
async fn of_runner(
    shared: &Shared,
    runner: &RunnerName,
    changed_after: Option<u64>,
) -> Result<Vec<Arc<Case>>, Failure> {
    let open = TaskFilter {
        open_only: true,
        runner: Some(runner.clone()),
        ..TaskFilter::new(Grant::unlimited(), PAGE as u64)
    };
    let mut found = pages(shared, open).await?;
    if changed_after.is_some() {
        let ended = TaskFilter {
            changed_after,
            runner: Some(runner.clone()),
            ..TaskFilter::new(Grant::unlimited(), PAGE as u64)
        };
        found.extend(pages(shared, ended).await?);
    }
    Ok(found.into_values().collect())
}

async fn pages(
    shared: &Shared,
    mut filter: TaskFilter,
) -> Result<BTreeMap<CrNumber, Arc<Case>>, Failure> {
    let mut found = BTreeMap::new();
    let mut tasks = 0;
    loop {
        let page = shared
            .store
            .list_tasks(&filter)
            .await
            .map_err(|e| read_failed(&e))?;
        tasks += page.len();
        if tasks > STREAM_LIMIT {
            return Err(Failure::TooManyMatches {
                limit: STREAM_LIMIT,
            });
        }
        filter.after = page.last().map(|(id, _)| id.clone());
        let full = page.len() == PAGE;
        found.extend(
            page.into_iter()
                .map(|(_, case)| (case.number(), Arc::new(case))),
        );
        if !full {
            return Ok(found);
        }
    }
}

/// Whether a task's signals are open to a runner: the task names it, or names none and lies in its
/// grant (P5).
fn may_act(caller: &Principal, case: &Case, task: &Task) -> bool {
    task.names(caller) || (task.is_for(caller) && case.is_covered_by(caller))
}

enum Wanted {
    Tasks(BTreeSet<TaskId>),
    Runner(RunnerName),
}

struct SignalFace {
    caller: Principal,
    wanted: Wanted,
    /// The newest entry that was told of each task that has not ended.
    sent: HashMap<TaskId, u64>,
}

impl SignalFace {
    fn wants(&self, task: &Task) -> bool {
        match &self.wanted {
            Wanted::Tasks(ids) => ids.contains(task.id()),
            Wanted::Runner(runner) => task.content.spec.runner.as_ref() == Some(runner),
        }
    }

    /// Whether a task's signal is new to this stream; notes that it is told.
    fn is_news(&mut self, task: &Task) -> bool {
        let sequence = task.stamp.sequence;
        let news = self.sent.get(task.id()).is_none_or(|&told| told < sequence);
        if task.has_ended() {
            self.sent.remove(task.id());
        } else {
            self.sent.insert(task.id().clone(), sequence);
        }
        news
    }
}

impl Face for SignalFace {
    type Message = SignalMessage;

    fn message(&mut self, cases: Vec<Arc<Case>>, mark: Option<Mark>) -> Option<SignalMessage> {
        let mut tasks = Vec::new();
        for case in cases {
            let wanted = case
                .tasks
                .values()
                .filter(|task| self.wants(task) && may_act(&self.caller, &case, task));
            let wanted: Vec<Task> = wanted.cloned().collect();
            for task in wanted {
                if self.is_news(&task) {
                    tasks.push((task.id().clone(), Arc::clone(&case)));
                }
            }
        }
        (!tasks.is_empty() || mark.is_some()).then_some(SignalMessage { tasks, mark })
    }

    fn is_done(&self) -> bool {
        false
    }
}
