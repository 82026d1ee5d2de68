//! W7, with P2, T2 and T4: how long a change request may stay pending, and an approval is good for.

use countersign_proto::v1::{
    AggregateKind, ChangeRequest, ChangeRequestState, ExpiryCause, Policy, Sharing, Signal,
    TaskSpec, TaskState, TerminationReason,
};

use crate::gate::{Expect, Gate, PolicySpec, deployment, window};

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

/// Approvals within 60 seconds, starts within 100 seconds of the newest one.
fn lives(policy: &mut Policy) {
    policy.approval_ttl = seconds(60);
    policy.execution_ttl = seconds(100);
}

/// One of alice and bob must approve `t1`.
async fn living(gate: &Gate) {
    let policy = PolicySpec::new("prod").users(&["alice", "bob"]).with(lives);
    gate.admin().policy(policy).await.granted();
    gate.orchestrator().create(deployment("t1")).await.granted();
}

async fn cr(gate: &Gate) -> ChangeRequest {
    gate.orchestrator().change_request("CR-1").await.granted()
}

async fn expired(gate: &Gate, cause: ExpiryCause) {
    let cr = cr(gate).await;
    assert_eq!(
        (cr.state(), cr.expiry_cause()),
        (ChangeRequestState::Expired, cause)
    );
    let task = gate.task("t1").await;
    assert_eq!(
        (task.state(), task.signal()),
        (TaskState::Terminated, Signal::Terminate)
    );
    assert_eq!(task.termination_reason(), TerminationReason::Expired);
    gate.as_("alice")
        .reject("CR-1")
        .await
        .refused("CHANGE_REQUEST_ENDED", "D5");
    gate.runner()
        .start("t1", 1, "c1")
        .await
        .refused("START_NEVER", "P4");
}

on_both_stores! {
    async fn w7_what_nobody_approves_in_time_expires(gate) {
        living(gate).await;
        assert_eq!(cr(gate).await.expires_at, gate.at(60));
        gate.advance(59);
        assert_eq!(gate.engine().settle_due(10).await.unwrap(), 0, "never early");
        gate.pass(1).await;
        expired(gate, ExpiryCause::ApprovalTtl).await;
        assert!(gate.task("t1").await.message.ends_with("its approvals did not come in time"));
    }

    async fn w7_an_approval_after_the_time_is_refused_though_the_scheduler_sleeps(gate) {
        living(gate).await;
        gate.advance(60);
        gate.as_("alice").approve("t1").await.refused("CHANGE_REQUEST_ENDED", "D5");
        expired(gate, ExpiryCause::ApprovalTtl).await;
    }

    async fn w7_p2_an_approval_is_good_for_so_long_and_the_permit_says_so(gate) {
        living(gate).await;
        gate.pass(30).await;
        gate.as_("alice").approve("t1").await.granted();
        let permit = gate.task("t1").await.permit.unwrap();
        assert_eq!(permit.valid_until, gate.at(100));
        gate.advance(100);
        let refused = gate.runner().start("t1", 1, "c1").await;
        refused.refused("START_NEVER", "P4");
        expired(gate, ExpiryCause::ExecutionTtl).await;
    }

    async fn w7_the_newest_approval_counts_and_a_revoked_one_does_not(gate) {
        living(gate).await;
        gate.as_("alice").approve("t1").await.granted();
        gate.pass(80).await;
        let second = gate.as_("bob").approve("t1").await.granted();
        assert_eq!(second.expires_at, gate.at(100));
        gate.pass(90).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Cleared);
        // Without bob's, the newest approval is 170 seconds old.
        let revoked = gate.as_("bob").revoke("t1").await.granted();
        assert_eq!(revoked.state(), ChangeRequestState::Expired);
        expired(gate, ExpiryCause::ExecutionTtl).await;
    }

    async fn w7_pending_again_begins_anew(gate) {
        living(gate).await;
        gate.pass(50).await;
        gate.as_("alice").approve("t1").await.granted();
        gate.pass(50).await;
        let revoked = gate.as_("alice").revoke("t1").await.granted();
        assert_eq!(revoked.state(), ChangeRequestState::Pending);
        assert_eq!(revoked.expires_at, gate.at(60));
        gate.pass(59).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        gate.pass(1).await;
        expired(gate, ExpiryCause::ApprovalTtl).await;
    }

    async fn w7_started_tasks_are_untouched_and_an_approved_one_with_nothing_to_start_stays(gate) {
        living(gate).await;
        gate.as_("alice").approve("t1").await.granted();
        gate.runner().start("t1", 1, "c1").await.granted();
        assert_eq!(cr(gate).await.expires_at, None);
        gate.pass(1_000).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Running);
        assert_eq!(cr(gate).await.state(), ChangeRequestState::Approved);
        let (due, _) = gate.engine().next_due().await.unwrap();
        assert_eq!(due, None, "what has passed is not due for ever");
        let events = gate.as_("auditor:ann").events(AggregateKind::ChangeRequest, "1").await;
        let passed = events.iter().filter(|it| *it == "change_request.time_to_live_passed");
        assert_eq!(passed.count(), 1);
    }

    async fn w7_joining_extends_nothing_and_a_shared_one_expires_as_a_whole(gate) {
        let share = |policy: &mut Policy| policy.sharing = Sharing::PerRelease.into();
        let policy = PolicySpec::new("prod").users(&["alice"]).with(lives).with(share);
        gate.admin().policy(policy).await.granted();
        let released = |id: &str| TaskSpec { release: "1.0".to_owned(), ..deployment(id) };
        gate.orchestrator().create(released("t0")).await.granted();
        gate.pass(40).await;
        let joined = gate.orchestrator().opened(released("t1")).await;
        assert_eq!((joined.id.as_str(), joined.expires_at), ("CR-1", gate.at(20)));
        gate.as_("alice").approve("t0").await.granted();
        gate.runner().start("t0", 1, "c0").await.granted();
        gate.pass(90).await;
        let late = gate.orchestrator().opened(released("t2")).await;
        assert_eq!((late.id.as_str(), late.expires_at), ("CR-1", gate.at(10)));
        gate.pass(10).await;
        expired(gate, ExpiryCause::ExecutionTtl).await;
        assert_eq!(gate.task("t0").await.state(), TaskState::Running);
        let fresh = gate.orchestrator().opened(released("t3")).await;
        assert_eq!((fresh.id.as_str(), fresh.state()), ("CR-2", ChangeRequestState::Pending));
    }

    async fn t4_a_late_settling_gives_the_reasons_of_a_punctual_one(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]).with(lives);
        gate.admin().policy(policy).await.granted();
        let until = |id: &str, end: i64| TaskSpec {
            window: window(None, gate.at(end)),
            ..deployment(id)
        };
        for (id, end) in [("before", 59), ("tie", 60), ("after", 61)] {
            gate.orchestrator().create(until(id, end)).await.granted();
        }
        gate.pass(3_600).await;
        for (id, reason, cause) in [
            ("before", TerminationReason::WindowClosed, ExpiryCause::WindowClosed),
            ("tie", TerminationReason::WindowClosed, ExpiryCause::WindowClosed),
            ("after", TerminationReason::Expired, ExpiryCause::ApprovalTtl),
        ] {
            assert_eq!(gate.task(id).await.termination_reason(), reason, "{id}");
            let cr = gate.orchestrator().change_request(id).await.granted();
            assert_eq!(cr.expiry_cause(), cause, "{id}");
        }
    }

    async fn t2_an_approved_one_whose_last_task_has_gone_keeps_its_state(gate) {
        living(gate).await;
        gate.as_("alice").approve("t1").await.granted();
        gate.orchestrator().withdraw("t1").await.granted();
        assert_eq!(cr(gate).await.state(), ChangeRequestState::Approved);
        gate.pass(1_000).await;
        assert_eq!(cr(gate).await.state(), ChangeRequestState::Approved);
    }
}
