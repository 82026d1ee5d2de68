//! A point in time, in whole microseconds since 1970-01-01T00:00:00Z.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An instant. Finer parts are cut off where values enter, because the two stores round
/// differently.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(i64);

/// The largest instant that the API can carry: the last microsecond of the year 9999.
const LAST_MICROS: i64 = 253_402_300_799_999_999;

impl Instant {
    /// 1970-01-01T00:00:00Z, the earliest instant the gate knows.
    pub const EPOCH: Self = Self(0);
    /// The last instant the gate knows, at the end of the year 9999: as an end it means "never".
    pub const LAST: Self = Self(LAST_MICROS);

    /// The instant this many microseconds after 1970, if it lies between 1970 and the year 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (0..=LAST_MICROS).contains(&micros).then_some(Self(micros))
    }

    /// The instant from whole seconds and nanoseconds; what is finer than a microsecond is cut off.
    pub fn from_seconds_and_nanos(seconds: i64, nanos: i32) -> Option<Self> {
        if !(0..1_000_000_000).contains(&nanos) {
            return None;
        }
        let micros = seconds
            .checked_mul(1_000_000)?
            .checked_add(i64::from(nanos) / 1_000)?;
        Self::from_micros(micros)
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The instant this many microseconds later, if it is one.
    pub fn plus_micros(self, micros: i64) -> Option<Self> {
        Self::from_micros(self.0.checked_add(micros)?)
    }

    /// How many microseconds `earlier` lies before this instant; 0 if it does not.
    pub fn micros_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).max(0)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp}"),
            Err(_) => write!(f, "{} µs after 1970", self.0),
        }
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finer_parts_are_cut_off_and_bounds_hold() {
        let rows = [
            ((0, 0), Some(0)),
            ((1, 1_999), Some(1_000_001)),
            ((253_402_300_799, 999_999_999), Some(LAST_MICROS)),
            ((253_402_300_800, 0), None),
            ((-1, 0), None),
            ((0, -1), None),
            ((0, 1_000_000_000), None),
            ((i64::MAX, 0), None),
        ];
        for ((seconds, nanos), micros) in rows {
            let found = Instant::from_seconds_and_nanos(seconds, nanos).map(Instant::micros);
            assert_eq!(found, micros, "{seconds} s {nanos} ns");
        }
    }

    #[test]
    fn people_read_instants_in_utc() {
        let instant = Instant::from_micros(1_795_392_000_000_000).unwrap();
        assert_eq!(instant.to_string(), "2026-11-23T00:00:00Z");
    }
}
