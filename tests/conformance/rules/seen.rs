//! D11: a decision on exactly what was read.

use countersign_proto::v1::{ApproveRequest, ChangeRequestState, RejectRequest, TaskSpec};
use tonic::Code;

use crate::gate::{Expect, PolicySpec, deployment};

fn approval(target: &str, etag: &str, artifact_digest: &str) -> ApproveRequest {
    ApproveRequest {
        change_request: target.to_owned(),
        etag: etag.to_owned(),
        artifact_digest: artifact_digest.to_owned(),
        ..ApproveRequest::default()
    }
}

fn rejection(target: &str, etag: &str, artifact_digest: &str) -> RejectRequest {
    RejectRequest {
        change_request: target.to_owned(),
        etag: etag.to_owned(),
        artifact_digest: artifact_digest.to_owned(),
        ..RejectRequest::default()
    }
}

on_both_stores! {
    async fn d11_another_etag_is_refused(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let one = gate.orchestrator().opened(deployment("t1")).await;
        let two = gate.orchestrator().opened(deployment("t2")).await;
        assert_ne!(one.etag, two.etag);
        let before = gate.entries().await;
        let alice = gate.as_("alice");
        for etag in [two.etag.as_str(), "nonsense"] {
            let refused = alice.approve_with(approval("t1", etag, "")).await;
            let refused = refused.refused("ETAG_MISMATCH", "D11");
            assert_eq!(refused.code, Code::Aborted);
            assert_eq!(refused.metadata["found"], one.etag);
            assert_eq!(refused.metadata["named"], etag);
            let refused = alice.reject_with(rejection("t1", etag, "")).await;
            refused.refused("ETAG_MISMATCH", "D11");
        }
        assert_eq!(gate.entries().await, before);
        alice.approve_with(approval("t1", &one.etag, "")).await.granted();
        alice.reject_with(rejection("t2", &two.etag, "")).await.granted();
    }

    async fn d11_the_etag_covers_what_is_decided_on_not_who_has_decided(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.admin().policy(policy.clone()).await.granted();
        let read = gate.orchestrator().opened(deployment("t1")).await;
        let (alice, bob) = (gate.as_("alice"), gate.as_("bob"));
        let after = alice.approve_with(approval("t1", &read.etag, "")).await.granted();
        assert_eq!(after.etag, read.etag);
        alice.revoke("t1").await.granted();
        alice.approve_with(approval("t1", &read.etag, "")).await.granted();
        let renamed = policy.with(|policy| policy.name = "New".to_owned());
        gate.admin().update_policy(renamed, &["name"]).await.granted();
        let cr = bob.approve_with(approval("t1", &read.etag, "")).await.granted();
        assert_eq!((cr.state(), &cr.etag), (ChangeRequestState::Approved, &read.etag));
        let ended = bob.reject_with(rejection("t1", &read.etag, "")).await.granted();
        assert_eq!(ended.change_request.unwrap().etag, read.etag);
    }

    async fn d11_another_digest_is_refused(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice", "bob"])).await.granted();
        let with_digest = TaskSpec { artifact_digest: "sha256:aa".to_owned(), ..deployment("t1") };
        gate.orchestrator().create(with_digest).await.granted();
        gate.orchestrator().create(deployment("t2")).await.granted();
        let before = gate.entries().await;
        let alice = gate.as_("alice");
        for (task, digest, has) in [
            ("t1", "sha256:bb", "artifact digest sha256:aa"),
            ("t1", "sha256:a", "artifact digest sha256:aa"),
            ("t2", "sha256:aa", "no artifact digest"),
        ] {
            let refused = alice.approve_with(approval(task, "", digest)).await;
            let refused = refused.refused("DIGEST_MISMATCH", "D11");
            assert_eq!(refused.code, Code::Aborted);
            assert_eq!(refused.metadata["found"], has);
            let refused = alice.reject_with(rejection(task, "", digest)).await;
            refused.refused("DIGEST_MISMATCH", "D11");
        }
        let malformed = alice.approve_with(approval("t1", "", "sha256: aa")).await;
        malformed.refused("INVALID_FIELD", "E1");
        assert_eq!(gate.entries().await, before);
        let cr = alice.approve_with(approval("t1", "", "sha256:aa")).await.granted();
        assert_eq!(cr.decisions[0].artifact_digest, "sha256:aa");
        let cr = gate.as_("bob").approve("t1").await.granted();
        assert_eq!(cr.decisions[1].artifact_digest, "");
    }

    async fn d11_permission_is_checked_first(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let mallory = gate.as_("mallory");
        let refused = mallory.approve_with(approval("t1", "nonsense", "sha256:bb")).await;
        let refused = refused.refused("NOT_AN_APPROVER", "D1");
        assert!(!refused.metadata.contains_key("found"), "{refused:?}");
    }
}
