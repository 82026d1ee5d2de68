//! The merged periods of one recurrence, date by date.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use super::cron::Cron;
use super::length::DAY;
use super::plan::{Plan, Span};
use super::shifts::Shifts;
use super::walk::{Budget, TooMuch};

/// How far searches look, in both directions, in microseconds: 3,653 days, which is ten years.
pub const HORIZON: i64 = 3_653 * DAY;

/// A date, with its number counted from 1970-01-01.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day {
    pub(super) number: i64,
    date: Date,
}

impl Day {
    /// The date of a local time.
    pub(super) fn of(local: i64) -> Option<Self> {
        let number = local.div_euclid(DAY);
        let midnight = Timestamp::from_microsecond(number.checked_mul(DAY)?).ok()?;
        Some(Self {
            number,
            date: Offset::UTC.to_datetime(midnight).date(),
        })
    }

    /// The first local time of the date.
    fn midnight(self) -> i64 {
        self.number * DAY
    }

    fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        u8::try_from((self.number + 4).rem_euclid(7)).unwrap_or(0)
    }

    fn tomorrow(self) -> Option<Self> {
        Some(Self {
            number: self.number + 1,
            date: self.date.tomorrow().ok()?,
        })
    }

    fn next_month(self) -> Option<Self> {
        let last = self.date.last_of_month();
        Some(Self {
            number: self.number + i64::from(last.day() - self.date.day()) + 1,
            date: last.tomorrow().ok()?,
        })
    }

    /// The first date that matches, from this one to the one with the last number.
    pub(super) fn first_match(self, cron: &Cron, last: i64) -> Option<Self> {
        let mut day = self;
        while day.number <= last {
            if !cron.has_month(day.date) {
                day = day.next_month()?;
            } else if cron.has_day(day.date, day.weekday()) {
                return Some(day);
            } else {
                day = day.tomorrow()?;
            }
        }
        None
    }
}

/// The periods of a recurrence in order, merged. What starts before `floor` is cut there, what ends
/// after `horizon` is cut there.
pub(super) struct Occurrences<'a> {
    plan: &'a Plan,
    shifts: Shifts<'a>,
    floor: i64,
    horizon: i64,
    /// The next date that matches; `None` when there is none before the horizon.
    next: Option<Day>,
    /// No start of `next` or a later date lies before this.
    frontier: i64,
    /// Found and merged, but perhaps not complete.
    found: VecDeque<Span>,
}

impl<'a> Occurrences<'a> {
    /// The periods that end after `from`.
    pub(super) fn new(plan: &'a Plan, from: i64, floor: i64, horizon: i64) -> Self {
        let first = from - plan.longest();
        let mut new = Self {
            plan,
            // No offset is as much as a day: no shift before this matters to a local time after.
            shifts: Shifts::after(plan.zone().rules(), first - 3 * DAY),
            floor,
            horizon,
            next: Day::of(first),
            frontier: i64::MIN,
            found: VecDeque::new(),
        };
        new.find_next(new.next);
        new
    }

    /// The next period that ends after `from`, which must not move back. If it starts before
    /// `from`, its start may be wrong, but it is not after `from`.
    pub(super) fn next(&mut self, from: i64, budget: &mut Budget) -> Result<Option<Span>, TooMuch> {
        loop {
            while self.found.front().is_some_and(|span| span.1 <= from) {
                self.found.pop_front();
            }
            match (self.found.front(), self.next) {
                (Some(&span), next) if next.is_none() || span.1 < self.frontier => {
                    self.found.pop_front();
                    let cut = (span.0.max(self.floor), span.1.min(self.horizon));
                    if cut.0 < cut.1 && cut.1 > from {
                        return Ok(Some(cut));
                    }
                }
                (None, None) => return Ok(None),
                (None, Some(day)) => {
                    budget.spend()?;
                    let reaching = from - self.plan.longest();
                    if reaching.div_euclid(DAY) > day.number {
                        self.find_next(Day::of(reaching));
                    } else {
                        self.add(day, from);
                    }
                }
                (Some(_), Some(day)) => {
                    budget.spend()?;
                    self.add(day, from);
                }
                (Some(_), None) => {}
            }
        }
    }

    /// Moves on to the first date that matches, and to the local times it needs.
    fn find_next(&mut self, from: Option<Day>) {
        let last = self.horizon.div_euclid(DAY) + 2;
        self.next = from.and_then(|day| day.first_match(self.plan.starts(), last));
        if let Some(day) = self.next {
            let midnight = day.midnight();
            self.shifts.move_to(midnight, midnight + self.plan.reach());
            self.frontier = midnight - self.shifts.largest_offset();
            if self.frontier >= self.horizon {
                self.next = None;
            }
        }
    }

    /// Adds what a date contributes, and what the dates after it do if they follow unbroken. What
    /// ends by `from` on a date without a shift is passed over.
    fn add(&mut self, day: Day, from: i64) {
        let midnight = day.midnight();
        let steady_until = self.shifts.steady_until();
        if midnight + self.plan.reach() >= steady_until {
            for span in self.plan.shifted(midnight, &self.shifts) {
                self.insert(span);
            }
            self.find_next(day.tomorrow());
            return;
        }
        let offset = self.shifts.offset();
        match self.plan.unbroken() {
            None => {
                let passed = from - midnight + offset;
                for span in self.plan.ordinary_after(passed) {
                    self.insert((midnight + span.0 - offset, midnight + span.1 - offset));
                }
                self.find_next(day.tomorrow());
            }
            Some((start, end)) => {
                // The last date whose local times are all before the next shift.
                let until = steady_until.min(self.horizon + 3 * DAY);
                let last = (until - self.plan.reach() - 1)
                    .div_euclid(DAY)
                    .max(day.number);
                self.insert((midnight + start - offset, last * DAY + end - offset));
                self.find_next(Day::of((last + 1) * DAY));
            }
        }
    }

    /// Merges a span into what was found; near a shift it may lie before the last one.
    fn insert(&mut self, mut span: Span) {
        while let Some(&last) = self.found.back() {
            if last.1 < span.0 {
                break;
            }
            if span.1 < last.0 {
                return self.insert_before(span);
            }
            span = (span.0.min(last.0), span.1.max(last.1));
            self.found.pop_back();
        }
        self.found.push_back(span);
    }

    /// As [`Self::insert`], for a span that lies before the last one and does not touch it.
    fn insert_before(&mut self, span: Span) {
        let last = self.found.pop_back();
        self.insert(span);
        self.found.extend(last);
    }
}
