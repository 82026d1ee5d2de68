//! The calendar against a second one: `zones/` reads the same contract with Python's own time
//! zones, and says what schedules have to give around every change of every zone's offset.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use countersign_domain::Instant;
use countersign_domain::calendar::{
    Calendar, Cron, Elapsed, Found, Length, LocalTime, Period, Reading, Recurrence, Source, Zone,
    tzdb_version,
};
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use serde::Deserialize;

use crate::tool::installed;

/// The transitions that are compared lie between these.
const FIRST: &str = "2020-01-01T00:00:00Z";
const LAST: &str = "2041-01-01T00:00:00Z";

/// A run that finds less than this has not looked everywhere.
const ZONES_MIN: usize = 590;
const TRANSITIONS_MIN: usize = 8_000;
const COMPARISONS_MIN: usize = 1_500_000;

/// Stands for "no zone was chosen" in the database; the gate refuses it as it refuses no zone.
const NO_ZONE: &str = "Factory";

/// So many differences are shown in full; more would only be the same again.
const SHOWN_MAX: usize = 20;

/// A line of the script.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    /// The first one: what the script stands on.
    Release {
        version: String,
        only_asked: Vec<String>,
        only_known: Vec<String>,
        thinned: String,
    },
    /// The schedules of this zone follow. Transitions are in seconds since 1970.
    Zone { name: String, transitions: Vec<i64> },
    Schedule {
        starts: String,
        after: i64,
        until: i64,
        cases: Vec<Case>,
    },
    /// The last one.
    End { zones: usize, transitions: usize },
}

/// A length, and the periods in seconds that it gives in each reading: whole, in order, all that
/// end after the one instant and start before the other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// In minutes.
    elapsed: Option<i64>,
    local_end: Option<String>,
    window: Vec<[i64; 2]>,
    freeze: Vec<[i64; 2]>,
}

#[derive(Default)]
struct Tally {
    zones: usize,
    transitions: usize,
    comparisons: usize,
    differ: usize,
    shown: Vec<String>,
    /// Which of all cases were compared.
    thinned: String,
}

#[test]
fn w5_every_transition_of_every_zone_is_read_alike() {
    let mut script = start();
    let lines = BufReader::new(script.stdout.take().unwrap()).lines();
    let mut tally = Tally::default();
    let mut zone = None;
    let mut complete = false;
    // Many zones change on the same days; reading an expression takes longer than the search.
    let mut crons = HashMap::new();
    for line in lines {
        match serde_json::from_str(&line.unwrap()).unwrap() {
            Line::Release {
                version,
                only_asked,
                only_known,
                thinned,
            } => {
                assert_eq!(version, tzdb_version(), "another release: see python-env");
                assert!(only_asked.is_empty(), "Python lacks {only_asked:?}");
                assert_eq!(only_known, [NO_ZONE], "only Python has these");
                tally.thinned = thinned;
            }
            Line::Zone { name, transitions } => {
                assert_eq!(transitions, transitions_of(&name), "transitions of {name}");
                tally.zones += 1;
                tally.transitions += transitions.len();
                zone = Some(Zone::parse(&name).unwrap());
            }
            Line::Schedule {
                starts,
                after,
                until,
                cases,
            } => {
                let starts = crons
                    .entry(starts)
                    .or_insert_with_key(|text| Cron::parse(text).unwrap());
                let asked = Asked {
                    zone: zone.as_ref().unwrap(),
                    starts,
                    after,
                    until,
                };
                for case in &cases {
                    asked.compare(case, &mut tally);
                }
            }
            Line::End { zones, transitions } => {
                complete = (zones, transitions) == (tally.zones, tally.transitions);
            }
        }
    }
    assert!(script.wait().unwrap().success());
    assert!(complete, "the script left something out");
    println!("{tally}");
    assert_eq!(tally.differ, 0, "{tally}\n{}", tally.shown.join("\n"));
    assert!(tally.zones >= ZONES_MIN, "{tally}");
    assert!(tally.transitions >= TRANSITIONS_MIN, "{tally}");
    assert!(tally.comparisons >= COMPARISONS_MIN, "{tally}");
}

/// The script, which has been told the names of all zones that the gate takes.
fn start() -> Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/zones/zones.py");
    let python = installed("COUNTERSIGN_TEST_PYTHON", "tests/tools/python-env");
    let mut running = Command::new(python)
        .args(["-B", "-s"])
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut names = running.stdin.take().unwrap();
    for name in TimeZoneDatabase::bundled().available() {
        if Zone::parse(name.as_str()).is_ok() {
            writeln!(names, "{name}").unwrap();
        }
    }
    running
}

/// When the offset of a zone changes, as the library says that the calendar stands on. A new
/// abbreviation with the same offset is no change.
fn transitions_of(name: &str) -> Vec<i64> {
    let zone = TimeZoneDatabase::bundled().get(name).unwrap();
    let first: Timestamp = FIRST.parse().unwrap();
    let last: Timestamp = LAST.parse().unwrap();
    let mut offset = zone.to_offset(first);
    let mut found = Vec::new();
    for transition in zone.following(first) {
        if transition.timestamp() > last {
            break;
        }
        if transition.offset() != offset {
            offset = transition.offset();
            found.push(transition.timestamp().as_second());
        }
    }
    found
}

/// A schedule without its length, and the stretch of time that is compared.
struct Asked<'a> {
    zone: &'a Zone,
    starts: &'a Cron,
    after: i64,
    until: i64,
}

impl Asked<'_> {
    fn compare(&self, case: &Case, tally: &mut Tally) {
        let length = match (case.elapsed, &case.local_end) {
            (Some(minutes), None) => {
                Length::Elapsed(Elapsed::from_micros(minutes * 60_000_000).unwrap())
            }
            (None, Some(end)) => Length::Until(LocalTime::parse(end).unwrap()),
            _ => panic!("a case with no length, or with two"),
        };
        let recurrence = Recurrence {
            starts: self.starts.clone(),
            zone: self.zone.clone(),
            length,
        };
        self.read(&recurrence, Reading::Window, &case.window, tally);
        self.read(&recurrence, Reading::Freeze, &case.freeze, tally);
    }

    fn read(&self, recurrence: &Recurrence, reading: Reading, due: &[[i64; 2]], tally: &mut Tally) {
        let calendar = Calendar::new(vec![vec![Source::Recurring {
            recurrence: recurrence.clone(),
            reading,
            within: None,
        }]]);
        let due: Vec<Period> = due.iter().map(period).collect();
        let until = instant(self.until);
        let mut agrees = true;
        let mut check = |question: fmt::Arguments<'_>, due: &[Period], found: &[Period]| {
            tally.comparisons += 1;
            if due == found {
                return;
            }
            tally.differ += 1;
            // The further answers of this calendar are likely to differ by the same cause.
            if std::mem::take(&mut agrees) && tally.shown.len() < SHOWN_MAX {
                let after = instant(self.after);
                tally.shown.push(format!(
                    "{recurrence:?} as {reading:?} after {after}, {question}\n  \
                     Python {due:?}\n  Rust   {found:?}"
                ));
            }
        };

        let all: Vec<Period> = calendar
            .periods_after(instant(self.after))
            .take_while(|it| it.start < until)
            .collect();
        check(format_args!("all"), &due, &all);
        let first = recurrence.first_after(reading, instant(self.after));
        let first: Vec<Period> = first.into_iter().filter(|it| it.start < until).collect();
        check(format_args!("the first"), &due[..due.len().min(1)], &first);

        // A period ends after each of its instants, and not after its end. One calendar answers
        // all of this, so that it may remember.
        for (index, it) in due.iter().enumerate().take(2) {
            let last = Instant::from_micros(it.end.micros() - 1).unwrap();
            for (at, next) in [(it.start, index), (last, index), (it.end, index + 1)] {
                let found = match calendar.first_after(at) {
                    Found::Period(found) if found.start < until => vec![found],
                    _ => Vec::new(),
                };
                let next: Vec<Period> = due.get(next).copied().into_iter().collect();
                check(format_args!("asked at {at}"), &next, &found);
            }
        }
    }
}

fn instant(seconds: i64) -> Instant {
    Instant::from_micros(seconds * 1_000_000).unwrap()
}

fn period([start, end]: &[i64; 2]) -> Period {
    Period {
        start: instant(*start),
        end: instant(*end),
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "zones: {} zones, {} transitions, {} comparisons (tz release {}), {} differ; of all \
             cases there were {}",
            self.zones,
            self.transitions,
            self.comparisons,
            tzdb_version(),
            self.differ,
            self.thinned
        )
    }
}
