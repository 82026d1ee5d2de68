//! When windows are open and freezes hold, counted in seconds: what the rule book says of them,
//! told the plain way.

use countersign_domain::Instant;

use super::crowd::{Frozen, State};
use super::harness::people::at;
use super::model::{Fact, Gone, Model};
use super::predict::{Answer, DONE, REPEAT, no};
use super::steps::Asked;

/// Further than any sequence comes.
const SECONDS: i64 = 6_000;

/// The policy opens every second minute, or in some periods.
pub(crate) const EVERY: &str = "*/2_*_*_*_*@UTC@1m";

/// From second, to before second.
pub(crate) type Span = (i64, i64);

/// Every second minute.
fn every() -> impl Iterator<Item = Span> {
    (0..SECONDS / 120).map(|round| (round * 120, round * 120 + 60))
}

/// The periods of one policy.
fn periods(windows: &'static str) -> Vec<Span> {
    if windows == EVERY {
        return every().collect();
    }
    let spans = windows.split(';').map(|text| {
        let (start, end) = text.split_once("..").unwrap();
        (start.parse().unwrap(), end.parse().unwrap())
    });
    spans.collect()
}

fn second(instant: Instant) -> i64 {
    instant.micros_since(at(0)).div_euclid(1_000_000)
}

/// The first period of all policies and the task's window that ends after a second: as many seconds
/// in a row as lie in all of them.
pub(crate) fn period_after(policies: &[Frozen], window: Span, after: i64) -> Option<Span> {
    let with_windows = policies.iter().filter(|it| !it.draft.windows.is_empty());
    let all: Vec<Vec<Span>> = with_windows.map(|it| periods(it.draft.windows)).collect();
    let inside = |at: i64| {
        let has = |spans: &Vec<Span>| spans.iter().any(|(start, end)| *start <= at && at < *end);
        window.0 <= at && at < window.1 && all.iter().all(has)
    };
    let mut end = (after..SECONDS).find(|it| inside(*it))?;
    let mut start = end;
    while start > 0 && inside(start - 1) {
        start -= 1;
    }
    while end < SECONDS && inside(end) {
        end += 1;
    }
    Some((start, end))
}

pub(crate) fn has_windows(policies: &[Frozen]) -> bool {
    policies.iter().any(|it| !it.draft.windows.is_empty())
}

/// W4: what any of them says, or means.
fn terminates(policies: &[Frozen]) -> bool {
    let mut drafts = policies.iter().map(|it| it.draft);
    drafts.any(|draft| match (draft.windows, draft.close) {
        ("", _) => false,
        (_, "terminate") => true,
        (windows, "") => windows != EVERY,
        _ => false,
    })
}

/// A freeze, in seconds; an end of 0 is none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Freeze {
    pub(crate) everywhere: bool,
    start: i64,
    end: i64,
    recurs: bool,
    lifted: Option<Span>,
}

impl Freeze {
    fn occurrence(&self, now: i64) -> Option<Span> {
        let end = if self.end == 0 { SECONDS } else { self.end };
        let whole = (self.start, end);
        let cut = |(start, end): Span| (start.max(whole.0), end.min(whole.1));
        let has = |(start, end): &Span| *start <= now && now < *end;
        match self.recurs {
            false => Some(whole).filter(has),
            true => every().map(cut).find(has),
        }
    }

    fn is_lifted(&self, now: i64) -> bool {
        self.lifted
            .is_some_and(|(from, until)| from <= now && now < until)
    }

    fn holds(&self, now: i64) -> bool {
        !self.is_lifted(now) && self.occurrence(now).is_some()
    }
}

impl Model {
    /// F1, F2: whether any freeze holds such a task.
    pub(crate) fn is_frozen(&self, asked: &Asked, now: Instant) -> bool {
        let now = second(now);
        let mut freezes = self.freezes.values();
        freezes.any(|it| {
            let matches = asked.env == "prod" && (it.everywhere || asked.project == "web");
            matches && it.holds(now)
        })
    }

    /// The freeze `f` is one of these.
    pub(crate) fn make_freeze(&mut self, id: &'static str, what: &str, now: Instant) -> Answer {
        if self.freezes.contains_key(id) {
            return no("FreezeIdTaken");
        }
        let now = second(now);
        let (start, end, recurs) = match what {
            "from=40 to=130" => (40, 130, false),
            "from=100" => (100, 0, false),
            "" => (now, 0, false),
            _ => (now, 0, true),
        };
        if end > 0 && end <= now {
            return no("InvalidField");
        }
        let freeze = Freeze {
            everywhere: false,
            start,
            end,
            recurs,
            lifted: None,
        };
        self.freezes.insert(id, freeze);
        DONE
    }

    pub(crate) fn edit_freeze(&mut self, id: &str, everywhere: bool) -> Answer {
        match self.freezes.get_mut(id) {
            None => no("NotFound"),
            Some(freeze) if freeze.everywhere == everywhere => REPEAT,
            Some(freeze) => {
                freeze.everywhere = everywhere;
                DONE
            }
        }
    }

    pub(crate) fn lift_freeze(&mut self, id: &str, now: Instant) -> Answer {
        let now = second(now);
        let Some(freeze) = self.freezes.get_mut(id) else {
            return no("NotFound");
        };
        if freeze.is_lifted(now) {
            return REPEAT;
        }
        match freeze.occurrence(now) {
            None => no("FreezeNotInForce"),
            Some((_, end)) => {
                freeze.lifted = Some((now, end));
                DONE
            }
        }
    }

    /// What a sweep settles: whatever is cleared under a freeze, or held by none.
    pub(crate) fn sweep(&mut self, now: Instant) {
        for crowd in 0..self.crowds.len() {
            let all = self.tasks.values().filter(|fact| fact.held_by == crowd);
            let mut facts = all.filter(|fact| fact.could_start());
            let misplaced = |fact: &Fact| {
                let frozen = self.is_frozen(&fact.asked, now);
                (fact.cleared && frozen) || (!fact.cleared && fact.held_for == "freeze" && !frozen)
            };
            if facts.any(misplaced) {
                self.touch(crowd, now, false);
            }
        }
    }

    /// W2, W4, W7, T4: what has ended by now, the earliest first, a window before a time to live.
    pub(crate) fn pass(&mut self, crowd: usize, now: Instant) {
        let due = self.crowds[crowd].due().filter(|&due| due <= now);
        let before = due.unwrap_or(now);
        let policies = self.crowds[crowd].policies.clone();
        let mut closed = false;
        for fact in self.open(crowd) {
            let (until, next) = closing(fact, &policies, now);
            match next {
                Some((from, until)) => {
                    fact.from = Some(at(from));
                    fact.until = Some(at(until));
                    fact.cleared = false;
                    if fact.held_for != "approval" {
                        fact.held_for = "window";
                    }
                }
                None if until.is_some_and(|until| until <= before) => {
                    fact.end(Gone::Closed);
                    closed = true;
                }
                None => {}
            }
        }
        let pending = matches!(self.crowds[crowd].state, State::Pending(_));
        if closed && pending && self.open(crowd).is_empty() {
            self.crowds[crowd].state = State::Expired;
        } else if due.is_some() && (pending || self.crowd_could_start(crowd)) {
            self.crowds[crowd].state = State::Expired;
            for fact in self.open(crowd) {
                fact.end(Gone::Expired);
            }
        } else if due.is_some() {
            self.crowds[crowd].state = State::Approved(true);
        }
    }
}

/// When a task's last period closes by now, and the period it is bound to instead.
fn closing(fact: &Fact, policies: &[Frozen], now: Instant) -> (Option<Instant>, Option<Span>) {
    let Some(mut until) = fact.until.filter(|until| *until <= now) else {
        return (None, None);
    };
    if !has_windows(policies) || terminates(policies) {
        return (Some(until), None);
    }
    let window = own_window(&fact.asked);
    while let Some(period) = period_after(policies, window, second(until)) {
        if at(period.1) > now {
            return (None, Some(period));
        }
        until = at(period.1);
    }
    (Some(until), None)
}

/// What the task asked for, in seconds.
pub(crate) fn own_window(asked: &Asked) -> Span {
    let (from, until) = super::model::window(asked.window);
    (from.map_or(0, second), until.map_or(SECONDS, second))
}

/// The period a new task is bound to; the inner `None` is none at all.
pub(crate) fn bound_to(policies: &[Frozen], asked: &Asked, now: Instant) -> Option<Option<Span>> {
    if !has_windows(policies) {
        return Some(None);
    }
    period_after(policies, own_window(asked), second(now)).map(Some)
}
