//! D8 and D10: members of teams are read when a person decides; a frozen policy names one
//! incarnation of a team.

use countersign_proto::v1::{AggregateKind, ChangeRequestState, TaskState};
use tonic::Code;

use crate::gate::{Expect, Gate, PolicySpec, deployment, team};

/// A waiting `t1` that two members of `ops` must approve: olga, and who joins.
async fn two_of_ops(gate: &Gate) {
    gate.admin()
        .team(team("ops", &["olga", "oscar"]))
        .await
        .granted();
    gate.admin()
        .policy(PolicySpec::new("prod").teams(&["ops"]).minimum(2))
        .await
        .granted();
    gate.orchestrator().create(deployment("t1")).await.granted();
}

on_both_stores! {
    async fn d8_who_joins_a_team_may_approve_at_once(gate) {
        two_of_ops(gate).await;
        gate.as_("alice").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        gate.admin().members(team("ops", &["olga", "alice"])).await.granted();
        let once = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(once.decisions[0].eligible_through, ["ops"]);
        gate.as_("oscar").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        gate.as_("oscar").reject("t1").await.refused("NOT_AN_APPROVER", "D1");
        let twice = gate.as_("olga").approve("t1").await.granted();
        assert_eq!(twice.state(), ChangeRequestState::Approved);
    }

    async fn d8_an_approval_survives_that_its_giver_leaves(gate) {
        two_of_ops(gate).await;
        let given = gate.as_("olga").approve("t1").await.granted();
        gate.admin().members(team("ops", &["oscar"])).await.granted();
        let shown = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(shown.decisions, given.decisions);
        assert_eq!(shown.decisions[0].eligible_through, ["ops"]);
        assert_eq!((shown.approvals_counted, shown.approvals_missing), (1, 1));
        let approved = gate.as_("oscar").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
        let again = gate.as_("olga").approve("t1").await.granted();
        assert_eq!(again.decisions, approved.decisions);
    }

    async fn d8_editing_a_team_touches_no_change_request_by_itself(gate) {
        two_of_ops(gate).await;
        gate.as_("olga").approve("t1").await.granted();
        gate.as_("oscar").approve("t1").await.granted();
        gate.admin().members(team("ops", &[])).await.granted();
        gate.pass(60).await;
        let shown = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(shown.state(), ChangeRequestState::Approved);
        assert_eq!(shown.tasks[0].state(), TaskState::Cleared);
        gate.runner().start("t1", 1, "c1").await.granted();
    }

    async fn d8_the_reply_names_the_open_change_requests(gate) {
        two_of_ops(gate).await;
        let admin = gate.admin();
        admin.team(team("other", &["olga"])).await.granted();
        let orchestrator = gate.orchestrator();
        for id in ["t2", "t3", "t4"] {
            orchestrator.create(deployment(id)).await.granted();
        }
        for person in ["olga", "oscar"] {
            gate.as_(person).approve("t2").await.granted();
            gate.as_(person).approve("t4").await.granted();
        }
        gate.as_("olga").reject("t3").await.granted();
        gate.runner().start("t4", 1, "c1").await.granted();
        let mut elsewhere = deployment("t5");
        elsewhere.project = "api".to_owned();
        let policy = PolicySpec::new("prod").only(&["web"], &["*"]);
        admin.update_policy(policy, &["scopes"]).await.granted();
        orchestrator.create(elsewhere).await.granted();
        let saved = admin.members(team("ops", &["olga"])).await.granted();
        assert_eq!(saved.open_change_requests, ["CR-2", "CR-1"]);
        assert_eq!(saved.team.unwrap().revision, 2);
        let saved = admin.members(team("other", &["bob"])).await.granted();
        assert!(saved.open_change_requests.is_empty());
    }

    async fn d8_editing_a_team_is_in_the_log(gate) {
        two_of_ops(gate).await;
        let admin = gate.admin();
        let before = gate.entries().await;
        admin.members(team("ops", &["olga"])).await.granted();
        assert_eq!(gate.entries().await, before + 1);
        admin.members(team("ops", &["olga"])).await.granted();
        assert_eq!(gate.entries().await, before + 1);
        let events = gate.as_("auditor:audit").events(AggregateKind::Team, "ops").await;
        assert_eq!(events, ["team.created", "team.updated"]);
        assert_eq!(admin.get_team("ops").await.granted().revision, 2);
    }

    async fn d8_a_team_emptied_in_flight_leaves_it_pending(gate) {
        two_of_ops(gate).await;
        gate.admin().members(team("ops", &[])).await.granted();
        gate.as_("olga").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        let shown = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!((shown.state(), shown.approvals_missing), (ChangeRequestState::Pending, 2));
        assert_eq!(shown.warnings.len(), 1);
    }

    async fn d10_a_team_that_a_living_policy_names_is_not_deleted(gate) {
        two_of_ops(gate).await;
        let admin = gate.admin();
        let off = PolicySpec::new("off").teams(&["ops"]).with(|policy| policy.disabled = true);
        admin.policy(off).await.granted();
        let before = gate.entries().await;
        let refused = admin.delete_team("ops").await.refused("TEAM_IN_USE", "D10");
        assert_eq!(refused.code, Code::FailedPrecondition);
        assert_eq!(refused.metadata["policies"], "off, prod");
        assert_eq!(gate.entries().await, before);
        admin.delete_policy("off").await.granted();
        let named = PolicySpec::new("prod").users(&["alice"]);
        admin.update_policy(named, &["approvers"]).await.granted();
        assert_eq!(admin.delete_team("ops").await.granted(), ["CR-1"]);
        admin.get_team("ops").await.refused("NOT_FOUND", "E1");
        let unknown = PolicySpec::new("new").teams(&["ops"]);
        admin.policy(unknown).await.refused("INVALID_FIELD", "M1");
    }

    async fn d10_a_deleted_team_has_no_members(gate) {
        two_of_ops(gate).await;
        gate.as_("olga").approve("t1").await.granted();
        gate.admin().delete_policy("prod").await.granted();
        gate.admin().delete_team("ops").await.granted();
        gate.as_("oscar").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        let shown = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!((shown.approvals_counted, shown.approvals_missing), (1, 1));
        gate.as_("olga").revoke("t1").await.granted();
        gate.orchestrator().withdraw("t1").await.granted();
    }

    async fn d10_a_team_made_again_under_its_id_is_another_one(gate) {
        two_of_ops(gate).await;
        let admin = gate.admin();
        admin.delete_policy("prod").await.granted();
        admin.delete_team("ops").await.granted();
        admin.team(team("ops", &["olga", "oscar", "eve"])).await.granted();
        for person in ["eve", "olga"] {
            gate.as_(person).approve("t1").await.refused("NOT_AN_APPROVER", "D1");
            gate.as_(person).reject("t1").await.refused("NOT_AN_APPROVER", "D1");
        }
        let saved = admin.members(team("ops", &["olga"])).await.granted();
        assert!(saved.open_change_requests.is_empty());
        admin.policy(PolicySpec::new("prod").teams(&["ops"])).await.granted();
        gate.orchestrator().create(deployment("t2")).await.granted();
        let approved = gate.as_("olga").approve("t2").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
        gate.as_("olga").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
    }

    async fn d10_members_of_a_claimed_team_are_not_kept_here(gate) {
        let admin = gate.admin();
        let before = gate.entries().await;
        let mut claimed = team("security", &["alice"]);
        claimed.claimed = true;
        let refused = admin.team(claimed.clone()).await.refused("INVALID_FIELD", "D10");
        assert_eq!(refused.metadata["field"], "team.members");
        assert_eq!(gate.entries().await, before);
        claimed.members.clear();
        assert!(admin.team(claimed).await.granted().claimed);
        let members = admin.members(team("security", &["alice"])).await;
        members.refused("INVALID_FIELD", "D10");
        admin.policy(PolicySpec::new("prod").teams(&["security"])).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        gate.as_("alice").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
    }
}
