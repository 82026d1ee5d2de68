//! A recurrence: when something starts, in which zone, and how long it lasts.

use serde::{Deserialize, Serialize};

use super::cron::Cron;
use super::length::{Elapsed, Length, LocalTime, MINUTE};
use super::occurrences::{Day, HORIZON};
use super::period::Period;
use super::plan::Reading;
use super::search::{Calendar, Found, Source};
use super::zone::Zone;
use crate::Instant;
use crate::text::Problem;

/// Something that comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Recurrence {
    /// The local minutes at which an occurrence starts.
    pub starts: Cron,
    /// The zone whose clocks count, for the start and for a local end.
    pub zone: Zone,
    /// How long each occurrence lasts.
    pub length: Length,
}

impl Recurrence {
    /// The first period after an instant, or around it, in ten years.
    pub fn first_after(&self, reading: Reading, t: Instant) -> Option<Period> {
        let source = Source::Recurring {
            recurrence: self.clone(),
            reading,
            within: None,
        };
        match Calendar::new(vec![vec![source]]).first_after(t) {
            Found::Period(period) => Some(period),
            Found::None | Found::TooMuchWork => None,
        }
    }

    /// Whether the cron expression has no date in ten years, such as 30 February.
    pub fn never_fires(&self, t: Instant) -> bool {
        let from = Day::of(t.micros());
        let until = Day::of(t.micros().saturating_add(HORIZON));
        let (Some(from), Some(until)) = (from, until) else {
            return true;
        };
        from.first_match(&self.starts, until.number).is_none()
    }

    /// The length of the shortest occurrence, where no clock is shifted.
    pub fn shortest(&self) -> Elapsed {
        match self.length {
            Length::Elapsed(elapsed) => elapsed,
            Length::Until(end) => self
                .starts
                .times()
                .iter()
                .map(|&start| minutes_until(start, end))
                .min()
                .and_then(|minutes| Elapsed::from_micros(i64::from(minutes) * MINUTE))
                .unwrap_or(Elapsed::SHORTEST),
        }
    }
}

/// The minutes from a start to the next local time of day that is the end.
fn minutes_until(start: u16, end: LocalTime) -> u16 {
    let end = end.minutes();
    if end > start {
        end - start
    } else {
        end + 1_440 - start
    }
}

/// A recurrence as it is written down.
#[derive(Serialize, Deserialize)]
struct Written {
    starts: String,
    zone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elapsed_micros: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    local_end: Option<String>,
}

impl From<Recurrence> for Written {
    fn from(recurrence: Recurrence) -> Self {
        let (elapsed_micros, local_end) = match recurrence.length {
            Length::Elapsed(elapsed) => (Some(elapsed.micros()), None),
            Length::Until(end) => (None, Some(end.to_string())),
        };
        Self {
            starts: recurrence.starts.as_str().to_owned(),
            zone: recurrence.zone.name().to_owned(),
            elapsed_micros,
            local_end,
        }
    }
}

impl TryFrom<Written> for Recurrence {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let said = |what: &str, problem: Problem| {
            format!(
                "{what}: found {}; allowed: {}",
                problem.found, problem.allowed
            )
        };
        let length = match (written.elapsed_micros, written.local_end) {
            (Some(micros), None) => Elapsed::from_micros(micros)
                .map(Length::Elapsed)
                .ok_or_else(|| {
                    format!("elapsed_micros: found {micros}; allowed: 1 minute to 366 days")
                })?,
            (None, Some(end)) => LocalTime::parse(&end)
                .map(Length::Until)
                .map_err(|problem| said("local_end", problem))?,
            (None, None) | (Some(_), Some(_)) => {
                return Err("allowed: either elapsed_micros or local_end".to_owned());
            }
        };
        Ok(Self {
            starts: Cron::parse(&written.starts).map_err(|problem| said("starts", problem))?,
            zone: Zone::parse(&written.zone).map_err(|problem| said("zone", problem))?,
            length,
        })
    }
}
