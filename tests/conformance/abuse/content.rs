//! An approval is for what was asked, and for nothing else: no call changes it, and what is another
//! thing has to be approved itself.

use std::collections::{BTreeMap, BTreeSet};

use countersign_proto::FILE_DESCRIPTOR_SET;
use countersign_proto::v1::{
    ApproveRequest, ChangeRequest, ChangeRequestState, Creator, Link, RejectRequest, Sharing,
    StartTaskRequest, Task, TaskKind, TaskSpec, TaskState,
};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::Code;

use super::stage::Kept;
use crate::gate::{Expect, FreezeSpec, Gate, PolicySpec, deployment, person, tags, team, window};

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
        task.artifact_digest = "sha256:ab".to_owned()
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
        task.project_tags = vec!["tier/low".to_owned()]
    }),
    ("other tags", |task| {
        task.environment_tags = vec!["a/b".to_owned()]
    }),
    ("tenant", |task| task.tenant = "acme".to_owned()),
    ("runner", |task| task.runner = "web-9".to_owned()),
    ("title", |task| task.title = "Nothing special".to_owned()),
    ("description", |task| {
        task.description = "As ever.".to_owned()
    }),
    ("links", |task| {
        task.links = vec![Link {
            title: String::new(),
            url: "https://ci.example/2".to_owned(),
        }];
    }),
    ("labels", |task| {
        task.labels = BTreeMap::from([("a".to_owned(), "b".to_owned())])
    }),
    ("creator", |task| {
        task.creator = Some(Creator {
            person: Some(person("dave")),
            ..Creator::default()
        });
    }),
    ("nobody", |task| task.creator = None),
    ("window", |task| {
        task.window = window(Some(prost_types::Timestamp::default()), None)
    }),
];

/// Methods that change something, each of which is tried on a change request below.
const CHANGES: [&str; 22] = [
    "CreateChangeRequest",
    "Approve",
    "Reject",
    "RevokeApproval",
    "WithdrawTask",
    "StartTask",
    "FinishTask",
    "CreatePolicy",
    "UpdatePolicy",
    "DeletePolicy",
    "CreateFreeze",
    "UpdateFreeze",
    "DeleteFreeze",
    "LiftFreeze",
    "CreateTeam",
    "UpdateTeam",
    "DeleteTeam",
    "AcceptClock",
    "CreateToken",
    "RevokeToken",
    // They change nothing at all.
    "PreviewSchedule",
    "WhoAmI",
];

/// What people decide on, and nothing of what they decided.
fn asked_for(cr: &ChangeRequest) -> ChangeRequest {
    let tasks = cr.tasks.iter().map(|task| Task {
        id: task.id.clone(),
        spec: task.spec.clone(),
        ..Task::default()
    });
    ChangeRequest {
        id: cr.id.clone(),
        kind: cr.kind,
        project: cr.project.clone(),
        environment: cr.environment.clone(),
        release: cr.release.clone(),
        artifact_digest: cr.artifact_digest.clone(),
        creator: cr.creator.clone(),
        tasks: tasks.collect(),
        resultant_policy: cr.resultant_policy.clone(),
        etag: cr.etag.clone(),
        created_at: cr.created_at,
        ..ChangeRequest::default()
    }
}

/// Two of alice and bob, for all tasks of one release together.
async fn shared(gate: &Gate) {
    let policy = PolicySpec::new("prod").users(&["alice", "bob"]);
    let policy = policy.with(|it| it.sharing = Sharing::PerRelease.into());
    gate.admin().policy(policy).await.granted();
}

/// Does whatever else may be done to what a change request depends on.
async fn whatever_else(gate: &Gate) {
    let (admin, ada) = (gate.admin(), gate.access_admin());
    admin.team(team("ops", &["mallory"])).await.granted();
    admin.members(team("ops", &["alice"])).await.granted();
    admin.delete_team("ops").await.granted();
    let open = PolicySpec::new("prod")
        .users(&["mallory"])
        .only(&["none"], &["none"]);
    admin
        .update_policy(open, &["approvers", "scopes"])
        .await
        .granted();
    admin
        .policy(PolicySpec::new("more").users(&["mallory"]).minimum(9))
        .await
        .granted();
    admin.delete_policy("more").await.granted();
    admin.delete_policy("prod").await.granted();
    gate.frozen(FreezeSpec::new("all")).await;
    let narrow = FreezeSpec::new("all").only(&["none"], &["*"]);
    admin.update_freeze(narrow, &["scopes"]).await.granted();
    admin.lift("all").await.granted();
    admin.delete_freeze("all").await.granted();
    gate.as_("operator:op")
        .accept_clock("to see what it does")
        .await
        .granted();
    ada.create_token(gate.token_of("new", "mallory"))
        .await
        .granted();
    ada.revoke_token("new").await.granted();
    gate.pass(0).await;
}

on_both_stores! {
    async fn abuse_an_approval_is_not_carried_over_to_another_thing(gate) {
        shared(gate).await;
        let orchestrator = gate.orchestrator();
        let first = orchestrator.opened(release("t1")).await;
        gate.as_("alice").approve("t1").await.granted();
        let kept = asked_for(&orchestrator.change_request("t1").await.granted());
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
        assert_eq!(asked_for(&orchestrator.change_request("t1").await.granted()), kept);
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

    async fn abuse_no_call_changes_what_was_asked_for(gate) {
        let policy = PolicySpec::new("prod").scopes(vec![countersign_proto::v1::Scope {
            projects: tags(&["tier/critical"]),
            environments: tags(&["region/eu"]),
            ..Default::default()
        }]);
        gate.admin().policy(policy.users(&["alice", "bob"]).minimum(2)).await.granted();
        let task = TaskSpec {
            project_tags: vec!["tier/critical".to_owned()],
            environment_tags: vec!["region/eu".to_owned()],
            ..release("t1")
        };
        let orchestrator = gate.orchestrator();
        let asked = asked_for(&orchestrator.opened(task.clone()).await);
        gate.as_("alice").approve("t1").await.granted();
        whatever_else(gate).await;
        gate.as_("alice").revoke("t1").await.granted();
        gate.as_("alice").approve("t1").await.granted();
        orchestrator.create(task).await.granted();
        let now = orchestrator.change_request("t1").await.granted();
        assert_eq!(asked_for(&now), asked);
        assert_eq!((now.approvals_counted, now.approvals_missing), (1, 1));
        // Whoever was let in meanwhile decides nothing, and the honest way is still open.
        gate.as_("mallory").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        let approved = gate.as_("bob").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
        assert_eq!(asked_for(&approved), asked);
        gate.as_("bob").reject("t1").await.granted();
        orchestrator.withdraw("t1").await.refused("NOT_WITHDRAWABLE", "P7");
        let ended = orchestrator.change_request("t1").await.granted();
        assert_eq!(asked_for(&ended), asked);
    }
}

/// A new method that is none of these has to be tried on a change request as well.
#[test]
fn abuse_every_method_that_could_change_a_request_is_known() {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let ours = set
        .file
        .iter()
        .filter(|file| file.package() == "countersign.v1");
    let methods = ours
        .flat_map(|file| &file.service)
        .flat_map(|service| &service.method);
    let reads = |name: &str| {
        ["Get", "List", "Watch"]
            .iter()
            .any(|it| name.starts_with(it))
    };
    let found: BTreeSet<&str> = methods
        .map(prost_types::MethodDescriptorProto::name)
        .filter(|name| !reads(name))
        .collect();
    assert_eq!(found, CHANGES.into_iter().collect());
}
