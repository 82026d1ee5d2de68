//! The one way from a freeze's state to the next, live and when the log is folded.

use super::{Freeze, FreezeDraft, FreezeEvent, Lifted, Sweep};
use crate::Instant;
use crate::derived::Derived;
use crate::log::{IllegalEdge, Stamp};

/// The freeze after an event; `None` once it is deleted and what it held was let go.
pub fn apply_freeze(
    found: Option<&Freeze>,
    event: &FreezeEvent,
    stamp: Stamp,
) -> Result<Option<Freeze>, IllegalEdge> {
    let edge = |state| IllegalEdge {
        event: event.name(),
        state,
        sequence: stamp.sequence,
    };
    let living = found.filter(|freeze| !freeze.deleted);
    let state = match (found, living) {
        (None, _) => "absent",
        (Some(_), None) => "deleted",
        (Some(_), Some(_)) => "present",
    };
    match (event, found, living) {
        (FreezeEvent::Created { draft, due_at }, _, None) => {
            Ok(Some(created(draft, *due_at, stamp)))
        }
        (
            FreezeEvent::Updated {
                draft,
                stays_lifted,
                due_at,
            },
            _,
            Some(freeze),
        ) => Ok(Some(Freeze {
            draft: draft.as_ref().clone(),
            lifted: freeze.lifted.filter(|_| *stays_lifted),
            due_at: *due_at,
            calendar: Derived::default(),
            ..changed(freeze, stamp)
        })),
        (FreezeEvent::Lifted { until, due_at, .. }, _, Some(freeze)) => Ok(Some(Freeze {
            lifted: Some(Lifted {
                from: stamp.instant,
                until: *until,
            }),
            due_at: *due_at,
            ..changed(freeze, stamp)
        })),
        (FreezeEvent::Deleted { due_at: None }, _, Some(_)) => Ok(None),
        (FreezeEvent::Deleted { due_at }, _, Some(freeze)) => Ok(Some(Freeze {
            deleted: true,
            due_at: *due_at,
            ..changed(freeze, stamp)
        })),
        (FreezeEvent::Swept { sweep, due_at }, Some(freeze), _) if freeze.due_at.is_some() => {
            Ok(swept(freeze, *sweep, *due_at, stamp))
        }
        (FreezeEvent::Swept { .. }, Some(_), _) => Err(edge("swept")),
        (FreezeEvent::Created { .. }, _, Some(_))
        | (
            FreezeEvent::Updated { .. } | FreezeEvent::Lifted { .. } | FreezeEvent::Deleted { .. },
            _,
            None,
        )
        | (FreezeEvent::Swept { .. }, None, _) => Err(edge(state)),
    }
}

/// A freeze that people have changed: whatever was under way begins again.
fn changed(freeze: &Freeze, stamp: Stamp) -> Freeze {
    Freeze {
        revision: freeze.revision + 1,
        changed: stamp,
        stamp,
        sweep: None,
        ..freeze.clone()
    }
}

fn created(draft: &FreezeDraft, due_at: Option<Instant>, stamp: Stamp) -> Freeze {
    Freeze {
        draft: draft.clone(),
        revision: 1,
        created: stamp,
        changed: stamp,
        stamp,
        lifted: None,
        deleted: false,
        due_at,
        sweep: None,
        calendar: Derived::default(),
    }
}

/// A freeze after tasks were looked at; nothing is left of a deleted one once all of them were.
fn swept(
    freeze: &Freeze,
    sweep: Option<Sweep>,
    due_at: Option<Instant>,
    stamp: Stamp,
) -> Option<Freeze> {
    let gone = freeze.deleted && sweep.is_none();
    (!gone).then(|| Freeze {
        sweep,
        due_at,
        stamp,
        ..freeze.clone()
    })
}
