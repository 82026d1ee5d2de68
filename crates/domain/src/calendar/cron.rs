//! The start of a recurrence: a cron expression of five fields.
//!
//! Each field is a list of numbers, ranges and steps; months and days of the week have names. The
//! rule for the two fields of days is cron's own: a field that is just `*` says nothing; where both
//! say something, a date matches if *either* does. `0 9 13 * 5` is each 13th and each Friday.

use std::fmt;
use std::sync::Arc;

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::Date;

use crate::text::Problem;

/// The longest expression, in characters: no list that says something needs more.
const LIMIT: usize = 300;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The five fields: what people call each, and its names if it has some.
const FIELDS: [(&str, &[&str]); 5] = [
    ("minute", &[]),
    ("hour", &[]),
    ("day of month", &[]),
    ("month", &MONTHS),
    ("day of week", &WEEKDAYS),
];

/// The local minutes at which something starts.
#[derive(Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    times: Arc<[u16]>,
    days: Days,
}

/// The dates that match, one bit for each number a field allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Days {
    of_month: u32,
    months: u16,
    of_week: u8,
    /// Whether one of the two fields of days alone decides, and which.
    rule: Rule,
}

/// Which fields of days say something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Neither,
    OfMonth,
    OfWeek,
    Either,
}

impl Cron {
    /// The expression of exactly five fields: minute, hour, day of month, month, day of week.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let length = text.chars().count();
        if length > LIMIT {
            return Err(Problem::new(
                format!("{length} characters"),
                format!("at most {LIMIT} characters"),
            ));
        }
        let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
        let Ok(fields) = <[&str; 5]>::try_from(fields.as_slice()) else {
            return Err(Problem::new(
                format!("{} fields", fields.len()),
                "5 fields: minute, hour, day of month, month, day of week",
            ));
        };
        for (field, (called, names)) in fields.iter().zip(FIELDS) {
            check(field, called, names)?;
        }
        let text = fields.join(" ");
        let parsed = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(&text)
            .map_err(|error| Problem::new(format!("{text:?} ({error})"), FORM))?;
        let pattern = &parsed.pattern;
        let hours = pattern.hours.values();
        let minutes = pattern.minutes.values();
        let times = hours
            .iter()
            .flat_map(|hour| minutes.iter().map(move |minute| hour * 60 + minute))
            .collect();
        Ok(Self {
            times,
            days: Days {
                of_month: bits(&pattern.days.values()),
                months: u16::try_from(bits(&pattern.months.values())).unwrap_or(0),
                of_week: u8::try_from(bits(&pattern.days_of_week.values())).unwrap_or(0),
                rule: match (pattern.is_dom_wildcard(), pattern.is_dow_wildcard()) {
                    (true, true) => Rule::Neither,
                    (false, true) => Rule::OfMonth,
                    (true, false) => Rule::OfWeek,
                    (false, false) => Rule::Either,
                },
            },
            text,
        })
    }

    /// The expression, with one space between its fields.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The minutes after midnight at which something starts on a date that matches, in order; there
    /// is at least one.
    pub(super) fn times(&self) -> &[u16] {
        &self.times
    }

    /// Whether some date in a month of this number matches.
    pub(super) fn has_month(&self, date: Date) -> bool {
        self.days.months & (1 << date.month()) != 0
    }

    /// Whether a date matches by its days, in a month that does.
    pub(super) fn has_day(&self, date: Date, weekday: u8) -> bool {
        let of_month = self.days.of_month & (1 << date.day()) != 0;
        let of_week = self.days.of_week & (1 << weekday) != 0;
        match self.days.rule {
            Rule::Neither => true,
            Rule::OfMonth => of_month,
            Rule::OfWeek => of_week,
            Rule::Either => of_month || of_week,
        }
    }

    /// Whether there is no date that does not match.
    pub(super) fn has_every_date(&self) -> bool {
        let every_month = self.days.months == 0b1_1111_1111_1110;
        let every_of_month = self.days.of_month == u32::MAX << 1;
        let every_of_week = self.days.of_week == 0b111_1111;
        every_month
            && match self.days.rule {
                Rule::Neither => true,
                Rule::OfMonth => every_of_month,
                Rule::OfWeek => every_of_week,
                Rule::Either => every_of_month || every_of_week,
            }
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text)
    }
}

/// What a field may hold, for refusals.
const FORM: &str = "in each field *, numbers, ranges such as 1-5, steps such as */15 or 8-18/2, \
                    and lists of them";

/// Whether a field is a list of `*`, values and ranges, with names only where they mean something.
/// The parser behind this is more lenient: it takes names in any field and skips empty items.
fn check(field: &str, called: &str, names: &[&str]) -> Result<(), Problem> {
    let is_value = |text: &str| {
        let is_number = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
        is_number || names.iter().any(|name| name.eq_ignore_ascii_case(text))
    };
    let is_item = |item: &str| {
        let (range, step) = match item.split_once('/') {
            None => (item, None),
            Some((range, step)) => (range, Some(step)),
        };
        let has_sound_step = step.is_none_or(|step| {
            matches!(step.len(), 1 | 2) && step.bytes().all(|b| b.is_ascii_digit())
        });
        let has_sound_range = match range.split_once('-') {
            None => is_value(range) && step.is_none(),
            Some((from, until)) => is_value(from) && is_value(until),
        };
        has_sound_step && (has_sound_range || range == "*")
    };
    let is_list_with_star = field.contains(',') && field.split(',').any(|item| item == "*");
    if field.split(',').all(is_item) && !is_list_with_star {
        return Ok(());
    }
    Err(Problem::new(format!("{field:?} as {called}"), FORM))
}

fn bits(values: &[u16]) -> u32 {
    values.iter().fold(0, |bits, &value| bits | (1 << value))
}
