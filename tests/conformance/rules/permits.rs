//! P1, P2: what a permit says of its end, and what streams say of periods and freezes.

use countersign_proto::v1::{
    ChangeRequestState, Permit, Policy, Signal, TaskSpec, TaskState, WatchStatusRequest,
};
use prost_types::{Duration, Timestamp};

use crate::gate::{
    Expect, FreezeSpec, Gate, PolicySpec, blocked_by, deployment, hourly, instant, window,
};

/// Approvals are good for so many seconds.
fn good_for(seconds: i64) -> impl FnOnce(&mut Policy) {
    move |policy| policy.execution_ttl = Some(Duration { seconds, nanos: 0 })
}

/// When the permit of a cleared task ends.
async fn valid_until(gate: &Gate, id: &str) -> Option<Timestamp> {
    let task = gate.task(id).await;
    assert_eq!(task.state(), TaskState::Cleared, "{task:?}");
    task.permit.unwrap().valid_until
}

on_both_stores! {
    async fn p2_a_permit_ends_with_whatever_comes_first(gate) {
        // The period ends at 600 seconds; what a row says ends earlier, or later.
        let rows: [(&str, i64, i64, i64, i64); 5] = [
            ("period", 700, 800, 900, 600),
            ("window", 500, 800, 900, 500),
            ("time-to-live", 700, 400, 900, 400),
            ("freeze", 700, 800, 300, 300),
            ("tie", 600, 600, 600, 600),
        ];
        for (id, window_end, ttl, freeze, expected) in rows {
            let policy = PolicySpec::new(id).only(&["web"], &[id]).users(&["alice"]);
            let policy = policy.recurring(hourly()).with(good_for(ttl));
            gate.admin().policy(policy).await.granted();
            let spec = FreezeSpec::new(id).only(&["*"], &[id]);
            gate.frozen(spec.between(gate.at(freeze), None)).await;
            gate.cleared(TaskSpec {
                environment: id.to_owned(),
                window: window(None, gate.at(window_end)),
                ..deployment(id)
            }).await;
            assert_eq!(valid_until(gate, id).await, gate.at(expected), "{id}");
        }
    }

    async fn p2_a_freeze_that_is_declared_later_shortens_the_permit(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        assert_eq!(valid_until(gate, "t1").await, None);
        gate.frozen(FreezeSpec::new("far").between(gate.at(600), None)).await;
        assert_eq!(valid_until(gate, "t1").await, gate.at(600));
        gate.frozen(FreezeSpec::new("near").between(gate.at(60), gate.at(120))).await;
        assert_eq!(valid_until(gate, "t1").await, gate.at(60));
        gate.frozen(FreezeSpec::new("elsewhere").only(&["api"], &["*"])).await;
        assert_eq!(valid_until(gate, "t1").await, gate.at(60));
        // Whoever begins to follow is told the same.
        let mut stream = gate.runner().signals(&["t1"], "").await.granted();
        let (present, _) = stream.synced().await;
        let permit = Permit { generation: 1, valid_until: gate.at(60) };
        assert_eq!(present[0].signals[0].permit, Some(permit));
        gate.admin().delete_freeze("near").await.granted();
        assert_eq!(valid_until(gate, "t1").await, gate.at(600));
    }

    async fn p2_a_permit_is_advice_and_only_a_start_decides(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        gate.frozen(FreezeSpec::new("f").between(gate.at(60), None)).await;
        assert_eq!(valid_until(gate, "t1").await, gate.at(60));
        // The freeze is called off a moment before it begins.
        gate.advance(59);
        gate.admin().delete_freeze("f").await.granted();
        gate.advance(10);
        gate.runner().start("t1", 1, "c").await.granted();
    }

    async fn p1_a_status_stream_tells_of_freezes_and_periods(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]).recurring(hourly());
        gate.admin().policy(policy).await.granted();
        gate.cleared(deployment("t1")).await;
        let request = WatchStatusRequest {
            change_requests: vec!["t1".to_owned()],
            ..WatchStatusRequest::default()
        };
        let mut status = gate.as_("bob").status(request).await.granted();
        status.synced().await;
        gate.frozen(FreezeSpec::new("f").between(None, gate.at(60))).await;
        let held = status.next().await.change_requests.remove(0);
        assert_eq!(held.state(), ChangeRequestState::Approved);
        assert_eq!(blocked_by(&held.tasks[0]), ["freeze f 2026-11-23T00:01:00Z"]);
        gate.pass(60).await;
        let free = status.next().await.change_requests.remove(0);
        assert_eq!((free.tasks[0].state(), free.tasks[0].generation), (TaskState::Cleared, 2));
        gate.pass(540).await;
        let bound = status.next().await.change_requests.remove(0);
        assert_eq!(bound.tasks[0].period.unwrap().start, instant("2026-11-23T01:00:00Z"));
        assert_eq!(blocked_by(&bound.tasks[0]), ["window 2026-11-23T01:00:00Z"]);
    }

    async fn p1_a_runner_hears_hold_and_proceed_for_all_that_name_it(gate) {
        gate.alice_approves().await;
        let ours = |id: &str| TaskSpec { runner: "web-1".to_owned(), ..deployment(id) };
        for id in ["t1", "t2", "t3"] {
            gate.cleared(ours(id)).await;
        }
        gate.waiting(ours("pending")).await;
        let mut stream = gate.runner().signals(&[], "").await.granted();
        stream.synced().await;
        gate.frozen(FreezeSpec::new("f").between(None, gate.at(60))).await;
        for expected in [Signal::Hold, Signal::Proceed] {
            let mut told = Vec::new();
            while told.len() < 3 {
                let message = stream.next().await;
                assert!(message.signals.iter().all(|it| it.signal() == expected), "{message:?}");
                told.extend(message.signals.into_iter().map(|it| it.task_id));
            }
            told.sort();
            assert_eq!(told, ["t1", "t2", "t3"]);
            gate.pass(60).await;
        }
    }
}
