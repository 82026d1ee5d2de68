//! D7: a person takes their own approval back.

use countersign_proto::v1::{
    AggregateKind, ChangeRequestState, RevokeApprovalRequest, Signal, TaskSpec, TaskState,
    TaskWindow, Verdict,
};
use tonic::Code;

use crate::gate::{Expect, Gate, PolicySpec, at_any_time, deployment, team};

/// A cleared `t1` that alice and bob, two of three, have approved.
async fn cleared(gate: &Gate) {
    let policy = PolicySpec::new("prod")
        .users(&["alice", "bob", "dave"])
        .minimum(2);
    gate.admin().policy(policy).await.granted();
    gate.orchestrator().create(deployment("t1")).await.granted();
    gate.as_("alice").approve("t1").await.granted();
    gate.as_("bob").approve("t1").await.granted();
}

on_both_stores! {
    async fn d7_a_lost_quorum_holds_the_cleared_task(gate) {
        cleared(gate).await;
        gate.pass(10).await;
        let request = RevokeApprovalRequest {
            change_request: "t1".to_owned(),
            comment: "wait for the backup".to_owned(),
            request_id: String::new(),
        };
        let cr = gate.as_("alice").revoke_with(request).await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Pending);
        assert_eq!((cr.approvals_counted, cr.approvals_missing), (1, 1));
        let task = &cr.tasks[0];
        assert_eq!((task.state(), task.signal()), (TaskState::Paused, Signal::Hold));
        assert_eq!((task.generation, task.permit.as_ref()), (1, None));
        let decision = cr.decisions.last().unwrap();
        assert_eq!(decision.verdict(), Verdict::Revoked);
        assert_eq!(decision.comment, "wait for the backup");
        let refused = gate.runner().start("t1", 1, "c1").await.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.metadata["found"], "HELD");
        assert_eq!(refused.metadata["waiting_for"], "approval");
    }

    async fn d7_a_new_approval_clears_it_under_the_next_generation(gate) {
        cleared(gate).await;
        gate.as_("alice").revoke("t1").await.granted();
        let cr = gate.as_("dave").approve("t1").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Approved);
        assert_eq!((cr.tasks[0].state(), cr.tasks[0].generation), (TaskState::Cleared, 2));
        assert_eq!(cr.tasks[0].permit.unwrap().generation, 2);
        let refused = gate.runner().start("t1", 1, "c1").await.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.metadata["found"], "STALE_GENERATION");
        gate.runner().start("t1", 2, "c1").await.granted();
        let events = gate.as_("auditor:audit").events(AggregateKind::Task, "t1").await;
        let expected =
            ["task.created", "task.cleared", "task.held", "task.cleared", "task.started"];
        assert_eq!(events, expected);
    }

    async fn d7_whoever_revoked_may_approve_again(gate) {
        cleared(gate).await;
        let alice = gate.as_("alice");
        alice.revoke("t1").await.granted();
        let cr = alice.approve("t1").await.granted();
        assert_eq!((cr.state(), cr.approvals_counted), (ChangeRequestState::Approved, 2));
        assert_eq!(cr.tasks[0].generation, 2);
        assert_eq!(cr.decisions.len(), 2);
        let events = gate.as_("auditor:audit").events(AggregateKind::ChangeRequest, "1").await;
        let ended: Vec<_> = events.iter().rev().take(4).rev().map(String::as_str).collect();
        let expected = [
            "change_request.approval_revoked",
            "change_request.quorum_lost",
            "change_request.approval_recorded",
            "change_request.quorum_reached",
        ];
        assert_eq!(ended, expected);
    }

    async fn d7_without_an_approval_there_is_nothing_to_revoke(gate) {
        cleared(gate).await;
        let before = gate.entries().await;
        for person in ["dave", "carol", "mallory"] {
            let refused = gate.as_(person).revoke("t1").await.refused("NOTHING_TO_REVOKE", "D7");
            assert_eq!(refused.code, Code::FailedPrecondition, "{person}");
        }
        assert_eq!(gate.entries().await, before);
    }

    async fn d7_revoking_twice_changes_nothing_more(gate) {
        cleared(gate).await;
        let first = gate.as_("alice").revoke("t1").await.granted();
        let before = gate.entries().await;
        gate.pass(60).await;
        let again = gate.as_("alice").revoke("t1").await.granted();
        assert_eq!(at_any_time(again), at_any_time(first));
        assert_eq!(gate.entries().await, before);
    }

    async fn d7_a_former_member_may_still_revoke_but_not_approve_again(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["alice", "olga"])).await.granted();
        admin.policy(PolicySpec::new("prod").teams(&["ops"])).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let alice = gate.as_("alice");
        alice.approve("t1").await.granted();
        admin.members(team("ops", &["olga"])).await.granted();
        let cr = alice.revoke("t1").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Pending);
        assert_eq!(cr.decisions[0].eligible_through, ["ops"]);
        alice.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        let cr = gate.as_("olga").approve("t1").await.granted();
        assert_eq!(cr.tasks[0].generation, 2);
    }

    async fn d7_after_the_start_it_is_too_late(gate) {
        cleared(gate).await;
        gate.runner().start("t1", 1, "c1").await.granted();
        let before = gate.entries().await;
        gate.as_("alice").revoke("t1").await.refused("NOTHING_CAN_START", "D12");
        gate.as_("dave").revoke("t1").await.refused("NOTHING_TO_REVOKE", "D7");
        assert_eq!(gate.entries().await, before);
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!((cr.state(), cr.approvals_counted), (ChangeRequestState::Approved, 2));
    }

    async fn d7_before_the_threshold_it_takes_one_away(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        gate.as_("alice").approve("t1").await.granted();
        gate.as_("alice").revoke("t1").await.granted();
        let cr = gate.as_("bob").approve("t1").await.granted();
        assert_eq!((cr.state(), cr.approvals_counted), (ChangeRequestState::Pending, 1));
    }

    async fn d7_a_task_that_waits_for_its_window_waits_for_approval_again(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice", "bob"])).await.granted();
        let window = TaskWindow { start: gate.at(60), ..TaskWindow::default() };
        let task = TaskSpec { window: Some(window), ..deployment("t1") };
        gate.orchestrator().create(task).await.granted();
        gate.as_("alice").approve("t1").await.granted();
        gate.as_("alice").revoke("t1").await.granted();
        gate.pass(120).await;
        let task = gate.orchestrator().task("t1").await.granted();
        assert_eq!((task.state(), task.generation), (TaskState::Paused, 0));
        let cr = gate.as_("bob").approve("t1").await.granted();
        assert_eq!((cr.tasks[0].state(), cr.tasks[0].generation), (TaskState::Cleared, 1));
    }
}
