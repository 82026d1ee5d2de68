//! P1, P2: what a runner is told in each state, and what comes with PROCEED.

use countersign_proto::v1::{Signal, TaskOutcome, TaskSpec, TaskState};

use crate::gate::{Expect, Gate, deployment, window};

/// State and signal of a task.
async fn shown(gate: &Gate, id: &str) -> (TaskState, Signal) {
    let task = gate.task(id).await;
    (task.state(), task.signal())
}

on_both_stores! {
    async fn p1_every_state_has_its_signal(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("pending")).await;
        let opening = TaskSpec { window: window(gate.at(10), None), ..deployment("closed") };
        gate.approved(opening).await;
        gate.cleared(deployment("cleared")).await;
        gate.running(deployment("running"), "a").await;
        gate.running(deployment("done"), "b").await;
        gate.runner().finish("done", "b", TaskOutcome::Succeeded).await.granted();
        gate.running(deployment("broken"), "c").await;
        gate.runner().finish("broken", "c", TaskOutcome::Failed).await.granted();
        gate.waiting(deployment("stopped")).await;
        gate.as_("alice").reject("stopped").await.granted();
        let rows = [
            ("pending", TaskState::Paused, Signal::Hold),
            ("closed", TaskState::Paused, Signal::Hold),
            ("cleared", TaskState::Cleared, Signal::Proceed),
            ("running", TaskState::Running, Signal::Unspecified),
            ("done", TaskState::Succeeded, Signal::Unspecified),
            ("broken", TaskState::Failed, Signal::Unspecified),
            ("stopped", TaskState::Terminated, Signal::Terminate),
        ];
        for (id, state, signal) in rows {
            assert_eq!(shown(gate, id).await, (state, signal), "{id}");
        }
    }

    async fn p1_what_was_started_keeps_its_claim_and_generation(gate) {
        gate.alice_approves().await;
        let running = gate.running(deployment("t1"), "claim").await;
        let start = running.start.unwrap();
        assert_eq!((start.claim_id.as_str(), start.generation), ("claim", 1));
        assert_eq!(start.runner.clone().unwrap().subject, "runner:web-1");
        assert_eq!((running.generation, running.permit), (1, None));
        gate.runner().finish("t1", "claim", TaskOutcome::Failed).await.granted();
        let failed = gate.task("t1").await;
        assert_eq!((failed.start, failed.generation), (Some(start), 1));
    }

    async fn p2_proceed_may_be_followed_by_hold_and_by_terminate(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let alice = gate.as_("alice");
        alice.revoke("t1").await.granted();
        assert_eq!(shown(gate, "t1").await, (TaskState::Paused, Signal::Hold));
        alice.approve("t1").await.granted();
        assert_eq!(shown(gate, "t1").await, (TaskState::Cleared, Signal::Proceed));
        alice.reject("t1").await.granted();
        assert_eq!(shown(gate, "t1").await, (TaskState::Terminated, Signal::Terminate));
    }

    async fn p2_the_generation_grows_at_each_clearing_and_only_then(gate) {
        gate.alice_approves().await;
        assert_eq!(gate.waiting(deployment("t1")).await.generation, 0);
        let alice = gate.as_("alice");
        for generation in 1..=3 {
            let cleared = alice.approve("t1").await.granted().tasks.remove(0);
            assert_eq!(cleared.generation, generation);
            assert_eq!(cleared.permit.unwrap().generation, generation);
            let held = alice.revoke("t1").await.granted().tasks.remove(0);
            assert_eq!((held.generation, held.permit), (generation, None));
        }
    }

    async fn p2_the_permit_ends_with_the_window(gate) {
        gate.alice_approves().await;
        let end = gate.at(20);
        let task = TaskSpec { window: window(gate.at(10), end), ..deployment("t1") };
        assert_eq!(gate.approved(task).await.permit, None);
        gate.pass(10).await;
        assert_eq!(gate.task("t1").await.permit.unwrap().valid_until, end);
        let open = gate.cleared(deployment("t2")).await;
        assert_eq!(open.permit.unwrap().valid_until, None);
    }

    async fn p2_a_permit_is_advice_and_only_the_start_decides(gate) {
        gate.alice_approves().await;
        let permit = gate.cleared(deployment("t1")).await.permit.unwrap();
        gate.as_("alice").reject("t1").await.granted();
        let refused = gate.runner().start("t1", permit.generation, "claim").await;
        refused.refused("START_NEVER", "P4");
    }
}
