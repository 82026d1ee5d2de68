//! What a schedule does next: when windows open and close, and when freezes begin and end.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Instant;
use crate::calendar::{Calendar, Found, Period, Recurrence};
use crate::freeze::{Freeze, FreezeDraft, Lifted};
use crate::ids::{FreezeId, PolicyId};
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
    Preview {
        transitions: first(periods.flat_map(of_window).collect(), from, count)
            .tell(&Clocks::of(windows.iter().map(|window| (None, window)))),
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
        transitions: first(turns.collect(), from, count).tell(&Clocks::default()),
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
    let periods = periods_of(task, resultant, from, count);
    let matches = |freeze: &&Arc<Freeze>| !freeze.deleted && freeze.matches(&task.content.spec);
    let matching: Vec<&Arc<Freeze>> = freezes.iter().filter(matches).collect();
    let open = periods.iter().any(|period| period.contains(from))
        && matching
            .iter()
            .all(|freeze| freeze.in_force(from).is_none());
    let mut turns: Vec<Raw<'_>> = periods.into_iter().flat_map(of_window).collect();
    for freeze in matching {
        let spans = spans(&freeze.draft, freeze.lifted, from, count);
        turns.extend(
            spans
                .into_iter()
                .flat_map(|span| of_freeze(span, &freeze.draft)),
        );
    }
    let policies = resultant.policies.iter();
    let clocks = Clocks::of(policies.flat_map(|policy| {
        let windows = policy.terms.windows.iter();
        windows.map(|window| (Some(&policy.id), window))
    }));
    Preview {
        transitions: first(turns, from, count).tell(&clocks),
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

/// A transition before it is told in words.
struct Raw<'a> {
    at: Instant,
    turn: Turn,
    freeze: Option<&'a FreezeDraft>,
}

/// A period's two transitions; what happens at the first or last instant of all never happens.
fn of_window<'a>(period: Period) -> impl Iterator<Item = Raw<'a>> {
    both(period, [Turn::Opens, Turn::Closes], None)
}

fn of_freeze(span: Period, draft: &FreezeDraft) -> impl Iterator<Item = Raw<'_>> {
    both(span, [Turn::FreezeBegins, Turn::FreezeEnds], Some(draft))
}

fn both(
    period: Period,
    [begins, ends]: [Turn; 2],
    freeze: Option<&FreezeDraft>,
) -> impl Iterator<Item = Raw<'_>> {
    let raw = move |(at, turn)| Raw { at, turn, freeze };
    let turns = [(period.start, begins), (period.end, ends)].into_iter();
    turns
        .filter(|(at, _)| *at > Instant::EPOCH && *at < Instant::LAST)
        .map(raw)
}

/// The transitions that are shown, in order.
struct First<'a>(Vec<Raw<'a>>);

fn first(mut turns: Vec<Raw<'_>>, from: Instant, count: usize) -> First<'_> {
    turns.retain(|turn| turn.at >= from);
    turns.sort_by_key(|turn| (turn.at, turn.turn));
    turns.truncate(count);
    First(turns)
}

impl First<'_> {
    fn tell(self, clocks: &Clocks<'_>) -> Vec<Transition> {
        self.0.iter().map(|raw| told(raw, clocks)).collect()
    }
}

fn told(raw: &Raw<'_>, clocks: &Clocks<'_>) -> Transition {
    let what = match raw.turn {
        Turn::Opens => "the change window opens",
        Turn::Closes => "the change window closes",
        Turn::FreezeBegins => "begins",
        Turn::FreezeEnds => "ends",
    };
    let (reason, recurrence) = match raw.freeze {
        None => {
            let (whose, recurrence) = clocks.at(raw.at);
            (format!("{what}{whose}"), recurrence)
        }
        Some(draft) => {
            let reason = format!("freeze {} {what}: {}", draft.id, draft.reason);
            (reason, draft.recurrence.as_ref())
        }
    };
    Transition {
        at: raw.at,
        turn: raw.turn,
        local: recurrence.map_or_else(|| raw.at.to_string(), |it| it.zone.local(raw.at)),
        freeze: raw.freeze.map(|draft| draft.id.clone()),
        reason,
    }
}

fn covers(calendar: &Calendar, at: Instant) -> bool {
    match calendar.first_after(at) {
        Found::Period(period) => period.contains(at),
        Found::None | Found::TooMuchWork => false,
    }
}

/// How many windows are looked through for the ones that turn at an instant.
const CLOCKS_LIMIT: usize = 64;

/// A window that is asked whether it is the one that turns.
struct Clock<'a> {
    /// Whose window it is; `None` where all are of one policy, or it is the task's own.
    policy: Option<&'a PolicyId>,
    recurrence: Option<&'a Recurrence>,
    calendar: Calendar,
}

/// Whose windows turn, and by whose local time that is told.
#[derive(Default)]
struct Clocks<'a>(Vec<Clock<'a>>);

impl<'a> Clocks<'a> {
    fn of(windows: impl Iterator<Item = (Option<&'a PolicyId>, &'a ChangeWindow)>) -> Self {
        let clock = |(policy, window): (_, &'a ChangeWindow)| Clock {
            policy,
            recurrence: match window {
                ChangeWindow::Once(_) => None,
                ChangeWindow::Recurring(recurrence) => Some(recurrence),
            },
            calendar: Calendar::new(vec![vec![window.source()]]),
        };
        Self(windows.take(CLOCKS_LIMIT).map(clock).collect())
    }

    /// What turns at an instant, in words, and the recurrence by whose local time that is told: its
    /// own, else that of the first window that recurs.
    fn at(&self, at: Instant) -> (String, Option<&'a Recurrence>) {
        let before = at.plus_micros(-1).unwrap_or(at);
        let turns = |clock: &&Clock<'_>| match clock.calendar.first_after(before) {
            Found::Period(period) => period.start == at || period.end == at,
            Found::None | Found::TooMuchWork => false,
        };
        let turning: Vec<&Clock<'a>> = self.0.iter().filter(turns).collect();
        let policies: BTreeSet<&PolicyId> = turning.iter().filter_map(|it| it.policy).collect();
        let policies: Vec<&str> = policies.into_iter().map(PolicyId::as_str).collect();
        let whose = match (policies.as_slice(), turning.as_slice()) {
            ([], []) if !self.0.is_empty() => " (the task's own window)".to_owned(),
            ([], _) => String::new(),
            (policies, _) => format!(" (policy {})", policies.join(", ")),
        };
        let told_by = turning.iter().copied().chain(&self.0);
        (whose, told_by.filter_map(|clock| clock.recurrence).next())
    }
}
