//! Bad windows: inverted, incomplete, contradictory, out of the range of instants.

use countersign_proto::v1::{TaskSpec, TaskWindow};
use prost_types::{Duration, Timestamp};

use crate::gate::{Expect, Gate, deployment};

/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

type Parts = (Option<Timestamp>, Option<Timestamp>, Option<Duration>);

fn at(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

fn lasting(seconds: i64, nanos: i32) -> Option<Duration> {
    Some(Duration { seconds, nanos })
}

fn windowed(id: &str, (start, end, duration): Parts) -> TaskSpec {
    TaskSpec {
        window: Some(TaskWindow {
            start,
            end,
            duration,
        }),
        ..deployment(id)
    }
}

/// Each is refused by its part of the window, also when it is only asked about.
async fn all_refused(gate: &Gate, rows: Vec<(&str, Parts)>) {
    let entries = gate.entries().await;
    for (part, parts) in rows {
        let (field, task) = (format!("task.window.{part}"), windowed("t1", parts));
        gate.orchestrator()
            .create(task.clone())
            .await
            .bad_field(&field, "W1");
        gate.orchestrator()
            .preview(task)
            .await
            .bad_field(&field, "W1");
    }
    assert_eq!(gate.entries().await, entries);
}

on_both_stores! {
    async fn w1_what_is_no_instant_is_refused(gate) {
        let mut rows = Vec::new();
        let instants = [
            at(-1, 0),
            at(0, -1),
            at(0, 1_000_000_000),
            at(0, i32::MIN),
            at(LAST_SECOND + 1, 0),
            at(i64::MAX, 0),
            at(i64::MIN, 0),
            at(i64::MAX / 1_000_000 + 1, 0),
        ];
        for instant in instants {
            rows.push(("start", (instant, None, None)));
            rows.push(("end", (None, instant, None)));
        }
        all_refused(gate, rows).await;
    }

    async fn w1_what_is_no_length_is_refused(gate) {
        let Timestamp { seconds, .. } = gate.at(10).unwrap();
        let start = at(seconds, 0);
        let lengths = [
            lasting(0, 0),
            lasting(0, 999),
            lasting(-1, 0),
            lasting(0, -1_000),
            lasting(1, -1),
            lasting(-1, 1),
            lasting(1, 1_000_000_000),
            lasting(i64::MAX, 0),
            lasting(i64::MIN, 0),
            lasting(LAST_SECOND - seconds + 1, 0),
        ];
        let rows = lengths.map(|length| ("duration", (start, None, length)));
        all_refused(gate, rows.to_vec()).await;
    }

    async fn w1_a_length_needs_a_start_and_no_end(gate) {
        let (start, end) = (gate.at(10), gate.at(20));
        all_refused(gate, vec![
            ("duration", (None, None, lasting(10, 0))),
            ("duration", (None, end, lasting(10, 0))),
            // Also where they agree: who reads it must not have to compare them.
            ("duration", (start, end, lasting(10, 0))),
        ]).await;
    }

    async fn w1_the_outermost_instants_are_taken(gate) {
        let Timestamp { seconds, .. } = gate.at(10).unwrap();
        let last = at(LAST_SECOND, 999_999_000);
        let rows = [
            (at(0, 0), last, None),
            (at(seconds, 0), None, lasting(LAST_SECOND - seconds, 999_999_000)),
            (last, None, None),
            (at(seconds, 0), None, lasting(0, 1_000)),
        ];
        for (number, parts) in rows.into_iter().enumerate() {
            let id = format!("t{number}");
            let task = gate.orchestrator().create(windowed(&id, parts)).await.granted().task;
            let window = task.unwrap().spec.unwrap().window.unwrap();
            assert_eq!(window.start, parts.0);
            if number < 2 {
                assert_eq!(window.end, last, "row {number}");
            }
        }
        gate.pass(100 * 366 * 24 * 3_600).await;
    }
}
