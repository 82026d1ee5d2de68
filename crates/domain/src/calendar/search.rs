//! The calendar: the search over groups of sources, and the memo of its last answer.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::length::DAY;
use super::occurrences::{HORIZON, Occurrences};
use super::period::Period;
use super::plan::{Plan, Reading, Span};
use super::recurrence::Recurrence;
use super::walk::{Budget, Meet, TooMuch, Union, Walk};
use crate::Instant;

/// One thing that opens a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// One period.
    Once(Period),
    /// Periods that come again.
    Recurring {
        /// When, where and how long.
        recurrence: Recurrence,
        /// What counts where clocks are shifted.
        reading: Reading,
        /// What the occurrences are cut to; `None` cuts nothing.
        within: Option<Period>,
    },
}

/// The answer of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// This period.
    Period(Period),
    /// Nothing in ten years.
    None,
    /// The search was given up: there was too much to look at.
    TooMuchWork,
}

/// Groups of sources: a union within each, an intersection across all. Without a group it is always
/// closed.
///
/// Looks ten years ahead, and as far back for the start of a period: what a recurrence keeps open
/// for longer is cut there. One-off periods keep their ends.
#[derive(Clone, Default)]
pub struct Calendar {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    groups: Vec<Vec<Ready>>,
    memo: Mutex<Option<Memo>>,
}

/// A source, made ready for the search.
#[derive(Debug)]
enum Ready {
    Once(Span),
    Recurring { plan: Plan, within: Span },
}

/// The last answer.
#[derive(Clone, Copy)]
struct Memo {
    asked: Instant,
    found: Found,
    /// Whether it answers for other instants too.
    is_lasting: bool,
}

impl Calendar {
    /// The calendar of these groups.
    pub fn new(groups: Vec<Vec<Source>>) -> Self {
        let groups = groups
            .into_iter()
            .map(|group| group.into_iter().map(Ready::new).collect())
            .collect();
        let inner = Inner {
            groups,
            memo: Mutex::new(None),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The first merged period that ends after an instant.
    pub fn first_after(&self, t: Instant) -> Found {
        // A memo is replaced as a whole, so one that a panic left behind is sound.
        let known = *self
            .inner
            .memo
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(memo) = known.filter(|memo| memo.answers(t)) {
            return memo.found;
        }
        let mut budget = Budget::new();
        let found = self.search(t, &mut budget);
        let memo = Memo {
            asked: t,
            found,
            is_lasting: budget.is_ample(),
        };
        *self
            .inner
            .memo
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(memo);
        found
    }

    /// All merged periods that end after an instant, in order; ends ten years after it, or where
    /// there is too much to look at.
    pub fn periods_after(&self, t: Instant) -> impl Iterator<Item = Period> + '_ {
        let reach = Reach::around(t);
        let mut budget = Budget::new();
        let first = match self.first_after(t) {
            Found::Period(period) => Some(period),
            Found::None | Found::TooMuchWork => None,
        };
        let mut later = first.map(|first| {
            let end = first.end.micros();
            (self.walk(end, reach), end)
        });
        let later = std::iter::from_fn(move || {
            let (walk, end) = later.as_mut()?;
            let found = walk.next(*end, &mut budget).ok()??;
            *end = found.1;
            period(found).filter(|_| found.0 < reach.horizon)
        });
        first.into_iter().chain(later.fuse())
    }

    fn search(&self, t: Instant, budget: &mut Budget) -> Found {
        match self.first(Reach::around(t), budget) {
            Err(TooMuch) => Found::TooMuchWork,
            Ok(None) => Found::None,
            Ok(Some(span)) => period(span).map_or(Found::None, Found::Period),
        }
    }

    fn first(&self, reach: Reach, budget: &mut Budget) -> Result<Option<Span>, TooMuch> {
        let found = self.walk(reach.asked, reach).next(reach.asked, budget)?;
        match found.filter(|&span| span.0 < reach.horizon) {
            Some(span) if span.0 <= reach.asked => {
                Ok(Some((self.start_around(reach, budget)?, span.1)))
            }
            exact => Ok(exact),
        }
    }

    /// The start of the period that the instant lies in: looked for further and further back.
    fn start_around(&self, reach: Reach, budget: &mut Budget) -> Result<i64, TooMuch> {
        for days in [1, 8, 64, 512] {
            let from = reach.asked - days * DAY;
            if from > reach.floor {
                let start = self.start_since(from, reach, budget)?;
                if start > from {
                    return Ok(start);
                }
            }
        }
        self.start_since(reach.floor, reach, budget)
    }

    /// The start of the period that the instant lies in; exact if it is after `from`.
    fn start_since(&self, from: i64, reach: Reach, budget: &mut Budget) -> Result<i64, TooMuch> {
        let horizon = reach.asked + 1;
        let mut walk = self.walk(from, Reach { horizon, ..reach });
        let mut end = from;
        while let Some(span) = walk.next(end, budget)? {
            if span.1 > reach.asked {
                return Ok(span.0);
            }
            end = span.1;
        }
        Ok(reach.asked)
    }

    fn walk(&self, from: i64, reach: Reach) -> Meet<'_> {
        let groups = self.inner.groups.iter().map(|group| {
            let walks = group.iter().filter_map(|source| source.walk(from, reach));
            Union::new(walks.collect())
        });
        Meet::new(groups.collect())
    }
}

/// All calendars are alike: what they are made of is compared where it is kept.
impl PartialEq for Calendar {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Calendar {}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calendar")
            .field("groups", &self.inner.groups)
            .finish_non_exhaustive()
    }
}

/// How far a search looks around the instant it was asked about.
#[derive(Debug, Clone, Copy)]
struct Reach {
    asked: i64,
    floor: i64,
    horizon: i64,
}

impl Reach {
    fn around(t: Instant) -> Self {
        let asked = t.micros();
        Self {
            asked,
            floor: (asked - HORIZON).max(Instant::EPOCH.micros()),
            horizon: (asked + HORIZON).min(Instant::LAST.micros()),
        }
    }
}

impl Ready {
    fn new(source: Source) -> Self {
        match source {
            Source::Once(period) => Self::Once(span(period)),
            Source::Recurring {
                recurrence,
                reading,
                within,
            } => Self::Recurring {
                plan: Plan::new(recurrence, reading),
                within: within.map_or((i64::MIN, i64::MAX), span),
            },
        }
    }

    /// What ends after an instant and starts before the horizon; `None` if that is certainly
    /// nothing.
    fn walk(&self, from: i64, reach: Reach) -> Option<Walk<'_>> {
        match self {
            Self::Once(span) => {
                (span.0 < span.1 && span.1 > from).then_some(Walk::Once(Some(*span)))
            }
            Self::Recurring { plan, within } => {
                let from = from.max(within.0);
                let horizon = reach.horizon.min(within.1);
                let floor = reach.floor.max(within.0);
                (from < horizon)
                    .then(|| Walk::Recurring(Occurrences::new(plan, from, floor, horizon)))
            }
        }
    }
}

impl Memo {
    fn answers(self, t: Instant) -> bool {
        if t == self.asked {
            return true;
        }
        let Found::Period(found) = self.found else {
            return false;
        };
        // No other period ends between `t` and this one, and neither search cuts it.
        let first = t.min(self.asked);
        let last = t.max(self.asked);
        self.is_lasting
            && found.start.min(self.asked) <= t
            && t < found.end
            && found.start.micros() > Reach::around(last).floor
            && found.end.micros() < Reach::around(first).horizon
    }
}

fn span(period: Period) -> Span {
    (period.start.micros(), period.end.micros())
}

fn period(span: Span) -> Option<Period> {
    Period::new(Instant::from_micros(span.0)?, Instant::from_micros(span.1)?)
}
