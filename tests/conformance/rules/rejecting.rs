//! D5 and D6: a rejection ends a change request.

use countersign_proto::v1::{
    AggregateKind, ChangeRequest, ChangeRequestState, Decision, RejectRequest, Signal, TaskOutcome,
    TaskSpec, TaskState, TaskWindow, TerminationReason, Verdict,
};
use tonic::Code;

use crate::gate::{Caller, Expect, Gate, PolicySpec, deployment, team};

/// A waiting `t1` that two of alice, bob and dave must approve; carol triggered it.
async fn two_of_three(gate: &Gate) {
    let policy = PolicySpec::new("prod")
        .users(&["alice", "bob", "dave"])
        .minimum(2);
    gate.admin().policy(policy).await.granted();
    gate.orchestrator().create(deployment("t1")).await.granted();
}

/// Rejects `t1`, and checks that this ended it and told so.
async fn ends(gate: &Gate, by: &Caller) -> ChangeRequest {
    let answer = by.reject("t1").await.granted();
    assert_eq!(answer.terminated_task_ids, ["t1"]);
    let cr = answer.change_request.unwrap();
    assert_eq!(
        (cr.state(), cr.ended_at),
        (ChangeRequestState::Rejected, gate.at(0))
    );
    assert_eq!(cr.decisions.last().unwrap().verdict(), Verdict::Rejected);
    let task = gate.orchestrator().task("t1").await.granted();
    assert_eq!(
        (task.state(), task.signal()),
        (TaskState::Terminated, Signal::Terminate)
    );
    assert_eq!(task.termination_reason(), TerminationReason::Rejected);
    assert_eq!((task.permit.as_ref(), task.ended_at), (None, gate.at(0)));
    let refused = gate
        .runner()
        .start("t1", task.generation.max(1), "c1")
        .await;
    refused.refused("START_NEVER", "P4");
    cr
}

on_both_stores! {
    async fn d5_before_the_threshold_one_rejection_is_enough(gate) {
        two_of_three(gate).await;
        let cr = ends(gate, &gate.as_("alice")).await;
        assert_eq!((cr.decisions.len(), cr.approvals_missing), (1, 0));
    }

    async fn d5_at_the_threshold_it_ends_all_the_same(gate) {
        two_of_three(gate).await;
        gate.as_("alice").approve("t1").await.granted();
        let cr = ends(gate, &gate.as_("bob")).await;
        assert_eq!(cr.decisions.len(), 2);
    }

    async fn d5_after_the_threshold_and_after_proceed_it_ends_all_the_same(gate) {
        two_of_three(gate).await;
        gate.as_("alice").approve("t1").await.granted();
        let approved = gate.as_("bob").approve("t1").await.granted();
        assert_eq!(approved.tasks[0].signal(), Signal::Proceed);
        gate.pass(3_600).await;
        ends(gate, &gate.as_("dave")).await;
    }

    async fn d5_approved_and_waiting_for_its_window_it_ends_all_the_same(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice", "bob"])).await.granted();
        let window = TaskWindow { start: gate.at(60), ..TaskWindow::default() };
        let task = TaskSpec { window: Some(window), ..deployment("t1") };
        gate.orchestrator().create(task).await.granted();
        let approved = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(approved.tasks[0].state(), TaskState::Paused);
        ends(gate, &gate.as_("bob")).await;
        gate.pass(120).await;
        let task = gate.orchestrator().task("t1").await.granted();
        assert_eq!(task.state(), TaskState::Terminated);
    }

    async fn d5_approve_then_reject_by_the_same_person_is_a_rejection(gate) {
        two_of_three(gate).await;
        let alice = gate.as_("alice");
        alice.approve("t1").await.granted();
        gate.as_("bob").approve("t1").await.granted();
        let cr = ends(gate, &alice).await;
        let verdicts: Vec<_> = cr.decisions.iter().map(Decision::verdict).collect();
        assert_eq!(verdicts, [Verdict::Approved, Verdict::Rejected]);
        assert_eq!(cr.approvals_counted, 1);
    }

    async fn d5_a_member_of_a_team_rejects_for_good(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["olga"])).await.granted();
        admin.policy(PolicySpec::new("prod").users(&["bob"]).teams(&["ops"])).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let cr = ends(gate, &gate.as_("olga")).await;
        assert_eq!(cr.decisions[0].eligible_through, ["ops"]);
    }

    async fn d5_the_first_creator_may_reject_without_being_listed(gate) {
        two_of_three(gate).await;
        let carol = gate.as_("carol");
        carol.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        let cr = ends(gate, &carol).await;
        let decision = &cr.decisions[0];
        assert!(decision.as_creator && !decision.eligible_directly);
        assert!(decision.eligible_through.is_empty());
    }

    async fn d5_the_first_creator_may_reject_though_blocked(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "carol"]).block_creator();
        gate.admin().policy(policy).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let carol = gate.as_("carol");
        carol.approve("t1").await.refused("CREATOR_BLOCKED", "D1");
        let cr = ends(gate, &carol).await;
        assert!(cr.decisions[0].as_creator && cr.decisions[0].eligible_directly);
    }

    async fn d5_the_first_creator_may_reject_what_no_policy_matched(gate) {
        gate.orchestrator().create(deployment("t1")).await.granted();
        gate.as_("alice").reject("t1").await.refused("NOT_AN_APPROVER", "D1");
        ends(gate, &gate.as_("carol")).await;
    }

    async fn d5_nobody_else_may_reject(gate) {
        two_of_three(gate).await;
        let before = gate.entries().await;
        for stranger in ["mallory", "Carol", "admin:root", "root:carol"] {
            let refused = gate.as_(stranger).reject("t1").await.refused("NOT_AN_APPROVER", "D1");
            assert_eq!(refused.code, Code::PermissionDenied, "{stranger}");
        }
        assert_eq!(gate.entries().await, before);
    }

    async fn d5_a_started_task_is_not_touched(gate) {
        two_of_three(gate).await;
        gate.as_("alice").approve("t1").await.granted();
        gate.as_("bob").approve("t1").await.granted();
        gate.runner().start("t1", 1, "c1").await.granted();
        let before = gate.entries().await;
        for person in ["dave", "alice", "carol"] {
            let refused = gate.as_(person).reject("t1").await.refused("NOTHING_CAN_START", "D12");
            assert_eq!(refused.code, Code::FailedPrecondition, "{person}");
            assert_eq!(refused.metadata["change_request"], "CR-1");
        }
        gate.as_("mallory").reject("t1").await.refused("NOT_AN_APPROVER", "D1");
        assert_eq!(gate.entries().await, before);
        gate.runner().finish("t1", "c1", TaskOutcome::Succeeded).await.granted();
        gate.as_("dave").reject("t1").await.refused("NOTHING_CAN_START", "D12");
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Approved);
    }

    async fn d5_what_time_has_ended_cannot_be_rejected(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice", "bob"])).await.granted();
        let window = Some(TaskWindow { end: gate.at(60), ..TaskWindow::default() });
        for id in ["approved", "pending"] {
            let task = TaskSpec { window, ..deployment(id) };
            gate.orchestrator().create(task).await.granted();
        }
        gate.as_("alice").approve("approved").await.granted();
        gate.advance(60);
        let bob = gate.as_("bob");
        bob.reject("approved").await.refused("NOTHING_CAN_START", "D12");
        let refused = bob.reject("pending").await.refused("CHANGE_REQUEST_ENDED", "D5");
        assert_eq!(refused.metadata["found"], "EXPIRED");
    }

    async fn d5_the_reply_and_the_log_tell_what_was_stopped(gate) {
        two_of_three(gate).await;
        let before = gate.entries().await;
        let request = RejectRequest {
            change_request: "CR-1".to_owned(),
            comment: "The migration\nis not reversible.".to_owned(),
            ..RejectRequest::default()
        };
        let answer = gate.as_("alice").reject_with(request).await.granted();
        assert_eq!(answer.terminated_task_ids, ["t1"]);
        let decision = answer.change_request.unwrap().decisions.remove(0);
        assert_eq!(decision.comment, "The migration\nis not reversible.");
        assert_eq!(gate.entries().await, before + 2);
        let auditor = gate.as_("auditor:audit");
        let of_cr = auditor.events(AggregateKind::ChangeRequest, "1").await;
        assert_eq!(of_cr, ["change_request.created", "change_request.rejected"]);
        let of_task = auditor.events(AggregateKind::Task, "t1").await;
        assert_eq!(of_task, ["task.created", "task.terminated"]);
    }

    async fn d5_nothing_reopens_it(gate) {
        two_of_three(gate).await;
        let (alice, bob) = (gate.as_("alice"), gate.as_("bob"));
        bob.approve("t1").await.granted();
        let rejected = alice.reject("t1").await.granted().change_request.unwrap();
        gate.pass(60).await;
        for person in ["alice", "dave"] {
            let answer = gate.as_(person).approve("t1").await;
            answer.refused("CHANGE_REQUEST_ENDED", "D5");
        }
        alice.revoke("t1").await.refused("NOTHING_TO_REVOKE", "D7");
        bob.revoke("t1").await.refused("CHANGE_REQUEST_ENDED", "D5");
        let refused = gate.orchestrator().withdraw("t1").await;
        refused.refused("NOT_WITHDRAWABLE", "P7");
        gate.orchestrator().create(deployment("t1")).await.granted();
        gate.admin().delete_policy("prod").await.granted();
        gate.restart().await;
        assert_eq!(gate.as_("bob").change_request("CR-1").await.granted(), rejected);
    }

    async fn d6_a_new_task_of_the_same_release_gets_a_fresh_change_request(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let task = |id: &str| TaskSpec { release: "1.4.2".to_owned(), ..deployment(id) };
        let orchestrator = gate.orchestrator();
        orchestrator.create(task("t1")).await.granted();
        gate.as_("alice").reject("t1").await.granted();
        let fresh = orchestrator.opened(task("t2")).await;
        assert_eq!((fresh.id.as_str(), fresh.state()), ("CR-2", ChangeRequestState::Pending));
        assert_eq!(fresh.decisions, []);
        gate.as_("alice").approve("t2").await.granted();
        let again = orchestrator.create(task("t1")).await.granted();
        assert_eq!(again.change_request.unwrap().id, "CR-1");
        assert_eq!(again.task.unwrap().state(), TaskState::Terminated);
        gate.runner().start("t1", 1, "c1").await.refused("START_NEVER", "P4");
        gate.runner().start("t2", 1, "c1").await.granted();
    }
}
