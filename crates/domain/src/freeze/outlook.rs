//! What freezes and windows mean for one task, as far ahead as is known (F2, P2).

use std::sync::Arc;

use super::Freeze;
use crate::Instant;
use crate::directory::Directory;
use crate::ids::FreezeId;
use crate::policy::{Bound, OnClose, ResultantPolicy};
use crate::task::{Task, TaskState, WaitingFor};

/// How many freezes and periods are looked through for the first instant without a hindrance.
const STEPS_LIMIT: usize = 200;

/// A freeze that holds a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Which.
    pub freeze: FreezeId,
    /// Why.
    pub reason: String,
    /// When it lets go; `None`: nobody knows.
    pub ends_at: Option<Instant>,
}

/// What is ahead of a task that could start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlook {
    /// The freezes that hold it, by id.
    pub holds: Vec<Hold>,
    /// When a freeze that matches it began or will begin, whichever is first.
    pub next_freeze: Option<Instant>,
}

/// What is ahead of a task at an instant, among these freezes. Nothing, if it cannot start any
/// more.
pub fn outlook(task: &Task, freezes: &[Arc<Freeze>], now: Instant) -> Outlook {
    if !task.could_start() {
        return Outlook::default();
    }
    let matching = matching(task, freezes);
    let holds = matching.iter().filter_map(|freeze| {
        let period = freeze.in_force(now)?;
        Some(Hold {
            freeze: freeze.draft.id.clone(),
            reason: freeze.draft.reason.clone(),
            ends_at: Some(period.end).filter(|&end| end < Instant::LAST),
        })
    });
    let begins = |freeze: &&Arc<Freeze>| match freeze.in_force(now) {
        Some(period) => Some(period.start),
        None => freeze.next_begin(now),
    };
    Outlook {
        holds: holds.collect(),
        next_freeze: matching.iter().filter_map(begins).min(),
    }
}

fn matching<'a>(task: &Task, freezes: &'a [Arc<Freeze>]) -> Vec<&'a Arc<Freeze>> {
    let matches = |freeze: &&Arc<Freeze>| freeze.matches(&task.content.spec);
    freezes.iter().filter(matches).collect()
}

/// Whether a task that is cleared or waits for a freeze is not where the freezes put it.
pub fn is_misplaced(task: &Task, directory: &Directory, at: Instant) -> bool {
    let held = || {
        directory
            .freezes_on(&task.content.spec, at)
            .next()
            .is_some()
    };
    match task.state {
        TaskState::Cleared { .. } => held(),
        TaskState::Paused {
            waiting_for: WaitingFor::Freeze,
        } => !held(),
        TaskState::Paused {
            waiting_for: WaitingFor::Approval | WaitingFor::Window,
        }
        | TaskState::Running { .. }
        | TaskState::Finished { .. }
        | TaskState::Terminated { .. } => false,
    }
}

/// Whether a freeze, or the next occurrence of one that is not in force, holds a task at some time.
pub fn would_hold(freeze: &Freeze, task: &Task, now: Instant) -> bool {
    let begins = freeze.in_force(now).map(|period| period.start);
    let Some(begins) = begins.or_else(|| freeze.next_begin(now)) else {
        return false;
    };
    let bounds = task.bounds();
    let ends = freeze.in_force(begins.max(now)).map_or(begins, |it| it.end);
    task.could_start()
        && freeze.matches(&task.content.spec)
        && bounds.start.is_none_or(|start| start < ends)
        && bounds.end.is_none_or(|end| end > begins)
}

/// The first instant at which time lets a task start; `None`: it cannot start any more, or never,
/// or nobody knows, or that takes too long to find.
pub fn earliest_start(
    task: &Task,
    resultant: &ResultantPolicy,
    freezes: &[Arc<Freeze>],
    now: Instant,
) -> Option<Instant> {
    if !task.could_start() {
        return None;
    }
    let freezes = matching(task, freezes);
    let mut bounds = task.bounds();
    let mut at = now;
    for _ in 0..STEPS_LIMIT {
        at = bounds.start.map_or(at, |start| at.max(start));
        if bounds.has_closed(at) {
            let holds_on = task.period.is_some() && resultant.on_close() == OnClose::Hold;
            let next = holds_on.then(|| resultant.period_after(task.content.spec.window, at));
            let Some(Bound::To(period)) = next else {
                return None;
            };
            bounds.start = Some(period.start);
            bounds.end = Some(period.end);
            continue;
        }
        let ends = freezes.iter().filter_map(|freeze| freeze.in_force(at));
        match ends.map(|period| period.end).max() {
            None => return Some(at),
            Some(Instant::LAST) => return None,
            Some(end) => at = end,
        }
    }
    None
}
