//! What must always hold, as named functions. Tests, simulation and the running gate use the same
//! ones: a command whose result breaks one is refused as a fault, and its aggregate grants nothing.

use std::collections::BTreeSet;

use crate::Instant;
use crate::calendar::Period;
use crate::change_request::{Case, CrState, ExpiryCause, TASKS_LIMIT};
use crate::directory::Directory;
use crate::ids::CrNumber;
use crate::task::{Task, TaskState, TerminationReason};

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} does not hold for {subject}")]
pub struct Violation {
    /// Its name, as in the catalogue.
    pub name: &'static str,
    /// What it does not hold for.
    pub subject: String,
}

impl Violation {
    /// What a command on a change request in quarantine meets.
    pub fn quarantined(number: CrNumber) -> Self {
        Self {
            name: "an invariant, earlier,",
            subject: format!("change request {}", number.0),
        }
    }
}

/// An invariant: its name, and whether it holds for a settled case.
type Invariant = (&'static str, fn(&Case) -> bool);

/// All invariants of a settled case.
pub fn check(case: &Case) -> Result<(), Violation> {
    let all: [Invariant; 11] = [
        (
            "I-03 cleared only under an approved change request",
            cleared_only_when_approved,
        ),
        (
            "I-03 approved only with a quorum while a task could start",
            approved_has_quorum,
        ),
        (
            "I-03 the creator's approval does not count where blocked",
            creator_does_not_count,
        ),
        (
            "I-04 nothing could start under an ended change request",
            ended_stops_everything,
        ),
        ("I-07 one decision per person", one_decision_per_person),
        (
            "T2 a pending change request has a task that waits",
            pending_has_a_task,
        ),
        ("S2 tasks that share are alike", tasks_are_alike),
        (
            "D11 the etag is a later one exactly where tasks have joined",
            joining_changed_the_etag,
        ),
        (
            "W4 a task has a period, in its window, exactly where policies have windows",
            periods_fit,
        ),
        (
            "W7 a task expires only with its change request",
            expired_together,
        ),
        (
            "W7 a time to live passes without an end only where nothing could start",
            passed_over_nothing,
        ),
    ];
    for (name, holds) in all {
        if !holds(case) {
            let subject = format!("change request {}", case.number().0);
            return Err(Violation { name, subject });
        }
    }
    Ok(())
}

/// I-03.
pub fn cleared_only_when_approved(case: &Case) -> bool {
    let approved = matches!(case.change_request.state, CrState::Approved { .. });
    let cleared = |task: &Task| matches!(task.state, TaskState::Cleared { .. });
    approved || !case.tasks.values().any(cleared)
}

/// I-03.
pub fn approved_has_quorum(case: &Case) -> bool {
    let approved = matches!(case.change_request.state, CrState::Approved { .. });
    !approved || !case.could_start() || case.has_quorum()
}

/// I-03, S4: of the creators of all tasks, whatever became of those.
pub fn creator_does_not_count(case: &Case) -> bool {
    let creators = case.creators();
    let mut approvals = case.change_request.approvals();
    !case.resultant.block_creator || !approvals.any(|it| creators.contains(&it.person))
}

/// I-04.
pub fn ended_stops_everything(case: &Case) -> bool {
    !case.change_request.state.has_ended() || !case.could_start()
}

/// I-07.
pub fn one_decision_per_person(case: &Case) -> bool {
    let decisions = &case.change_request.decisions;
    let people: BTreeSet<_> = decisions.iter().map(|decision| &decision.person).collect();
    people.len() == decisions.len()
}

/// T2.
pub fn pending_has_a_task(case: &Case) -> bool {
    !matches!(case.change_request.state, CrState::Pending { .. }) || case.could_start()
}

/// S2: what a key is made of is the same; without a key there is one task.
pub fn tasks_are_alike(case: &Case) -> bool {
    let content = &case.change_request.content;
    let shares = content.sharing_key.is_some();
    let alike = |task: &Task| {
        let spec = &task.content.spec;
        spec.kind == content.kind
            && spec.project == content.project
            && spec.environment == content.environment
            && spec.release == content.release
            && spec.artifact_digest == content.artifact_digest
            && (spec.tenant == content.tenant || (shares && content.tenant.is_none()))
    };
    let most = if shares { TASKS_LIMIT } else { 1 };
    case.tasks.len() <= most && case.tasks.values().all(alike)
}

/// D11.
pub fn joining_changed_the_etag(case: &Case) -> bool {
    case.change_request.joined_etag.is_some() == (case.tasks.len() > 1)
}

/// W7.
pub fn expired_together(case: &Case) -> bool {
    let by_ttl = match case.change_request.state {
        CrState::Expired { cause, .. } => cause != ExpiryCause::WindowClosed,
        CrState::Pending { .. }
        | CrState::Approved { .. }
        | CrState::Rejected { .. }
        | CrState::Withdrawn { .. } => false,
    };
    let expired = |task: &Task| {
        let reason = TerminationReason::Expired;
        matches!(&task.state, TaskState::Terminated { reason: found, .. } if *found == reason)
    };
    by_ttl || !case.tasks.values().any(expired)
}

/// W7, T2.
pub fn passed_over_nothing(case: &Case) -> bool {
    let passed = matches!(
        case.change_request.state,
        CrState::Approved {
            ttl_passed: true,
            ..
        }
    );
    !passed || !case.could_start()
}

/// W4.
pub fn periods_fit(case: &Case) -> bool {
    let has_windows = case.resultant.has_windows();
    case.tasks.values().all(|task| {
        let window = task.content.spec.window;
        let fits = |period: Period| {
            window.has_opened(period.start)
                && period.start < period.end
                && window.end.is_none_or(|end| period.end <= end)
        };
        task.period.is_some() == has_windows && task.period.is_none_or(fits)
    })
}

/// I-05: a start lies in the task's window, in the period it is bound to, and under no freeze.
pub fn may_start_at(task: &Task, directory: &Directory, at: Instant) -> bool {
    let spec = &task.content.spec;
    spec.window.contains(at)
        && task.bounds().contains(at)
        && directory.freezes_on(spec, at).next().is_none()
}
