//! Bad decisions, starts, outcomes and withdrawals.

use countersign_proto::v1::{
    ApproveRequest, FinishTaskRequest, RejectRequest, RevokeApprovalRequest, StartTaskRequest,
    TaskOutcome, TaskSpec, WithdrawTaskRequest,
};
use tonic::Code;

use super::{bad_comments, bad_names};
use crate::gate::{Expect, Gate, deployment};

/// A decision of any kind, by what all of them have.
#[derive(Default, Clone)]
struct Said {
    target: &'static str,
    comment: String,
    request_id: String,
}

/// Approves, rejects and revokes with these fields; each is refused in the same way.
async fn decisions_refused(gate: &Gate, said: &Said, field: &str) {
    let alice = gate.as_("alice");
    let change_request = said.target.to_owned();
    let (comment, request_id) = (said.comment.clone(), said.request_id.clone());
    let approval = ApproveRequest {
        change_request: change_request.clone(),
        comment: comment.clone(),
        request_id: request_id.clone(),
        ..ApproveRequest::default()
    };
    alice.approve_with(approval).await.bad_field(field, "E1");
    let rejection = RejectRequest {
        change_request: change_request.clone(),
        comment: comment.clone(),
        request_id: request_id.clone(),
        ..RejectRequest::default()
    };
    alice.reject_with(rejection).await.bad_field(field, "E1");
    let revocation = RevokeApprovalRequest {
        change_request,
        comment,
        request_id,
    };
    alice.revoke_with(revocation).await.bad_field(field, "E1");
}

/// A task that waits, with a digest.
async fn stage(gate: &Gate) {
    gate.alice_approves().await;
    let task = TaskSpec {
        artifact_digest: "sha256:aa".to_owned(),
        ..deployment("t1")
    };
    gate.waiting(task).await;
}

fn start(change: impl FnOnce(&mut StartTaskRequest)) -> StartTaskRequest {
    let mut request = StartTaskRequest {
        task_id: "t1".to_owned(),
        generation: 1,
        artifact_digest: "sha256:aa".to_owned(),
        claim_id: "claim".to_owned(),
    };
    change(&mut request);
    request
}

fn finish(change: impl FnOnce(&mut FinishTaskRequest)) -> FinishTaskRequest {
    let mut request = FinishTaskRequest {
        task_id: "t1".to_owned(),
        claim_id: "claim".to_owned(),
        outcome: TaskOutcome::Succeeded.into(),
        comment: String::new(),
    };
    change(&mut request);
    request
}

on_both_stores! {
    async fn e1_bad_decisions_are_refused_by_field(gate) {
        stage(gate).await;
        let entries = gate.entries().await;
        let good = Said { target: "t1", ..Said::default() };
        for target in ["", " t1", "t1\u{0}", "\u{202e}t1", "e\u{301}"] {
            decisions_refused(gate, &Said { target, ..good.clone() }, "change_request").await;
        }
        for comment in bad_comments() {
            decisions_refused(gate, &Said { comment, ..good.clone() }, "comment").await;
        }
        for request_id in bad_names() {
            decisions_refused(gate, &Said { request_id, ..good.clone() }, "request_id").await;
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn d11_bad_and_wrong_guards_are_refused(gate) {
        stage(gate).await;
        let (alice, entries) = (gate.as_("alice"), gate.entries().await);
        let guarded = |etag: &str, digest: &str| ApproveRequest {
            change_request: "CR-1".to_owned(),
            etag: etag.to_owned(),
            artifact_digest: digest.to_owned(),
            ..ApproveRequest::default()
        };
        let rejection = |etag: &str, digest: &str| RejectRequest {
            change_request: "CR-1".to_owned(),
            etag: etag.to_owned(),
            artifact_digest: digest.to_owned(),
            ..RejectRequest::default()
        };
        let long = "7".repeat(257);
        alice.approve_with(guarded(&long, "")).await.bad_field("etag", "E1");
        alice.reject_with(rejection(&long, "")).await.bad_field("etag", "E1");
        for digest in ["a b", "\u{0}", &long] {
            alice.approve_with(guarded("", digest)).await.bad_field("artifact_digest", "E1");
            alice.reject_with(rejection("", digest)).await.bad_field("artifact_digest", "E1");
        }
        for etag in ["wrong", " ", &"7".repeat(256)] {
            let refused = alice.approve_with(guarded(etag, "")).await;
            assert_eq!(refused.refused("ETAG_MISMATCH", "D11").code, Code::Aborted);
            alice.reject_with(rejection(etag, "")).await.refused("ETAG_MISMATCH", "D11");
        }
        for digest in ["sha256:AA", "sha256:a", "aa"] {
            let refused = alice.approve_with(guarded("", digest)).await;
            assert_eq!(refused.refused("DIGEST_MISMATCH", "D11").code, Code::Aborted);
            alice.reject_with(rejection("", digest)).await.refused("DIGEST_MISMATCH", "D11");
        }
        assert_eq!(gate.entries().await, entries);
        let etag = alice.change_request("CR-1").await.granted().etag;
        alice.approve_with(guarded(&etag, "sha256:aa")).await.granted();
    }

    async fn e1_unknown_ids_are_not_found(gate) {
        stage(gate).await;
        let (alice, entries) = (gate.as_("alice"), gate.entries().await);
        let rows =
            [("absent", "task"), ("CR-2", "change_request"), ("CR-0", "task"), ("T1", "task")];
        for (target, kind) in rows {
            for refused in [
                alice.approve(target).await.map(|_| ()),
                alice.reject(target).await.map(|_| ()),
                alice.revoke(target).await.map(|_| ()),
                alice.change_request(target).await.map(|_| ()),
            ] {
                let refused = refused.refused("NOT_FOUND", "E1");
                assert_eq!(refused.code, Code::NotFound);
                assert_eq!((refused.fact("kind"), refused.fact("id")), (kind, target));
            }
        }
        alice.task("absent").await.refused("NOT_FOUND", "E1");
        // A task is asked for by its own id; the number of a change request is none.
        alice.task("CR-1").await.refused("NOT_FOUND", "E1");
        gate.orchestrator().withdraw("CR-1").await.refused("NOT_FOUND", "E1");
        gate.orchestrator().withdraw("absent").await.refused("NOT_FOUND", "E1");
        gate.runner().start("CR-1", 1, "claim").await.refused("NOT_FOUND", "E1");
        let outcome = TaskOutcome::Failed;
        gate.runner().finish("absent", "claim", outcome).await.refused("NOT_FOUND", "E1");
        gate.orchestrator().finish("absent", "claim", outcome).await.refused("NOT_FOUND", "E1");
        assert_eq!(gate.entries().await, entries);
    }

    async fn e1_bad_starts_are_refused_by_field(gate) {
        stage(gate).await;
        gate.as_("alice").approve("t1").await.granted();
        let entries = gate.entries().await;
        let runner = gate.runner();
        let mut rows = vec![
            ("task_id", "E1", start(|request| request.task_id.clear())),
            ("claim_id", "E1", start(|request| request.claim_id.clear())),
            ("generation", "P3", start(|request| request.generation = 0)),
            ("artifact_digest", "E1", start(|request| request.artifact_digest = "a b".to_owned())),
        ];
        for name in bad_names() {
            rows.push(("task_id", "E1", start(|request| request.task_id.clone_from(&name))));
            rows.push(("claim_id", "E1", start(|request| request.claim_id = name)));
        }
        for (field, rule, request) in rows {
            runner.start_with(request).await.bad_field(field, rule);
        }
        assert_eq!(gate.entries().await, entries);
        let odd = start(|request| request.claim_id = "é".repeat(200));
        runner.start_with(odd).await.granted();
    }

    async fn e1_bad_outcomes_are_refused_by_field(gate) {
        stage(gate).await;
        gate.as_("alice").approve("t1").await.granted();
        let runner = gate.runner();
        runner.start_with(start(|_| {})).await.granted();
        let entries = gate.entries().await;
        let mut rows = vec![
            ("task_id", finish(|request| request.task_id.clear())),
            ("claim_id", finish(|request| request.claim_id.clear())),
        ];
        for outcome in [0, 3, -1, i32::MAX] {
            rows.push(("outcome", finish(|request| request.outcome = outcome)));
        }
        for comment in bad_comments() {
            rows.push(("comment", finish(|request| request.comment = comment)));
        }
        for (field, request) in rows {
            runner.finish_with(request.clone()).await.bad_field(field, "E1");
            gate.orchestrator().finish_with(request).await.bad_field(field, "E1");
        }
        assert_eq!(gate.entries().await, entries);
        let most = finish(|request| request.comment = "x".repeat(4_096));
        runner.finish_with(most).await.granted();
    }

    async fn e1_bad_withdrawals_are_refused_by_field(gate) {
        stage(gate).await;
        let entries = gate.entries().await;
        let withdrawal = |task_id: &str, comment: &str, request_id: &str| WithdrawTaskRequest {
            task_id: task_id.to_owned(),
            comment: comment.to_owned(),
            request_id: request_id.to_owned(),
        };
        let mut rows = vec![("task_id", withdrawal("", "", ""))];
        for name in bad_names() {
            rows.push(("task_id", withdrawal(&name, "", "")));
            rows.push(("request_id", withdrawal("t1", "", &name)));
        }
        for comment in bad_comments() {
            rows.push(("comment", withdrawal("t1", &comment, "")));
        }
        for (field, request) in rows {
            gate.orchestrator().withdraw_with(request).await.bad_field(field, "E1");
        }
        assert_eq!(gate.entries().await, entries);
        let most = withdrawal("t1", &"x".repeat(4_096), &"é".repeat(200));
        gate.orchestrator().withdraw_with(most).await.granted();
    }
}
