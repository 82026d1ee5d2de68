//! A freeze as somebody wants it to be (F1).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::calendar::{Calendar, Period, Reading, Recurrence, Source};
use crate::ids::FreezeId;
use crate::policy::Scope;

/// What people say about a freeze.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeDraft {
    /// Its id.
    pub id: FreezeId,
    /// Why, for the people who wait.
    pub reason: String,
    /// What it holds.
    pub scopes: Vec<Scope>,
    /// From when on; in what is asked, `None` is from the instant it is saved on.
    pub start: Option<Instant>,
    /// Until when; `None` is until it is lifted or deleted.
    pub end: Option<Instant>,
    /// Its occurrences between the two; `None` is the whole time between them.
    pub recurrence: Option<Recurrence>,
}

impl FreezeDraft {
    /// Takes over the named fields of another draft.
    pub fn merge(&mut self, other: Self, fields: &BTreeSet<FreezeField>) {
        for field in fields {
            match field {
                FreezeField::Reason => self.reason.clone_from(&other.reason),
                FreezeField::Scopes => self.scopes.clone_from(&other.scopes),
                FreezeField::Start => self.start = other.start,
                FreezeField::End => self.end = other.end,
                FreezeField::Recurrence => self.recurrence.clone_from(&other.recurrence),
            }
        }
    }

    /// When it holds, liftings aside.
    pub fn calendar(&self) -> Calendar {
        Calendar::new(vec![self.source().into_iter().collect()])
    }

    /// That as a part of a calendar; nothing where its end does not lie after its start.
    pub fn source(&self) -> Option<Source> {
        let start = self.start.unwrap_or(Instant::EPOCH);
        let end = self.end.unwrap_or(Instant::LAST);
        if end <= start {
            return None;
        }
        let within = Period { start, end };
        Some(match &self.recurrence {
            None => Source::Once(within),
            Some(recurrence) => Source::Recurring {
                recurrence: recurrence.clone(),
                reading: Reading::Freeze,
                within: Some(within),
            },
        })
    }

    /// Whether it says the same about time as another one.
    pub fn has_times_of(&self, other: &Self) -> bool {
        self.start == other.start && self.end == other.end && self.recurrence == other.recurrence
    }
}

/// A field that an update may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeField {
    /// Why.
    Reason,
    /// What it holds.
    Scopes,
    /// From when on.
    Start,
    /// Until when.
    End,
    /// Its occurrences.
    Recurrence,
}
