//! The words for replies and states, as tests write them.

use std::sync::Arc;

use countersign_domain::batch::Reply;
use countersign_domain::calendar::Period;
use countersign_domain::change_request::{Case, CrState, ExpiryCause, deficit, sentence};
use countersign_domain::freeze::{Freeze, FreezeState, Hold, Outlook, earliest_start, outlook};
use countersign_domain::ids::{CrPrefix, FreezeId};
use countersign_domain::refusal::NotNow;
use countersign_domain::task::{
    Blocker, Signal, Task, TaskState, TerminationReason, blockers, permit, signal,
};
use countersign_domain::{Instant, Refusal};

use super::Gate;
use super::access::token_facts;
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
            NotNow::Held { waiting_for, .. } => format!("StartNotNow:{}", waiting_for.name()),
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

/// Everything a step may expect of what it names: a task, a freeze, a token, or none of them.
pub(crate) fn facts(gate: &Gate, id: &str, now: Instant) -> Vec<String> {
    match gate.case(id) {
        Some(case) => task_facts(gate, case, id, now),
        None => {
            let mut facts = token_facts(gate, id, now);
            facts.extend(freeze_facts(gate, id, now));
            facts
        }
    }
}

fn task_facts(gate: &Gate, case: &Case, id: &str, now: Instant) -> Vec<String> {
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
    let outlook = outlook_of(gate, id, now);
    let permit = permit(task, case.expires_at(), outlook.next_freeze);
    facts.push(format!(
        "permit={}",
        permit.map_or(0, |permit| permit.generation)
    ));
    let valid = permit.and_then(|permit| permit.valid_until);
    facts.push(format!("valid={}", second(valid)));
    facts.push(format!("period={}", period(task.period)));
    let found = blockers(task, &deficit(case, &gate.directory), &outlook, now);
    let found: Vec<String> = found.iter().map(blocker).collect();
    facts.push(format!("blockers={}", found.join(",")));
    let freezes = freezes_of(gate);
    let earliest = earliest_start(task, &case.resultant, &freezes, now);
    facts.push(format!("earliest={}", second(earliest)));
    facts.push(format!("tasks={}", case.tasks.len()));
    facts.push(format!("cause={}", cause(case)));
    facts.push(format!("due={}", second(case.change_request.due_at())));
    facts.push(format!("expires={}", second(case.expires_at())));
    facts
}

/// What is ahead of a task.
pub(crate) fn outlook_of(gate: &Gate, id: &str, now: Instant) -> Outlook {
    let case = gate.case(id).unwrap();
    outlook(&case.tasks[&task_id(id)], &freezes_of(gate), now)
}

fn freezes_of(gate: &Gate) -> Vec<Arc<Freeze>> {
    gate.directory.freezes_after(None).cloned().collect()
}

/// `10..20`.
fn period(period: Option<Period>) -> String {
    period.map_or("none".to_owned(), |period| {
        let [start, end] = [period.start, period.end].map(|at| second(Some(at)));
        format!("{start}..{end}")
    })
}

/// What blocks, and until when that is known: `window@10`.
fn blocker(found: &Blocker) -> String {
    match found {
        Blocker::Approval(deficit) => format!("approval:{}", deficit.missing),
        Blocker::Window { opens_at } => format!("window@{}", second(Some(*opens_at))),
        Blocker::Freeze(Hold {
            freeze, ends_at, ..
        }) => {
            format!("freeze:{freeze}@{}", second(*ends_at))
        }
        Blocker::Settling => "settling".to_owned(),
    }
}

/// Where a freeze stands, and when tasks have to be looked at because of it.
fn freeze_facts(gate: &Gate, id: &str, now: Instant) -> Vec<String> {
    let id = FreezeId::parse(id).ok();
    let found = id.and_then(|id| gate.directory.freeze_or_remains(&id));
    let Some(freeze) = found else {
        return vec!["absent".to_owned()];
    };
    let state = match freeze.state(now) {
        _ if freeze.deleted => "remains".to_owned(),
        FreezeState::InForce { ends_at } => format!("in_force@{}", second(Some(ends_at))),
        FreezeState::Lifted { until, .. } => format!("lifted@{}", second(Some(until))),
        FreezeState::Upcoming { begins_at } => format!("upcoming@{}", second(Some(begins_at))),
        FreezeState::Ended => "ended".to_owned(),
    };
    vec![
        state,
        format!("look={}", second(freeze.due_at)),
        format!("rev={}", freeze.revision),
        format!("next={}", second(freeze.next_begin(now))),
        format!(
            "through={}",
            freeze.sweep.map_or(0, |sweep| sweep.through.0)
        ),
    ]
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
    match instant {
        None => "none".to_owned(),
        Some(Instant::LAST) => "never".to_owned(),
        Some(instant) => (instant.micros_since(at(0)) / 1_000_000).to_string(),
    }
}

/// The line for the orchestrator's log, as it is at the head.
pub(crate) fn line(gate: &Gate, id: &str) -> String {
    let case: &Case = gate.case(id).unwrap();
    let deficit = deficit(case, &gate.directory);
    let task = &case.tasks[&task_id(id)];
    let now = gate.store.head.instant;
    let outlook = outlook_of(gate, id, now);
    sentence(task, case, &deficit, &outlook, &prefix(), now)
}
