//! How long an occurrence lasts: an elapsed duration, or until a local time of day.

use std::fmt;

use crate::text::Problem;

/// One minute in microseconds.
pub(super) const MINUTE: i64 = 60_000_000;
/// A day of 24 hours in microseconds.
pub(super) const DAY: i64 = 1_440 * MINUTE;

/// A duration in whole microseconds, which is the same whatever the clocks on the wall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Elapsed(i64);

impl Elapsed {
    /// The shortest: 1 minute.
    pub const SHORTEST: Self = Self(MINUTE);
    /// The longest: 366 days.
    pub const LONGEST: Self = Self(366 * DAY);

    /// So many microseconds, if they are neither too few nor too many.
    pub fn from_micros(micros: i64) -> Option<Self> {
        let found = Self(micros);
        (Self::SHORTEST..=Self::LONGEST)
            .contains(&found)
            .then_some(found)
    }

    /// How many microseconds.
    pub fn micros(self) -> i64 {
        self.0
    }
}

/// A local time of day in whole minutes, from 00:00 to 24:00, the midnight that ends the day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime(u16);

impl LocalTime {
    /// The time written as `HH:MM`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let problem = || {
            let found: String = text.chars().take(20).collect();
            Problem::new(format!("{found:?}"), "a time HH:MM from 00:00 to 24:00")
        };
        let &[h1, h2, b':', m1, m2] = text.as_bytes() else {
            return Err(problem());
        };
        if ![h1, h2, m1, m2].iter().all(u8::is_ascii_digit) {
            return Err(problem());
        }
        let number = |tens: u8, ones: u8| u16::from(tens - b'0') * 10 + u16::from(ones - b'0');
        let (hours, minutes) = (number(h1, h2), number(m1, m2));
        if minutes > 59 {
            return Err(problem());
        }
        Self::from_minutes(hours * 60 + minutes).ok_or_else(problem)
    }

    /// The time so many minutes after midnight, at most 1,440.
    pub fn from_minutes(minutes: u16) -> Option<Self> {
        (minutes <= 1_440).then_some(Self(minutes))
    }

    /// How many minutes after midnight, by a clock that is not shifted.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Debug for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// How long an occurrence lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// A duration: elapsed is elapsed, whatever the offset does.
    Elapsed(Elapsed),
    /// Until a local time: on the day of the local start if it is later than that, else on the day
    /// after. 24:00 is the midnight that ends the start's day.
    Until(LocalTime),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_local_times_run_from_midnight_to_midnight() {
        let rows = [
            ("00:00", Some(0)),
            ("09:05", Some(545)),
            ("23:59", Some(1_439)),
            ("24:00", Some(1_440)),
            ("24:01", None),
            ("99:59", None),
            ("12:60", None),
            ("9:00", None),
            ("09:00:00", None),
            ("0900", None),
            ("", None),
            ("+9:00", None),
            ("09.00", None),
            ("٠٩:00", None),
        ];
        for (text, minutes) in rows {
            let found = LocalTime::parse(text).ok();
            assert_eq!(found.map(LocalTime::minutes), minutes, "{text:?}");
            if let Some(found) = found {
                assert_eq!(found.to_string(), text);
            }
        }
        let problem = LocalTime::parse("25:00").unwrap_err();
        assert_eq!(problem.found, "\"25:00\"");
        assert_eq!(problem.allowed, "a time HH:MM from 00:00 to 24:00");
    }

    #[test]
    fn w3_an_elapsed_length_has_bounds() {
        for (micros, fits) in [
            (MINUTE - 1, false),
            (MINUTE, true),
            (366 * DAY, true),
            (366 * DAY + 1, false),
            (-MINUTE, false),
            (i64::MAX, false),
        ] {
            assert_eq!(Elapsed::from_micros(micros).is_some(), fits, "{micros}");
        }
    }
}
