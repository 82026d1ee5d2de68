//! What one local date of a recurrence contributes: spans of instants.

use super::cron::Cron;
use super::length::{DAY, Length, MINUTE};
use super::recurrence::Recurrence;
use super::shifts::{Clock, Shifts, Stretch};
use super::zone::Zone;

/// Which reading of a local time counts where clocks are shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As narrow as it can be read: windows in which something may start.
    Window,
    /// As wide as it can be read: freezes.
    Freeze,
}

/// A span of microseconds, from the first to before the second.
pub(super) type Span = (i64, i64);

/// A recurrence, made ready for dates.
pub(super) struct Plan {
    recurrence: Recurrence,
    reading: Reading,
    /// The starts of a date, in microseconds after midnight, as chains: groups whose occurrences
    /// are one period on a date without a shift.
    chains: Vec<Vec<i64>>,
    /// What a date without a shift contributes, as local times after midnight.
    ordinary: Vec<Span>,
    /// The last local time that a date needs, after its midnight.
    reach: i64,
}

impl Plan {
    /// The plan of a recurrence.
    pub(super) fn new(recurrence: Recurrence, reading: Reading) -> Self {
        let mut chains: Vec<Vec<i64>> = Vec::new();
        let mut ordinary: Vec<Span> = Vec::new();
        for start in recurrence
            .starts
            .times()
            .iter()
            .map(|&m| i64::from(m) * MINUTE)
        {
            let end = local_end(recurrence.length, start);
            // With a local end, two starts have the same end or else overlap: still, each end is a
            // chain of its own, because a shift may part them.
            let joins = |&(_, last): &Span| match recurrence.length {
                Length::Elapsed(_) => start <= last,
                Length::Until(_) => end == last,
            };
            match (
                ordinary.last_mut().filter(|span| joins(span)),
                chains.last_mut(),
            ) {
                (Some(span), Some(chain)) => {
                    span.1 = end;
                    chain.push(start);
                }
                (Some(_) | None, _) => {
                    ordinary.push((start, end));
                    chains.push(vec![start]);
                }
            }
        }
        let reach = match recurrence.length {
            Length::Elapsed(_) => DAY,
            Length::Until(_) => ordinary.iter().map(|span| span.1).max().unwrap_or(DAY),
        };
        Self {
            recurrence,
            reading,
            chains,
            ordinary,
            reach,
        }
    }

    /// The dates and times of the starts.
    pub(super) fn starts(&self) -> &Cron {
        &self.recurrence.starts
    }

    /// The zone whose clocks count.
    pub(super) fn zone(&self) -> &Zone {
        &self.recurrence.zone
    }

    /// The last local time that a date needs, after its midnight.
    pub(super) fn reach(&self) -> i64 {
        self.reach
    }

    /// The longest time from a date's midnight, read as an instant, to the end of what it
    /// contributes: no offset is as much as a day.
    pub(super) fn longest(&self) -> i64 {
        match self.recurrence.length {
            Length::Elapsed(elapsed) => 3 * DAY + elapsed.micros(),
            Length::Until(_) => 4 * DAY,
        }
    }

    /// If dates without a shift follow each other without a hole: the start and the end of what one
    /// of them contributes.
    pub(super) fn unbroken(&self) -> Option<Span> {
        let &(start, _) = self.ordinary.first()?;
        let mut end = start;
        for span in &self.ordinary {
            if span.0 > end {
                return None;
            }
            end = end.max(span.1);
        }
        (self.starts().has_every_date() && end - start >= DAY).then_some((start, end))
    }

    /// What a date without a shift contributes and ends after a local time, as local times after
    /// its midnight.
    pub(super) fn ordinary_after(&self, local: i64) -> &[Span] {
        let past = self.ordinary.partition_point(|span| span.1 <= local);
        self.ordinary.get(past..).unwrap_or_default()
    }

    /// What the date with this local midnight contributes, near a shift.
    pub(super) fn shifted(&self, midnight: i64, shifts: &Shifts<'_>) -> Vec<Span> {
        let stretches = shifts.stretches(midnight + self.reach);
        let mut spans = Vec::new();
        for chain in &self.chains {
            match self.recurrence.length {
                Length::Elapsed(elapsed) => {
                    for (first, last, clock) in parts(chain, midnight, &stretches) {
                        self.elapsed(first, last, clock, elapsed.micros(), &mut spans);
                    }
                }
                Length::Until(_) => spans.extend(self.until(chain, midnight, &stretches)),
            }
        }
        spans.retain(|span| span.0 < span.1);
        spans
    }

    /// The occurrences of an elapsed length that start between two local times, all of them read
    /// by the same clock and none further apart than that length.
    fn elapsed(&self, first: i64, last: i64, clock: Clock, length: i64, spans: &mut Vec<Span>) {
        match (clock, self.reading) {
            (Clock::Steady(_), _) | (Clock::Twice(_), Reading::Window) => {
                spans.push((clock.earlier(first), clock.earlier(last) + length));
            }
            (Clock::Skipped(_), Reading::Window) => {
                spans.push((clock.later(first), clock.later(last) + length));
            }
            // Until the window would end: else a freeze over the same hours would not cover it.
            (Clock::Skipped(shift), Reading::Freeze) => {
                spans.push((shift.at, clock.later(last) + length));
            }
            (Clock::Twice(_), Reading::Freeze) => {
                spans.push((clock.earlier(first), clock.earlier(last) + length));
                spans.push((clock.later(first), clock.later(last) + length));
            }
        }
    }

    /// The occurrences of a chain with a local end: they end together, so the earliest start
    /// decides.
    fn until(&self, chain: &[i64], midnight: i64, stretches: &[Stretch]) -> Option<Span> {
        let &start = chain.first()?;
        let local = midnight + local_end(self.recurrence.length, start);
        let clock = stretches
            .iter()
            .find(|s| s.start <= local && local < s.end)?
            .clock;
        let end = match self.reading {
            Reading::Window => clock.earlier(local),
            Reading::Freeze => clock.later(local),
        };
        let start = parts(chain, midnight, stretches)
            .map(|(first, _, clock)| match (clock, self.reading) {
                (Clock::Steady(_) | Clock::Twice(_), _) => clock.earlier(first),
                (Clock::Skipped(_), Reading::Window) => clock.later(first),
                (Clock::Skipped(shift), Reading::Freeze) => shift.at,
            })
            .min()?;
        Some((start, end))
    }
}

/// The local end of an occurrence that starts so long after midnight.
fn local_end(length: Length, start: i64) -> i64 {
    match length {
        Length::Elapsed(elapsed) => start + elapsed.micros(),
        Length::Until(end) => {
            let end = i64::from(end.minutes()) * MINUTE;
            if end > start { end } else { end + DAY }
        }
    }
}

/// The first and the last start of a chain in each stretch, as local times.
fn parts<'a>(
    chain: &'a [i64],
    midnight: i64,
    stretches: &'a [Stretch],
) -> impl Iterator<Item = (i64, i64, Clock)> + 'a {
    stretches.iter().filter_map(move |stretch| {
        let from = chain.partition_point(|start| midnight + start < stretch.start);
        let until = chain.partition_point(|start| midnight + start < stretch.end);
        let inside = chain.get(from..until)?;
        Some((
            midnight + inside.first()?,
            midnight + inside.last()?,
            stretch.clock,
        ))
    })
}
