//! A period: the start belongs to it, the end does not.

use serde::{Deserialize, Serialize};

use super::Elapsed;
use crate::Instant;

/// A half-open period that is not empty: its end lies after its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ends")]
pub struct Period {
    /// The first instant inside.
    pub start: Instant,
    /// The first instant no longer inside; [`Instant::LAST`] means that it never ends.
    pub end: Instant,
}

impl Period {
    /// The period from the start to the end, unless nothing is inside.
    pub fn new(start: Instant, end: Instant) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Whether it is shorter than what somebody may ask for: [`Elapsed::SHORTEST`]. What is left of
    /// a period that was cut may be.
    pub fn is_too_short(self) -> bool {
        self.end.micros_since(self.start) < Elapsed::SHORTEST.micros()
    }

    /// Whether an instant lies inside.
    pub fn contains(self, at: Instant) -> bool {
        self.start <= at && at < self.end
    }

    /// What of the period lies between two instants; `None` bounds nothing, and is the answer where
    /// nothing is left.
    pub fn cut(self, from: Option<Instant>, until: Option<Instant>) -> Option<Self> {
        let start = from.map_or(self.start, |from| from.max(self.start));
        let end = until.map_or(self.end, |until| until.min(self.end));
        Self::new(start, end)
    }
}

/// A period as it is written down, which may be upside down.
#[derive(Deserialize)]
struct Ends {
    start: Instant,
    end: Instant,
}

impl TryFrom<Ends> for Period {
    type Error = String;

    fn try_from(ends: Ends) -> Result<Self, Self::Error> {
        Self::new(ends.start, ends.end)
            .ok_or_else(|| format!("the end {} is not after the start {}", ends.end, ends.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Instant {
        Instant::from_micros(second * 1_000_000).unwrap()
    }

    fn period(start: i64, end: i64) -> Period {
        Period::new(at(start), at(end)).unwrap()
    }

    #[test]
    fn w3_the_start_belongs_to_a_period_and_the_end_does_not() {
        let open = period(10, 20);
        for (second, inside) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(open.contains(at(second)), inside, "{second}");
        }
    }

    #[test]
    fn w3_a_cut_leaves_what_is_inside_or_nothing() {
        let rows = [
            (None, None, Some(period(10, 20))),
            (Some(5), Some(25), Some(period(10, 20))),
            (Some(12), None, Some(period(12, 20))),
            (None, Some(15), Some(period(10, 15))),
            (Some(12), Some(15), Some(period(12, 15))),
            (Some(20), None, None),
            (None, Some(10), None),
            (Some(15), Some(15), None),
            (Some(16), Some(15), None),
        ];
        for (from, until, left) in rows {
            let found = period(10, 20).cut(from.map(at), until.map(at));
            assert_eq!(found, left, "{from:?} to {until:?}");
        }
    }

    #[test]
    fn a_period_that_is_upside_down_is_not_read() {
        let text = serde_json::to_string(&period(10, 20)).unwrap();
        assert_eq!(text, r#"{"start":10000000,"end":20000000}"#);
        assert_eq!(
            serde_json::from_str::<Period>(&text).unwrap(),
            period(10, 20)
        );
        assert!(serde_json::from_str::<Period>(r#"{"start":20,"end":20}"#).is_err());
    }
}
