//! The words for replies and states, as tests write them.

use countersign_domain::batch::Reply;
use countersign_domain::change_request::{Case, CrState, ExpiryCause, deficit, sentence};
use countersign_domain::ids::CrPrefix;
use countersign_domain::refusal::NotNow;
use countersign_domain::task::{Signal, Task, TaskState, TerminationReason, permit, signal};
use countersign_domain::{Instant, Refusal};

use super::Gate;
use super::people::{at, task_id};

/// What stands before the numbers of change requests.
pub(crate) fn prefix() -> CrPrefix {
    CrPrefix::parse("CR").unwrap()
}

/// `Done`, or the name of the refusal; a start that is refused only now says why.
pub(crate) fn reply_name(reply: &Reply) -> String {
    match reply {
        Reply::Done(_) => "Done".to_owned(),
        Reply::Stale => "Stale".to_owned(),
        Reply::Deferred => "Deferred".to_owned(),
        Reply::Broken(_) => "Broken".to_owned(),
        Reply::Refused(Refusal::StartNotNow { cause, .. }) => match cause {
            NotNow::Held { waiting_for } => format!("StartNotNow:{}", waiting_for.name()),
            NotNow::StaleGeneration { .. } => "StartNotNow:stale".to_owned(),
        },
        Reply::Refused(refusal) => variant(refusal),
    }
}

/// The name of an enum's variant.
pub(crate) fn variant(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let end = text.find(|c: char| !c.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

/// The state of a task in one word.
pub(crate) fn task_word(task: &Task) -> String {
    match &task.state {
        TaskState::Paused { waiting_for } => format!("PAUSED:{}", waiting_for.name()),
        TaskState::Terminated { reason, .. } => {
            let reason = match reason {
                TerminationReason::Rejected => "rejected",
                TerminationReason::WindowClosed => "window_closed",
                TerminationReason::Withdrawn => "withdrawn",
                TerminationReason::Expired => "expired",
            };
            format!("TERMINATED:{reason}")
        }
        TaskState::Cleared { .. } | TaskState::Running { .. } | TaskState::Finished { .. } => {
            task.state.name().to_owned()
        }
    }
}

/// The state of a change request and of one of its tasks, as `PENDING PAUSED:approval`.
pub(crate) fn states(gate: &Gate, id: &str) -> String {
    let Some(case) = gate.case(id) else {
        return "absent".to_owned();
    };
    let state = case.change_request.state.name();
    format!("{state} {}", task_word(&case.tasks[&task_id(id)]))
}

/// Everything a step may expect of a task.
pub(crate) fn facts(gate: &Gate, id: &str) -> Vec<String> {
    let Some(case) = gate.case(id) else {
        return vec!["absent".to_owned()];
    };
    let task = &case.tasks[&task_id(id)];
    let said = match signal(task) {
        Some(Signal::Hold) => "HOLD",
        Some(Signal::Proceed) => "PROCEED",
        Some(Signal::Terminate) => "TERMINATE",
        None => "none",
    };
    let mut facts: Vec<String> = states(gate, id).split(' ').map(str::to_owned).collect();
    facts.push(format!("CR-{}", case.number().0));
    facts.push(format!("gen={}", task.generation));
    facts.push(format!("counted={}", case.counted()));
    facts.push(format!(
        "missing={}",
        deficit(case, &gate.directory).missing
    ));
    facts.push(format!("min={}", case.resultant.minimum_approvals));
    facts.push(format!(
        "required={}",
        case.change_request.content.approval_required
    ));
    facts.push(format!("signal={said}"));
    facts.push(format!(
        "permit={}",
        permit(task, case.expires_at()).map_or(0, |permit| permit.generation)
    ));
    facts.push(format!("tasks={}", case.tasks.len()));
    facts.push(format!("cause={}", cause(case)));
    facts.push(format!("due={}", second(case.change_request.due_at())));
    facts.push(format!("expires={}", second(case.expires_at())));
    facts
}

/// How a change request expired, and since when that was due: `approval_ttl@60`.
fn cause(case: &Case) -> String {
    let CrState::Expired { cause, due_at, .. } = case.change_request.state else {
        return "none".to_owned();
    };
    let cause = match cause {
        ExpiryCause::WindowClosed => "window_closed",
        ExpiryCause::ApprovalTtl => "approval_ttl",
        ExpiryCause::ExecutionTtl => "execution_ttl",
    };
    format!("{cause}@{}", second(due_at))
}

/// A whole second of the test's time, or `none`.
fn second(instant: Option<Instant>) -> String {
    instant.map_or("none".to_owned(), |instant| {
        (instant.micros_since(at(0)) / 1_000_000).to_string()
    })
}

/// The line for the orchestrator's log, as it is at the head.
pub(crate) fn line(gate: &Gate, id: &str) -> String {
    let case: &Case = gate.case(id).unwrap();
    let deficit = deficit(case, &gate.directory);
    let task = &case.tasks[&task_id(id)];
    sentence(task, case, &deficit, &prefix(), gate.store.head.instant)
}
