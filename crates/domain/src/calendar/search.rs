//! The calendar: the search over groups of sources, and the memo of its last answer.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::length::DAY;
use super::memo::{Memo, Reach};
use super::occurrences::Occurrences;
use super::period::Period;
use super::plan::{Plan, Reading, Span};
use super::recurrence::Recurrence;
use super::walk::{Budget, Meet, TooMuch, Union, Walk};
use crate::Instant;

/// One thing that opens a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// One period.
    Once(Period),
    /// Periods that come again.
    Recurring {
        /// When, where and how long.
        recurrence: Recurrence,
        /// What counts where clocks are shifted.
        reading: Reading,
        /// What the occurrences are cut to; `None` cuts nothing.
        within: Option<Period>,
    },
}

/// The answer of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// This period.
    Period(Period),
    /// Nothing in ten years.
    None,
    /// The search was given up: there was too much to look at.
    TooMuchWork,
}

/// Groups of sources: a union within each, an intersection across all. Without a group it is always
/// closed.
///
/// Looks ten years ahead, and as far back for the start of a period: what a recurrence keeps open
/// for longer is cut there. One-off periods keep their ends.
#[derive(Clone, Default)]
pub struct Calendar {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    groups: Vec<Vec<Ready>>,
    memo: Mutex<Option<Memo>>,
}

impl Inner {
    /// The last answer. It is replaced as a whole, so one that a panic left behind is sound.
    fn memo(&self) -> MutexGuard<'_, Option<Memo>> {
        self.memo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source, made ready for the search.
enum Ready {
    Once(Span),
    Recurring { plan: Plan, within: Span },
}

impl Calendar {
    /// The calendar of these groups.
    pub fn new(groups: Vec<Vec<Source>>) -> Self {
        let groups = groups
            .into_iter()
            .map(|group| group.into_iter().map(Ready::new).collect())
            .collect();
        let inner = Inner {
            groups,
            memo: Mutex::new(None),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The first merged period that ends after an instant.
    pub fn first_after(&self, t: Instant) -> Found {
        // Copied, so that the lock is not held while searching.
        let known = *self.inner.memo();
        if let Some(memo) = known.filter(|memo| memo.answers(t)) {
            return memo.found;
        }
        let mut budget = Budget::new();
        let found = self.search(t, &mut budget);
        *self.inner.memo() = Some(Memo {
            asked: t,
            found,
            is_lasting: budget.is_ample(),
        });
        found
    }

    /// All merged periods that end after an instant, in order; ends ten years after it, or where
    /// there is too much to look at.
    pub fn periods_after(&self, t: Instant) -> impl Iterator<Item = Period> + '_ {
        let reach = Reach::around(t);
        let mut budget = Budget::new();
        let first = match self.first_after(t) {
            Found::Period(period) => Some(period),
            Found::None | Found::TooMuchWork => None,
        };
        let mut later = first.map(|first| {
            let end = first.end.micros();
            (self.walk(end, reach), end)
        });
        let later = std::iter::from_fn(move || {
            let (walk, end) = later.as_mut()?;
            let found = walk.next(*end, &mut budget).ok()??;
            *end = found.1;
            period(found).filter(|_| found.0 < reach.horizon)
        });
        first.into_iter().chain(later.fuse())
    }

    fn search(&self, t: Instant, budget: &mut Budget) -> Found {
        match self.first(Reach::around(t), budget) {
            Err(TooMuch) => Found::TooMuchWork,
            Ok(None) => Found::None,
            Ok(Some(span)) => period(span).map_or(Found::None, Found::Period),
        }
    }

    fn first(&self, reach: Reach, budget: &mut Budget) -> Result<Option<Span>, TooMuch> {
        let found = self.walk(reach.asked, reach).next(reach.asked, budget)?;
        match found.filter(|&span| span.0 < reach.horizon) {
            Some(span) if span.0 <= reach.asked => {
                Ok(Some((self.start_around(reach, budget)?, span.1)))
            }
            exact => Ok(exact),
        }
    }

    /// The start of the period that the instant lies in: looked for further and further back.
    fn start_around(&self, reach: Reach, budget: &mut Budget) -> Result<i64, TooMuch> {
        for days in [1, 8, 64, 512] {
            let from = reach.asked - days * DAY;
            if from > reach.floor {
                let start = self.start_since(from, reach, budget)?;
                if start > from {
                    return Ok(start);
                }
            }
        }
        self.start_since(reach.floor, reach, budget)
    }

    /// The start of the period that the instant lies in; exact if it is after `from`.
    fn start_since(&self, from: i64, reach: Reach, budget: &mut Budget) -> Result<i64, TooMuch> {
        let horizon = reach.asked + 1;
        let mut walk = self.walk(from, Reach { horizon, ..reach });
        let mut end = from;
        while let Some(span) = walk.next(end, budget)? {
            if span.1 > reach.asked {
                return Ok(span.0);
            }
            end = span.1;
        }
        Ok(reach.asked)
    }

    fn walk(&self, from: i64, reach: Reach) -> Meet<'_> {
        let groups = self.inner.groups.iter().map(|group| {
            let walks = group.iter().filter_map(|source| source.walk(from, reach));
            Union::new(walks.collect())
        });
        Meet::new(groups.collect())
    }
}

/// All calendars are alike: what they are made of is compared where it is kept.
impl PartialEq for Calendar {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Calendar {}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calendar")
            .field("groups", &self.inner.groups.len())
            .finish_non_exhaustive()
    }
}

impl Ready {
    fn new(source: Source) -> Self {
        match source {
            Source::Once(period) => Self::Once(span(period)),
            Source::Recurring {
                recurrence,
                reading,
                within,
            } => Self::Recurring {
                plan: Plan::new(recurrence, reading),
                within: within.map_or((i64::MIN, i64::MAX), span),
            },
        }
    }

    /// What ends after an instant and starts before the horizon; `None` if that is certainly
    /// nothing.
    fn walk(&self, from: i64, reach: Reach) -> Option<Walk<'_>> {
        match self {
            Self::Once(span) => {
                (span.0 < span.1 && span.1 > from).then_some(Walk::Once(Some(*span)))
            }
            Self::Recurring { plan, within } => {
                let from = from.max(within.0);
                let horizon = reach.horizon.min(within.1);
                let floor = reach.floor.max(within.0);
                (from < horizon)
                    .then(|| Walk::Recurring(Occurrences::new(plan, from, floor, horizon)))
            }
        }
    }
}

fn span(period: Period) -> Span {
    (period.start.micros(), period.end.micros())
}

fn period(span: Span) -> Option<Period> {
    Period::new(Instant::from_micros(span.0)?, Instant::from_micros(span.1)?)
}

#[cfg(test)]
mod tests {
    use super::super::contract::at;
    use super::super::{Cron, Elapsed, Length, LocalTime, Zone};
    use super::*;

    fn between(start: &str, end: &str) -> Period {
        Period::new(at(start), at(end)).unwrap()
    }

    fn read(reading: Reading, starts: &str, length: Length) -> Source {
        Source::Recurring {
            recurrence: Recurrence {
                starts: Cron::parse(starts).unwrap(),
                zone: Zone::parse("Europe/Berlin").unwrap(),
                length,
            },
            reading,
            within: None,
        }
    }

    fn window(starts: &str, end: &str) -> Source {
        read(Reading::Window, starts, until(end))
    }

    fn until(end: &str) -> Length {
        Length::Until(LocalTime::parse(end).unwrap())
    }

    fn minutes(minutes: i64) -> Length {
        Length::Elapsed(Elapsed::from_micros(minutes * 60_000_000).unwrap())
    }

    fn cut_to(source: Source, within: Period) -> Source {
        match source {
            Source::Recurring {
                recurrence,
                reading,
                ..
            } => Source::Recurring {
                recurrence,
                reading,
                within: Some(within),
            },
            Source::Once(_) => source,
        }
    }

    fn first(groups: Vec<Vec<Source>>, t: &str) -> Found {
        Calendar::new(groups).first_after(at(t))
    }

    fn found(start: &str, end: &str) -> Found {
        Found::Period(between(start, end))
    }

    const NOW: &str = "2026-11-23T00:00:00Z";

    #[test]
    fn w3_without_a_group_or_a_source_it_is_always_closed() {
        assert_eq!(Calendar::default().first_after(at(NOW)), Found::None);
        assert_eq!(first(vec![], NOW), Found::None);
        assert_eq!(first(vec![vec![]], NOW), Found::None);
        let open = window("* * * * *", "24:00");
        assert_eq!(first(vec![vec![open], vec![]], NOW), Found::None);
        assert_eq!(Calendar::default().periods_after(at(NOW)).count(), 0);
    }

    #[test]
    fn w3_business_hours_from_before_inside_and_at_the_end() {
        let hours = || vec![vec![window("0 9 * * 1-5", "17:00")]];
        let monday = found("2026-11-23T08:00:00Z", "2026-11-23T16:00:00Z");
        for t in [
            "2026-11-20T16:00:00Z",
            NOW,
            "2026-11-23T08:00:00Z",
            "2026-11-23T15:59:59.999999Z",
        ] {
            assert_eq!(first(hours(), t), monday, "{t}");
        }
        let tuesday = found("2026-11-24T08:00:00Z", "2026-11-24T16:00:00Z");
        assert_eq!(first(hours(), "2026-11-23T16:00:00Z"), tuesday);
    }

    #[test]
    fn w3_a_weekend_in_two_pieces_is_one_period() {
        let freeze = |starts| read(Reading::Freeze, starts, until("24:00"));
        let weekend = || vec![vec![freeze("0 0 * * 6"), freeze("0 0 * * 0")]];
        for (start, end) in [
            ("2027-03-19T23:00:00Z", "2027-03-21T23:00:00Z"),
            ("2027-03-26T23:00:00Z", "2027-03-28T22:00:00Z"),
            ("2027-10-29T22:00:00Z", "2027-10-31T23:00:00Z"),
        ] {
            for t in [start, &end.replace(":00Z", ":00.000001Z")] {
                let t = at(t).micros().min(at(end).micros() - 1);
                let calendar = Calendar::new(weekend());
                let answer = calendar.first_after(Instant::from_micros(t).unwrap());
                assert_eq!(answer, found(start, end));
            }
        }
    }

    #[test]
    fn w3_one_off_periods_unite_and_keep_their_ends() {
        let once = |start, end| Source::Once(between(start, end));
        let touching = || {
            vec![vec![
                once("2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"),
                once("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"),
                once("2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z"),
                once("2026-11-26T00:00:00.000001Z", "2026-11-27T00:00:00Z"),
            ]]
        };
        let united = found("2026-11-24T00:00:00Z", "2026-11-26T00:00:00Z");
        assert_eq!(first(touching(), NOW), united);
        assert_eq!(first(touching(), "2026-11-25T23:59:59Z"), united);
        assert_eq!(Calendar::new(touching()).periods_after(at(NOW)).count(), 2);
        assert_eq!(first(touching(), "2026-11-27T00:00:00Z"), Found::None);
        let forever = Period::new(at("2001-01-01T00:00:00Z"), Instant::LAST).unwrap();
        let calendar = vec![vec![Source::Once(forever), window("0 9 * * *", "17:00")]];
        assert_eq!(first(calendar, NOW), Found::Period(forever));
        let far = vec![vec![once("2036-11-24T00:00:00Z", "2037-01-01T00:00:00Z")]];
        assert_eq!(first(far.clone(), NOW), Found::None);
        let near = first(far, "2026-11-24T00:00:01Z");
        assert_eq!(near, found("2036-11-24T00:00:00Z", "2037-01-01T00:00:00Z"));
    }

    #[test]
    fn w3_policies_are_open_where_all_are() {
        let groups = vec![
            vec![window("0 9 * * 1-5", "17:00")],
            vec![window("0 7 * * *", "10:00"), window("0 16 * * *", "20:00")],
            vec![Source::Once(between(
                "2026-11-24T08:30:00Z",
                "2026-11-25T08:15:00Z",
            ))],
        ];
        let periods: Vec<Period> = Calendar::new(groups).periods_after(at(NOW)).collect();
        assert_eq!(
            periods,
            [
                between("2026-11-24T08:30:00Z", "2026-11-24T09:00:00Z"),
                between("2026-11-24T15:00:00Z", "2026-11-24T16:00:00Z"),
                between("2026-11-25T08:00:00Z", "2026-11-25T08:15:00Z"),
            ]
        );
    }

    #[test]
    fn w3_occurrences_are_cut() {
        let within = between("2026-11-24T09:30:00Z", "2026-11-25T08:30:00Z");
        let hours = cut_to(window("0 9 * * *", "17:00"), within);
        let periods: Vec<Period> = Calendar::new(vec![vec![hours.clone()]])
            .periods_after(at(NOW))
            .collect();
        assert_eq!(
            periods,
            [
                between("2026-11-24T09:30:00Z", "2026-11-24T16:00:00Z"),
                between("2026-11-25T08:00:00Z", "2026-11-25T08:30:00Z"),
            ]
        );
        assert_eq!(
            first(vec![vec![hours]], "2026-11-25T08:30:00Z"),
            Found::None
        );
        let open = cut_to(window("* * * * *", "24:00"), within);
        assert_eq!(
            first(vec![vec![open]], "2026-11-25T00:00:00Z"),
            Found::Period(within)
        );
    }

    #[test]
    fn w4_what_never_closes_is_open_ten_years_to_both_sides() {
        let always = vec![vec![window("* * * * *", "24:00")]];
        let decades = found("2016-11-22T00:00:00Z", "2036-11-23T00:00:00Z");
        assert_eq!(first(always.clone(), NOW), decades);
        assert_eq!(Calendar::new(always).periods_after(at(NOW)).count(), 1);
    }

    #[test]
    fn w5_each_minute_for_a_minute_is_open_but_for_the_second_time_of_an_hour() {
        let each = |reading| vec![vec![read(reading, "* * * * *", minutes(1))]];
        let summer = found("2026-10-25T02:00:00Z", "2027-10-31T01:00:00Z");
        assert_eq!(first(each(Reading::Window), NOW), summer);
        let always = found("2016-11-22T00:00:00Z", "2036-11-23T00:00:00Z");
        assert_eq!(first(each(Reading::Freeze), NOW), always);
    }

    #[test]
    fn w4_what_never_meets_is_not_found() {
        let day = vec![window("0 9 * * 1-5", "17:00")];
        let night = vec![window("0 17 * * *", "09:00")];
        let weekend = vec![window("0 0 * * 6", "24:00")];
        assert_eq!(first(vec![day.clone(), night.clone()], NOW), Found::None);
        assert_eq!(first(vec![day, night, weekend], NOW), Found::None);
        let never = vec![read(Reading::Window, "0 0 30 2 *", minutes(60))];
        assert_eq!(first(vec![never], NOW), Found::None);
    }

    #[test]
    fn w4_a_search_gives_up_when_it_is_too_much_work() {
        let even = vec![read(Reading::Window, "*/2 * * * *", minutes(1))];
        let odd = vec![read(Reading::Window, "1-59/2 * * * *", minutes(1))];
        let calendar = Calendar::new(vec![even.clone(), odd]);
        assert_eq!(calendar.first_after(at(NOW)), Found::TooMuchWork);
        assert_eq!(calendar.periods_after(at(NOW)).count(), 0);
        let minutes = Calendar::new(vec![even]).periods_after(at(NOW)).count();
        assert!((100_000..400_000).contains(&minutes), "{minutes}");
    }

    #[test]
    fn calendars_are_derived_and_therefore_alike() {
        let some = Calendar::new(vec![vec![window("0 9 * * *", "17:00")]]);
        assert_eq!(some, Calendar::default());
        assert!(format!("{some:?}").contains("groups: 1"));
    }
}
