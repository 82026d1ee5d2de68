//! Following change requests.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use countersign_domain::Refusal;
use countersign_domain::access::Principal;
use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, CrRef, TaskId};
use countersign_domain::task::Task;
use countersign_store::WatchFilter;

use super::conditions::{Conditions, Interest};
use super::hub::Follows;
use super::session::{Face, News, Session};
use super::shared::{Mark, Shared, Subscription, channel};
use super::snapshot::{Matching, PAGE, Snapshot, read_states};
use super::{STREAM_LIMIT, position, read_failed};
use crate::failure::Failure;

/// Which change requests to follow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusFilter {
    /// These; all must exist. Empty: all that fit the conditions.
    pub targets: Vec<CrRef>,
    /// Only those that hold a task which fits.
    pub conditions: Conditions,
    /// Begin with those that have a task left which waits, is cleared or runs; with a token, also
    /// with what changed since.
    pub open_only: bool,
    /// End once nothing that was told has a task left that waits, is cleared or runs.
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
    let began = *shared.head.borrow();
    let position = match token {
        Some(token) => Some(position(&shared, token).await?.sequence),
        None => None,
    };
    let interest = Interest {
        conditions: filter.conditions.clone(),
        grant: Some(caller.grant.clone()),
    };
    let named = named(&shared, caller, &filter).await?;
    let follows = if filter.targets.is_empty() {
        Follows::narrowest(&filter.conditions)
    } else {
        Follows::ChangeRequests(named.clone())
    };
    let registration = shared.hub.register(follows, interest);
    let noted = *shared.head.borrow();
    let snapshot = if filter.targets.is_empty() {
        let wanted = WatchFilter {
            project: filter.conditions.project.clone(),
            environment: filter.conditions.environment.clone(),
            runner: filter.conditions.runner.clone(),
            changed_after: position,
            // To end with the last of them, a stream has to know all that are open.
            open: filter.open_only || (filter.end_when_done && position.is_some()),
            ..WatchFilter::new(caller.grant.clone())
        };
        Snapshot::Matching(Matching::new(&shared, wanted, filter.conditions).await?)
    } else {
        Snapshot::Named(named.into_iter().collect::<Vec<_>>().into_iter())
    };
    let (sender, subscription) = channel();
    let face = StatusFace {
        slot: Arc::clone(&registration.slot),
        open: filter.end_when_done.then(HashSet::new),
    };
    let session = Session::new(shared, began, registration, face, sender);
    tokio::spawn(session.run(noted, snapshot));
    Ok(subscription)
}

/// The change requests that are named; all must exist and be open to the caller.
async fn named(
    shared: &Shared,
    caller: &Principal,
    filter: &StatusFilter,
) -> Result<BTreeSet<CrNumber>, Failure> {
    let mut numbers: Vec<CrNumber> = Vec::new();
    let mut tasks: Vec<TaskId> = Vec::new();
    for target in &filter.targets {
        match target {
            CrRef::Number(number) => numbers.push(*number),
            CrRef::Task(id) => tasks.push(id.clone()),
        }
    }
    let mut found: BTreeSet<CrNumber> = BTreeSet::new();
    for page in numbers.chunks(PAGE) {
        let cases = read_states(shared, page).await?;
        let covered = cases.iter().filter(|case| case.is_covered_by(caller));
        found.extend(covered.map(Case::number));
        if let Some(absent) = page.iter().find(|&number| !found.contains(number)) {
            return Err(Refusal::not_found("change request", &absent.0.to_string()).into());
        }
    }
    for page in tasks.chunks(PAGE) {
        let _turn = shared.turn().await;
        let cases = shared.store.cases_of_tasks(page).await;
        let mut cases = cases.map_err(|e| read_failed(&e))?;
        cases.retain(|case| case.is_covered_by(caller));
        let is_held = |id: &TaskId| cases.iter().any(|case| case.tasks.contains_key(id));
        if let Some(absent) = page.iter().find(|&id| !is_held(id)) {
            return Err(Refusal::task_not_found(absent).into());
        }
        found.extend(cases.iter().map(Case::number));
    }
    Ok(found)
}

struct StatusFace {
    slot: Arc<super::slot::Slot>,
    /// What was told of and is not done yet, where the stream shall end with it.
    open: Option<HashSet<CrNumber>>,
}

impl Face for StatusFace {
    type Message = StatusMessage;

    fn message(&mut self, news: Vec<News>, mark: Option<Mark>) -> Option<StatusMessage> {
        let states = news.into_iter().map(|news| news.case);
        let cases: Vec<_> = states
            .filter(|case| self.slot.interest.covers(case))
            .collect();
        if let Some(open) = &mut self.open {
            for case in &cases {
                if case.tasks.values().all(Task::has_ended) {
                    open.remove(&case.number());
                } else {
                    open.insert(case.number());
                }
            }
        }
        (!cases.is_empty() || mark.is_some()).then_some(StatusMessage { cases, mark })
    }

    fn is_done(&self) -> Result<bool, Failure> {
        match &self.open {
            Some(open) if open.len() > STREAM_LIMIT => Err(Failure::TooManyMatches {
                limit: STREAM_LIMIT,
            }),
            Some(open) => Ok(open.is_empty()),
            None => Ok(false),
        }
    }
}
