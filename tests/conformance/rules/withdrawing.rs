//! P7: a task that has not started is no longer wanted.

use countersign_proto::v1::{
    ChangeRequestState, Signal, TaskOutcome, TaskSpec, TaskState, TerminationReason,
    WithdrawTaskRequest,
};
use tonic::Code;

use crate::gate::{Expect, deployment, window};

on_both_stores! {
    async fn p7_the_orchestrator_and_the_creator_may_withdraw(gate) {
        gate.alice_approves().await;
        let rows = [("t1", "orchestrator:deployer"), ("t2", "orchestrator:ci"), ("t3", "carol")];
        for (id, bearer) in rows {
            gate.waiting(deployment(id)).await;
            let ended = gate.as_(bearer).withdraw(id).await.granted();
            assert_eq!((ended.state(), ended.signal()), (TaskState::Terminated, Signal::Terminate));
            assert_eq!(ended.termination_reason(), TerminationReason::Withdrawn);
            let cr = gate.orchestrator().change_request(id).await.granted();
            assert_eq!(cr.state(), ChangeRequestState::Withdrawn);
            assert!(cr.ended_at.is_some());
        }
    }

    async fn p7_a_stranger_may_not_withdraw(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let entries = gate.entries().await;
        // An approver can reject instead; a name that only looks like the creator's is no creator.
        for bearer in ["alice", "Carol", "admin:root", "runner:web-1", "auditor:carol"] {
            let refused = gate.as_(bearer).withdraw("t1").await;
            let refused = refused.refused("NOT_THE_CREATOR", "P7");
            assert_eq!((refused.code, refused.fact("task")), (Code::PermissionDenied, "t1"));
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn p7_permission_is_checked_before_state(gate) {
        gate.alice_approves().await;
        gate.running(deployment("t1"), "claim").await;
        gate.as_("alice").withdraw("t1").await.refused("NOT_THE_CREATOR", "P7");
    }

    async fn p7_a_cleared_task_is_withdrawn_and_its_change_request_stays_approved(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let ended = gate.as_("carol").withdraw("t1").await.granted();
        assert_eq!((ended.state(), ended.permit), (TaskState::Terminated, None));
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Approved);
        gate.runner().start("t1", 1, "claim").await.refused("START_NEVER", "P4");
    }

    async fn p7_withdrawing_again_is_ok_by_whoever_may(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let ended = gate.orchestrator().withdraw("t1").await.granted();
        let entries = gate.entries().await;
        gate.advance(1_000);
        for bearer in ["orchestrator:deployer", "orchestrator:ci", "carol"] {
            assert_eq!(gate.as_(bearer).withdraw("t1").await.granted(), ended);
        }
        gate.as_("alice").withdraw("t1").await.refused("NOT_THE_CREATOR", "P7");
        assert_eq!(gate.entries().await, entries);
    }

    async fn p7_what_has_started_or_ended_otherwise_cannot_be_withdrawn(gate) {
        gate.alice_approves().await;
        gate.running(deployment("running"), "a").await;
        gate.running(deployment("done"), "b").await;
        gate.runner().finish("done", "b", TaskOutcome::Succeeded).await.granted();
        gate.waiting(deployment("rejected")).await;
        gate.as_("alice").reject("rejected").await.granted();
        let closing = TaskSpec { window: window(None, gate.at(10)), ..deployment("closed") };
        gate.waiting(closing).await;
        gate.pass(10).await;
        let entries = gate.entries().await;
        let rows = [
            ("running", "RUNNING"),
            ("done", "SUCCEEDED"),
            ("rejected", "TERMINATED"),
            ("closed", "TERMINATED"),
        ];
        for (id, state) in rows {
            let refused = gate.orchestrator().withdraw(id).await;
            let refused = refused.refused("NOT_WITHDRAWABLE", "P7");
            assert_eq!(refused.code, Code::FailedPrecondition);
            assert_eq!(refused.fact("found"), state);
            assert_eq!(refused.fact("allowed"), "PAUSED, CLEARED");
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn p7_a_withdrawn_task_id_stays_ended(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        gate.orchestrator().withdraw("t1").await.granted();
        let again = gate.orchestrator().create(deployment("t1")).await.granted();
        assert_eq!(again.task.unwrap().state(), TaskState::Terminated);
        gate.as_("alice").approve("t1").await.refused("CHANGE_REQUEST_ENDED", "D5");
    }

    async fn p7_a_withdrawal_may_say_why(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let request = WithdrawTaskRequest {
            task_id: "t1".to_owned(),
            comment: "superseded by t2".to_owned(),
            ..WithdrawTaskRequest::default()
        };
        gate.orchestrator().withdraw_with(request).await.granted();
        let bodies = gate.as_("auditor:audit").bodies("t1").await;
        let terminated = &bodies.last().unwrap()["event"]["terminated"];
        assert_eq!(terminated["comment"], "superseded by t2");
    }
}
