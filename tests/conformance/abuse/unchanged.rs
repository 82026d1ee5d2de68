//! Whatever is called, nothing changes what a change request asks for, once it was created.

use std::collections::BTreeSet;

use countersign_proto::FILE_DESCRIPTOR_SET;
use countersign_proto::v1::{ChangeRequest, ChangeRequestState, Scope, Task, TaskSpec};
use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::gate::{Expect, FreezeSpec, Gate, PolicySpec, deployment, tags, team};

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
    async fn abuse_no_call_changes_what_was_asked_for(gate) {
        let policy = PolicySpec::new("prod").scopes(vec![Scope {
            projects: tags(&["tier/critical"]),
            environments: tags(&["region/eu"]),
            ..Scope::default()
        }]);
        gate.admin().policy(policy.users(&["alice", "bob"]).minimum(2)).await.granted();
        let task = TaskSpec {
            project_tags: vec!["tier/critical".to_owned()],
            environment_tags: vec!["region/eu".to_owned()],
            release: "1.4.2".to_owned(),
            artifact_digest: "sha256:aa".to_owned(),
            ..deployment("t1")
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
