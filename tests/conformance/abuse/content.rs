//! An approval is for what was asked, and for nothing else: what is another thing has to be
//! approved itself, and a start is a start of what was approved.

use std::collections::BTreeMap;

use countersign_proto::v1::{
    ApproveRequest, ChangeRequestState, Creator, Link, RejectRequest, Sharing, StartTaskRequest,
    TaskKind, TaskSpec, TaskState,
};
use tonic::Code;

use super::stage::Kept;
use crate::gate::{Expect, Gate, PolicySpec, at_any_time, deployment, person, window};

/// A release of this artifact.
fn release(id: &str) -> TaskSpec {
    TaskSpec {
        release: "1.4.2".to_owned(),
        artifact_digest: "sha256:aa".to_owned(),
        ..deployment(id)
    }
}

type Change = fn(&mut TaskSpec);

/// What makes a task another thing to approve, also where tasks share an approval.
const OTHER_THINGS: [(&str, Change); 7] = [
    ("digest", |task| {
        task.artifact_digest = "sha256:ab".to_owned();
    }),
    ("case", |task| task.artifact_digest = "sha256:AA".to_owned()),
    ("none", |task| task.artifact_digest.clear()),
    ("environment", |task| task.environment = "dr".to_owned()),
    ("project", |task| task.project = "api".to_owned()),
    ("release", |task| task.release = "1.4.3".to_owned()),
    ("kind", |task| task.kind = TaskKind::RunbookRun.into()),
];

/// Everything that can be said differently about a task of the same id.
const OTHER_WORDS: [(&str, Change); 11] = [
    ("tags", |task| {
        task.project_tags = vec!["tier/low".to_owned()];
    }),
    ("other tags", |task| {
        task.environment_tags = vec!["a/b".to_owned()];
    }),
    ("tenant", |task| task.tenant = "acme".to_owned()),
    ("runner", |task| task.runner = "web-9".to_owned()),
    ("title", |task| task.title = "Nothing special".to_owned()),
    ("description", |task| {
        task.description = "As ever.".to_owned();
    }),
    ("links", |task| {
        task.links = vec![Link {
            title: String::new(),
            url: "https://ci.example/2".to_owned(),
        }];
    }),
    ("labels", |task| {
        task.labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    }),
    ("creator", |task| {
        task.creator = Some(Creator {
            person: Some(person("dave")),
            ..Creator::default()
        });
    }),
    ("nobody", |task| task.creator = None),
    ("window", |task| {
        task.window = window(Some(prost_types::Timestamp::default()), None);
    }),
];

/// Two of alice and bob, for all tasks of one release together.
async fn shared(gate: &Gate) {
    let policy = PolicySpec::new("prod").users(&["alice", "bob"]);
    let policy = policy.with(|it| it.sharing = Sharing::PerRelease.into());
    gate.admin().policy(policy).await.granted();
}

on_both_stores! {
    async fn abuse_an_approval_is_not_carried_over_to_another_thing(gate) {
        shared(gate).await;
        let orchestrator = gate.orchestrator();
        let first = orchestrator.opened(release("t1")).await;
        gate.as_("alice").approve("t1").await.granted();
        let kept = at_any_time(orchestrator.change_request("t1").await.granted());
        for (what, change) in OTHER_THINGS {
            let mut task = release(what);
            change(&mut task);
            let other = orchestrator.opened(task.clone()).await;
            assert_ne!(other.id, first.id, "{what}");
            assert_eq!(other.state(), ChangeRequestState::Pending, "{what}");
            assert_eq!((other.approvals_counted, other.decisions.len()), (0, 0), "{what}");
            let claim = StartTaskRequest {
                task_id: what.to_owned(),
                generation: 1,
                artifact_digest: task.artifact_digest,
                claim_id: "claim".to_owned(),
            };
            let refused = gate.runner().start_with(claim).await.refused("START_NOT_NOW", "P4");
            assert_eq!(refused.fact("waiting_for"), "approval", "{what}");
        }
        assert_eq!(at_any_time(orchestrator.change_request("t1").await.granted()), kept);
        // The same thing once more shares the approval.
        let same = orchestrator.create(release("t2")).await.granted().task.unwrap();
        assert_eq!((same.change_request.as_str(), same.state()), ("CR-1", TaskState::Cleared));
    }

    async fn abuse_an_id_cannot_be_given_other_content(gate) {
        shared(gate).await;
        let orchestrator = gate.orchestrator();
        orchestrator.create(release("t1")).await.granted();
        gate.as_("alice").approve("t1").await.granted();
        let kept = Kept::of(gate, &orchestrator, &["t1"]).await;
        for (what, change) in OTHER_THINGS.into_iter().chain(OTHER_WORDS) {
            let mut task = release("t1");
            change(&mut task);
            let refused = orchestrator.create(task.clone()).await.refused("TASK_ID_TAKEN", "C2");
            assert_eq!(refused.code, Code::AlreadyExists, "{what}");
            orchestrator.preview(task).await.refused("TASK_ID_TAKEN", "C2");
        }
        kept.holds(gate).await;
        let again = orchestrator.create(release("t1")).await.granted().task.unwrap();
        assert_eq!(again.state(), TaskState::Cleared);
    }

    async fn abuse_a_start_with_another_artifact_is_refused(gate) {
        gate.alice_approves().await;
        gate.cleared(release("t1")).await;
        gate.cleared(deployment("t2")).await;
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1", "t2"]).await;
        let start = |id: &str, digest: &str| StartTaskRequest {
            task_id: id.to_owned(),
            generation: 1,
            artifact_digest: digest.to_owned(),
            claim_id: "claim".to_owned(),
        };
        let runner = gate.runner();
        let attacks = [
            ("t1", "sha256:ab"), ("t1", ""), ("t1", "sha256:AA"), ("t1", "sha256:a"),
            ("t1", "sha256:aaa"), ("t1", "aa"), ("t2", "sha256:aa"),
        ];
        for (id, digest) in attacks {
            let refused = runner.start_with(start(id, digest)).await;
            let refused = refused.refused("DIGEST_MISMATCH", "D11");
            assert_eq!(refused.code, Code::Aborted, "{id} {digest:?}");
        }
        for digest in ["sha256:aa ", "sha256:\u{200b}aa"] {
            let refused = runner.start_with(start("t1", digest)).await;
            refused.bad_field("artifact_digest", "E1");
        }
        kept.holds(gate).await;
        runner.start_with(start("t1", "sha256:aa")).await.granted();
        runner.start_with(start("t2", "")).await.granted();
    }

    async fn abuse_nobody_decides_on_what_they_did_not_see(gate) {
        shared(gate).await;
        let orchestrator = gate.orchestrator();
        let seen = orchestrator.opened(release("t1")).await.etag;
        // While somebody reads, another task joins.
        orchestrator.create(release("t2")).await.granted();
        let kept = Kept::of(gate, &orchestrator, &["t1"]).await;
        let approve = |etag: &str, digest: &str| ApproveRequest {
            change_request: "CR-1".to_owned(),
            etag: etag.to_owned(),
            artifact_digest: digest.to_owned(),
            ..ApproveRequest::default()
        };
        let alice = gate.as_("alice");
        let stale = alice.approve_with(approve(&seen, "")).await;
        assert_eq!(stale.refused("ETAG_MISMATCH", "D11").code, Code::Aborted);
        let reject = RejectRequest {
            change_request: "CR-1".to_owned(),
            etag: seen,
            ..RejectRequest::default()
        };
        alice.reject_with(reject).await.refused("ETAG_MISMATCH", "D11");
        let fresh = orchestrator.change_request("CR-1").await.granted().etag;
        for digest in ["sha256:ab", "sha256:AA"] {
            let other = alice.approve_with(approve(&fresh, digest)).await;
            other.refused("DIGEST_MISMATCH", "D11");
        }
        kept.holds(gate).await;
        let approved = alice.approve_with(approve(&fresh, "sha256:aa")).await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }
}
