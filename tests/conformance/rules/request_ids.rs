//! E1: a request id makes a repeat safe; the same id with the same content has one effect.

use countersign_proto::v1::{
    ApproveRequest, ChangeRequestState, CreatePolicyRequest, CreateTeamRequest,
    DeletePolicyRequest, DeleteTeamRequest, RejectRequest, RevokeApprovalRequest, TaskState,
    UpdatePolicyRequest, UpdateTeamRequest,
};
use futures::future::join_all;
use tonic::Code;

use crate::gate::{Expect, PolicySpec, deployment, mask, team};

fn approval(target: &str, comment: &str, request_id: &str) -> ApproveRequest {
    ApproveRequest {
        change_request: target.to_owned(),
        comment: comment.to_owned(),
        request_id: request_id.to_owned(),
        ..ApproveRequest::default()
    }
}

fn rejection(target: &str, request_id: &str) -> RejectRequest {
    RejectRequest {
        change_request: target.to_owned(),
        request_id: request_id.to_owned(),
        ..RejectRequest::default()
    }
}

fn revocation(target: &str, request_id: &str) -> RevokeApprovalRequest {
    RevokeApprovalRequest {
        change_request: target.to_owned(),
        request_id: request_id.to_owned(),
        ..RevokeApprovalRequest::default()
    }
}

on_both_stores! {
    async fn e1_the_same_call_again_has_one_effect(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let alice = gate.as_("alice");
        let first = alice.approve_with(approval("t1", "", "r1")).await.granted();
        let before = gate.entries().await;
        assert_eq!(alice.approve_with(approval("t1", "", "r1")).await.granted(), first);
        assert_eq!(gate.entries().await, before);
        let revoked = alice.revoke_with(revocation("t1", "r2")).await.granted();
        assert_eq!(alice.revoke_with(revocation("t1", "r2")).await.granted(), revoked);
        let before = gate.entries().await;
        let late = alice.approve_with(approval("t1", "", "r1")).await.granted();
        assert_eq!((late.state(), late.approvals_counted), (ChangeRequestState::Pending, 0));
        assert_eq!(gate.entries().await, before);
        let anew = alice.approve_with(approval("t1", "", "r3")).await.granted();
        assert_eq!(anew.tasks[0].generation, 2);
        let rejected = alice.reject_with(rejection("t1", "r4")).await.granted();
        assert_eq!(alice.reject_with(rejection("t1", "r4")).await.granted(), rejected);
        assert_eq!(rejected.terminated_task_ids, ["t1"]);
    }

    async fn e1_a_request_id_with_other_content_is_refused(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        for id in ["t1", "t2"] {
            gate.orchestrator().create(deployment(id)).await.granted();
        }
        let alice = gate.as_("alice");
        alice.approve_with(approval("t1", "good", "r1")).await.granted();
        let before = gate.entries().await;
        let other = alice.approve_with(approval("t1", "better", "r1")).await;
        let refused = other.refused("REQUEST_ID_REUSED", "E1");
        assert_eq!((refused.code, &*refused.metadata["request_id"]), (Code::AlreadyExists, "r1"));
        let elsewhere = alice.approve_with(approval("t2", "good", "r1")).await;
        elsewhere.refused("REQUEST_ID_REUSED", "E1");
        alice.reject_with(rejection("t1", "r1")).await.refused("REQUEST_ID_REUSED", "E1");
        alice.revoke_with(revocation("t1", "r1")).await.refused("REQUEST_ID_REUSED", "E1");
        let long = "r".repeat(201);
        let bad = alice.approve_with(approval("t2", "", &long)).await;
        assert_eq!(bad.refused("INVALID_FIELD", "E1").metadata["field"], "request_id");
        assert_eq!(gate.entries().await, before);
    }

    async fn e1_a_request_id_is_unique_per_caller(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        gate.as_("alice").approve_with(approval("t1", "a", "r1")).await.granted();
        let both = gate.as_("bob").approve_with(approval("t1", "b", "r1")).await.granted();
        assert_eq!(both.state(), ChangeRequestState::Approved);
    }

    async fn e1_a_refused_call_may_be_repeated_under_its_request_id(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &[])).await.granted();
        admin.policy(PolicySpec::new("prod").teams(&["ops"])).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let alice = gate.as_("alice");
        let refused = alice.approve_with(approval("t1", "", "r1")).await;
        refused.refused("NOT_AN_APPROVER", "D1");
        admin.members(team("ops", &["alice"])).await.granted();
        let cr = alice.approve_with(approval("t1", "", "r1")).await.granted();
        assert_eq!(cr.tasks[0].state(), TaskState::Cleared);
    }

    async fn e1_the_same_call_at_once_has_one_effect(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let before = gate.entries().await;
        let alice = gate.as_("alice");
        let calls = (0..16).map(|_| alice.approve_with(approval("t1", "", "r1")));
        for answer in join_all(calls).await {
            assert_eq!(answer.granted().tasks[0].generation, 1);
        }
        // The approval, the quorum, the clearing.
        assert_eq!(gate.entries().await, before + 3);
    }

    async fn e1_policies_are_changed_once_per_request_id(gate) {
        let admin = gate.admin();
        let create = |users: &[&str]| CreatePolicyRequest {
            policy: Some(PolicySpec::new("prod").users(users).build()),
            request_id: "r1".to_owned(),
            ..CreatePolicyRequest::default()
        };
        let first = admin.policy_with(create(&["alice"])).await.granted();
        let before = gate.entries().await;
        assert_eq!(admin.policy_with(create(&["alice"])).await.granted(), first);
        admin.policy_with(create(&["bob"])).await.refused("REQUEST_ID_REUSED", "E1");
        assert_eq!(gate.entries().await, before);
        let update = UpdatePolicyRequest {
            policy: Some(PolicySpec::new("prod").minimum(2).build()),
            update_mask: mask(&["minimum_approvals"]),
            etag: first.policy.unwrap().etag,
            request_id: "r2".to_owned(),
            ..UpdatePolicyRequest::default()
        };
        let second = admin.update_policy_with(update.clone()).await.granted();
        assert_eq!(second.policy.as_ref().unwrap().revision, 2);
        assert_eq!(admin.update_policy_with(update).await.granted(), second);
        let delete = DeletePolicyRequest {
            policy_id: "prod".to_owned(),
            request_id: "r3".to_owned(),
            ..DeletePolicyRequest::default()
        };
        assert_eq!(admin.delete_policy_with(delete.clone()).await.granted(), 0);
        assert_eq!(admin.delete_policy_with(delete).await.granted(), 0);
        admin.policy_with(create(&["alice"])).await.refused("NOT_FOUND", "E1");
        assert_eq!(gate.entries().await, before + 2);
    }

    async fn e1_teams_are_changed_once_per_request_id(gate) {
        let admin = gate.admin();
        let create = |members: &[&str]| CreateTeamRequest {
            team: Some(team("ops", members)),
            request_id: "r1".to_owned(),
        };
        let first = admin.team_with(create(&["alice"])).await.granted();
        let before = gate.entries().await;
        assert_eq!(admin.team_with(create(&["alice"])).await.granted(), first);
        admin.team_with(create(&["bob"])).await.refused("REQUEST_ID_REUSED", "E1");
        let update = UpdateTeamRequest {
            team: Some(team("ops", &["bob"])),
            update_mask: mask(&["members"]),
            etag: first.etag,
            request_id: "r2".to_owned(),
        };
        let second = admin.update_team_with(update.clone()).await.granted();
        assert_eq!(admin.update_team_with(update).await.granted(), second);
        let delete = DeleteTeamRequest {
            team_id: "ops".to_owned(),
            request_id: "r3".to_owned(),
            ..DeleteTeamRequest::default()
        };
        admin.delete_team_with(delete.clone()).await.granted();
        admin.delete_team_with(delete).await.granted();
        assert_eq!(gate.entries().await, before + 2);
    }
}
