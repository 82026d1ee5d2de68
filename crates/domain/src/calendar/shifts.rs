//! The shifts of a zone's clocks, and what they do to local times.
//!
//! A *local* time here is a count of microseconds like an instant, read from the clock on the wall:
//! local = instant + offset. A shift changes the offset at an instant; the local times between its
//! two readings are skipped (the offset grows) or come twice (it shrinks).

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneFollowingTransitions};

/// A change of the offset, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift {
    /// The instant from which the new offset counts.
    pub(super) at: i64,
    /// The offset until then.
    pub(super) before: i64,
    /// The offset from then on.
    pub(super) after: i64,
}

impl Shift {
    /// The first local time that is skipped or comes twice.
    pub(super) fn local_start(self) -> i64 {
        self.at + self.before.min(self.after)
    }

    /// The first local time after those.
    pub(super) fn local_end(self) -> i64 {
        self.at + self.before.max(self.after)
    }
}

/// How the local times of a stretch are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// They come once, at this offset.
    Steady(i64),
    /// They are skipped.
    Skipped(Shift),
    /// They come twice.
    Twice(Shift),
}

impl Clock {
    /// The earlier reading of a local time.
    pub(super) fn earlier(self, local: i64) -> i64 {
        match self {
            Self::Steady(offset) => local - offset,
            Self::Skipped(shift) => local - shift.after,
            Self::Twice(shift) => local - shift.before,
        }
    }

    /// The later reading of a local time.
    pub(super) fn later(self, local: i64) -> i64 {
        match self {
            Self::Steady(offset) => local - offset,
            Self::Skipped(shift) => local - shift.before,
            Self::Twice(shift) => local - shift.after,
        }
    }
}

/// The local times from `start` to before `end` and how they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) clock: Clock,
}

/// The shifts around a local time that only moves forward.
pub(super) struct Shifts<'z> {
    /// The offset before the first of `near`.
    offset: i64,
    /// The shifts that are not past, as far as they were looked at.
    near: VecDeque<Shift>,
    /// The shifts after those.
    rest: TimeZoneFollowingTransitions<'z>,
    /// The offset after the last of `near`.
    last_offset: i64,
    has_more: bool,
}

impl<'z> Shifts<'z> {
    /// The shifts after an instant.
    pub(super) fn after(rules: &'z TimeZone, micros: i64) -> Self {
        let from = Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        let offset = i64::from(rules.to_offset(from).seconds()) * 1_000_000;
        Self {
            offset,
            near: VecDeque::new(),
            rest: rules.following(from),
            last_offset: offset,
            has_more: true,
        }
    }

    /// Moves on, so that the local times from `from` up to and including `until` can be read.
    pub(super) fn move_to(&mut self, from: i64, until: i64) {
        while self.has_more && self.near.back().is_none_or(|s| s.local_start() <= until) {
            self.load();
        }
        while let Some(&past) = self.near.front().filter(|s| s.local_end() <= from) {
            self.offset = past.after;
            self.near.pop_front();
        }
    }

    fn load(&mut self) {
        let Some(next) = self.rest.next() else {
            self.has_more = false;
            return;
        };
        let after = i64::from(next.offset().seconds()) * 1_000_000;
        // Some only change what the time is called.
        if after != self.last_offset {
            self.near.push_back(Shift {
                at: next.timestamp().as_microsecond(),
                before: self.last_offset,
                after,
            });
            self.last_offset = after;
        }
    }

    /// The first local time that is not read with [`Self::offset`], if one is known.
    pub(super) fn steady_until(&self) -> i64 {
        self.near.front().map_or(i64::MAX, |s| s.local_start())
    }

    /// The offset before the next shift.
    pub(super) fn offset(&self) -> i64 {
        self.offset
    }

    /// The largest offset with which a local time from the one moved to can be read.
    pub(super) fn largest_offset(&self) -> i64 {
        let after = self.near.iter().map(|s| s.after).max();
        after.map_or(self.offset, |after| after.max(self.offset))
    }

    /// How the local times up to and including `until` are read, in order and without a hole.
    pub(super) fn stretches(&self, until: i64) -> Vec<Stretch> {
        let mut found = Vec::new();
        let mut from = i64::MIN;
        let mut offset = self.offset;
        for &shift in self.near.iter().filter(|s| s.local_start() <= until) {
            // Shifts so close that their local times overlap are read one after the other.
            let start = shift.local_start().max(from);
            let end = shift.local_end().max(start);
            let clock = if shift.after > shift.before {
                Clock::Skipped(shift)
            } else {
                Clock::Twice(shift)
            };
            let steady = Clock::Steady(offset);
            found.extend([(from, start, steady), (start, end, clock)]);
            from = end;
            offset = shift.after;
        }
        found.push((from, i64::MAX, Clock::Steady(offset)));
        found
            .into_iter()
            .filter(|(start, end, _)| start < end)
            .map(|(start, end, clock)| Stretch { start, end, clock })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::{AmbiguousOffset, TimeZoneDatabase};

    use super::*;

    const HOUR: i64 = 3_600_000_000;
    const DAY: i64 = 24 * HOUR;

    fn micros(timestamp: Result<Timestamp, jiff::Error>) -> i64 {
        timestamp.unwrap().as_microsecond()
    }

    /// Each shift of each zone from 1970 on for 70 years, at its edges: as jiff reads them.
    #[test]
    fn w5_local_times_are_read_as_the_database_says() {
        let until = Timestamp::from_second(70 * 366 * 86_400).unwrap();
        let mut seen = 0;
        for name in TimeZoneDatabase::bundled().available() {
            let rules = TimeZoneDatabase::bundled().get(name.as_str()).unwrap();
            let shifts = rules.following(Timestamp::UNIX_EPOCH);
            for shift in shifts.take_while(|shift| shift.timestamp() < until) {
                let at = shift.timestamp().as_microsecond();
                let mut near = Shifts::after(&rules, at - 5 * DAY);
                near.move_to(at - 3 * DAY, at + 3 * DAY);
                let stretches = near.stretches(at + 3 * DAY);
                for hours in [-27, -1, 0, 1, 2, 14, 26] {
                    for edge in [-1, 0, 1] {
                        let local = at + hours * HOUR + edge;
                        seen += 1;
                        check(&rules, &stretches, local);
                    }
                }
            }
        }
        assert!(seen > 100_000, "{seen}");
    }

    fn check(rules: &TimeZone, stretches: &[Stretch], local: i64) {
        let inside = |stretch: &&Stretch| stretch.start <= local && local < stretch.end;
        let clock = stretches.iter().find(inside).unwrap().clock;
        let civil = Timestamp::from_microsecond(local).unwrap();
        let civil = jiff::tz::Offset::UTC.to_datetime(civil);
        let expected = match rules.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                let at = micros(offset.to_timestamp(civil));
                (at, at)
            }
            AmbiguousOffset::Gap { before, after } => (
                micros(after.to_timestamp(civil)),
                micros(before.to_timestamp(civil)),
            ),
            AmbiguousOffset::Fold { before, after } => (
                micros(before.to_timestamp(civil)),
                micros(after.to_timestamp(civil)),
            ),
        };
        let found = (clock.earlier(local), clock.later(local));
        assert_eq!(found, expected, "{civil} in {:?}", rules.iana_name());
    }

    #[test]
    fn w5_what_is_past_is_forgotten_and_what_comes_is_loaded() {
        let rules = TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
        let mut shifts = Shifts::after(&rules, 0);
        shifts.move_to(50 * 365 * DAY, 50 * 365 * DAY + DAY);
        assert_eq!(shifts.offset(), HOUR);
        assert!(shifts.near.len() <= 1, "{:?}", shifts.near);
        assert!(shifts.steady_until() > 50 * 365 * DAY + DAY);
        let utc = TimeZone::UTC;
        let mut shifts = Shifts::after(&utc, 0);
        shifts.move_to(DAY, i64::MAX);
        assert_eq!(shifts.steady_until(), i64::MAX);
        assert_eq!(shifts.stretches(i64::MAX).len(), 1);
    }
}
