//! A freeze as kept, and what it says about an instant.

use serde::{Deserialize, Serialize};

use super::FreezeDraft;
use crate::Instant;
use crate::calendar::{Calendar, Found, Period};
use crate::derived::Derived;
use crate::ids::CrNumber;
use crate::log::Stamp;
use crate::task::TaskSpec;

/// How long a freeze is not asked again whose calendar is too much work: it holds meanwhile.
const DOUBT_MICROS: i64 = 86_400_000_000;

/// The time in which a freeze was lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifted {
    /// From this instant on.
    pub from: Instant,
    /// Up to this one: the end of the occurrence that was lifted.
    pub until: Instant,
}

/// How far tasks have been looked at because of a freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// Since when.
    pub began_at: Instant,
    /// Through the tasks of this change request.
    pub through: CrNumber,
}

/// Where a freeze stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreezeState {
    /// It holds.
    InForce {
        /// When it lets go; [`Instant::LAST`] is never.
        ends_at: Instant,
    },
    /// Its present occurrence was lifted.
    Lifted {
        /// Up to this instant; [`Instant::LAST`] is for ever.
        until: Instant,
        /// When it holds again, as far ahead as is looked.
        begins_at: Option<Instant>,
    },
    /// It will hold again.
    Upcoming {
        /// From this instant on.
        begins_at: Instant,
    },
    /// It never holds again.
    Ended,
}

/// A freeze as kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// What people said; its start is set.
    pub draft: FreezeDraft,
    /// How often people changed it, from 1.
    pub revision: u64,
    /// Its first entry in the log.
    pub created: Stamp,
    /// The newest entry by which people changed it.
    pub changed: Stamp,
    /// Its newest entry in the log.
    pub stamp: Stamp,
    /// When it was lifted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Lifted>,
    /// It was deleted, and what it held is being let go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// When tasks have to be looked at because of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// How far they have been, while that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// When it holds, liftings aside.
    #[serde(skip)]
    pub(super) calendar: Derived<Calendar>,
}

impl Freeze {
    /// Changes with each change that people made, and with nothing else.
    pub fn etag(&self) -> String {
        self.changed.sequence.to_string()
    }

    /// Whether it matches what a task was created with.
    pub fn matches(&self, task: &TaskSpec) -> bool {
        self.draft.scopes.iter().any(|scope| scope.matches(task))
    }

    /// The occurrence that holds at an instant, if one does. In doubt it holds.
    pub fn in_force(&self, at: Instant) -> Option<Period> {
        let lifted = self
            .lifted
            .is_some_and(|lifted| lifted.from <= at && at < lifted.until);
        if self.deleted || lifted {
            return None;
        }
        self.occurrence(at).filter(|period| period.start <= at)
    }

    /// When it next begins to hold, after an instant.
    pub fn next_begin(&self, after: Instant) -> Option<Instant> {
        if self.deleted {
            return None;
        }
        let period = self.occurrence(after)?;
        if period.start > after {
            return Some(period.start);
        }
        let next = self.occurrence(period.end)?;
        (next.start >= period.end).then_some(next.start)
    }

    /// The next instant after this one at which it begins or ends.
    pub fn next_turn(&self, after: Instant) -> Option<Instant> {
        let period = self.occurrence(after)?;
        if period.start > after {
            return Some(period.start);
        }
        (period.end < Instant::LAST).then_some(period.end)
    }

    /// Where it stands.
    pub fn state(&self, at: Instant) -> FreezeState {
        if let Some(period) = self.in_force(at) {
            return FreezeState::InForce {
                ends_at: period.end,
            };
        }
        let begins_at = self.next_begin(at);
        match (self.lifted, begins_at) {
            (Some(lifted), begins_at) if lifted.from <= at && at < lifted.until => {
                FreezeState::Lifted {
                    until: lifted.until,
                    begins_at,
                }
            }
            (_, Some(begins_at)) => FreezeState::Upcoming { begins_at },
            (_, None) => FreezeState::Ended,
        }
    }

    /// The occurrence that holds at an instant or is the next to come, liftings aside.
    fn occurrence(&self, at: Instant) -> Option<Period> {
        match self.calendar().first_after(at) {
            Found::Period(period) => Some(period),
            Found::None => None,
            Found::TooMuchWork => Some(Period {
                start: at,
                end: at.plus_micros(DOUBT_MICROS).unwrap_or(Instant::LAST),
            }),
        }
    }

    fn calendar(&self) -> &Calendar {
        self.calendar.get(|| self.draft.calendar())
    }
}
