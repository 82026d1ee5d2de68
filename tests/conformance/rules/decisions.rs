//! D1 to D4: who may approve, who is one person, and what an approval does.

use countersign_proto::v1::{
    AggregateKind, ApproveRequest, ChangeRequestState, Signal, TaskState, Verdict,
};
use tonic::Code;

use crate::gate::{Expect, PolicySpec, Setup, TokenSpec, at_any_time, deployment, person, team};

/// Two credentials of one person, and two people whose names look alike.
fn look_alikes() -> Vec<TokenSpec> {
    vec![
        TokenSpec::service("ci", &["orchestrator"]),
        TokenSpec::person("admin", "root").roles(&["policy_admin"]),
        TokenSpec::person("laptop", "Am\u{e9}lie"),
        TokenSpec::person("phone", "Am\u{e9}lie"),
        TokenSpec::person("other", "Ame\u{301}lie"),
    ]
}

on_both_stores! {
    async fn d1_only_an_approver_may_approve(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let cr = gate.orchestrator().create(deployment("t1")).await.granted();
        let id = cr.change_request.unwrap().id;
        let before = gate.entries().await;
        for stranger in ["mallory", "carol", "admin:root", "root:alice", "auditor:alice"] {
            let refused = gate.as_(stranger).approve(&id).await.refused("NOT_AN_APPROVER", "D1");
            assert_eq!(refused.code, Code::PermissionDenied, "{stranger}");
            assert_eq!(refused.metadata["change_request"], "CR-1");
        }
        assert_eq!(gate.entries().await, before);
        let approved = gate.as_("alice").approve(&id).await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
        assert_eq!(approved.tasks[0].state(), TaskState::Cleared);
        assert_eq!(approved.tasks[0].signal(), Signal::Proceed);
    }

    async fn d1_a_blocked_creator_may_not_approve(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "carol"]).block_creator();
        gate.admin().policy(policy).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let before = gate.entries().await;
        let refused = gate.as_("carol").approve("t1").await.refused("CREATOR_BLOCKED", "D1");
        assert_eq!((refused.code, gate.entries().await), (Code::PermissionDenied, before));
        let approved = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
        gate.as_("carol").approve("t1").await.refused("CREATOR_BLOCKED", "D1");
    }

    async fn d1_the_creator_block_holds_through_a_team(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["carol", "olga"])).await.granted();
        admin.policy(PolicySpec::new("prod").teams(&["ops"]).block_creator()).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        gate.as_("carol").approve("t1").await.refused("CREATOR_BLOCKED", "D1");
        let approved = gate.as_("olga").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn d1_a_creator_who_is_not_blocked_may_approve(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["carol"])).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let approved = gate.as_("carol").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
        assert!(!approved.decisions[0].as_creator);
    }

    async fn d1_services_orchestrators_and_runners_never_decide(gate) {
        let services = ["orchestrator:deployer", "runner:web-1"];
        let admin = gate.admin();
        admin.team(team("services", &services)).await.granted();
        let policy = PolicySpec::new("prod").users(&services).teams(&["services"]);
        admin.policy(policy).await.granted();
        let mut task = deployment("t1");
        let creator = task.creator.as_mut().unwrap();
        creator.person = Some(person("orchestrator:deployer"));
        gate.orchestrator().create(task).await.granted();
        let before = gate.entries().await;
        for service in services {
            let caller = gate.as_(service);
            let refused = caller.approve("t1").await.refused("CANNOT_DECIDE", "D1");
            assert_eq!(refused.code, Code::PermissionDenied);
            caller.reject("t1").await.refused("CANNOT_DECIDE", "D1");
            caller.revoke("t1").await.refused("CANNOT_DECIDE", "D1");
        }
        assert_eq!(gate.entries().await, before);
    }

    async fn d2_one_person_through_two_teams_counts_once(gate) {
        let admin = gate.admin();
        admin.team(team("security", &["alice", "bob"])).await.granted();
        admin.team(team("developers", &["alice"])).await.granted();
        let policy = PolicySpec::new("prod").teams(&["security", "developers"]).minimum(2);
        admin.policy(policy).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let once = gate.as_("alice").approve("t1").await.granted();
        assert_eq!((once.approvals_counted, once.approvals_missing), (1, 1));
        assert_eq!(once.decisions[0].eligible_through, ["developers", "security"]);
        assert!(!once.decisions[0].eligible_directly);
        let mut alice = person("alice");
        alice.issuer = "local".to_owned();
        assert_eq!(once.decisions[0].person, Some(alice));
        let again = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(again.approvals_counted, 1);
        let both = gate.as_("bob").approve("t1").await.granted();
        assert_eq!(both.state(), ChangeRequestState::Approved);
    }

    async fn d2_named_and_in_a_team_is_still_one_person(gate) {
        let admin = gate.admin();
        admin.team(team("security", &["alice"])).await.granted();
        let one = PolicySpec::new("one").users(&["alice"]).minimum(2);
        admin.policy(one).await.granted();
        let two = PolicySpec::new("two").users(&["alice"]).teams(&["security"]);
        admin.policy(two).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let once = gate.as_("alice").approve("t1").await.granted();
        let decision = &once.decisions[0];
        assert!(decision.eligible_directly);
        assert_eq!(decision.eligible_through, ["security"]);
        assert_eq!((once.state(), once.approvals_counted), (ChangeRequestState::Pending, 1));
    }

    async fn d2_a_subject_is_compared_byte_for_byte(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "al ice", "bob "]).minimum(2);
        gate.admin().policy(policy).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        for other in ["Alice", "ALICE", "alic", "alice2", "al  ice", "bob"] {
            gate.as_(other).approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        }
        let one = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(one.state(), ChangeRequestState::Pending);
        let two = gate.as_("al ice").approve("t1").await.granted();
        assert_eq!((two.state(), two.approvals_counted), (ChangeRequestState::Approved, 2));
    }

    async fn d3_a_repeat_changes_nothing_and_keeps_the_first_comment(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let with = |comment: &str| ApproveRequest {
            change_request: "t1".to_owned(),
            comment: comment.to_owned(),
            ..ApproveRequest::default()
        };
        let first = gate.as_("alice").approve_with(with("looks good")).await.granted();
        let before = gate.entries().await;
        gate.pass(60).await;
        let again = gate.as_("alice").approve_with(with("still good")).await.granted();
        assert_eq!(again.decisions[0].comment, "looks good");
        assert_eq!(at_any_time(again), at_any_time(first));
        assert_eq!(gate.entries().await, before);
    }

    async fn d3_on_an_ended_change_request_only_the_exact_repeat_is_ok(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob", "dave"]).minimum(3);
        gate.admin().policy(policy).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let (alice, bob, dave) = (gate.as_("alice"), gate.as_("bob"), gate.as_("dave"));
        alice.approve("t1").await.granted();
        let stopped = bob.reject("t1").await.granted();
        let before = gate.entries().await;
        let shown = alice.approve("t1").await.granted();
        assert_eq!(Some(shown), stopped.change_request);
        assert_eq!(bob.reject("t1").await.granted(), stopped);
        let ended = ("CHANGE_REQUEST_ENDED", "D5");
        let refused = alice.reject("t1").await.refused(ended.0, ended.1);
        assert_eq!(refused.code, Code::FailedPrecondition);
        assert_eq!(refused.metadata["found"], "REJECTED");
        alice.revoke("t1").await.refused(ended.0, ended.1);
        bob.approve("t1").await.refused(ended.0, ended.1);
        dave.approve("t1").await.refused(ended.0, ended.1);
        dave.reject("t1").await.refused(ended.0, ended.1);
        assert_eq!(gate.entries().await, before);
    }

    async fn d3_permission_is_checked_before_state(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        gate.as_("alice").reject("t1").await.granted();
        gate.as_("mallory").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        gate.as_("mallory").reject("t1").await.refused("NOT_AN_APPROVER", "D1");
        gate.as_("runner:web-1").approve("t1").await.refused("CANNOT_DECIDE", "D1");
    }

    async fn d4_further_approvals_count_and_clear_nothing_again(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob", "dave"]);
        gate.admin().policy(policy).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        gate.as_("alice").approve("t1").await.granted();
        for (person, counted) in [("bob", 2), ("dave", 3)] {
            let more = gate.as_(person).approve("t1").await.granted();
            assert_eq!(more.state(), ChangeRequestState::Approved);
            assert_eq!((more.approvals_counted, more.approvals_missing), (counted, 0));
            assert_eq!(more.tasks[0].generation, 1);
        }
        let less = gate.as_("alice").revoke("t1").await.granted();
        assert_eq!((less.state(), less.approvals_counted), (ChangeRequestState::Approved, 2));
        assert_eq!(less.tasks[0].state(), TaskState::Cleared);
        let events = gate.as_("auditor:audit").events(AggregateKind::Task, "t1").await;
        assert_eq!(events, ["task.created", "task.cleared"]);
        gate.runner().start("t1", 1, "c1").await.granted();
        let late = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(late.approvals_counted, 3);
    }

    async fn d4_decisions_are_shown_oldest_first_with_their_credential(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        gate.as_("bob").approve("t1").await.granted();
        gate.pass(10).await;
        gate.as_("alice").approve("t1").await.granted();
        gate.pass(10).await;
        let cr = gate.as_("bob").revoke("t1").await.granted();
        let shown: Vec<_> = cr.decisions.iter().map(|it| (it.verdict(), it.decided_at)).collect();
        assert_eq!(shown, [(Verdict::Approved, gate.at(-10)), (Verdict::Revoked, gate.at(0))]);
        let credential = cr.decisions[0].credential.clone().unwrap();
        assert_eq!((credential.kind.as_str(), credential.id.as_str()), ("insecure_dev", "alice"));
    }
}

on_both_stores! { with Setup::with_tokens(look_alikes);
    async fn d2_one_person_with_two_credentials_counts_once(gate) {
        let policy = PolicySpec::new("prod").users(&["Am\u{e9}lie"]).minimum(2);
        gate.with_token("admin").policy(policy).await.granted();
        gate.with_token("ci").create(deployment("t1")).await.granted();
        let first = gate.with_token("laptop").approve("t1").await.granted();
        let before = gate.entries().await;
        let again = gate.with_token("phone").approve("t1").await.granted();
        assert_eq!(again, first);
        assert_eq!((again.approvals_counted, gate.entries().await), (1, before));
        let credential = again.decisions[0].credential.clone().unwrap();
        assert_eq!((credential.kind.as_str(), credential.id.as_str()), ("api_token", "laptop"));
    }

    async fn d2_two_spellings_that_look_alike_are_two_people(gate) {
        let policy = PolicySpec::new("prod").users(&["Am\u{e9}lie"]);
        gate.with_token("admin").policy(policy).await.granted();
        gate.with_token("ci").create(deployment("t1")).await.granted();
        let other = gate.with_token("other").approve("t1").await;
        other.refused("NOT_AN_APPROVER", "D1");
        let approved = gate.with_token("phone").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }
}
