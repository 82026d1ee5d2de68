//! When a task may start was frozen with its policies, and is judged at the start itself.

use countersign_proto::v1::{
    AggregateKind, ChangeRequestState, ExpiryCause, OnClose, TaskSpec, TaskState, TerminationReason,
};
use prost_types::Duration;

use super::stage::{Kept, times};
use crate::gate::{Expect, FreezeSpec, Gate, PolicySpec, deployment, hourly, window};

fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}

/// A start is refused for now, because the task waits for this.
async fn waits_for(gate: &Gate, id: &str, generation: u64, what: &str) {
    let refused = gate.runner().start(id, generation, "claim").await;
    let refused = refused.refused("START_NOT_NOW", "P4");
    assert_eq!(
        (refused.fact("found"), refused.fact("waiting_for")),
        ("HELD", what)
    );
}

/// A start is refused for good.
async fn is_over(gate: &Gate, id: &str) {
    gate.runner()
        .start(id, 1, "claim")
        .await
        .refused("START_NEVER", "P4");
}

on_both_stores! {
    async fn abuse_a_window_edited_afterwards_opens_nothing_in_flight(gate) {
        let admin = gate.admin();
        let policy = PolicySpec::new("prod").users(&["alice"]).once(gate.at(60), gate.at(120));
        admin.policy(policy).await.granted();
        gate.approved(deployment("t1")).await;
        let open = PolicySpec::new("prod").users(&["alice"]);
        let now = open.clone().once(gate.at(-60), gate.at(3_600));
        admin.update_policy(now, &["windows"]).await.granted();
        let always = open.clone().recurring(hourly()).on_close(OnClose::Hold);
        admin.update_policy(always, &["windows", "on_close"]).await.granted();
        admin.update_policy(open.clone(), &["windows", "on_close"]).await.granted();
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
        waits_for(gate, "t1", 1, "window").await;
        kept.holds(gate).await;
        // What is created now is under the policy of now; what waits is as it was.
        gate.cleared(deployment("t2")).await;
        gate.runner().start("t2", 1, "claim").await.granted();
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(cr.resultant_policy.unwrap().policies[0].revision, 1);
        gate.pass(60).await;
        gate.runner().start("t1", 1, "claim").await.granted();
    }

    async fn abuse_a_window_edited_afterwards_keeps_nothing_open(gate) {
        let admin = gate.admin();
        let open = |end| PolicySpec::new("prod").users(&["alice"]).once(gate.at(0), end);
        let until = open(gate.at(60)).on_close(OnClose::Terminate);
        admin.policy(until).await.granted();
        for id in ["t1", "t2"] {
            gate.cleared(deployment(id)).await;
        }
        let longer = open(gate.at(3_600)).on_close(OnClose::Hold);
        admin.update_policy(longer, &["windows", "on_close"]).await.granted();
        gate.runner().start("t2", 1, "claim").await.granted();
        gate.advance(60);
        is_over(gate, "t1").await;
        let task = gate.task("t1").await;
        assert_eq!(task.termination_reason(), TerminationReason::WindowClosed);
        gate.cleared(deployment("t3")).await;
        gate.runner().start("t3", 1, "claim").await.granted();
    }

    async fn abuse_times_to_live_edited_afterwards_prolong_nothing(gate) {
        let admin = gate.admin();
        let policy = |approval, execution| PolicySpec::new("prod").users(&["alice"]).with(|it| {
            (it.approval_ttl, it.execution_ttl) = (seconds(approval), seconds(execution));
        });
        admin.policy(policy(60, 60)).await.granted();
        gate.waiting(deployment("pending")).await;
        gate.cleared(deployment("cleared")).await;
        gate.cleared(deployment("started")).await;
        let paths = ["approval_ttl", "execution_ttl"];
        admin.update_policy(policy(3_600, 3_600), &paths).await.granted();
        gate.advance(59);
        gate.runner().start("started", 1, "claim").await.granted();
        gate.advance(1);
        let late = gate.as_("alice").approve("pending").await;
        assert_eq!(late.refused("CHANGE_REQUEST_ENDED", "D5").fact("found"), "EXPIRED");
        is_over(gate, "cleared").await;
        for (id, cause) in [
            ("pending", ExpiryCause::ApprovalTtl),
            ("cleared", ExpiryCause::ExecutionTtl),
        ] {
            let cr = gate.orchestrator().change_request(id).await.granted();
            assert_eq!((cr.state(), cr.expiry_cause()), (ChangeRequestState::Expired, cause));
        }
        gate.cleared(deployment("later")).await;
        gate.advance(60);
        gate.runner().start("later", 1, "claim").await.granted();
    }

    async fn abuse_with_the_scheduler_off_nothing_starts_outside_its_window(gate) {
        gate.alice_approves().await;
        let task = |id: &str| TaskSpec {
            window: window(gate.at(60), gate.at(120)),
            ..deployment(id)
        };
        for id in ["before", "inside", "last", "at the end", "after"] {
            gate.approved(task(id)).await;
        }
        // Nobody looks while time passes: each start is judged by its own instant.
        for (second, id) in [(0, "before"), (59, "before")] {
            gate.clock.advance_micros(second * 1_000_000);
            waits_for(gate, id, 1, "window").await;
        }
        gate.advance(1);
        gate.runner().start("inside", 1, "claim").await.granted();
        gate.clock.advance_micros(59_999_999);
        gate.runner().start("last", 1, "claim").await.granted();
        gate.clock.advance_micros(1);
        is_over(gate, "at the end").await;
        gate.advance(1_000_000);
        is_over(gate, "after").await;
        for (id, starts) in
            [("before", 0), ("inside", 1), ("last", 1), ("at the end", 0), ("after", 0)]
        {
            let found = times(gate, AggregateKind::Task, id, "task.started").await;
            assert_eq!(found, starts, "{id}");
        }
    }

    async fn abuse_with_the_scheduler_off_nothing_starts_outside_its_period(gate) {
        // Open in the first ten minutes of every hour, the first of them now.
        let policy = PolicySpec::new("prod").users(&["alice"]).recurring(hourly());
        gate.admin().policy(policy).await.granted();
        gate.cleared(deployment("t1")).await;
        gate.cleared(deployment("t2")).await;
        gate.runner().start("t1", 1, "claim").await.granted();
        gate.advance(600);
        waits_for(gate, "t2", 1, "window").await;
        gate.advance(2_999);
        waits_for(gate, "t2", 1, "window").await;
        gate.advance(1);
        // The permit of the first period is not good for the second one.
        let stale = gate.runner().start("t2", 1, "claim").await.refused("START_NOT_NOW", "P4");
        assert_eq!(stale.fact("found"), "STALE_GENERATION");
        gate.runner().start("t2", 2, "claim").await.granted();
    }

    async fn abuse_with_the_scheduler_off_nothing_starts_under_a_freeze(gate) {
        gate.alice_approves().await;
        for id in ["t1", "t2"] {
            gate.cleared(deployment(id)).await;
        }
        let later = FreezeSpec::new("later").between(gate.at(60), gate.at(120));
        gate.admin().freeze(later).await.granted();
        gate.runner().start("t1", 1, "claim").await.granted();
        // The signal still says PROCEED, and the start is refused all the same.
        gate.advance(60);
        assert_eq!(gate.task("t2").await.state(), TaskState::Cleared);
        waits_for(gate, "t2", 1, "freeze").await;
        gate.advance(59);
        waits_for(gate, "t2", 1, "freeze").await;
        gate.advance(1);
        gate.pass(0).await;
        let generation = gate.task("t2").await.generation;
        gate.runner().start("t2", generation, "claim").await.granted();
    }
}
