//! Decides what people, and time, ask of freezes.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Freeze, FreezeDraft, FreezeEvent, FreezeField, Sweep, apply_freeze};
use crate::Instant;
use crate::calendar::{Found, Period};
use crate::directory::{Directory, EtagGuard, check_etag, check_scopes};
use crate::ids::{CrNumber, FreezeId};
use crate::log::{Event, Stamp};
use crate::refusal::Refusal;

/// How far tasks have been looked at because of a freeze. A sweep begins by saying that it has come
/// to nothing yet: whatever was decided before its turn is in the store then, and what is decided
/// later knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SweepFreeze {
    /// Which freeze.
    pub id: FreezeId,
    /// The sequence of its newest entry, as it was when they were.
    pub seen: u64,
    /// The revision of the directory by which they were judged.
    pub directory_revision: u64,
    /// Through the tasks of this change request; `None`: all of them.
    pub through: Option<CrNumber>,
}

/// Decides a new freeze.
pub(crate) fn create_freeze(
    directory: &Directory,
    draft: &FreezeDraft,
    now: Instant,
) -> Result<Event, Refusal> {
    if directory.freeze(&draft.id).is_some() {
        return Err(Refusal::FreezeIdTaken {
            freeze: draft.id.clone(),
        });
    }
    let mut draft = draft.clone();
    draft.start.get_or_insert(now);
    check_scopes("freeze.scopes", &draft.scopes)?;
    check_times(&draft, now)?;
    let event = FreezeEvent::Created {
        draft: Box::new(draft.clone()),
        due_at: None,
    };
    let before = directory.freeze_or_remains(&draft.id);
    Ok(Event::Freeze(draft.id, with_due(before, event, now)))
}

/// Decides a change of the named fields.
pub(crate) fn update_freeze(
    directory: &Directory,
    draft: &FreezeDraft,
    fields: &BTreeSet<FreezeField>,
    etag: &EtagGuard,
    now: Instant,
) -> Result<Option<Event>, Refusal> {
    let freeze = known(directory, &draft.id)?;
    check_etag(etag, &freeze.etag())?;
    let mut next = freeze.draft.clone();
    next.merge(draft.clone(), fields);
    next.start.get_or_insert(now);
    check_scopes("freeze.scopes", &next.scopes)?;
    let stays_lifted = next.has_times_of(&freeze.draft);
    if !stays_lifted {
        check_times(&next, now)?;
    }
    let event = FreezeEvent::Updated {
        draft: Box::new(next.clone()),
        stays_lifted,
        due_at: None,
    };
    Ok((next != freeze.draft).then(|| Event::Freeze(next.id, with_due(Some(freeze), event, now))))
}

/// Decides a deletion.
pub(crate) fn delete_freeze(
    directory: &Directory,
    id: &FreezeId,
    etag: &EtagGuard,
    now: Instant,
) -> Result<Event, Refusal> {
    let freeze = known(directory, id)?;
    check_etag(etag, &freeze.etag())?;
    let holds = freeze.in_force(now).is_some() || freeze.due_at.is_some_and(|due| due <= now);
    let due_at = holds.then_some(now);
    Ok(Event::Freeze(id.clone(), FreezeEvent::Deleted { due_at }))
}

/// Decides a lifting (F3). `None`: its present occurrence was lifted before.
pub(crate) fn lift_freeze(
    directory: &Directory,
    id: &FreezeId,
    comment: &str,
    etag: &EtagGuard,
    now: Instant,
) -> Result<Option<Event>, Refusal> {
    let freeze = known(directory, id)?;
    check_etag(etag, &freeze.etag())?;
    if freeze.lifted.is_some_and(|lifted| now < lifted.until) {
        return Ok(None);
    }
    let Some(occurrence) = freeze.in_force(now) else {
        return Err(Refusal::FreezeNotInForce {
            freeze: id.clone(),
            begins_at: freeze.next_begin(now),
        });
    };
    let event = FreezeEvent::Lifted {
        until: occurrence.end,
        comment: comment.to_owned(),
        due_at: Some(now),
    };
    Ok(Some(Event::Freeze(id.clone(), event)))
}

/// Decides what is remembered of a sweep. `None`: the freeze or the directory is not what it was
/// when the tasks were looked at, so they have to be again.
pub fn sweep_freeze(directory: &Directory, command: &SweepFreeze, now: Instant) -> Option<Event> {
    let freeze = directory.freeze_or_remains(&command.id)?;
    let due_at = freeze.due_at.filter(|&due| due <= now)?;
    let judged_by = (command.seen, command.directory_revision);
    if judged_by != (freeze.stamp.sequence, directory.revision()) {
        return None;
    }
    let began_at = freeze.sweep.map_or(now, |sweep| sweep.began_at);
    let sweep = command.through.map(|through| Sweep { began_at, through });
    let due_at = match sweep {
        Some(_) => Some(due_at),
        None if freeze.deleted => None,
        None => freeze.next_turn(began_at),
    };
    let event = FreezeEvent::Swept { sweep, due_at };
    Some(Event::Freeze(command.id.clone(), event))
}

fn known<'a>(directory: &'a Directory, id: &FreezeId) -> Result<&'a Freeze, Refusal> {
    let found = directory.freeze(id).map(AsRef::as_ref);
    found.ok_or_else(|| Refusal::not_found("freeze", id.as_str()))
}

/// The event with the instant at which tasks have to be looked at: at once where the freeze held
/// before it or holds after it, else when it next does.
fn with_due(before: Option<&Freeze>, event: FreezeEvent, now: Instant) -> FreezeEvent {
    let stamp = Stamp {
        sequence: 0,
        instant: now,
    };
    let next = apply_freeze(before, &event, stamp).ok().flatten();
    let held = before.is_some_and(|freeze| {
        freeze.in_force(now).is_some() || freeze.due_at.is_some_and(|due| due <= now)
    });
    let holds = next
        .as_ref()
        .is_some_and(|next| next.in_force(now).is_some());
    let due_at = if held || holds {
        Some(now)
    } else {
        next.and_then(|next| next.next_turn(now))
    };
    event.due(due_at)
}

/// Refuses times that hold nothing (F1).
fn check_times(draft: &FreezeDraft, now: Instant) -> Result<(), Refusal> {
    let start = draft.start.unwrap_or(now);
    let refused = |field: &str, found: String, allowed: &str| {
        Err(Refusal::field(
            format!("freeze.{field}"),
            found,
            allowed,
            "F1",
        ))
    };
    if let Some(end) = draft.end {
        if end <= now {
            let found = format!("an end at {end}, which is past (it is {now})");
            return refused("end", found, "a later end, or none");
        }
        if (Period { start, end }).is_too_short() {
            let found = format!("{start} to {end}");
            return refused("end", found, "an end at least 1 minute after the start");
        }
    }
    match (draft.calendar().first_after(now), &draft.recurrence) {
        (Found::Period(_), _) => Ok(()),
        (Found::None | Found::TooMuchWork, None) => refused(
            "start",
            start.to_string(),
            "a start at most ten years ahead",
        ),
        (Found::None, Some(recurrence)) => refused(
            "recurrence",
            format!("{recurrence}, which never comes between start and end within ten years"),
            "a recurrence that comes",
        ),
        (Found::TooMuchWork, Some(recurrence)) => refused(
            "recurrence",
            format!("{recurrence}, which takes too long to look through"),
            "a simpler recurrence",
        ),
    }
}
