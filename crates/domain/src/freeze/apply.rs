//! The one way from a freeze's state to the next, live and when the log is folded.

use super::{Freeze, FreezeEvent, Lifted};
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
        (FreezeEvent::Created { draft, due_at }, _, None) => Ok(Some(Freeze {
            draft: draft.as_ref().clone(),
            revision: 1,
            created: stamp,
            changed: stamp,
            stamp,
            lifted: None,
            deleted: false,
            due_at: *due_at,
            sweep: None,
            calendar: Derived::default(),
        })),
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
            let next = Freeze {
                sweep: *sweep,
                due_at: *due_at,
                stamp,
                ..freeze.clone()
            };
            let gone = next.deleted && next.sweep.is_none();
            Ok((!gone).then_some(next))
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
