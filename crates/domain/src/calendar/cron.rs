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

#[cfg(test)]
mod tests {
    use super::super::occurrences::Day;
    use super::*;

    fn cron(text: &str) -> Cron {
        Cron::parse(text).unwrap()
    }

    /// The dates of 2028, a leap year that starts on a Saturday, on which something starts.
    fn dates(text: &str) -> Vec<String> {
        let cron = cron(text);
        let first = jiff::civil::date(2028, 1, 1);
        first
            .series(jiff::ToSpan::days(1))
            .take_while(|date| date.year() == 2028)
            .filter(|&date| {
                let weekday = u8::try_from(date.weekday().to_sunday_zero_offset()).unwrap();
                cron.has_month(date) && cron.has_day(date, weekday)
            })
            .map(|date| date.strftime("%m-%d").to_string())
            .collect()
    }

    #[test]
    fn w3_minutes_and_hours_are_lists_ranges_and_steps() {
        let rows: [(&str, &[u16]); 7] = [
            ("0 9 * * *", &[540]),
            ("30 0,23 * * *", &[30, 1_410]),
            ("0 8-10 * * *", &[480, 540, 600]),
            ("0 8-14/3 * * *", &[480, 660, 840]),
            ("*/20 5 * * *", &[300, 320, 340]),
            ("58-59,1,1 0 * * *", &[1, 58, 59]),
            ("0 */23 * * *", &[0, 1_380]),
        ];
        for (text, times) in rows {
            assert_eq!(cron(text).times(), times, "{text}");
        }
        assert_eq!(cron("* * * * *").times().len(), 1_440);
    }

    #[test]
    fn w3_days_and_months_have_numbers_and_names() {
        for (one, other) in [
            ("0 0 * 1 *", "0 0 * JAN *"),
            ("0 0 1 3-5 *", "0 0 1 mar-May *"),
            ("0 0 * * 1", "0 0 * * Mon"),
            ("0 0 * * 0", "0 0 * * 7"),
            ("0 0 * * 6,0", "0 0 * * SAT-SUN"),
            ("0 0 * * 1-5/2", "0 0 * * MON,WED,FRI"),
            ("0 0 * * 0-7", "0 0 * * *"),
        ] {
            assert_eq!(dates(one), dates(other), "{one} and {other}");
        }
        assert_eq!(dates("0 0 29-30 2 *"), ["02-29"]);
        assert_eq!(dates("0 0 31 2,4,6,9,11 *"), [""; 0]);
        assert_eq!(
            dates("0 0 * 1 SAT").join(" "),
            "01-01 01-08 01-15 01-22 01-29"
        );
    }

    #[test]
    fn w3_where_both_kinds_of_days_are_given_either_matches() {
        assert_eq!(dates("0 0 13 10 5").join(" "), "10-06 10-13 10-20 10-27");
        assert_eq!(
            dates("0 0 14 10 5").join(" "),
            "10-06 10-13 10-14 10-20 10-27"
        );
        assert_eq!(dates("0 0 14 10 *").join(" "), "10-14");
        // A step says something, even if it leaves nothing out.
        assert_eq!(dates("0 0 */1 10 5").len(), 31);
    }

    #[test]
    fn w3_a_text_that_is_not_five_sound_fields_is_refused() {
        let rows = [
            ("", "0 fields"),
            ("0 9 * *", "4 fields"),
            ("0 0 9 * * 1", "6 fields"),
            ("@daily", "1 fields"),
            ("60 9 * * *", "\"60 9 * * *\""),
            ("0 24 * * *", "\"0 24 * * *\""),
            ("0 9 0 * *", "\"0 9 0 * *\""),
            ("0 9 32 * *", "\"0 9 32 * *\""),
            ("0 9 * 13 *", "\"0 9 * 13 *\""),
            ("0 9 * * 8", "\"0 9 * * 8\""),
            ("0 17-9 * * *", "\"0 17-9 * * *\""),
            ("0 9 * * FRI-MON", "\"0 9 * * FRI-MON\""),
            ("*/0 9 * * *", "\"*/0 9 * * *\""),
            ("5/10 9 * * *", "\"5/10\" as minute"),
            ("/10 9 * * *", "\"/10\" as minute"),
            ("1,,2 9 * * *", "\"1,,2\" as minute"),
            ("0 9, * * *", "\"9,\" as hour"),
            ("0 MON * * *", "\"MON\" as hour"),
            ("0 9 JAN * *", "\"JAN\" as day of month"),
            ("0 9 L * *", "\"L\" as day of month"),
            ("0 9 15W * *", "\"15W\" as day of month"),
            ("0 9 ? * *", "\"?\" as day of month"),
            ("0 9 * MON *", "\"MON\" as month"),
            ("0 9 * * 5#2", "\"5#2\" as day of week"),
            ("0 9 * * +5", "\"+5\" as day of week"),
            ("0 9 * * MONDAY", "\"MONDAY\" as day of week"),
            ("0 9 * * 1SUN", "\"1SUN\" as day of week"),
            ("0 9 *,5 * *", "\"*,5\" as day of month"),
            ("-1 9 * * *", "\"-1\" as minute"),
            ("0 9 1-2-3 * *", "\"1-2-3\" as day of month"),
            ("0 9 * * *\n", "\"*\\n\" as day of week"),
            ("0\t9 * * *", "4 fields"),
            ("٠ 9 * * *", "\"٠\" as minute"),
        ];
        for (text, found) in rows {
            let problem = Cron::parse(text).unwrap_err();
            assert!(problem.found.starts_with(found), "{text:?}: {problem:?}");
        }
        let long = format!("{} * * * *", ["1"; 200].join(","));
        assert_eq!(Cron::parse(&long).unwrap_err().found, "407 characters");
    }

    #[test]
    fn w3_spaces_between_fields_do_not_matter() {
        assert_eq!(cron("  0  9 * * 1-5 "), cron("0 9 * * 1-5"));
        assert_eq!(cron("0  9 * * MON").as_str(), "0 9 * * MON");
    }

    #[test]
    fn w3_every_date_is_known_as_such() {
        for (text, has_every_date) in [
            ("0 0 * * *", true),
            ("0 0 */1 1-12 *", true),
            ("0 0 5 * 0-6", true),
            ("0 0 1-31 * *", true),
            ("0 0 1-30 * *", false),
            ("0 0 * 1-11 *", false),
            ("0 0 * * 1-6", false),
            ("0 0 1 * 1-6", false),
        ] {
            assert_eq!(cron(text).has_every_date(), has_every_date, "{text}");
        }
    }

    #[test]
    fn w3_the_next_date_is_found_across_months_and_leap_years() {
        let from = Day::of(0).unwrap();
        let rows = [
            ("0 0 * * *", Some(0)),
            ("0 0 * * 4", Some(0)),
            ("0 0 * * 3", Some(6)),
            ("0 0 1 2 *", Some(31)),
            ("0 0 29 2 *", Some(365 + 365 + 59)),
            ("0 0 30 2 *", None),
        ];
        for (text, number) in rows {
            let found = from.first_match(&cron(text), 3_653);
            assert_eq!(found.map(|day| day.number), number, "{text}");
        }
    }
}
