//! G2, G4 and G6: what is warned of, and who could still approve.

use countersign_proto::v1::{
    ApprovalBlocker, ChangeRequestState, Task, Warning, WarningKind, blocker::Detail,
};

use crate::gate::{Expect, Gate, PolicySpec, deployment, team};

/// Warnings, each with the policy it concerns.
fn told(warnings: &[Warning]) -> Vec<(WarningKind, &str)> {
    warnings
        .iter()
        .map(|warning| (warning.kind(), warning.policy.as_str()))
        .collect()
}

/// Who could still approve a waiting task: how many are missing, people, teams.
fn deficit(task: &Task) -> (u32, Vec<&str>, Vec<&str>) {
    let Some(Detail::Approval(ApprovalBlocker {
        missing,
        people,
        teams,
        ..
    })) = task
        .blockers
        .first()
        .and_then(|blocker| blocker.detail.as_ref())
    else {
        panic!("nothing is missing: {:?}", task.blockers);
    };
    let people = people
        .iter()
        .map(|person| person.subject.as_str())
        .collect();
    (*missing, people, teams.iter().map(String::as_str).collect())
}

/// Security wants one approval, developers two.
async fn security_and_developers(gate: &Gate) -> Vec<Warning> {
    let admin = gate.admin();
    let security = PolicySpec::new("security").users(&["sam"]);
    assert_eq!(admin.policy(security).await.granted().warnings, []);
    let developers = PolicySpec::new("developers")
        .users(&["dan", "dora"])
        .minimum(2);
    admin.policy(developers).await.granted().warnings
}

on_both_stores! {
    async fn g2_a_policy_that_others_can_meet_alone_is_warned_of_at_save(gate) {
        let warnings = security_and_developers(gate).await;
        let security = (WarningKind::OwnApproversNotNeeded, "security");
        assert_eq!(told(&warnings), [security]);
        let text = "policy security can be met without its own approvers";
        assert_eq!(warnings[0].message, text);
        let admin = gate.admin();
        let stricter = PolicySpec::new("developers").minimum(1);
        let saved = admin.update_policy(stricter, &["minimum_approvals"]).await.granted();
        let developers = (WarningKind::OwnApproversNotNeeded, "developers");
        assert_eq!(told(&saved.warnings), [developers, security]);
    }

    async fn g2_the_change_request_itself_says_so(gate) {
        security_and_developers(gate).await;
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        assert_eq!(told(&cr.warnings), [(WarningKind::OwnApproversNotNeeded, "security")]);
        gate.as_("dan").approve("t1").await.granted();
        let met = gate.as_("dora").approve("t1").await.granted();
        assert_eq!(met.state(), ChangeRequestState::Approved);
        assert_eq!(told(&met.warnings), [(WarningKind::OwnApproversNotNeeded, "security")]);
    }

    async fn g2_policies_that_never_meet_are_not_warned_of(gate) {
        let admin = gate.admin();
        let web = PolicySpec::new("web").users(&["sam"]).only(&["web"], &["*"]);
        admin.policy(web).await.granted();
        let api = PolicySpec::new("api").users(&["dan", "dora"]).only(&["api"], &["*"]);
        assert_eq!(admin.policy(api).await.granted().warnings, []);
        let off = PolicySpec::new("off").users(&["dan"]).with(|policy| policy.disabled = true);
        assert_eq!(admin.policy(off.clone()).await.granted().warnings, []);
        let on = off.with(|policy| policy.disabled = false);
        let saved = admin.update_policy(on, &["disabled"]).await.granted();
        assert!(told(&saved.warnings).contains(&(WarningKind::OwnApproversNotNeeded, "off")));
        let cr = gate.orchestrator().preview(deployment("t1")).await.granted();
        let warnings = cr.change_request.unwrap().warnings;
        let pair = [
            (WarningKind::OwnApproversNotNeeded, "off"),
            (WarningKind::OwnApproversNotNeeded, "web"),
        ];
        assert_eq!(told(&warnings), pair);
    }

    async fn g2_approvers_that_both_policies_share_are_needed(gate) {
        let admin = gate.admin();
        admin.policy(PolicySpec::new("one").users(&["sam", "dan"])).await.granted();
        let two = PolicySpec::new("two").users(&["sam", "dan"]).minimum(2);
        assert_eq!(admin.policy(two).await.granted().warnings, []);
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        assert_eq!(cr.warnings, []);
    }

    async fn g4_the_deficit_names_who_could_still_approve(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["olga", "alice"])).await.granted();
        admin.team(team("empty", &[])).await.granted();
        let policy = PolicySpec::new("prod").users(&["alice", "bob", "carol"]);
        let policy = policy.teams(&["ops", "empty"]).minimum(3).block_creator();
        admin.policy(policy).await.granted();
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        assert_eq!(deficit(&cr.tasks[0]), (3, vec!["alice", "bob"], vec!["ops"]));
        let after = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(deficit(&after.tasks[0]), (2, vec!["bob"], vec!["ops"]));
        let after = gate.as_("olga").approve("t1").await.granted();
        assert_eq!(deficit(&after.tasks[0]), (1, vec!["bob"], vec![]));
        let after = gate.as_("alice").revoke("t1").await.granted();
        assert_eq!(deficit(&after.tasks[0]), (2, vec!["alice", "bob"], vec!["ops"]));
        admin.members(team("ops", &["olga"])).await.granted();
        let shown = gate.orchestrator().task("t1").await.granted();
        assert_eq!(deficit(&shown), (2, vec!["alice", "bob"], vec![]));
        assert!(shown.blockers[0].message.contains("2 approvers"), "{:?}", shown.blockers);
    }

    async fn g6_a_minimum_nobody_can_reach_is_warned_of_with_the_cure(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]).minimum(2);
        let saved = gate.admin().policy(policy).await.granted();
        assert_eq!(told(&saved.warnings), [(WarningKind::MinimumUnreachable, "prod")]);
        assert!(saved.warnings[0].message.contains("add approvers or lower the minimum"));
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        assert_eq!(told(&cr.warnings), [(WarningKind::MinimumUnreachable, "")]);
        let text = &cr.warnings[0].message;
        assert!(text.contains("withdraw the task") && text.contains("new task"), "{text}");
        let after = gate.as_("alice").approve("t1").await.granted();
        assert_eq!((after.state(), after.approvals_missing), (ChangeRequestState::Pending, 1));
        let mended = PolicySpec::new("prod").users(&["alice", "bob"]);
        let saved = gate.admin().update_policy(mended, &["approvers"]).await.granted();
        assert_eq!(saved.warnings, []);
        gate.orchestrator().withdraw("t1").await.granted();
        let cr = gate.orchestrator().opened(deployment("t2")).await;
        assert_eq!(cr.warnings, []);
    }

    async fn g6_the_creator_block_takes_one_person_away(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "carol"]).minimum(2);
        let saved = gate.admin().policy(policy.block_creator()).await.granted();
        assert_eq!(told(&saved.warnings), [(WarningKind::MinimumUnreachable, "prod")]);
        let by_carol = gate.orchestrator().opened(deployment("t1")).await;
        assert_eq!(told(&by_carol.warnings), [(WarningKind::MinimumUnreachable, "")]);
        let mut by_another = deployment("t2");
        by_another.creator.as_mut().unwrap().person.as_mut().unwrap().subject = "erin".to_owned();
        let by_another = gate.orchestrator().opened(by_another).await;
        assert_eq!(by_another.warnings, []);
    }

    async fn g6_no_one_is_never_enough(gate) {
        let admin = gate.admin();
        admin.team(team("empty", &[])).await.granted();
        let saved = admin.policy(PolicySpec::new("prod").teams(&["empty"])).await.granted();
        assert_eq!(told(&saved.warnings), [(WarningKind::MinimumUnreachable, "prod")]);
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        assert_eq!((cr.state(), cr.approvals_missing), (ChangeRequestState::Pending, 1));
        assert_eq!(deficit(&cr.tasks[0]), (1, vec![], vec![]));
        gate.as_("alice").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        admin.members(team("empty", &["alice"])).await.granted();
        let shown = gate.as_("alice").change_request("t1").await.granted();
        assert_eq!(shown.warnings, []);
        let approved = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn g6_who_is_in_a_claimed_team_is_unknown_so_nothing_is_warned_of(gate) {
        let admin = gate.admin();
        let mut claimed = team("security", &[]);
        claimed.claimed = true;
        admin.team(claimed).await.granted();
        let policy = PolicySpec::new("prod").teams(&["security"]).minimum(9);
        assert_eq!(admin.policy(policy).await.granted().warnings, []);
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        assert_eq!(cr.warnings, []);
        assert_eq!(deficit(&cr.tasks[0]), (9, vec![], vec!["security"]));
    }
}
