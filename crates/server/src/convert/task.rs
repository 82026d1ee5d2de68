//! Tasks and their signals, as answers carry them.

use countersign_domain::Refusal;
use countersign_domain::change_request::{Case, GroupDeficit, sentence};
use countersign_domain::freeze::{Hold, Outlook, earliest_start, outlook};
use countersign_domain::ids::TeamId;
use countersign_domain::task::{
    Blocker, Outcome, Permit, Signal, Start, Task, TaskState, TerminationReason, blockers, permit,
    signal,
};
use countersign_engine::Standing;
use countersign_proto::v1;

use super::fields;
use super::identity::show_person;
use super::schedule::show_period;
use super::show::Show;
use super::task_spec::{show_optional, show_task_spec};
use super::window::timestamp;

impl Show<'_> {
    /// A task as the gate sees it.
    pub(crate) fn task(&self, case: &Case, task: &Task, standing: &Standing) -> v1::Task {
        let ahead = outlook(task, &standing.freezes, self.now);
        let earliest = earliest_start(task, &case.resultant, &standing.freezes, self.now);
        let (termination_reason, ended_at) = match &task.state {
            TaskState::Paused { .. } | TaskState::Cleared { .. } | TaskState::Running { .. } => {
                (v1::TerminationReason::Unspecified, None)
            }
            TaskState::Finished { at, .. } => (v1::TerminationReason::Unspecified, Some(*at)),
            TaskState::Terminated { reason, at } => (show_reason(*reason), Some(*at)),
        };
        v1::Task {
            id: task.id().to_string(),
            change_request: self.number(task.change_request()),
            spec: Some(show_task_spec(&task.content.spec)),
            state: show_state(&task.state).into(),
            signal: show_signal(signal(task)).into(),
            generation: task.generation,
            permit: permit(task, case.expires_at(), ahead.next_freeze).map(show_permit),
            blockers: blockers(task, &standing.deficit, &ahead, self.now)
                .iter()
                .map(show_blocker)
                .collect(),
            start: task.start().map(show_start),
            termination_reason: termination_reason.into(),
            ended_at: ended_at.map(timestamp),
            created_at: Some(timestamp(task.content.created_at)),
            message: self.told(case, task, standing, &ahead),
            sequence: task.stamp.sequence.max(case.change_request.stamp.sequence),
            period: task.period.map(show_period),
            earliest_start: earliest.map(timestamp),
        }
    }

    /// What a runner is told about a task.
    pub(crate) fn signal(&self, case: &Case, task: &Task, standing: &Standing) -> v1::TaskSignal {
        let ahead = outlook(task, &standing.freezes, self.now);
        let termination_reason = match &task.state {
            TaskState::Terminated { reason, .. } => show_reason(*reason),
            TaskState::Paused { .. }
            | TaskState::Cleared { .. }
            | TaskState::Running { .. }
            | TaskState::Finished { .. } => v1::TerminationReason::Unspecified,
        };
        v1::TaskSignal {
            task_id: task.id().to_string(),
            change_request: self.number(task.change_request()),
            signal: show_signal(signal(task)).into(),
            state: show_state(&task.state).into(),
            permit: permit(task, case.expires_at(), ahead.next_freeze).map(show_permit),
            termination_reason: termination_reason.into(),
            start: task.start().map(show_start),
            artifact_digest: show_optional(task.content.spec.artifact_digest.as_ref()),
            message: self.told(case, task, standing, &ahead),
            sequence: task.stamp.sequence,
        }
    }
}

impl Show<'_> {
    /// Where a task stands, in one line (C5).
    pub(crate) fn sentence(&self, case: &Case, task: &Task, standing: &Standing) -> String {
        let ahead = outlook(task, &standing.freezes, self.now);
        self.told(case, task, standing, &ahead)
    }

    fn told(&self, case: &Case, task: &Task, standing: &Standing, ahead: &Outlook) -> String {
        sentence(task, case, &standing.deficit, ahead, self.prefix, self.now)
    }
}

/// A state as answers carry it.
pub(crate) fn show_state(state: &TaskState) -> v1::TaskState {
    match state {
        TaskState::Paused { .. } => v1::TaskState::Paused,
        TaskState::Cleared { .. } => v1::TaskState::Cleared,
        TaskState::Running { .. } => v1::TaskState::Running,
        TaskState::Finished {
            outcome: Outcome::Succeeded,
            ..
        } => v1::TaskState::Succeeded,
        TaskState::Finished {
            outcome: Outcome::Failed,
            ..
        } => v1::TaskState::Failed,
        TaskState::Terminated { .. } => v1::TaskState::Terminated,
    }
}

fn show_signal(signal: Option<Signal>) -> v1::Signal {
    match signal {
        None => v1::Signal::Unspecified,
        Some(Signal::Hold) => v1::Signal::Hold,
        Some(Signal::Proceed) => v1::Signal::Proceed,
        Some(Signal::Terminate) => v1::Signal::Terminate,
    }
}

fn show_reason(reason: TerminationReason) -> v1::TerminationReason {
    match reason {
        TerminationReason::Rejected => v1::TerminationReason::Rejected,
        TerminationReason::WindowClosed => v1::TerminationReason::WindowClosed,
        TerminationReason::Withdrawn => v1::TerminationReason::Withdrawn,
        TerminationReason::Expired => v1::TerminationReason::Expired,
    }
}

fn show_permit(permit: Permit) -> v1::Permit {
    v1::Permit {
        generation: permit.generation,
        valid_until: permit.valid_until.map(timestamp),
    }
}

fn show_start(start: &Start) -> v1::TaskStart {
    v1::TaskStart {
        claim_id: start.claim.to_string(),
        generation: start.generation,
        runner: Some(show_person(&start.runner)),
        started_at: Some(timestamp(start.at)),
    }
}

fn show_group(group: &GroupDeficit) -> v1::ApprovalGroup {
    v1::ApprovalGroup {
        policy: show_optional(group.policy.as_ref()),
        missing: group.missing,
        people: group.people.iter().map(show_person).collect(),
        teams: group.teams.iter().map(TeamId::to_string).collect(),
    }
}

fn show_blocker(blocker: &Blocker) -> v1::Blocker {
    let (kind, detail) = match blocker {
        Blocker::Approval(deficit) => {
            let approval = v1::ApprovalBlocker {
                missing: deficit.missing,
                people: deficit.people.iter().map(show_person).collect(),
                teams: deficit.teams.iter().map(TeamId::to_string).collect(),
                groups: deficit.groups.iter().map(show_group).collect(),
            };
            (
                v1::BlockerKind::Approval,
                Some(v1::blocker::Detail::Approval(approval)),
            )
        }
        Blocker::Window { opens_at } => {
            let window = v1::WindowBlocker {
                opens_at: Some(timestamp(*opens_at)),
            };
            (
                v1::BlockerKind::Window,
                Some(v1::blocker::Detail::Window(window)),
            )
        }
        Blocker::Freeze(Hold {
            freeze,
            reason,
            ends_at,
        }) => {
            let freeze = v1::FreezeBlocker {
                freeze_id: freeze.to_string(),
                reason: reason.clone(),
                ends_at: ends_at.map(timestamp),
            };
            (
                v1::BlockerKind::Freeze,
                Some(v1::blocker::Detail::Freeze(freeze)),
            )
        }
        Blocker::Settling => (v1::BlockerKind::Settling, None),
    };
    v1::Blocker {
        kind: kind.into(),
        message: blocker.phrase(),
        detail,
    }
}

/// A state to filter by, as its name in the store; none for any.
pub(crate) fn state_name(field: &str, value: i32) -> Result<Option<String>, Refusal> {
    let name = match v1::TaskState::try_from(value) {
        Ok(v1::TaskState::Unspecified) => return Ok(None),
        Ok(v1::TaskState::Paused) => "PAUSED",
        Ok(v1::TaskState::Cleared) => "CLEARED",
        Ok(v1::TaskState::Running) => "RUNNING",
        Ok(v1::TaskState::Succeeded) => "SUCCEEDED",
        Ok(v1::TaskState::Failed) => "FAILED",
        Ok(v1::TaskState::Terminated) => "TERMINATED",
        Err(_) => return Err(fields::bad_enum(field, value, "a value of TaskState")),
    };
    Ok(Some(name.to_owned()))
}

/// An outcome, which must be given.
pub(crate) fn outcome(field: &str, value: i32) -> Result<Outcome, Refusal> {
    match v1::TaskOutcome::try_from(value) {
        Ok(v1::TaskOutcome::Succeeded) => Ok(Outcome::Succeeded),
        Ok(v1::TaskOutcome::Failed) => Ok(Outcome::Failed),
        Ok(v1::TaskOutcome::Unspecified) | Err(_) => {
            let allowed = "TASK_OUTCOME_SUCCEEDED or TASK_OUTCOME_FAILED";
            Err(fields::bad_enum(field, value, allowed))
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::batch::Action;
    use countersign_domain::ids::{ClaimId, TaskId};
    use countersign_domain::task::{FinishTask, StartTask};

    use super::super::fields::tests::field_of;
    use super::super::fixture::{Bench, begin, prefix};
    use super::super::task_spec;
    use super::*;

    fn signals(bench: &Bench, case: &Case) -> (v1::Task, v1::TaskSignal) {
        let prefix = prefix();
        let show = Show {
            prefix: &prefix,
            now: begin(),
        };
        let task = case.tasks.values().next().unwrap();
        let standing = bench.view(case).standing;
        (
            show.task(case, task, &standing),
            show.signal(case, task, &standing),
        )
    }

    #[test]
    fn p1_a_started_task_has_no_signal_and_shows_its_start() {
        let mut bench = Bench::new(None);
        let spec = task_spec::tests::full();
        let (task, claim) = (
            TaskId::parse(&spec.id).unwrap(),
            ClaimId::parse("c-1").unwrap(),
        );
        let case = bench.create(&spec);
        let (_, cleared) = signals(&bench, &case);
        assert_eq!(cleared.signal(), v1::Signal::Proceed);
        assert_eq!(cleared.artifact_digest, spec.artifact_digest);
        let start = StartTask {
            task: task.clone(),
            generation: 1,
            artifact_digest: fields::digest("d", &spec.artifact_digest).unwrap(),
            claim: claim.clone(),
        };
        let case = bench.act("runner:pool-1", Action::Start(start));
        let (shown, running) = signals(&bench, &case);
        assert_eq!(running.signal(), v1::Signal::Unspecified);
        assert_eq!(running.state(), v1::TaskState::Running);
        assert_eq!(shown.state(), v1::TaskState::Running);
        let granted = running.start.unwrap();
        assert_eq!((granted.claim_id.as_str(), granted.generation), ("c-1", 1));
        assert_eq!(
            shown.start.unwrap().runner.unwrap().subject,
            "runner:pool-1"
        );

        let outcome = Outcome::Failed;
        let finish = FinishTask {
            task,
            claim,
            outcome,
            comment: String::new(),
        };
        let case = bench.act("runner:pool-1", Action::Finish(finish));
        let (shown, ended) = signals(&bench, &case);
        assert_eq!(ended.state(), v1::TaskState::Failed);
        assert_eq!(ended.signal(), v1::Signal::Unspecified);
        assert_eq!(shown.ended_at, Some(timestamp(begin())));
    }

    #[test]
    fn w2_a_window_that_is_not_open_is_a_blocker() {
        let mut bench = Bench::new(None);
        let later = begin().plus_micros(60_000_000).unwrap();
        let mut spec = task_spec::tests::full();
        spec.window = Some(v1::TaskWindow {
            start: Some(timestamp(later)),
            end: None,
            duration: None,
        });
        let case = bench.create(&spec);
        let (shown, signal) = signals(&bench, &case);
        assert_eq!(signal.signal(), v1::Signal::Hold);
        let blocker = &shown.blockers[0];
        assert_eq!(blocker.kind(), v1::BlockerKind::Window);
        let opens_at = Some(timestamp(later));
        let detail = v1::blocker::Detail::Window(v1::WindowBlocker { opens_at });
        assert_eq!(blocker.detail, Some(detail));
    }

    #[test]
    fn e2_states_and_outcomes_are_read_or_refused() {
        assert_eq!(state_name("state", 0), Ok(None));
        let failed = state_name("state", v1::TaskState::Failed.into());
        assert_eq!(failed, Ok(Some("FAILED".to_owned())));
        assert_eq!(field_of(state_name("state", 99)), "state");
        assert_eq!(outcome("outcome", 1), Ok(Outcome::Succeeded));
        assert_eq!(field_of(outcome("outcome", 0)), "outcome");
        assert_eq!(field_of(outcome("outcome", 99)), "outcome");
    }
}
