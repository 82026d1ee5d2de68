//! K1, K2: one instant per transaction that never runs backwards, and a clock that is behind.

use countersign_proto::v1::{ChangeRequestState, LogEntry, TaskOutcome, TaskSpec, TaskState};
use prost_types::Timestamp;
use tonic::Code;
use tonic_health::ServingStatus;

use crate::gate::{Expect, Gate, deployment, said_in, window};

const SECOND: i64 = 1_000_000;

/// All entries of the log.
async fn log(gate: &Gate) -> Vec<LogEntry> {
    gate.as_("auditor:audit").entries_from(1).await
}

/// The instants of entries, for comparing.
fn instants(entries: &[LogEntry]) -> Vec<(i64, i32)> {
    let parts = |at: Timestamp| (at.seconds, at.nanos);
    entries
        .iter()
        .map(|entry| parts(entry.instant.unwrap()))
        .collect()
}

/// Writes one entry `seconds` ahead, and puts the clock back to where it was.
async fn jump_ahead(gate: &Gate, seconds: i64, task: &str) {
    gate.advance(seconds);
    gate.orchestrator().create(deployment(task)).await.granted();
    gate.advance(-seconds);
}

/// A start is refused because the clock is behind by this much.
async fn is_behind(gate: &Gate, id: &str, milliseconds: i64) {
    let refused = gate
        .runner()
        .start(id, 1, "claim")
        .await
        .refused("CLOCK_BEHIND", "K2");
    assert_eq!(refused.code, Code::Unavailable);
    assert_eq!(refused.fact("behind_ms"), milliseconds.to_string());
    assert_eq!(gate.task(id).await.state(), TaskState::Cleared);
}

on_both_stores! {
    async fn k1_log_time_does_not_run_backwards(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        for seconds in [-3, -1, 2, -4, 7, -100] {
            gate.advance(seconds);
            drop(gate.as_("alice").approve("t1").await.granted());
            drop(gate.as_("alice").revoke("t1").await.granted());
        }
        let found = instants(&log(gate).await);
        assert!(found.is_sorted(), "{found:?}");
        let head = gate.as_("auditor:audit").head().await.granted();
        assert_eq!(head.clock_behind_ms, 100_000);
    }

    async fn k1_every_rule_is_judged_by_the_instant_of_the_log(gate) {
        gate.alice_approves().await;
        let closing = TaskSpec { window: window(None, gate.at(10)), ..deployment("closing") };
        gate.waiting(closing).await;
        let opening = TaskSpec { window: window(gate.at(10), None), ..deployment("opening") };
        gate.waiting(opening).await;
        let late = TaskSpec { window: window(None, gate.at(11)), ..deployment("late") };
        jump_ahead(gate, 12, "t1").await;
        gate.advance(9);
        // The clock says 9, the log 12.
        let alice = gate.as_("alice");
        alice.approve("closing").await.refused("CHANGE_REQUEST_ENDED", "D5");
        let opened = alice.approve("opening").await.granted();
        assert_eq!(opened.tasks[0].state(), TaskState::Cleared);
        gate.orchestrator().create(late.clone()).await.refused("WINDOW_PAST", "W1");
        gate.orchestrator().preview(late).await.refused("WINDOW_PAST", "W1");
    }

    async fn k1_one_call_has_one_instant(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let before = gate.entries().await;
        gate.advance(7);
        let cr = gate.as_("alice").approve("t1").await.granted();
        let written = gate.as_("auditor:audit").entries_from(before + 1).await;
        let events: Vec<&str> = written.iter().map(|entry| entry.event.as_str()).collect();
        assert_eq!(events, [
            "change_request.approval_recorded",
            "change_request.quorum_reached",
            "task.cleared",
        ]);
        assert!(written.iter().all(|entry| entry.instant == gate.at(0)), "{written:?}");
        assert_eq!(cr.decisions[0].decided_at, gate.at(0));
    }

    async fn k2_a_clock_that_is_far_behind_grants_no_start(gate) {
        gate.alice_approves().await;
        for id in ["t1", "t2"] {
            gate.cleared(deployment(id)).await;
        }
        jump_ahead(gate, 10, "ahead").await;
        let entries = gate.entries().await;
        is_behind(gate, "t1", 10_000).await;
        gate.clock.advance_micros(5 * SECOND - 1);
        is_behind(gate, "t1", 5_000).await;
        assert_eq!(gate.entries().await, entries);
        // Five seconds are tolerated.
        gate.clock.advance_micros(1);
        gate.runner().start("t1", 1, "claim").await.granted();
        gate.advance(5);
        gate.runner().start("t2", 1, "claim").await.granted();
    }

    async fn k2_a_clock_that_is_behind_stops_nothing_but_starts(gate) {
        gate.alice_approves().await;
        gate.running(deployment("running"), "claim").await;
        gate.waiting(deployment("t1")).await;
        jump_ahead(gate, 60, "ahead").await;
        let cr = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Approved);
        is_behind(gate, "t1", 60_000).await;
        // The claim that runs is told so, and may report.
        gate.runner().start("running", 1, "claim").await.granted();
        gate.runner().finish("running", "claim", TaskOutcome::Succeeded).await.granted();
        gate.as_("alice").reject("t1").await.granted();
        gate.runner().start("t1", 1, "claim").await.refused("START_NEVER", "P4");
    }

    async fn k2_health_shows_a_clock_that_is_behind(gate) {
        gate.becomes(ServingStatus::Serving).await;
        jump_ahead(gate, 10, "t1").await;
        gate.becomes(ServingStatus::NotServing).await;
        let head = gate.as_("auditor:audit").head().await.granted();
        assert_eq!(head.clock_behind_ms, 10_000);
        gate.as_("operator:op").accept_clock("false jump").await.granted();
        gate.becomes(ServingStatus::Serving).await;
        jump_ahead(gate, 60, "t2").await;
        gate.becomes(ServingStatus::NotServing).await;
        gate.advance(60);
        gate.becomes(ServingStatus::Serving).await;
    }

    async fn k2_an_operator_accepts_the_clock_and_starts_are_judged_again(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let closing = TaskSpec { window: window(None, gate.at(3_000)), ..deployment("closing") };
        gate.cleared(closing).await;
        jump_ahead(gate, 3_600, "ahead").await;
        let jumped_to = gate.at(3_600);
        is_behind(gate, "t1", 3_600_000).await;
        let entries = gate.entries().await;
        let until = gate.as_("operator:op").accept_clock("the host was set wrong").await;
        assert_eq!(until.granted(), jumped_to);
        gate.runner().start("t1", 1, "claim").await.granted();
        // Judged by the instant of the log, by which this window has closed.
        gate.runner().start("closing", 1, "claim").await.refused("START_NEVER", "P4");
        let accepted = log(gate).await.swap_remove(usize::try_from(entries).unwrap());
        assert_eq!(accepted.event, "store.clock_accepted");
        let said = said_in(&accepted);
        assert_eq!(said["event"]["clock_accepted"]["comment"], "the host was set wrong");
        assert_eq!(said["cause"]["call"]["person"]["subject"], "operator:op");
        // It survives a restart.
        gate.restart().await;
        gate.cleared(deployment("t2")).await;
        gate.runner().start("t2", 1, "claim").await.granted();
    }

    async fn k2_an_accepted_clock_excuses_no_later_jump(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        jump_ahead(gate, 60, "ahead").await;
        gate.as_("operator:op").accept_clock("false jump").await.granted();
        jump_ahead(gate, 120, "further-ahead").await;
        is_behind(gate, "t1", 120_000).await;
    }

    async fn k2_only_an_operator_accepts_the_clock_and_says_why(gate) {
        gate.alice_approves().await;
        jump_ahead(gate, 60, "ahead").await;
        let entries = gate.entries().await;
        for bearer in ["alice", "admin:root", "auditor:audit", "orchestrator:ci", "runner:web-1"] {
            let refused = gate.as_(bearer).accept_clock("why not").await;
            let refused = refused.refused("ROLE_REQUIRED", "E1");
            assert_eq!(refused.code, Code::PermissionDenied);
            assert_eq!(refused.fact("allowed"), "operator");
        }
        let operator = gate.as_("operator:op");
        for comment in ["", " \n"] {
            operator.accept_clock(comment).await.bad_field("comment", "K2");
        }
        for comment in ["\u{1b}[31m", &"x".repeat(4_097)] {
            operator.accept_clock(comment).await.bad_field("comment", "E1");
        }
        assert_eq!(gate.entries().await, entries);
        operator.accept_clock(&"x".repeat(4_096)).await.granted();
    }
}
