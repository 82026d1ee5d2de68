//! G2, G3, G4, G6: whose approvals meet a minimum, and who is still missing.

use countersign_proto::v1::blocker::Detail;
use countersign_proto::v1::{
    ApprovalBlocker, ChangeRequest, ChangeRequestState, Policy, Quorum, Task, TaskState,
    WarningKind,
};

use crate::gate::{Expect, Gate, PolicySpec, deployment, team};

/// Makes a policy's minimum its own approvers' business.
fn own(policy: &mut Policy) {
    policy.quorum = Quorum::Own.into();
}

/// `security` needs sam; `developers` need two of dan, dora and sam. Each of its own.
async fn security_and_developers(gate: &Gate) {
    let admin = gate.admin();
    let security = PolicySpec::new("security").users(&["sam"]).with(own);
    admin.policy(security).await.granted();
    let developers = PolicySpec::new("developers").users(&["dan", "dora", "sam"]);
    admin
        .policy(developers.minimum(2).with(own))
        .await
        .granted();
}

async fn approve(gate: &Gate, subject: &str) -> ChangeRequest {
    gate.as_(subject).approve("t1").await.granted()
}

fn approval(task: &Task) -> &ApprovalBlocker {
    match task.blockers.first().and_then(|it| it.detail.as_ref()) {
        Some(Detail::Approval(approval)) => approval,
        other => panic!("nothing is missing: {other:?}"),
    }
}

/// What is missing from whom, as `(policy, how many, people, teams)`.
fn groups(task: &Task) -> Vec<(&str, u32, Vec<&str>, Vec<&str>)> {
    let groups = approval(task).groups.iter();
    groups
        .map(|group| {
            let people = group.people.iter().map(|it| it.subject.as_str());
            let teams = group.teams.iter().map(String::as_str);
            let policy = group.policy.as_str();
            (policy, group.missing, people.collect(), teams.collect())
        })
        .collect()
}

on_both_stores! {
    async fn g3_an_own_minimum_comes_from_its_own_approvers(gate) {
        security_and_developers(gate).await;
        let created = gate.orchestrator().opened(deployment("t1")).await;
        let resultant = created.resultant_policy.as_ref().unwrap();
        assert_eq!((resultant.minimum_approvals, resultant.approvals_needed), (2, 3));
        approve(gate, "dan").await;
        let two = approve(gate, "dora").await;
        assert_eq!(
            (two.state(), two.approvals_counted, two.approvals_missing),
            (ChangeRequestState::Pending, 2, 1)
        );
        let task = gate.task("t1").await;
        assert_eq!(groups(&task), [("security", 1, vec!["sam"], vec![])]);
        assert_eq!(approve(gate, "sam").await.state(), ChangeRequestState::Approved);
        assert_eq!(gate.task("t1").await.state(), TaskState::Cleared);
    }

    async fn g3_one_person_fills_one_place_whoever_came_first(gate) {
        security_and_developers(gate).await;
        gate.orchestrator().create(deployment("t1")).await.granted();
        // Sam, who came first, could fill a place of either; only he can fill that of security.
        approve(gate, "sam").await;
        let two = approve(gate, "dan").await;
        assert_eq!(two.state(), ChangeRequestState::Pending);
        let task = gate.task("t1").await;
        assert_eq!(groups(&task), [("developers", 1, vec!["dora"], vec![])]);
        assert_eq!(approve(gate, "dora").await.state(), ChangeRequestState::Approved);
        let revoked = gate.as_("sam").revoke("t1").await.granted();
        assert_eq!(revoked.state(), ChangeRequestState::Pending);
        let task = gate.task("t1").await;
        assert_eq!(groups(&task), [("security", 1, vec!["sam"], vec![])]);
    }

    async fn g3_people_in_own_places_count_towards_the_highest_minimum(gate) {
        let admin = gate.admin();
        let security = PolicySpec::new("security").users(&["sam"]).with(own);
        admin.policy(security).await.granted();
        let everybody = PolicySpec::new("everybody").users(&["ann", "bob"]).minimum(3);
        admin.policy(everybody).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let task = gate.task("t1").await;
        let all = vec!["ann", "bob", "sam"];
        assert_eq!(approval(&task).missing, 3);
        assert_eq!(
            groups(&task),
            [("security", 1, vec!["sam"], vec![]), ("", 2, all, vec![])]
        );
        for subject in ["ann", "sam"] {
            assert_eq!(approve(gate, subject).await.state(), ChangeRequestState::Pending);
        }
        assert_eq!(approve(gate, "bob").await.state(), ChangeRequestState::Approved);
    }

    async fn g4_the_deficit_can_be_completed_by_those_who_are_left(gate) {
        let admin = gate.admin();
        admin.team(team("dev", &["alice", "bob"])).await.granted();
        // Alice could fill a place of either; nobody but her can fill that of `beta`.
        let alpha = PolicySpec::new("alpha").teams(&["dev"]).with(own);
        admin.policy(alpha).await.granted();
        let beta = PolicySpec::new("beta").users(&["alice"]).with(own);
        admin.policy(beta).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        approve(gate, "alice").await;
        let task = gate.task("t1").await;
        assert_eq!(groups(&task), [("alpha", 1, vec![], vec!["dev"])]);
        assert_eq!(
            task.message,
            "Deployment blocked by change request CR-1: requires approval from 1 approver"
        );
        assert_eq!(approve(gate, "bob").await.state(), ChangeRequestState::Approved);
    }

    async fn g2_g6_pooled_ones_can_be_met_by_others_and_own_ones_be_out_of_reach(gate) {
        let admin = gate.admin();
        let alpha = PolicySpec::new("alpha").users(&["alice"]).with(own);
        assert_eq!(admin.policy(alpha).await.granted().warnings, []);
        let pooled = PolicySpec::new("pooled").users(&["carl", "dora"]);
        let warned = admin.policy(pooled).await.granted().warnings;
        let kinds: Vec<_> = warned.iter().map(|it| (it.kind(), it.policy.as_str())).collect();
        assert_eq!(kinds, [(WarningKind::OwnApproversNotNeeded, "pooled")]);
        // Two places and one person who could fill either: enough people, and still out of reach.
        let beta = PolicySpec::new("beta").users(&["alice"]).with(own);
        admin.policy(beta).await.granted();
        let created = gate.orchestrator().opened(deployment("t1")).await;
        let first = &created.warnings[0];
        assert_eq!(first.kind(), WarningKind::MinimumUnreachable);
        assert!(["alpha", "beta"].contains(&first.policy.as_str()), "{first:?}");
        assert!(first.message.contains("withdraw the task"), "{first:?}");
    }
}
