//! Freezes and what they concern, as answers carry them.

use countersign_domain::Instant;
use countersign_domain::freeze::{Freeze, FreezeState};
use countersign_domain::preview::{Transition, Turn};
use countersign_engine::Impact;
use countersign_proto::v1;

use super::policy::show_scope;
use super::schedule::show_recurrence;
use super::show::Show;
use super::task::show_state;
use super::task_spec::show_optional;
use super::window::timestamp;

impl Show<'_> {
    /// A freeze as kept, and where it stands now.
    pub(crate) fn freeze(&self, freeze: &Freeze) -> v1::Freeze {
        let draft = &freeze.draft;
        let (state, ends_at, next_begins_at, lifted_until) = standing(freeze.state(self.now));
        v1::Freeze {
            id: draft.id.to_string(),
            reason: draft.reason.clone(),
            scopes: draft.scopes.iter().map(show_scope).collect(),
            start: draft.start.map(timestamp),
            end: draft.end.map(timestamp),
            recurrence: draft.recurrence.as_ref().map(show_recurrence),
            revision: freeze.revision,
            etag: freeze.etag(),
            created_at: Some(timestamp(freeze.created.instant)),
            updated_at: Some(timestamp(freeze.changed.instant)),
            state: state.into(),
            ends_at: ends_at.map(timestamp),
            next_begins_at: next_begins_at.map(timestamp),
            lifted_until: lifted_until.map(timestamp),
            settling: freeze.due_at.is_some_and(|due_at| due_at <= self.now),
        }
    }

    /// Which tasks a freeze holds.
    pub(crate) fn impact(&self, impact: &Impact) -> v1::FreezeImpact {
        let tasks = impact.tasks.iter().map(|task| v1::ConcernedTask {
            task_id: task.id().to_string(),
            change_request: self.number(task.change_request()),
            state: show_state(&task.state).into(),
        });
        v1::FreezeImpact {
            waiting: impact.waiting,
            cleared: impact.cleared,
            tasks: tasks.collect(),
            incomplete: impact.incomplete,
        }
    }
}

/// State, end, next beginning, and until when it is lifted. The last instant of all is never.
fn standing(
    state: FreezeState,
) -> (
    v1::FreezeState,
    Option<Instant>,
    Option<Instant>,
    Option<Instant>,
) {
    let known = |at: Instant| Some(at).filter(|&at| at < Instant::LAST);
    match state {
        FreezeState::InForce { ends_at } => (v1::FreezeState::InForce, known(ends_at), None, None),
        FreezeState::Lifted { until, begins_at } => {
            (v1::FreezeState::Lifted, None, begins_at, known(until))
        }
        FreezeState::Upcoming { begins_at } => {
            (v1::FreezeState::Upcoming, None, Some(begins_at), None)
        }
        FreezeState::Ended => (v1::FreezeState::Ended, None, None, None),
    }
}

/// One transition of a schedule.
pub(crate) fn show_transition(transition: &Transition) -> v1::Transition {
    let kind = match transition.turn {
        Turn::Opens => v1::TransitionKind::Opens,
        Turn::Closes => v1::TransitionKind::Closes,
        Turn::FreezeBegins => v1::TransitionKind::FreezeBegins,
        Turn::FreezeEnds => v1::TransitionKind::FreezeEnds,
    };
    v1::Transition {
        at: Some(timestamp(transition.at)),
        kind: kind.into(),
        local_time: transition.local.clone(),
        reason: transition.reason.clone(),
        freeze_id: show_optional(transition.freeze.as_ref()),
    }
}
