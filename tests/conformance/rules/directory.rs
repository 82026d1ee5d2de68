//! M1 and D8: policies and teams are kept, each change under the etag of what was read.

use countersign_proto::v1::{
    DeletePolicyRequest, DeleteTeamRequest, ListPoliciesRequest, ListTeamsRequest, Policy, Team,
    UpdatePolicyRequest, UpdateTeamRequest,
};
use tonic::Code;

use crate::gate::{Expect, PolicySpec, deployment, mask, person, team};

fn policy_update(policy: Policy, paths: &[&str], etag: &str) -> UpdatePolicyRequest {
    UpdatePolicyRequest {
        policy: Some(policy),
        update_mask: mask(paths),
        etag: etag.to_owned(),
        ..UpdatePolicyRequest::default()
    }
}

fn team_update(team: Team, paths: &[&str], etag: &str) -> UpdateTeamRequest {
    UpdateTeamRequest {
        team: Some(team),
        update_mask: mask(paths),
        etag: etag.to_owned(),
        request_id: String::new(),
    }
}

on_both_stores! {
    async fn m1_a_policy_is_shown_as_it_was_saved(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["olga"])).await.granted();
        let policy = PolicySpec::new("prod").users(&["bob", "alice"]).teams(&["ops"]).minimum(2);
        let policy = policy.block_creator().only(&["web", "api"], &["production"]);
        let policy = policy.with(|policy| policy.description = "Two people.".to_owned());
        let kept = admin.policy(policy.clone()).await.granted().policy.unwrap();
        let said = policy.build();
        let mut users = said.approvers.unwrap().users;
        users.iter_mut().for_each(|user| user.issuer = "local".to_owned());
        users.reverse();
        let approvers = kept.approvers.clone().unwrap();
        assert_eq!((approvers.users, approvers.teams), (users, vec!["ops".to_owned()]));
        assert_eq!((kept.minimum_approvals, kept.block_creator), (2, true));
        assert_eq!(kept.description, "Two people.");
        assert_eq!((kept.created_at, kept.updated_at), (gate.at(0), gate.at(0)));
        assert_eq!(gate.as_("mallory").get_policy("prod").await.granted(), kept);
        gate.restart().await;
        assert_eq!(gate.as_("mallory").get_policy("prod").await.granted(), kept);
    }

    async fn m1_an_update_changes_what_its_mask_names(gate) {
        let admin = gate.admin();
        let policy = PolicySpec::new("prod").users(&["alice"]).minimum(2);
        let first = admin.policy(policy).await.granted().policy.unwrap();
        gate.pass(10).await;
        let other = PolicySpec::new("prod").users(&["bob"]).minimum(3).block_creator();
        let saved = admin.update_policy(other, &["minimum_approvals"]).await.granted();
        let second = saved.policy.unwrap();
        let etag = second.etag.clone();
        assert_ne!(etag, first.etag);
        let updated_at = gate.at(0);
        let expected = Policy { minimum_approvals: 3, revision: 2, etag, updated_at, ..first };
        assert_eq!(second, expected);
        let plain = Policy { id: "prod".to_owned(), ..Policy::default() };
        let before = gate.entries().await;
        let same = policy_update(plain.clone(), &["disabled", "description"], "");
        let third = admin.update_policy_with(same).await.granted();
        assert_eq!((third.policy, gate.entries().await), (Some(second), before));
        let named = policy_update(plain, &["name"], "");
        let fourth = admin.update_policy_with(named).await.granted().policy.unwrap();
        assert_eq!(fourth.name, "prod");
    }

    async fn e1_a_mask_names_known_fields(gate) {
        let admin = gate.admin();
        admin.policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        admin.team(team("ops", &["olga"])).await.granted();
        let before = gate.entries().await;
        let renamed = PolicySpec::new("prod").with(|policy| policy.name = "New".to_owned());
        for paths in [&[][..], &["id"], &["*"], &["revision"], &["name", "approvers.users"]] {
            let refused = admin.update_policy(renamed.clone(), paths).await;
            let refused = refused.refused("INVALID_FIELD", "E1");
            assert_eq!(refused.metadata["field"], "update_mask", "{paths:?}");
        }
        let mut unmasked = policy_update(renamed.build(), &[], "");
        unmasked.update_mask = None;
        admin.update_policy_with(unmasked).await.refused("INVALID_FIELD", "E1");
        for paths in [&[][..], &["id"], &["claimed"], &["members", "etag"]] {
            let refused = admin.update_team_with(team_update(team("ops", &[]), paths, "")).await;
            let refused = refused.refused("INVALID_FIELD", "E1");
            assert_eq!(refused.metadata["field"], "update_mask", "{paths:?}");
        }
        assert_eq!(gate.entries().await, before);
        assert_eq!(admin.get_policy("prod").await.granted().name, "prod");
    }

    async fn d11_a_change_under_an_old_etag_is_refused(gate) {
        let admin = gate.admin();
        let policy = PolicySpec::new("prod").users(&["alice"]);
        let read = admin.policy(policy.clone()).await.granted().policy.unwrap();
        let read_team = admin.team(team("ops", &["olga"])).await.granted();
        let stricter = policy.minimum(2).build();
        let paths = ["minimum_approvals"];
        let update = policy_update(stricter.clone(), &paths, &read.etag);
        let saved = admin.update_policy_with(update.clone()).await.granted().policy.unwrap();
        let joined = team_update(team("ops", &["olga", "oscar"]), &["members"], &read_team.etag);
        let saved_team = admin.update_team_with(joined.clone()).await.granted().team.unwrap();
        let before = gate.entries().await;
        let refused = admin.update_policy_with(update).await.refused("ETAG_MISMATCH", "D11");
        assert_eq!((refused.code, &refused.metadata["found"]), (Code::Aborted, &saved.etag));
        admin.update_team_with(joined).await.refused("ETAG_MISMATCH", "D11");
        let delete = |etag: &str| DeletePolicyRequest {
            policy_id: "prod".to_owned(),
            etag: etag.to_owned(),
            request_id: String::new(),
        };
        let delete_team = |etag: &str| DeleteTeamRequest {
            team_id: "ops".to_owned(),
            etag: etag.to_owned(),
            request_id: String::new(),
        };
        let refused = admin.delete_policy_with(delete(&read.etag)).await;
        refused.refused("ETAG_MISMATCH", "D11");
        let refused = admin.delete_team_with(delete_team(&read_team.etag)).await;
        refused.refused("ETAG_MISMATCH", "D11");
        assert_eq!(gate.entries().await, before);
        admin.delete_policy_with(delete(&saved.etag)).await.granted();
        admin.delete_team_with(delete_team(&saved_team.etag)).await.granted();
    }

    async fn d11_a_policy_made_again_has_another_etag(gate) {
        let admin = gate.admin();
        let policy = || PolicySpec::new("prod").users(&["alice"]);
        let first = admin.policy(policy()).await.granted().policy.unwrap();
        admin.delete_policy("prod").await.granted();
        let again = admin.policy(policy()).await.granted().policy.unwrap();
        assert_eq!(again.revision, 1);
        let stale = policy_update(policy().minimum(2).build(), &["minimum_approvals"], &first.etag);
        admin.update_policy_with(stale).await.refused("ETAG_MISMATCH", "D11");
    }

    async fn e1_changing_needs_the_policy_admin(gate) {
        let admin = gate.admin();
        admin.policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        admin.team(team("ops", &["olga"])).await.granted();
        let before = gate.entries().await;
        for bearer in ["alice", "orchestrator:ci", "runner:r", "auditor:a", "operator:o"] {
            let caller = gate.as_(bearer);
            let policy = || PolicySpec::new("prod").users(&["mallory"]);
            let role = ("ROLE_REQUIRED", "E1");
            caller.policy(policy()).await.refused(role.0, role.1);
            caller.update_policy(policy(), &["approvers"]).await.refused(role.0, role.1);
            caller.delete_policy("prod").await.refused(role.0, role.1);
            caller.team(team("new", &["mallory"])).await.refused(role.0, role.1);
            caller.members(team("ops", &["mallory"])).await.refused(role.0, role.1);
            let refused = caller.delete_team("ops").await.refused(role.0, role.1);
            assert_eq!(refused.code, Code::PermissionDenied);
            caller.get_policy("prod").await.granted();
            caller.get_team("ops").await.granted();
        }
        assert_eq!(gate.entries().await, before);
        gate.as_("root:x").delete_policy("prod").await.granted();
    }

    async fn e1_what_is_not_there_is_not_found(gate) {
        let admin = gate.admin();
        let before = gate.entries().await;
        let refused = admin.get_policy("prod").await.refused("NOT_FOUND", "E1");
        assert_eq!((refused.code, &*refused.metadata["kind"]), (Code::NotFound, "policy"));
        let renamed = PolicySpec::new("prod").with(|policy| policy.name = "New".to_owned());
        admin.update_policy(renamed, &["name"]).await.refused("NOT_FOUND", "E1");
        admin.delete_policy("prod").await.refused("NOT_FOUND", "E1");
        admin.get_team("ops").await.refused("NOT_FOUND", "E1");
        admin.members(team("ops", &[])).await.refused("NOT_FOUND", "E1");
        admin.delete_team("ops").await.refused("NOT_FOUND", "E1");
        admin.get_policy("").await.refused("INVALID_FIELD", "E1");
        assert_eq!(gate.entries().await, before);
    }

    async fn d8_a_team_is_kept_under_its_id(gate) {
        let admin = gate.admin();
        let mut ops = team("ops", &["oscar", "olga", "olga"]);
        ops.description = "On call.".to_owned();
        let kept = admin.team(ops).await.granted();
        assert_eq!((kept.name.as_str(), kept.revision), ("ops", 1));
        assert_eq!(kept.description, "On call.");
        let members: Vec<_> = kept.members.iter().map(|member| member.subject.as_str()).collect();
        assert_eq!(members, ["olga", "oscar"]);
        let before = gate.entries().await;
        let refused = admin.team(team("ops", &["bob"])).await.refused("TEAM_ID_TAKEN", "M1");
        assert_eq!(refused.code, Code::AlreadyExists);
        let mut foreign = team("new", &[]);
        foreign.members = vec![person("bob")];
        foreign.members[0].issuer = "elsewhere".to_owned();
        let refused = admin.team(foreign).await.refused("INVALID_FIELD", "C3");
        assert_eq!(refused.metadata["field"], "team.members[0].issuer");
        assert_eq!(gate.entries().await, before);
        gate.restart().await;
        assert_eq!(gate.as_("alice").get_team("ops").await.granted(), kept);
    }

    async fn m1_policies_and_teams_are_listed_by_id_page_by_page(gate) {
        let admin = gate.admin();
        for id in ["d", "b", "e", "a", "c"] {
            admin.policy(PolicySpec::new(id).users(&["alice"])).await.granted();
            admin.team(team(id, &[])).await.granted();
        }
        let (mut policies, mut teams) = (Vec::new(), Vec::new());
        let mut request = ListPoliciesRequest { page_size: 2, ..ListPoliciesRequest::default() };
        loop {
            let page = gate.as_("alice").policies(request.clone()).await.granted();
            policies.extend(page.policies.into_iter().map(|policy| policy.id));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        let mut request = ListTeamsRequest { page_size: 2, ..ListTeamsRequest::default() };
        let first = gate.as_("alice").teams(request.clone()).await.granted().next_page_token;
        loop {
            let page = gate.as_("alice").teams(request.clone()).await.granted();
            teams.extend(page.teams.into_iter().map(|team| team.id));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(policies, ["a", "b", "c", "d", "e"]);
        assert_eq!(teams, policies);
        let of_teams = ListPoliciesRequest { page_token: first, ..ListPoliciesRequest::default() };
        admin.policies(of_teams).await.refused("INVALID_FIELD", "E1");
    }

    async fn m1_the_id_of_a_deleted_policy_may_be_used_again(gate) {
        let admin = gate.admin();
        admin.policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        admin.delete_policy("prod").await.granted();
        assert!(!gate.orchestrator().opened(deployment("t1")).await.approval_required);
        admin.policy(PolicySpec::new("prod").users(&["bob"])).await.granted();
        gate.orchestrator().create(deployment("t2")).await.granted();
        gate.as_("alice").approve("t2").await.refused("NOT_AN_APPROVER", "D1");
        gate.as_("bob").approve("t2").await.granted();
    }
}
