//! W1: the task window, and its two edges to the microsecond.

use countersign_proto::v1::blocker::Detail;
use countersign_proto::v1::{Blocker, BlockerKind, Signal, Task, TaskSpec, TaskState, TaskWindow};
use prost_types::{Duration, Timestamp};

use crate::gate::{Expect, Gate, deployment, window};

const SECOND: i64 = 1_000_000;
const YEAR: i64 = 366 * 24 * 3_600;

/// A deployment that may start in this window.
fn windowed(id: &str, start: Option<Timestamp>, end: Option<Timestamp>) -> TaskSpec {
    TaskSpec {
        window: window(start, end),
        ..deployment(id)
    }
}

/// A deployment with a start and a length.
fn lasting(id: &str, start: Option<Timestamp>, micros: i64) -> TaskSpec {
    let nanos = i32::try_from(micros % SECOND * 1_000).unwrap();
    let duration = Some(Duration {
        seconds: micros / SECOND,
        nanos,
    });
    TaskSpec {
        window: Some(TaskWindow {
            start,
            end: None,
            duration,
        }),
        ..deployment(id)
    }
}

/// The instant at which a waiting task says that its window opens.
fn opens_at(task: &Task) -> Option<Timestamp> {
    let kinds: Vec<BlockerKind> = task.blockers.iter().map(Blocker::kind).collect();
    assert_eq!(kinds, [BlockerKind::Window], "{task:?}");
    match &task.blockers[0].detail {
        Some(Detail::Window(window)) => window.opens_at,
        other => panic!("a window blocker says when it opens: {other:?}"),
    }
}

/// A start is refused for now, because the window has not opened.
async fn is_too_early(gate: &Gate, id: &str) {
    let refused = gate
        .runner()
        .start(id, 1, "early")
        .await
        .refused("START_NOT_NOW", "P4");
    assert_eq!(
        (refused.fact("found"), refused.fact("waiting_for")),
        ("HELD", "window")
    );
}

/// A start is refused for ever, because the window has closed.
async fn is_too_late(gate: &Gate, id: &str) {
    let refused = gate
        .runner()
        .start(id, 1, "late")
        .await
        .refused("START_NEVER", "P4");
    assert_eq!(refused.fact("found"), "TERMINATED");
}

/// A start is granted.
async fn starts(gate: &Gate, id: &str) {
    let started = gate.runner().start(id, 1, "in time").await.granted();
    assert_eq!(started.state(), TaskState::Running);
}

on_both_stores! {
    async fn w1_without_a_window_any_time_will_do(gate) {
        gate.alice_approves().await;
        let task = gate.cleared(deployment("t1")).await;
        assert_eq!(task.spec.unwrap().window, None);
        assert_eq!(task.permit.unwrap().valid_until, None);
        gate.pass(10 * YEAR).await;
        starts(gate, "t1").await;
    }

    async fn w1_an_empty_window_is_any_time(gate) {
        gate.alice_approves().await;
        let task = gate.cleared(windowed("t1", None, None)).await;
        assert_eq!(task.spec.unwrap().window, None);
        starts(gate, "t1").await;
    }

    async fn w1_only_a_start_is_from_then_on(gate) {
        gate.alice_approves().await;
        let start = gate.at(10);
        for id in ["at-the-start", "much-later"] {
            let task = gate.approved(windowed(id, start, None)).await;
            assert_eq!((task.state(), task.signal()), (TaskState::Paused, Signal::Hold));
            assert_eq!(opens_at(&task), start);
        }
        gate.clock.advance_micros(10 * SECOND - 1);
        is_too_early(gate, "at-the-start").await;
        gate.clock.advance_micros(1);
        starts(gate, "at-the-start").await;
        gate.pass(10 * YEAR).await;
        let open = gate.task("much-later").await;
        assert_eq!(open.permit.unwrap().valid_until, None);
        starts(gate, "much-later").await;
    }

    async fn w1_only_an_end_is_until_then(gate) {
        gate.alice_approves().await;
        let end = gate.at(10);
        for id in ["at-once", "last-moment", "at-the-end"] {
            let task = gate.cleared(windowed(id, None, end)).await;
            assert_eq!(task.permit.unwrap().valid_until, end);
        }
        starts(gate, "at-once").await;
        gate.clock.advance_micros(10 * SECOND - 1);
        starts(gate, "last-moment").await;
        gate.clock.advance_micros(1);
        is_too_late(gate, "at-the-end").await;
    }

    async fn w1_the_start_belongs_to_the_window_and_the_end_does_not(gate) {
        gate.alice_approves().await;
        let (start, end) = (gate.at(10), gate.at(20));
        for id in ["at-the-start", "last-moment", "at-the-end"] {
            let task = gate.approved(windowed(id, start, end)).await;
            assert_eq!(opens_at(&task), start);
            assert_eq!(task.spec.unwrap().window, window(start, end));
        }
        gate.clock.advance_micros(10 * SECOND - 1);
        is_too_early(gate, "at-the-start").await;
        gate.clock.advance_micros(1);
        starts(gate, "at-the-start").await;
        gate.clock.advance_micros(10 * SECOND - 1);
        starts(gate, "last-moment").await;
        gate.clock.advance_micros(1);
        is_too_late(gate, "at-the-end").await;
    }

    async fn w1_a_start_and_a_duration_give_the_end(gate) {
        gate.alice_approves().await;
        let (start, end) = (gate.at(10), gate.at_micros(12 * SECOND + 500));
        for id in ["at-the-start", "last-moment", "at-the-end"] {
            let task = gate.approved(lasting(id, start, 2 * SECOND + 500)).await;
            assert_eq!(task.spec.unwrap().window, window(start, end));
        }
        gate.clock.advance_micros(10 * SECOND - 1);
        is_too_early(gate, "at-the-start").await;
        gate.clock.advance_micros(1);
        starts(gate, "at-the-start").await;
        gate.clock.advance_micros(2 * SECOND + 499);
        starts(gate, "last-moment").await;
        gate.clock.advance_micros(1);
        is_too_late(gate, "at-the-end").await;
    }

    async fn w1_a_window_of_one_microsecond_has_one_instant(gate) {
        gate.alice_approves().await;
        let start = gate.at(10);
        gate.approved(lasting("inside", start, 1)).await;
        gate.approved(windowed("behind", start, gate.at_micros(10 * SECOND + 1))).await;
        gate.advance(10);
        starts(gate, "inside").await;
        gate.clock.advance_micros(1);
        is_too_late(gate, "behind").await;
    }

    async fn w1_an_end_not_after_the_start_is_refused(gate) {
        let entries = gate.entries().await;
        let orchestrator = gate.orchestrator();
        let ends = [10 * SECOND, 10 * SECOND - 1, 5 * SECOND];
        for end in ends.map(|micros| gate.at_micros(micros)) {
            let task = windowed("t1", gate.at(10), end);
            orchestrator.create(task.clone()).await.bad_field("task.window.end", "W1");
            orchestrator.preview(task).await.bad_field("task.window.end", "W1");
        }
        assert_eq!(gate.entries().await, entries);
        orchestrator.create(windowed("t1", gate.at(10), gate.at_micros(10 * SECOND + 1)))
            .await
            .granted();
    }

    async fn w1_a_window_that_is_past_at_creation_is_refused(gate) {
        gate.alice_approves().await;
        let entries = gate.entries().await;
        let orchestrator = gate.orchestrator();
        for end in [0, -1, -10 * SECOND].map(|micros| gate.at_micros(micros)) {
            for start in [None, gate.at(-20)] {
                let task = windowed("t1", start, end);
                let refused = orchestrator.create(task.clone()).await.refused("WINDOW_PAST", "W1");
                assert_eq!(refused.code, tonic::Code::InvalidArgument);
                assert_eq!(refused.fact("field"), "task.window.end");
                assert_eq!(refused.fields, ["task.window.end"]);
                assert_eq!(refused.fact("now"), "2026-11-23T00:00:00Z");
                orchestrator.preview(task).await.refused("WINDOW_PAST", "W1");
            }
        }
        let past = lasting("t1", gate.at(-10), 10 * SECOND);
        orchestrator.create(past).await.refused("WINDOW_PAST", "W1");
        assert_eq!(gate.entries().await, entries);
        // The very next instant is early enough, and a start may lie in the past.
        gate.waiting(windowed("t1", gate.at(-20), gate.at_micros(1))).await;
    }

    async fn w1_what_is_finer_than_a_microsecond_is_cut_off(gate) {
        gate.alice_approves().await;
        let Timestamp { seconds, .. } = gate.at(10).unwrap();
        let at = |nanos| Some(Timestamp { seconds, nanos });
        // Both sides fall on the same microsecond.
        let empty = windowed("t1", at(0), at(999));
        gate.orchestrator().create(empty).await.bad_field("task.window.end", "W1");
        let task = gate.approved(windowed("t1", at(1_999), at(2_999))).await;
        assert_eq!(task.spec.unwrap().window, window(at(1_000), at(2_000)));
        // Said again with other cut-off parts, it is the same content (C2).
        gate.orchestrator().create(windowed("t1", at(1_000), at(2_001))).await.granted();
    }
}
