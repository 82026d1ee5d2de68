//! The rules for local times near a shift of the clocks, line by line.

use super::length::MINUTE;
use super::{Cron, Elapsed, Length, LocalTime, Period, Reading, Recurrence, Zone};
use crate::Instant;

/// An instant as people write it.
pub(super) fn at(text: &str) -> Instant {
    let timestamp: jiff::Timestamp = text.parse().unwrap();
    Instant::from_micros(timestamp.as_microsecond()).unwrap()
}

/// A length as people write it: `90m`, or a local end.
pub(super) fn recurrence(starts: &str, zone: &str, length: &str) -> Recurrence {
    Recurrence {
        starts: Cron::parse(starts).unwrap(),
        zone: Zone::parse(zone).unwrap(),
        length: match length.strip_suffix('m') {
            Some(minutes) => {
                let micros = minutes.parse::<i64>().unwrap() * MINUTE;
                Length::Elapsed(Elapsed::from_micros(micros).unwrap())
            }
            None => Length::Until(LocalTime::parse(length).unwrap()),
        },
    }
}

/// Asks from an instant for what starts within two days. Each row is a start, a length, and what
/// is expected of a window and of a freeze, as days and times in UTC; `-` does not happen.
fn check(zone: &str, from: &str, rows: &[&str]) {
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [starts, length, window, freeze] = cells[..] else {
            panic!("{row}")
        };
        let recurrence = recurrence(starts, zone, length);
        for (reading, expected) in [(Reading::Window, window), (Reading::Freeze, freeze)] {
            let asked = at(from);
            let found = recurrence
                .first_after(reading, asked)
                .filter(|found| found.start.micros_since(asked) < 48 * 60 * MINUTE)
                .map_or("-".to_owned(), |found| {
                    let ends = [found.start, found.end].map(|end| end.to_string());
                    ends.map(|end| end[8..16].replace('T', " ")).join(" to ")
                });
            assert_eq!(found, expected, "{zone}: {starts}, {length}, {reading:?}");
        }
    }
}

#[test]
fn w5_a_start_in_the_gap() {
    // 02:00 becomes 03:00 at 01:00Z.
    check(
        "Europe/Berlin",
        "2026-03-28T23:00:00Z",
        &[
            "30 2 * * 0   | 60m   | 29 01:30 to 29 02:30 | 29 01:00 to 29 02:30",
            "30 2 * * 0   | 5m    | 29 01:30 to 29 01:35 | 29 01:00 to 29 01:35",
            "0 2 * * 0    | 60m   | 29 01:00 to 29 02:00 | 29 01:00 to 29 02:00",
            "30 2 * * 0   | 04:00 | 29 01:30 to 29 02:00 | 29 01:00 to 29 02:00",
            "30 2 * * 0   | 03:30 | -                    | 29 01:00 to 29 01:30",
            "30 2 * * 0   | 03:00 | -                    | -",
            "30 2 * * 0   | 02:45 | -                    | 29 01:00 to 29 01:45",
            "30 2 * * 0   | 02:30 | 29 01:30 to 30 00:30 | 29 01:00 to 30 00:30",
            "0 2,3 * * 0  | 30m   | 29 01:00 to 29 01:30 | 29 01:00 to 29 01:30",
        ],
    );
}

#[test]
fn w5_a_local_end_in_the_gap() {
    check(
        "Europe/Berlin",
        "2026-03-28T20:00:00Z",
        &[
            "0 1 * * 0    | 02:30 | 29 00:00 to 29 00:30 | 29 00:00 to 29 01:30",
            "30 1 * * 0   | 02:30 | -                    | 29 00:30 to 29 01:30",
            "0 22 * * 6   | 02:00 | 28 21:00 to 29 00:00 | 28 21:00 to 29 01:00",
            "0 22 * * 6   | 03:00 | 28 21:00 to 29 01:00 | 28 21:00 to 29 01:00",
            "0 22 * * 6   | 480m  | 28 21:00 to 29 05:00 | 28 21:00 to 29 05:00",
            "0 0 * * 0    | 24:00 | 28 23:00 to 29 22:00 | 28 23:00 to 29 22:00",
        ],
    );
}

#[test]
fn w5_a_start_in_the_fold() {
    // 03:00 becomes 02:00 at 01:00Z.
    check(
        "Europe/Berlin",
        "2026-10-24T22:00:00Z",
        &[
            "30 2 * * 0   | 30m   | 25 00:30 to 25 01:00 | 25 00:30 to 25 01:00",
            "30 2 * * 0   | 60m   | 25 00:30 to 25 01:30 | 25 00:30 to 25 02:30",
            "30 2 * * 0   | 90m   | 25 00:30 to 25 02:00 | 25 00:30 to 25 03:00",
            "30 2 * * 0   | 03:00 | 25 00:30 to 25 02:00 | 25 00:30 to 25 02:00",
            "30 2 * * 0   | 02:45 | 25 00:30 to 25 00:45 | 25 00:30 to 25 01:45",
            "30 2 * * 0   | 24:00 | 25 00:30 to 25 23:00 | 25 00:30 to 25 23:00",
            "0 3 * * 0    | 60m   | 25 02:00 to 25 03:00 | 25 02:00 to 25 03:00",
        ],
    );
    let twice = recurrence("30 2 * * 0", "Europe/Berlin", "30m");
    let second = twice.first_after(Reading::Freeze, at("2026-10-25T01:00:00Z"));
    assert_eq!(
        second,
        Period::new(at("2026-10-25T01:30:00Z"), at("2026-10-25T02:00:00Z"))
    );
    let once = twice.first_after(Reading::Window, at("2026-10-25T01:00:00Z"));
    assert_eq!(once.unwrap().start, at("2026-11-01T01:30:00Z"));
}

#[test]
fn w5_a_local_end_in_the_fold() {
    check(
        "Europe/Berlin",
        "2026-10-24T19:00:00Z",
        &[
            "0 1 * * 0    | 02:30 | 24 23:00 to 25 00:30 | 24 23:00 to 25 01:30",
            "0 22 * * 6   | 02:00 | 24 20:00 to 25 00:00 | 24 20:00 to 25 01:00",
            "0 22 * * 6   | 03:00 | 24 20:00 to 25 02:00 | 24 20:00 to 25 02:00",
            "0 22 * * 6   | 480m  | 24 20:00 to 25 04:00 | 24 20:00 to 25 04:00",
            "0 0 * * 0    | 24:00 | 24 22:00 to 25 23:00 | 24 22:00 to 25 23:00",
        ],
    );
}

#[test]
fn w5_a_shift_of_half_an_hour() {
    let zone = "Australia/Lord_Howe";
    // 02:00 becomes 02:30 at 15:30Z.
    check(
        zone,
        "2026-10-03T13:30:00Z",
        &[
            "15 2 * * 0   | 30m   | 03 15:45 to 03 16:15 | 03 15:30 to 03 16:15",
            "15 2 * * 0   | 02:30 | -                    | -",
            "0 1 * * 0    | 02:15 | 03 14:30 to 03 15:15 | 03 14:30 to 03 15:45",
        ],
    );
    // 02:00 becomes 01:30 at 15:00Z.
    check(
        zone,
        "2026-04-04T13:00:00Z",
        &[
            "45 1 * * 0   | 30m   | 04 14:45 to 04 15:15 | 04 14:45 to 04 15:45",
            "0 1 * * 0    | 01:45 | 04 14:00 to 04 14:45 | 04 14:00 to 04 15:15",
        ],
    );
}

#[test]
fn w5_a_shift_at_midnight() {
    // 00:00 becomes 01:00 at 22:00Z.
    check(
        "Africa/Cairo",
        "2026-04-22T22:00:00Z",
        &[
            "0 0 * * 5    | 24:00 | 23 22:00 to 24 21:00 | 23 22:00 to 24 21:00",
            "0 0 * * 4    | 24:00 | 22 22:00 to 23 21:00 | 22 22:00 to 23 22:00",
            "30 0 * * 5   | 60m   | 23 22:30 to 23 23:30 | 23 22:00 to 23 23:30",
            "0 0 * * 4,5  | 24:00 | 22 22:00 to 23 21:00 | 22 22:00 to 24 21:00",
        ],
    );
    // 24:00 becomes 23:00 at 21:00Z.
    check(
        "Africa/Cairo",
        "2026-10-28T21:00:00Z",
        &[
            "30 23 * * 4  | 24:00 | 29 20:30 to 29 22:00 | 29 20:30 to 29 22:00",
            "30 23 * * 4  | 30m   | 29 20:30 to 29 21:00 | 29 20:30 to 29 21:00",
            "0 0 * * 4    | 23:30 | 28 21:00 to 29 20:30 | 28 21:00 to 29 21:30",
        ],
    );
    check(
        "America/Asuncion",
        "2023-09-30T12:00:00Z",
        &["30 0 1 10 *  | 60m   | 01 04:30 to 01 05:30 | 01 04:00 to 01 05:30"],
    );
}

#[test]
fn w5_a_day_that_a_zone_skips() {
    // 30 December 2011 is skipped at 10:00Z, a Friday.
    check(
        "Pacific/Apia",
        "2011-12-29T10:00:00Z",
        &[
            "0 9 * * 5    | 60m   | 30 19:00 to 30 20:00 | 30 10:00 to 30 20:00",
            "0 9 * * 5    | 17:00 | -                    | 30 10:00 to 31 03:00",
            "0 0 * * 5    | 24:00 | -                    | -",
            "0 22 * * 4   | 02:00 | -                    | 30 08:00 to 30 12:00",
            "0 9 * * 6    | 60m   | 30 19:00 to 30 20:00 | 30 19:00 to 30 20:00",
        ],
    );
}

#[test]
fn w3_a_local_end_is_on_the_next_day_unless_it_is_later() {
    check(
        "Europe/Berlin",
        "2027-01-04T23:00:00Z",
        &[
            "0 9 5 1 *    | 17:00 | 05 08:00 to 05 16:00 | 05 08:00 to 05 16:00",
            "0 9 5 1 *    | 09:00 | 05 08:00 to 06 08:00 | 05 08:00 to 06 08:00",
            "0 9 5 1 *    | 08:59 | 05 08:00 to 06 07:59 | 05 08:00 to 06 07:59",
            "0 9 5 1 *    | 24:00 | 05 08:00 to 05 23:00 | 05 08:00 to 05 23:00",
            "0 9 5 1 *    | 00:00 | 05 08:00 to 05 23:00 | 05 08:00 to 05 23:00",
            "0 0 5 1 *    | 24:00 | 04 23:00 to 05 23:00 | 04 23:00 to 05 23:00",
            "0 0 5 1 *    | 00:00 | 04 23:00 to 05 23:00 | 04 23:00 to 05 23:00",
            "59 23 5 1 *  | 00:00 | 05 22:59 to 05 23:00 | 05 22:59 to 05 23:00",
        ],
    );
}

#[test]
fn w3_leap_days_and_the_turn_of_the_year() {
    check(
        "UTC",
        "2028-02-28T00:00:00Z",
        &["0 0 29 2 *   | 24:00 | 29 00:00 to 01 00:00 | 29 00:00 to 01 00:00"],
    );
    check(
        "Europe/Berlin",
        "2026-12-30T23:00:00Z",
        &["0 22 31 12 * | 06:00 | 31 21:00 to 01 05:00 | 31 21:00 to 01 05:00"],
    );
    let leap = recurrence("0 0 29 2 *", "UTC", "24:00");
    let next = leap.first_after(Reading::Window, at("2096-03-01T00:00:00Z"));
    assert_eq!(next.unwrap().start, at("2104-02-29T00:00:00Z"));
    assert!(!leap.never_fires(at("2096-03-01T00:00:00Z")));
}

#[test]
fn instants_at_both_ends_of_time_have_answers() {
    let last = Instant::LAST.micros();
    let day = 1_440 * MINUTE;
    for zone in ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12"] {
        for length in ["1m", "527040m", "24:00", "00:00"] {
            for starts in ["* * * * *", "0 0 1 1 *", "59 23 31 12 *"] {
                let recurrence = recurrence(starts, zone, length);
                for micros in [0, 1, day, last - 400 * day, last - day, last - 1, last] {
                    for reading in [Reading::Window, Reading::Freeze] {
                        let t = Instant::from_micros(micros).unwrap();
                        let found = recurrence.first_after(reading, t);
                        assert!(found.is_none_or(|found| found.end > t), "{t}");
                        recurrence.never_fires(t);
                    }
                }
            }
        }
    }
}
