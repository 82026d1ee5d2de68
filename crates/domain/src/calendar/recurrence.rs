//! A recurrence: when something starts, in which zone, and how long it lasts.

use serde::{Deserialize, Serialize};

use super::cron::Cron;
use super::length::{Elapsed, Length, LocalTime};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::contract::{at, recurrence};

    #[test]
    fn w3_thirty_february_never_comes() {
        let never = recurrence("0 0 30 2 *", "Europe/Berlin", "60m");
        assert!(never.never_fires(at("2026-01-01T00:00:00Z")));
        assert_eq!(never.first_after(Reading::Freeze, Instant::EPOCH), None);
        assert!(!recurrence("0 0 30 2 1", "UTC", "60m").never_fires(Instant::EPOCH));
    }

    #[test]
    fn a_recurrence_is_written_as_plain_text_and_read_anew() {
        let elapsed = recurrence("0 22 * * 5", "Europe/Berlin", "90m");
        let text = serde_json::to_string(&elapsed).unwrap();
        let written =
            r#"{"starts":"0 22 * * 5","zone":"Europe/Berlin","elapsed_micros":5400000000}"#;
        assert_eq!(text, written);
        assert_eq!(serde_json::from_str::<Recurrence>(&text).unwrap(), elapsed);
        let until = recurrence("0 22 * * 5", "Europe/Berlin", "24:00");
        let text = serde_json::to_string(&until).unwrap();
        let written = r#"{"starts":"0 22 * * 5","zone":"Europe/Berlin","local_end":"24:00"}"#;
        assert_eq!(text, written);
        assert_eq!(serde_json::from_str::<Recurrence>(&text).unwrap(), until);
        let rows = [
            (
                r#"{"starts":"0 22 * * 5","zone":"Europe/Atlantis","local_end":"24:00"}"#,
                "Atlantis",
            ),
            (
                r#"{"starts":"0 22 * *","zone":"UTC","local_end":"24:00"}"#,
                "4 fields",
            ),
            (
                r#"{"starts":"0 22 * * 5","zone":"UTC","local_end":"24:30"}"#,
                "24:30",
            ),
            (
                r#"{"starts":"0 22 * * 5","zone":"UTC","elapsed_micros":59}"#,
                "found 59",
            ),
            (r#"{"starts":"0 22 * * 5","zone":"UTC"}"#, "either"),
            (
                r#"{"starts":"0 2 * * 5","zone":"UTC","elapsed_micros":1,"local_end":"01:00"}"#,
                "either",
            ),
        ];
        for (text, named) in rows {
            let error = serde_json::from_str::<Recurrence>(text)
                .unwrap_err()
                .to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
