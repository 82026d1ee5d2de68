//! Following change requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_domain::Refusal;
use countersign_domain::access::Principal;
use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, CrRef, EnvironmentId, ProjectId, TaskId};
use countersign_store::WatchFilter;

use super::hub::Follows;
use super::session::{Face, Session};
use super::shared::{Mark, Shared, Subscription, channel};
use super::{STREAM_LIMIT, position, read_failed};
use crate::failure::Failure;

/// How many numbers, and how many change requests, are read at once.
const PAGE: usize = 500;

/// Which change requests to follow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusFilter {
    /// These; all must exist.
    pub targets: Vec<CrRef>,
    /// Only of this project.
    pub project: Option<ProjectId>,
    /// Only of this environment.
    pub environment: Option<EnvironmentId>,
    /// End once the named ones have no task left that waits, is cleared or runs.
    pub end_when_done: bool,
}

/// One message of a status stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusMessage {
    /// Newer states.
    pub cases: Vec<Arc<Case>>,
    /// Set when everything up to here has been sent.
    pub mark: Option<Mark>,
}

/// Follows change requests.
pub(crate) async fn watch_status(
    shared: Shared,
    caller: &Principal,
    filter: StatusFilter,
    token: Option<&str>,
) -> Result<Subscription<StatusMessage>, Failure> {
    let position = position(&shared, token).await?;
    let named = named(&shared, caller, &filter).await?;
    let follows = if filter.targets.is_empty() {
        Follows::Scope(filter.project.clone(), filter.environment.clone())
    } else {
        Follows::ChangeRequests(named.clone())
    };
    let registration = shared.hub.register(follows);
    let noted = shared.head.borrow().head;
    let first = if filter.targets.is_empty() {
        matching(&shared, caller, &filter, position).await?
    } else {
        let numbers: Vec<CrNumber> = named.iter().copied().collect();
        read(&shared, &numbers).await?
    };
    let (sender, subscription) = channel();
    let face = StatusFace {
        caller: caller.clone(),
        project: filter.project,
        environment: filter.environment,
        open: filter.end_when_done.then_some(named),
    };
    let session = Session::new(shared, registration, face, sender);
    tokio::spawn(session.run(noted, first));
    Ok(subscription)
}

/// The change requests that are named; all must exist and be open to the caller.
async fn named(
    shared: &Shared,
    caller: &Principal,
    filter: &StatusFilter,
) -> Result<BTreeSet<CrNumber>, Failure> {
    let mut numbers: BTreeSet<CrNumber> = BTreeSet::new();
    let mut tasks: Vec<TaskId> = Vec::new();
    for target in &filter.targets {
        match target {
            CrRef::Number(number) => {
                numbers.insert(*number);
            }
            CrRef::Task(id) => tasks.push(id.clone()),
        }
    }
    let wanted: Vec<CrNumber> = numbers.iter().copied().collect();
    let mut found: BTreeMap<CrNumber, Arc<Case>> = BTreeMap::new();
    for case in read(shared, &wanted).await? {
        found.insert(case.number(), case);
    }
    for page in tasks.chunks(PAGE) {
        let cases = shared
            .store
            .cases_of_tasks(page)
            .await
            .map_err(|e| read_failed(&e))?;
        for case in cases {
            found.insert(case.number(), Arc::new(case));
        }
    }
    found.retain(|_, case| case.is_covered_by(caller));
    if let Some(absent) = numbers.iter().find(|&number| !found.contains_key(number)) {
        return Err(Refusal::not_found("change request", &absent.0.to_string()).into());
    }
    let held: BTreeSet<&TaskId> = found.values().flat_map(|case| case.tasks.keys()).collect();
    if let Some(absent) = tasks.iter().find(|&id| !held.contains(id)) {
        return Err(Refusal::task_not_found(absent).into());
    }
    Ok(found.into_keys().collect())
}

/// The present states of everything that fits, or what changed of it since a position.
async fn matching(
    shared: &Shared,
    caller: &Principal,
    filter: &StatusFilter,
    changed_after: Option<u64>,
) -> Result<Vec<Arc<Case>>, Failure> {
    let wanted = WatchFilter {
        project: filter.project.clone(),
        environment: filter.environment.clone(),
        grant: caller.grant.clone(),
        changed_after,
    };
    let mut numbers: Vec<CrNumber> = Vec::new();
    loop {
        let after = numbers.last().copied();
        let page = shared
            .store
            .matching_numbers(&wanted, after, PAGE as u64)
            .await;
        let page = page.map_err(|e| read_failed(&e))?;
        let full = page.len() == PAGE;
        numbers.extend(page);
        if numbers.len() > STREAM_LIMIT {
            return Err(Failure::TooManyMatches {
                limit: STREAM_LIMIT,
            });
        }
        if !full {
            break;
        }
    }
    read(shared, &numbers).await
}

async fn read(shared: &Shared, numbers: &[CrNumber]) -> Result<Vec<Arc<Case>>, Failure> {
    let mut found = Vec::with_capacity(numbers.len());
    for page in numbers.chunks(PAGE) {
        let cases = shared
            .store
            .cases(page)
            .await
            .map_err(|e| read_failed(&e))?;
        found.extend(cases.into_iter().map(Arc::new));
    }
    Ok(found)
}

struct StatusFace {
    caller: Principal,
    project: Option<ProjectId>,
    environment: Option<EnvironmentId>,
    /// The named change requests that are not done yet, where the stream shall end with them.
    open: Option<BTreeSet<CrNumber>>,
}

impl Face for StatusFace {
    type Message = StatusMessage;

    fn message(&mut self, cases: Vec<Arc<Case>>, mark: Option<Mark>) -> Option<StatusMessage> {
        if let Some(open) = &mut self.open {
            for case in cases.iter().filter(|case| is_done(case)) {
                open.remove(&case.number());
            }
        }
        let fits = |case: &Arc<Case>| {
            let content = &case.change_request.content;
            case.is_covered_by(&self.caller)
                && self
                    .project
                    .as_ref()
                    .is_none_or(|project| *project == content.project)
                && self
                    .environment
                    .as_ref()
                    .is_none_or(|wanted| *wanted == content.environment)
        };
        let cases: Vec<_> = cases.into_iter().filter(fits).collect();
        (!cases.is_empty() || mark.is_some()).then_some(StatusMessage { cases, mark })
    }

    fn is_done(&self) -> bool {
        self.open.as_ref().is_some_and(BTreeSet::is_empty)
    }
}

/// Whether no task of it waits, is cleared or runs.
fn is_done(case: &Case) -> bool {
    case.tasks
        .values()
        .all(countersign_domain::task::Task::has_ended)
}
