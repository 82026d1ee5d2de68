//! What must always hold, as named functions. Tests, simulation and the running gate use the same
//! ones: a command whose result breaks one is refused as a fault, and its aggregate grants nothing.

use std::collections::BTreeSet;

use crate::Instant;
use crate::change_request::{Case, CrState};
use crate::ids::CrNumber;
use crate::task::{Task, TaskState};

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
    let all: [Invariant; 6] = [
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

/// I-03.
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

/// I-05: a start lies in the task's window.
pub fn starts_inside_window(task: &Task, at: Instant) -> bool {
    task.content.spec.window.contains(at)
}
