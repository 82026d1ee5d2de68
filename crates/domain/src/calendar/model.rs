//! A naive model of the calendar, and random calendars that are compared with it.
//!
//! The model asks for each local minute of each date whether something starts, has jiff say what
//! the clocks do then, and marks minutes. It merges nothing and skips nothing.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::AmbiguousOffset;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::length::{DAY, MINUTE};
use super::occurrences::HORIZON;
use super::{
    Calendar, Cron, Elapsed, Found, Length, LocalTime, Period, Reading, Recurrence, Source, Zone,
};
use crate::Instant;

/// Zones whose clocks do something odd at some time from 1993 on.
const ZONES: [&str; 14] = [
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Asuncion",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
];

/// A recurrence whose cron expression is known as sets.
#[derive(Debug, Clone)]
struct Known {
    recurrence: Recurrence,
    reading: Reading,
    minutes: BTreeSet<u32>,
    hours: BTreeSet<u32>,
    of_month: Option<BTreeSet<u32>>,
    of_week: Option<BTreeSet<u32>>,
}

impl Known {
    fn source(&self) -> Source {
        Source::Recurring {
            recurrence: self.recurrence.clone(),
            reading: self.reading,
            within: None,
        }
    }

    fn has_date(&self, date: Date) -> bool {
        let has = |set: &Option<BTreeSet<u32>>, value: i8| {
            set.as_ref()
                .map(|set| set.contains(&u32::try_from(value).unwrap()))
        };
        let of_month = has(&self.of_month, date.day());
        let of_week = has(&self.of_week, date.weekday().to_sunday_zero_offset());
        match (of_month, of_week) {
            (None, None) => true,
            (Some(matches), None) | (None, Some(matches)) => matches,
            (Some(one), Some(other)) => one || other,
        }
    }

    /// What starts at a local minute of a date, as microseconds.
    fn spans(&self, date: Date, minute: i64) -> Vec<(i64, i64)> {
        let rules = self.recurrence.zone.rules();
        let readings = |date: Date, minute: i64| {
            let local = date.at(0, 0, 0, 0).checked_add(minute.minutes()).unwrap();
            match rules.to_ambiguous_timestamp(local).offset() {
                AmbiguousOffset::Unambiguous { offset } => {
                    let at = offset.to_timestamp(local).unwrap();
                    (at, at, None)
                }
                AmbiguousOffset::Gap { before, after } => {
                    let later = before.to_timestamp(local).unwrap();
                    let beyond = later.checked_add(1.microsecond()).unwrap();
                    let shift = rules.preceding(beyond).next().unwrap().timestamp();
                    (after.to_timestamp(local).unwrap(), later, Some(shift))
                }
                AmbiguousOffset::Fold { before, after } => (
                    before.to_timestamp(local).unwrap(),
                    after.to_timestamp(local).unwrap(),
                    None,
                ),
            }
        };
        let (earlier, later, shift) = readings(date, minute);
        let [earlier, later] = [earlier, later].map(Timestamp::as_microsecond);
        let shift = shift.map(Timestamp::as_microsecond);
        match (self.recurrence.length, self.reading) {
            (Length::Elapsed(length), Reading::Window) => {
                let start = if shift.is_some() { later } else { earlier };
                vec![(start, start + length.micros())]
            }
            (Length::Elapsed(length), Reading::Freeze) => match shift {
                Some(shift) => vec![(shift, later + length.micros())],
                None => [earlier, later]
                    .map(|start| (start, start + length.micros()))
                    .to_vec(),
            },
            (Length::Until(end), reading) => {
                let end = i64::from(end.minutes());
                let on = if end > minute { end } else { end + 1_440 };
                let (end_earlier, end_later, _) = readings(date, on);
                match reading {
                    Reading::Window => {
                        let start = if shift.is_some() { later } else { earlier };
                        vec![(start, end_earlier.as_microsecond())]
                    }
                    Reading::Freeze => {
                        vec![(shift.unwrap_or(earlier), end_later.as_microsecond())]
                    }
                }
            }
        }
    }

    /// The minutes from one instant to before another that are inside, as instants.
    fn marks(&self, from: i64, until: i64) -> BTreeSet<i64> {
        let longest = match self.recurrence.length {
            Length::Elapsed(elapsed) => elapsed.micros(),
            Length::Until(_) => DAY,
        };
        let date = |micros: i64| {
            let at = Timestamp::from_microsecond(micros).unwrap();
            jiff::tz::Offset::UTC.to_datetime(at).date()
        };
        let first = date(from - longest - 3 * DAY);
        let last = date(until + 2 * DAY);
        let mut marks = BTreeSet::new();
        for date in first.series(1.day()).take_while(|&date| date <= last) {
            if !self.has_date(date) {
                continue;
            }
            for hour in &self.hours {
                for minute in &self.minutes {
                    for (start, end) in self.spans(date, i64::from(hour * 60 + minute)) {
                        let mut at = start.max(from);
                        while at < end.min(until) {
                            marks.insert(at);
                            at += MINUTE;
                        }
                    }
                }
            }
        }
        marks
    }
}

/// A field as it is written and the values it means.
fn field(range: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = (String, BTreeSet<u32>)> {
    let (first, last) = range.into_inner();
    let all = move |step: usize| (first..=last).step_by(step).collect::<BTreeSet<u32>>();
    prop_oneof![
        (2_usize..20).prop_map(move |step| (format!("*/{step}"), all(step))),
        (first..=last).prop_map(|value| (value.to_string(), BTreeSet::from([value]))),
        prop::collection::btree_set(first..=last, 1..4).prop_map(|values| {
            let texts: Vec<String> = values.iter().map(u32::to_string).collect();
            (texts.join(","), values)
        }),
        (first..=last, first..=last).prop_map(|(a, b)| {
            let (from, until) = (a.min(b), a.max(b));
            (format!("{from}-{until}"), (from..=until).collect())
        }),
    ]
}

/// A field that may say nothing.
fn open_field(
    range: std::ops::RangeInclusive<u32>,
) -> impl Strategy<Value = (String, Option<BTreeSet<u32>>)> {
    prop_oneof![
        2 => Just(("*".to_owned(), None)),
        1 => field(range).prop_map(|(text, values)| (text, Some(values))),
    ]
}

fn length() -> impl Strategy<Value = Length> {
    prop_oneof![
        (1_i64..200).prop_map(|minutes| elapsed(minutes * MINUTE)),
        (1_i64..4_000).prop_map(|minutes| elapsed(minutes * MINUTE)),
        (0_u16..300).prop_map(until),
        (0_u16..=1_440).prop_map(until),
    ]
}

fn elapsed(micros: i64) -> Length {
    Length::Elapsed(Elapsed::from_micros(micros).unwrap())
}

fn until(minutes: u16) -> Length {
    Length::Until(LocalTime::from_minutes(minutes).unwrap())
}

fn known_in(zone: &'static str) -> impl Strategy<Value = Known> {
    let fields = (
        prop_oneof![
            1 => Just(("*".to_owned(), (0..60).collect::<BTreeSet<u32>>())),
            3 => field(0..=59),
        ],
        prop_oneof![
            1 => Just(("*".to_owned(), (0..24).collect::<BTreeSet<u32>>())),
            2 => field(0..=4),
            2 => field(0..=23),
        ],
        open_field(1..=31),
        open_field(0..=6),
    );
    let reading = prop_oneof![Just(Reading::Window), Just(Reading::Freeze)];
    (fields, length(), reading).prop_map(move |(fields, length, reading)| {
        let (minutes, hours, of_month, of_week) = fields;
        // As a list: a step that was drawn for the first hours alone would go on to the last.
        let hours_text: Vec<String> = hours.1.iter().map(u32::to_string).collect();
        let text = format!(
            "{} {} {} * {}",
            minutes.0,
            hours_text.join(","),
            of_month.0,
            of_week.0
        );
        Known {
            recurrence: Recurrence {
                starts: Cron::parse(&text).unwrap(),
                zone: Zone::parse(zone).unwrap(),
                length,
            },
            reading,
            minutes: minutes.1,
            hours: hours.1,
            of_month: of_month.1,
            of_week: of_week.1,
        }
    })
}

/// A zone and a minute close to a shift of its clocks, or any minute.
fn place() -> impl Strategy<Value = (&'static str, i64)> {
    // From 1993-01-01 to 2036: offsets are whole minutes.
    let instant = 725_846_400_i64 / 60..2_082_758_400 / 60;
    (0..ZONES.len(), instant, -4_000_i64..2_000, any::<bool>()).prop_map(
        |(zone, minute, near, is_near)| {
            let zone = ZONES[zone];
            let at = Timestamp::from_second(minute * 60).unwrap();
            let parsed = Zone::parse(zone).unwrap();
            let shift = parsed.rules().following(at).next().filter(|_| is_near);
            let minute = shift.map_or(minute, |shift| shift.timestamp().as_second() / 60 + near);
            (zone, minute * MINUTE)
        },
    )
}

fn case(count: usize) -> impl Strategy<Value = (Vec<Known>, i64)> {
    place()
        .prop_flat_map(move |(zone, at)| (prop::collection::vec(known_in(zone), count), Just(at)))
}

fn instant(micros: i64) -> Instant {
    Instant::from_micros(micros).unwrap()
}

/// The minutes from one instant to before another in the periods of a calendar.
fn minutes_of(periods: &[Period], from: i64, until: i64) -> BTreeSet<i64> {
    let mut marks = BTreeSet::new();
    for period in periods {
        let mut at = period.start.micros().max(from);
        while at < period.end.micros().min(until) {
            marks.insert(at);
            at += MINUTE;
        }
    }
    marks
}

fn periods_until(calendar: &Calendar, from: i64, until: i64) -> Vec<Period> {
    calendar
        .periods_after(instant(from))
        .take_while(|period| period.start.micros() < until)
        .collect()
}

const SPAN: i64 = 4 * DAY;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn w5_a_recurrence_is_what_the_model_marks((known, at) in case(1)) {
        let calendar = Calendar::new(vec![vec![known[0].source()]]);
        let periods = periods_until(&calendar, at, at + SPAN);
        prop_assert_eq!(
            minutes_of(&periods, at, at + SPAN),
            known[0].marks(at, at + SPAN)
        );
        if let Some(first) = periods.first() {
            let start = first.start.micros();
            if start > at - 20 * DAY {
                prop_assert_eq!(
                    known[0].marks(start - MINUTE, start + MINUTE),
                    BTreeSet::from([start]),
                    "the start is exact"
                );
            }
        }
    }

    #[test]
    fn w3_groups_are_unions_and_intersections((known, at) in case(4)) {
        let marks = |index: usize| known[index].marks(at, at + SPAN);
        let groups = vec![
            vec![known[0].source(), known[1].source()],
            vec![known[2].source(), known[3].source()],
        ];
        let one = &marks(0) | &marks(1);
        let other = &marks(2) | &marks(3);
        let calendar = Calendar::new(groups);
        let periods = periods_until(&calendar, at, at + SPAN);
        prop_assert_eq!(minutes_of(&periods, at, at + SPAN), &one & &other);
    }

    #[test]
    fn w3_periods_are_in_order_and_do_not_touch((known, at) in case(3)) {
        let sources: Vec<Source> = known.iter().map(Known::source).collect();
        let (one, others) = sources.split_at(1);
        for groups in [vec![sources.clone()], vec![one.to_vec(), others.to_vec()]] {
            let calendar = Calendar::new(groups);
            let periods: Vec<Period> = calendar.periods_after(instant(at)).take(30).collect();
            for pair in periods.windows(2) {
                prop_assert!(pair[0].end < pair[1].start, "{:?}", pair);
            }
            for period in &periods {
                prop_assert!(period.start < period.end && period.end > instant(at));
            }
            // The search from inside a period, or from its end, agrees with the walk.
            let horizon = instant(at + HORIZON);
            let whole = periods.iter().skip(1).filter(|next| next.end < horizon);
            for (period, next) in periods.iter().zip(whole) {
                let fresh = calendar.first_after(period.end);
                prop_assert_eq!(fresh, Found::Period(*next));
                let inside = next.start.max(next.end.plus_micros(-1).unwrap());
                prop_assert_eq!(calendar.first_after(inside), Found::Period(*next));
            }
        }
    }

    #[test]
    fn w3_a_memo_changes_no_answer(
        (known, at) in case(2),
        steps in prop::collection::vec(-3 * DAY..5 * DAY, 1..12),
        is_union in any::<bool>(),
    ) {
        let groups = if is_union {
            vec![known.iter().map(Known::source).collect()]
        } else {
            known.iter().map(|known| vec![known.source()]).collect::<Vec<_>>()
        };
        let used = Calendar::new(groups.clone());
        let mut at = at;
        for step in steps {
            at += step;
            let fresh = Calendar::new(groups.clone()).first_after(instant(at));
            prop_assert_eq!(used.first_after(instant(at)), fresh, "at {}", instant(at));
            if let Found::Period(found) = fresh {
                for near in [found.start, found.end, found.end.plus_micros(-1).unwrap()] {
                    let fresh = Calendar::new(groups.clone()).first_after(near);
                    prop_assert_eq!(used.clone().first_after(near), fresh, "at {}", near);
                }
            }
        }
    }

    #[test]
    fn w5_a_freeze_covers_the_window_of_the_same_recurrence((known, at) in case(1)) {
        let read = |reading| {
            let source = Known { reading, ..known[0].clone() }.source();
            periods_until(&Calendar::new(vec![vec![source]]), at, at + 10 * DAY)
        };
        let freezes = read(Reading::Freeze);
        for window in read(Reading::Window) {
            let is_covered = freezes
                .iter()
                .any(|freeze| freeze.start <= window.start && window.end <= freeze.end);
            prop_assert!(is_covered, "{window:?} in {freezes:?}");
        }
    }
}
