//! W4, F2, T4, K1: nobody looks while time opens and closes things. The server is off, the clock
//! jumps, or the scheduler sleeps: afterwards everything stands where a punctual settling puts it.

use countersign_proto::v1::{
    AggregateKind, FreezeState, ListEntriesRequest, LogEntry, Signal, TaskSpec, TaskState,
    TerminationReason,
};

use crate::gate::{
    Expect, FreezeSpec, Gate, PolicySpec, deployment, hourly, instant, period, said_in, window,
};

/// A policy that `alice` meets, open from a minute on for a minute, and not again.
async fn open_once(gate: &Gate) {
    let policy = PolicySpec::new("prod").users(&["alice"]);
    let policy = policy.once(gate.at(60), gate.at(120));
    gate.admin().policy(policy).await.granted();
}

/// A policy that `alice` meets, open in the first ten minutes of every hour.
async fn open_hourly(gate: &Gate) {
    let policy = PolicySpec::new("prod")
        .users(&["alice"])
        .recurring(hourly());
    gate.admin().policy(policy).await.granted();
}

/// The signal that a stream begins with.
async fn signal(gate: &Gate, id: &str) -> Signal {
    let mut stream = gate.runner().signals(&[id], "").await.granted();
    let (present, _) = stream.synced().await;
    present[0].signals[0].signal()
}

async fn events(gate: &Gate, id: &str) -> Vec<String> {
    let auditor = gate.as_("auditor:audit");
    auditor.events(AggregateKind::Task, id).await
}

/// The instants at which what happened to a task was due, in seconds after some instant.
async fn due(gate: &Gate, id: &str, since: i64) -> Vec<(String, Option<i64>)> {
    let auditor = gate.as_("auditor:audit");
    let request = ListEntriesRequest {
        aggregate: AggregateKind::Task.into(),
        aggregate_id: id.to_owned(),
        ..ListEntriesRequest::default()
    };
    let entries = auditor.entries(request).await.granted().entries;
    let row = |entry: &LogEntry| {
        let due = said_in(entry)["cause"]["time"]["due_at"].as_i64();
        (
            entry.event.clone(),
            due.map(|due| (due - since) / 1_000_000),
        )
    };
    entries.iter().map(row).collect()
}

on_both_stores! {
    async fn w4_off_at_the_opening_it_is_open_afterwards(gate) {
        open_once(gate).await;
        for id in ["t1", "t2"] {
            gate.approved(deployment(id)).await;
        }
        gate.restart_after(100).await;
        // A start that comes before the sweep is judged by its own instant.
        gate.runner().start("t1", 1, "c").await.granted();
        assert_eq!(signal(gate, "t2").await, Signal::Hold);
        gate.pass(0).await;
        assert_eq!(signal(gate, "t2").await, Signal::Proceed);
        gate.runner().start("t2", 1, "c").await.granted();
    }

    async fn w4_off_at_the_closing_it_is_closed_afterwards(gate) {
        open_once(gate).await;
        for id in ["t1", "t2"] {
            gate.approved(deployment(id)).await;
        }
        gate.pass(60).await;
        assert_eq!(signal(gate, "t2").await, Signal::Proceed);
        gate.restart_after(60).await;
        gate.runner().start("t1", 1, "c").await.refused("START_NEVER", "P4");
        gate.pass(0).await;
        assert_eq!(signal(gate, "t2").await, Signal::Terminate);
        let task = gate.task("t2").await;
        assert_eq!(task.termination_reason(), TerminationReason::WindowClosed);
    }

    async fn w4_off_over_opening_and_closing_it_never_was_open(gate) {
        open_once(gate).await;
        gate.approved(deployment("t1")).await;
        gate.approved(deployment("t2")).await;
        gate.waiting(deployment("t3")).await;
        gate.restart_after(3_600).await;
        gate.runner().start("t1", 1, "c").await.refused("START_NEVER", "P4");
        gate.as_("alice").approve("t3").await.refused("CHANGE_REQUEST_ENDED", "D5");
        gate.pass(0).await;
        assert_eq!(signal(gate, "t2").await, Signal::Terminate);
        assert_eq!(events(gate, "t2").await, ["task.created", "task.held", "task.terminated"]);
        assert_eq!(gate.task("t2").await.generation, 0);
    }

    async fn w4_off_over_periods_that_recur_it_is_bound_to_the_present_one(gate) {
        open_hourly(gate).await;
        for id in ["t1", "t2"] {
            gate.cleared(deployment(id)).await;
        }
        // Over two closings and two openings, to the middle of the third period.
        gate.restart_after(2 * 3_600 + 300).await;
        let stale = gate.runner().start("t1", 1, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!(stale.fact("found"), "STALE_GENERATION");
        gate.runner().start("t1", 2, "c").await.granted();
        gate.pass(0).await;
        let task = gate.task("t2").await;
        assert_eq!(task.period, period("2026-11-23T02:00:00Z", "2026-11-23T02:10:00Z"));
        assert_eq!((task.state(), task.generation), (TaskState::Cleared, 2));
        assert_eq!(events(gate, "t2").await,
            ["task.created", "task.cleared", "task.bound", "task.cleared"]);
    }

    async fn t4_a_late_settling_says_when_it_was_due(gate) {
        let since = gate.clock.now().micros();
        open_hourly(gate).await;
        let until = TaskSpec { window: window(None, gate.at(2 * 3_600)), ..deployment("t2") };
        gate.cleared(deployment("t1")).await;
        gate.cleared(until).await;
        gate.restart_after(3 * 3_600 + 60).await;
        gate.pass(0).await;
        let expected = [("task.created", None), ("task.cleared", None),
            ("task.bound", Some(600)), ("task.cleared", Some(3 * 3_600))];
        let expected = expected.map(|(event, due)| (event.to_owned(), due));
        assert_eq!(due(gate, "t1", since).await, expected);
        // The window of the second ended between periods: it ended with the last one in it.
        let expected = [("task.created", None), ("task.cleared", None),
            ("task.bound", Some(600)), ("task.terminated", Some(3_600 + 600))];
        let expected = expected.map(|(event, due)| (event.to_owned(), due));
        assert_eq!(due(gate, "t2", since).await, expected);
    }

    async fn f2_off_over_a_whole_freeze_nothing_was_held(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        gate.frozen(FreezeSpec::new("f").between(gate.at(60), gate.at(120))).await;
        gate.restart_after(120).await;
        gate.pass(0).await;
        let task = gate.task("t1").await;
        assert_eq!((task.state(), task.generation), (TaskState::Cleared, 1));
        let freeze = gate.freeze("f").await;
        assert_eq!((freeze.state(), freeze.settling), (FreezeState::Ended, false));
        gate.runner().start("t1", 1, "c").await.granted();
    }

    async fn f2_off_at_its_beginning_and_at_its_end(gate) {
        gate.alice_approves().await;
        for id in ["t1", "t2"] {
            gate.cleared(deployment(id)).await;
        }
        gate.frozen(FreezeSpec::new("f").between(gate.at(60), gate.at(120))).await;
        gate.restart_after(60).await;
        let refused = gate.runner().start("t1", 1, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.fact("freezes"), "f");
        assert_eq!(signal(gate, "t2").await, Signal::Proceed);
        gate.pass(0).await;
        assert_eq!(signal(gate, "t2").await, Signal::Hold);
        gate.restart_after(60).await;
        gate.runner().start("t1", 2, "c").await.granted();
        gate.pass(0).await;
        assert_eq!(signal(gate, "t2").await, Signal::Proceed);
        assert_eq!(gate.task("t2").await.generation, 2);
    }

    async fn w4_an_approval_before_the_sweep_is_judged_by_its_own_instant(gate) {
        open_hourly(gate).await;
        for id in ["closed", "open"] {
            gate.waiting(deployment(id)).await;
        }
        gate.advance(600);
        let cr = gate.as_("alice").approve("closed").await.granted();
        assert_eq!(cr.tasks[0].period, period("2026-11-23T01:00:00Z", "2026-11-23T01:10:00Z"));
        assert_eq!((cr.tasks[0].state(), cr.tasks[0].generation), (TaskState::Paused, 0));
        gate.advance(3_000);
        let cr = gate.as_("alice").approve("open").await.granted();
        assert_eq!((cr.tasks[0].state(), cr.tasks[0].generation), (TaskState::Cleared, 1));
        gate.runner().start("open", 1, "c").await.granted();
        gate.runner().start("closed", 1, "c").await.granted();
    }

    async fn k1_a_clock_set_forward_and_back_by_hours(gate) {
        open_hourly(gate).await;
        for id in ["t1", "t2"] {
            gate.cleared(deployment(id)).await;
        }
        // Five hours and five minutes ahead, in a period, and all of it back.
        gate.pass(5 * 3_600 + 300).await;
        let task = gate.task("t1").await;
        let sixth = period("2026-11-23T05:00:00Z", "2026-11-23T05:10:00Z");
        assert_eq!((task.state(), task.generation, task.period), (TaskState::Cleared, 2, sixth));
        gate.pass(-5 * 3_600).await;
        // The log does not go back, and neither does what it says of the task.
        let kept = gate.task("t1").await;
        assert_eq!((kept.state(), kept.generation, kept.period), (TaskState::Cleared, 2, sixth));
        gate.runner().start("t1", 2, "c").await.refused("CLOCK_BEHIND", "K2");
        gate.orchestrator().create(deployment("t3")).await.granted();
        assert_eq!(gate.task("t3").await.period, sixth);
        gate.pass(5 * 3_600).await;
        gate.runner().start("t1", 2, "c").await.granted();
        gate.pass(300).await;
        let next = period("2026-11-23T06:00:00Z", "2026-11-23T06:10:00Z");
        assert_eq!(gate.task("t2").await.period, next);
    }

    async fn k1_a_freeze_while_the_clock_is_set_forward_and_back(gate) {
        gate.alice_approves().await;
        for id in ["t1", "t2"] {
            gate.cleared(deployment(id)).await;
        }
        gate.frozen(FreezeSpec::new("f").between(gate.at(3_600), gate.at(7_200))).await;
        gate.pass(5_400).await;
        gate.pass(-5_400).await;
        // It began by the log, so it holds on, whatever the clock says.
        let refused = gate.runner().start("t1", 1, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.fact("freezes"), "f");
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        gate.pass(7_199).await;
        assert_eq!(gate.task("t2").await.state(), TaskState::Paused);
        gate.pass(1).await;
        gate.runner().start("t1", 2, "c").await.granted();
        // A jump over a whole freeze and back: it has passed, and stays so.
        gate.frozen(FreezeSpec::new("g").between(gate.at(60), gate.at(120))).await;
        gate.pass(300).await;
        gate.orchestrator().create(deployment("t3")).await.granted();
        gate.pass(-300).await;
        assert_eq!(gate.task("t2").await.state(), TaskState::Cleared);
        gate.as_("operator:op").accept_clock("false jump").await.granted();
        gate.runner().start("t2", 2, "c").await.granted();
        let events = events(gate, "t2").await;
        assert_eq!(events[2..], ["task.held", "task.cleared", "task.started"]);
    }

    async fn f3_a_lifting_while_the_clock_is_behind_counts_by_the_log(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        gate.advance(7_200);
        gate.orchestrator().create(deployment("ahead")).await.granted();
        gate.advance(-7_200);
        // The log is at 2:00, so a freeze until 1:00 has passed.
        let past = FreezeSpec::new("past").between(None, instant("2026-11-23T01:00:00Z"));
        gate.admin().freeze(past).await.refused("INVALID_FIELD", "F1");
        let kept = gate.frozen(FreezeSpec::new("f")).await;
        assert_eq!((kept.state(), kept.start), (FreezeState::InForce, gate.at(7_200)));
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        let lifted = gate.admin().lift("f").await.granted();
        assert_eq!(lifted.state(), FreezeState::Lifted);
        gate.pass(0).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Cleared);
    }
}
