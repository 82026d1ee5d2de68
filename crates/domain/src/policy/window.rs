//! The change windows of policies: when tasks may start (W3, W4).

use serde::{Deserialize, Serialize};

use super::{MatchedPolicy, ResultantPolicy};
use crate::Instant;
use crate::calendar::{Calendar, Found, Period, Reading, Recurrence, Source};
use crate::task::Window;

/// How many windows a policy may have.
pub const WINDOWS_LIMIT: usize = 32;

/// A period in which tasks may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeWindow {
    /// Once.
    Once(Period),
    /// Again and again.
    Recurring(Recurrence),
}

impl ChangeWindow {
    /// The window as a part of a calendar.
    pub fn source(&self) -> Source {
        match self {
            Self::Once(period) => Source::Once(*period),
            Self::Recurring(recurrence) => Source::Recurring {
                recurrence: recurrence.clone(),
                reading: Reading::Window,
                within: None,
            },
        }
    }

    /// Whether it lies in the past for good.
    pub fn is_past(&self, now: Instant) -> bool {
        match self {
            Self::Once(period) => period.end <= now,
            Self::Recurring(_) => false,
        }
    }
}

/// What becomes of a task that has not started when its period closes (W4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnClose {
    /// It is bound to the next one.
    Hold,
    /// It ends.
    Terminate,
}

/// What a task is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// To no period: no policy has windows.
    Free,
    /// To this period, cut to the task's window.
    To(Period),
    /// There is no period for it.
    Nowhere(NoPeriod),
}

/// Why there is no period for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPeriod {
    /// The policies' windows are not open together within ten years.
    NeverOpen,
    /// They are, but only after the task's window.
    OutsideTaskWindow {
        /// When they are.
        opens_at: Instant,
    },
    /// The search was given up.
    TooMuchWork,
}

/// When windows are open: any of a policy's, and those of all policies.
pub fn calendar_of<'a>(policies: impl Iterator<Item = &'a [ChangeWindow]>) -> Calendar {
    let with_windows = policies.filter(|windows| !windows.is_empty());
    let sources = |windows: &[ChangeWindow]| windows.iter().map(ChangeWindow::source).collect();
    Calendar::new(with_windows.map(sources).collect())
}

impl MatchedPolicy {
    /// What it says, or means, about a period that closes; `None`: it has no windows. One that says
    /// nothing holds where any of its windows recurs, because then there is another period.
    pub fn on_close(&self) -> Option<OnClose> {
        let windows = &self.terms.windows;
        let recurs = windows
            .iter()
            .any(|window| matches!(window, ChangeWindow::Recurring(_)));
        let unsaid = if recurs {
            OnClose::Hold
        } else {
            OnClose::Terminate
        };
        (!windows.is_empty()).then_some(self.terms.on_close.unwrap_or(unsaid))
    }
}

impl ResultantPolicy {
    /// Whether any policy has windows.
    pub fn has_windows(&self) -> bool {
        self.policies
            .iter()
            .any(|policy| !policy.terms.windows.is_empty())
    }

    /// When the windows of all policies are open; never, where none has any.
    pub fn calendar(&self) -> &Calendar {
        self.calendar.get(|| {
            let policies = self.policies.iter();
            calendar_of(policies.map(|policy| policy.terms.windows.as_slice()))
        })
    }

    /// What becomes of a task when its period closes: it ends where any policy says so.
    pub fn on_close(&self) -> OnClose {
        let ends = self
            .policies
            .iter()
            .any(|policy| policy.on_close() == Some(OnClose::Terminate));
        if ends {
            OnClose::Terminate
        } else {
            OnClose::Hold
        }
    }

    /// The first period that ends after an instant and lies in a task's window, cut to it.
    pub fn period_after(&self, window: Window, at: Instant) -> Bound {
        if !self.has_windows() {
            return Bound::Free;
        }
        let from = window.start.map_or(at, |start| at.max(start));
        match self.calendar().first_after(from) {
            Found::None => Bound::Nowhere(NoPeriod::NeverOpen),
            Found::TooMuchWork => Bound::Nowhere(NoPeriod::TooMuchWork),
            Found::Period(period) => {
                let opens_at = period.start;
                let outside = Bound::Nowhere(NoPeriod::OutsideTaskWindow { opens_at });
                // A period that goes on after the task's window has nothing left for it.
                let cut = period.cut(window.start, window.end);
                cut.filter(|cut| cut.end > at).map_or(outside, Bound::To)
            }
        }
    }
}
