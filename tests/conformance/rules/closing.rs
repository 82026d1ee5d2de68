//! W2: approved before the window opens, and what the closing of a window ends.

use countersign_proto::v1::{
    AggregateKind, ChangeRequest, ChangeRequestState, ExpiryCause, Signal, TaskOutcome, TaskSpec,
    TaskState, TerminationReason,
};

use crate::gate::{Expect, Gate, deployment, window};

const SECOND: i64 = 1_000_000;

/// A task whose window opens after 10 seconds and closes after 20.
fn later(gate: &Gate, id: &str) -> TaskSpec {
    TaskSpec {
        window: window(gate.at(10), gate.at(20)),
        ..deployment(id)
    }
}

/// A task whose window closes after 20 seconds.
fn until(gate: &Gate, id: &str) -> TaskSpec {
    TaskSpec {
        window: window(None, gate.at(20)),
        ..deployment(id)
    }
}

/// The task ended because its window closed; answers with its change request.
async fn closed(gate: &Gate, id: &str) -> ChangeRequest {
    let task = gate.task(id).await;
    assert_eq!(
        (task.state(), task.signal()),
        (TaskState::Terminated, Signal::Terminate)
    );
    assert_eq!(task.termination_reason(), TerminationReason::WindowClosed);
    assert_eq!((task.permit, task.start), (None, None));
    assert!(task.ended_at.is_some() && task.blockers.is_empty());
    gate.orchestrator().change_request(id).await.granted()
}

/// The task's change request expired with it.
async fn expired(gate: &Gate, id: &str) {
    let cr = closed(gate, id).await;
    assert_eq!(cr.state(), ChangeRequestState::Expired);
    assert_eq!(cr.expiry_cause(), ExpiryCause::WindowClosed);
    assert!(cr.ended_at.is_some());
}

/// The task ended, and its change request kept its state.
async fn closed_though_approved(gate: &Gate, id: &str) {
    let cr = closed(gate, id).await;
    assert_eq!(cr.state(), ChangeRequestState::Approved);
    assert_eq!(
        (cr.expiry_cause(), cr.ended_at),
        (ExpiryCause::Unspecified, None)
    );
}

on_both_stores! {
    async fn w2_approved_before_opening_a_task_waits_for_its_window(gate) {
        gate.alice_approves().await;
        let waiting = gate.approved(later(gate, "t1")).await;
        assert_eq!((waiting.state(), waiting.signal()), (TaskState::Paused, Signal::Hold));
        assert_eq!(waiting.message, "Deployment blocked by change request CR-1: \
            its window opens at 2026-11-23T00:00:10Z");
        gate.pass(9).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        gate.pass(1).await;
        let open = gate.task("t1").await;
        assert_eq!((open.state(), open.signal()), (TaskState::Cleared, Signal::Proceed));
        assert_eq!(open.permit.unwrap().generation, 1);
        assert!(open.blockers.is_empty());
        gate.runner().start("t1", 1, "claim").await.granted();
    }

    async fn w2_approved_while_open_a_task_is_cleared_at_once(gate) {
        gate.alice_approves().await;
        gate.waiting(later(gate, "t1")).await;
        gate.pass(10).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        let cr = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(cr.tasks[0].state(), TaskState::Cleared);
    }

    async fn w2_a_window_that_closes_while_pending_ends_both(gate) {
        gate.alice_approves().await;
        gate.waiting(until(gate, "t1")).await;
        gate.pass(19).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        gate.pass(1).await;
        expired(gate, "t1").await;
    }

    async fn w2_a_window_that_closes_while_cleared_ends_the_task(gate) {
        gate.alice_approves().await;
        gate.cleared(until(gate, "t1")).await;
        gate.pass(20).await;
        closed_though_approved(gate, "t1").await;
    }

    async fn w2_a_window_that_passed_unseen_ends_an_approved_task_uncleared(gate) {
        gate.alice_approves().await;
        gate.approved(later(gate, "t1")).await;
        gate.advance(20);
        gate.pass(0).await;
        closed_though_approved(gate, "t1").await;
        let auditor = gate.as_("auditor:audit");
        let events = auditor.events(AggregateKind::Task, "t1").await;
        assert_eq!(events, ["task.created", "task.held", "task.terminated"]);
    }

    async fn w2_a_task_that_no_policy_matched_has_its_window_all_the_same(gate) {
        let orchestrator = gate.orchestrator();
        orchestrator.create(later(gate, "t1")).await.granted();
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        gate.pass(10).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Cleared);
        gate.pass(10).await;
        closed_though_approved(gate, "t1").await;
    }

    async fn w2_a_started_task_is_not_touched_by_the_closing(gate) {
        gate.alice_approves().await;
        gate.running(until(gate, "t1"), "claim").await;
        gate.pass(1_000).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Running);
        let done = gate.runner().finish("t1", "claim", TaskOutcome::Succeeded).await.granted();
        assert_eq!(done.state(), TaskState::Succeeded);
    }

    async fn w2_a_decision_after_closing_is_refused_while_the_scheduler_sleeps(gate) {
        gate.alice_approves().await;
        let alice = gate.as_("alice");
        for id in ["in-time", "approve", "reject"] {
            gate.waiting(until(gate, id)).await;
        }
        gate.clock.advance_micros(20 * SECOND - 1);
        let cr = alice.approve("in-time").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Approved);
        gate.clock.advance_micros(1);
        let refused = alice.approve("approve").await.refused("CHANGE_REQUEST_ENDED", "D5");
        assert_eq!(refused.fact("found"), "EXPIRED");
        alice.reject("reject").await.refused("CHANGE_REQUEST_ENDED", "D5");
        // The one approved in time could not start any more, so nothing is left to reject.
        alice.reject("in-time").await.refused("NOTHING_CAN_START", "D12");
        alice.revoke("in-time").await.refused("NOTHING_CAN_START", "D12");
        for id in ["approve", "reject"] {
            expired(gate, id).await;
        }
        closed_though_approved(gate, "in-time").await;
    }

    async fn w2_a_start_after_closing_is_refused_while_the_scheduler_sleeps(gate) {
        gate.alice_approves().await;
        for id in ["in-time", "late"] {
            gate.cleared(until(gate, id)).await;
        }
        gate.clock.advance_micros(20 * SECOND - 1);
        gate.runner().start("in-time", 1, "a").await.granted();
        gate.clock.advance_micros(1);
        let refused = gate.runner().start("late", 1, "b").await.refused("START_NEVER", "P4");
        assert_eq!(refused.fact("found"), "TERMINATED");
        closed_though_approved(gate, "late").await;
    }

    async fn w2_a_server_that_was_down_over_the_window_closes_it_when_touched(gate) {
        gate.alice_approves().await;
        gate.waiting(later(gate, "pending")).await;
        gate.approved(later(gate, "approved")).await;
        gate.cleared(until(gate, "cleared")).await;
        gate.restart_after(1_000).await;
        gate.as_("alice").approve("pending").await.refused("CHANGE_REQUEST_ENDED", "D5");
        gate.runner().start("approved", 1, "a").await.refused("START_NEVER", "P4");
        gate.runner().start("cleared", 1, "b").await.refused("START_NEVER", "P4");
        expired(gate, "pending").await;
        closed_though_approved(gate, "approved").await;
        closed_though_approved(gate, "cleared").await;
    }

    async fn w2_a_server_that_was_down_over_the_window_closes_it_when_swept(gate) {
        gate.alice_approves().await;
        gate.waiting(later(gate, "pending")).await;
        gate.approved(later(gate, "approved")).await;
        gate.cleared(until(gate, "cleared")).await;
        gate.restart_after(1_000).await;
        let entries = gate.entries().await;
        assert_eq!(gate.engine().settle_due(1_000).await.unwrap(), 3);
        assert_eq!(gate.engine().settle_due(1_000).await.unwrap(), 0);
        // One end for each task, and one for the change request that was pending.
        assert_eq!(gate.entries().await, entries + 4);
        expired(gate, "pending").await;
        closed_though_approved(gate, "approved").await;
        closed_though_approved(gate, "cleared").await;
    }

    async fn w2_a_server_that_was_down_over_the_opening_opens_it_when_touched(gate) {
        gate.alice_approves().await;
        gate.approved(later(gate, "t1")).await;
        gate.restart_after(15).await;
        let started = gate.runner().start("t1", 1, "claim").await.granted();
        assert_eq!(started.state(), TaskState::Running);
    }

    async fn w2_a_task_id_whose_window_passed_stays_ended(gate) {
        gate.alice_approves().await;
        let task = until(gate, "t1");
        gate.waiting(task.clone()).await;
        gate.advance(20);
        // The repeat is looked up before its window is judged (C2), and settles what is due.
        let again = gate.orchestrator().create(task).await.granted();
        assert_eq!(again.task.unwrap().state(), TaskState::Terminated);
        expired(gate, "t1").await;
        let other = TaskSpec { window: window(None, gate.at(20)), ..deployment("t1") };
        gate.orchestrator().create(other).await.refused("TASK_ID_TAKEN", "C2");
    }
}
