//! What a schedule does next: when windows open and close, and when freezes begin and end.

use std::sync::Arc;

use crate::Instant;
use crate::calendar::{Calendar, Found, Period, Reading, Recurrence};
use crate::freeze::{Freeze, FreezeDraft, Lifted};
use crate::ids::FreezeId;
use crate::policy::{Bound, ChangeWindow, OnClose, ResultantPolicy, calendar_of};
use crate::task::Task;

/// What happens at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// A window closes.
    Closes,
    /// A freeze ends.
    FreezeEnds,
    /// A window opens.
    Opens,
    /// A freeze begins.
    FreezeBegins,
}

/// One instant at which a schedule changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Instant,
    /// What happens.
    pub turn: Turn,
    /// The instant in local time.
    pub local: String,
    /// The freeze that begins or ends.
    pub freeze: Option<FreezeId>,
    /// What it is about, for people.
    pub reason: String,
}

/// What a schedule does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// In order.
    pub transitions: Vec<Transition>,
    /// Whether time lets a task start at the beginning; of a freeze, whether it is in force.
    pub open: bool,
}

/// What the windows of a policy do after an instant.
pub fn preview_windows(windows: &[ChangeWindow], from: Instant, count: usize) -> Preview {
    let calendar = calendar_of(std::iter::once(windows));
    let periods = calendar.periods_after(from).take(count);
    let turns = periods.flat_map(|period| of_window(period, &windows.iter().collect::<Vec<_>>()));
    Preview {
        transitions: first(turns.collect(), from, count),
        open: windows.is_empty() || covers(&calendar, from),
    }
}

/// What a freeze does after an instant.
pub fn preview_freeze(
    draft: &FreezeDraft,
    lifted: Option<Lifted>,
    from: Instant,
    count: usize,
) -> Preview {
    let spans: Vec<Period> = spans(draft, lifted, from, count);
    let open = spans.iter().any(|span| span.contains(from));
    let turns = spans.into_iter().flat_map(|span| of_freeze(span, draft));
    Preview {
        transitions: first(turns.collect(), from, count),
        open,
    }
}

/// What time does to a task that could start, after an instant: its periods, as far as it would be
/// bound to them, and the freezes that match it.
pub fn preview_task(
    task: &Task,
    resultant: &ResultantPolicy,
    freezes: &[Arc<Freeze>],
    from: Instant,
    count: usize,
) -> Preview {
    if !task.could_start() {
        return Preview {
            transitions: Vec::new(),
            open: false,
        };
    }
    let policies = resultant.policies.iter();
    let windows: Vec<&ChangeWindow> = policies.flat_map(|policy| &policy.terms.windows).collect();
    let periods = periods_of(task, resultant, from, count);
    let matches = |freeze: &&Arc<Freeze>| !freeze.deleted && freeze.matches(&task.content.spec);
    let matching: Vec<&Arc<Freeze>> = freezes.iter().filter(matches).collect();
    let open = periods.iter().any(|period| period.contains(from))
        && matching
            .iter()
            .all(|freeze| freeze.in_force(from).is_none());
    let mut turns: Vec<Transition> = periods
        .into_iter()
        .flat_map(|period| of_window(period, &windows))
        .collect();
    for freeze in matching {
        let spans = spans(&freeze.draft, freeze.lifted, from, count);
        turns.extend(
            spans
                .into_iter()
                .flat_map(|span| of_freeze(span, &freeze.draft)),
        );
    }
    Preview {
        transitions: first(turns, from, count),
        open,
    }
}

/// The periods that a task is and would be bound to, or its own window where it is bound to none.
fn periods_of(
    task: &Task,
    resultant: &ResultantPolicy,
    from: Instant,
    count: usize,
) -> Vec<Period> {
    let bounds = task.bounds();
    let mut found = vec![Period {
        start: bounds.start.unwrap_or(Instant::EPOCH),
        end: bounds.end.unwrap_or(Instant::LAST),
    }];
    let goes_on = task.period.is_some() && resultant.on_close() == OnClose::Hold;
    while let Some(last) = found
        .last()
        .copied()
        .filter(|_| goes_on && found.len() <= count)
    {
        let after = last.end.max(from);
        match resultant.period_after(task.content.spec.window, after) {
            Bound::To(period) => found.extend(period.cut(Some(last.end), None)),
            Bound::Free | Bound::Nowhere(_) => break,
        }
    }
    found
}

/// The occurrences of a freeze that end after an instant, without the time in which it was lifted.
fn spans(draft: &FreezeDraft, lifted: Option<Lifted>, from: Instant, count: usize) -> Vec<Period> {
    let calendar = draft.calendar();
    let occurrences = calendar.periods_after(from).take(count + 1);
    occurrences
        .flat_map(|period| match lifted {
            None => [Some(period), None],
            Some(lifted) => [
                period.cut(None, Some(lifted.from)),
                period.cut(Some(lifted.until), None),
            ],
        })
        .flatten()
        .filter(|span| span.end > from)
        .collect()
}

/// A period's two transitions; the first or last instant of all is none.
fn of_window(period: Period, windows: &[&ChangeWindow]) -> Vec<Transition> {
    let at = |at: Instant, turn: Turn, what: &str| Transition {
        at,
        turn,
        local: local(at, zone_of(windows, at)),
        freeze: None,
        reason: what.to_owned(),
    };
    let opens = at(period.start, Turn::Opens, "the change window opens");
    let closes = at(period.end, Turn::Closes, "the change window closes");
    between_ends([opens, closes])
}

fn of_freeze(span: Period, draft: &FreezeDraft) -> Vec<Transition> {
    let recurrence = draft.recurrence.as_ref();
    let at = |at: Instant, turn: Turn, what: &str| Transition {
        at,
        turn,
        local: local(at, recurrence),
        freeze: Some(draft.id.clone()),
        reason: format!("freeze {} {what}: {}", draft.id, draft.reason),
    };
    let begins = at(span.start, Turn::FreezeBegins, "begins");
    let ends = at(span.end, Turn::FreezeEnds, "ends");
    between_ends([begins, ends])
}

/// What happens at the first or last instant of all never happens.
fn between_ends(turns: [Transition; 2]) -> Vec<Transition> {
    turns
        .into_iter()
        .filter(|turn| turn.at > Instant::EPOCH && turn.at < Instant::LAST)
        .collect()
}

fn first(mut turns: Vec<Transition>, from: Instant, count: usize) -> Vec<Transition> {
    turns.retain(|turn| turn.at >= from);
    turns.sort_by_key(|turn| (turn.at, turn.turn));
    turns.truncate(count);
    turns
}

fn covers(calendar: &Calendar, at: Instant) -> bool {
    match calendar.first_after(at) {
        Found::Period(period) => period.contains(at),
        Found::None | Found::TooMuchWork => false,
    }
}

/// The recurrence whose own period begins or ends at an instant, else the first one.
fn zone_of<'a>(windows: &[&'a ChangeWindow], at: Instant) -> Option<&'a Recurrence> {
    let recurring = windows.iter().filter_map(|window| match window {
        ChangeWindow::Once(_) => None,
        ChangeWindow::Recurring(recurrence) => Some(recurrence),
    });
    let before = at.plus_micros(-1).unwrap_or(at);
    let turns_then = |recurrence: &&Recurrence| {
        let period = recurrence.first_after(Reading::Window, before);
        period.is_some_and(|period| period.start == at || period.end == at)
    };
    recurring
        .clone()
        .find(turns_then)
        .or_else(|| recurring.clone().next())
}

fn local(at: Instant, recurrence: Option<&Recurrence>) -> String {
    match recurrence {
        Some(recurrence) => recurrence.zone.local(at),
        None => at.to_string(),
    }
}
