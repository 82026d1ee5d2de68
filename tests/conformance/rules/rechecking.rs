//! D9: approvals that count are checked again, at the threshold and at the start.

use countersign_proto::v1::{
    AggregateKind, ChangeRequest, ChangeRequestState, Policy, Signal, TaskState, Team, Verdict,
    WarningKind,
};

use crate::gate::{Expect, Gate, PolicySpec, deployment, team};

fn recheck(policy: &mut Policy) {
    policy.recheck_approvers = true;
}

/// Two of the team `dev` must approve `t1`, and are checked again.
async fn two_of_dev(gate: &Gate, members: &[&str]) {
    gate.admin().team(team("dev", members)).await.granted();
    let policy = PolicySpec::new("prod").teams(&["dev"]).minimum(2);
    gate.admin().policy(policy.with(recheck)).await.granted();
    gate.orchestrator().create(deployment("t1")).await.granted();
}

async fn members(gate: &Gate, members: &[&str]) {
    gate.admin().members(team("dev", members)).await.granted();
}

fn verdict_of(cr: &ChangeRequest, subject: &str) -> Verdict {
    let of = |person: Option<&countersign_proto::v1::Person>| {
        person.is_some_and(|person| person.subject == subject)
    };
    let mut decisions = cr.decisions.iter();
    let decision = decisions.find(|it| of(it.person.as_ref()));
    decision.expect("a decision").verdict()
}

async fn lapses(gate: &Gate) -> usize {
    let events = gate
        .as_("auditor:ann")
        .events(AggregateKind::ChangeRequest, "1")
        .await;
    let lapsed = |event: &&String| *event == "change_request.approval_lapsed";
    events.iter().filter(lapsed).count()
}

on_both_stores! {
    async fn d9_at_the_threshold_an_approval_of_one_who_left_lapses(gate) {
        two_of_dev(gate, &["alice", "bob", "dave"]).await;
        gate.as_("alice").approve("t1").await.granted();
        members(gate, &["bob", "dave"]).await;
        let second = gate.as_("bob").approve("t1").await.granted();
        assert_eq!(second.state(), ChangeRequestState::Pending);
        assert_eq!((second.approvals_counted, second.approvals_missing), (1, 1));
        assert_eq!(verdict_of(&second, "alice"), Verdict::Lapsed);
        assert_eq!(lapses(gate).await, 1);
        gate.as_("alice").revoke("t1").await.refused("NOTHING_TO_REVOKE", "D7");
        let third = gate.as_("dave").approve("t1").await.granted();
        assert_eq!(third.state(), ChangeRequestState::Approved);
    }

    async fn d9_at_the_start_the_quorum_is_lost_again_and_the_start_refused(gate) {
        two_of_dev(gate, &["alice", "bob"]).await;
        gate.as_("alice").approve("t1").await.granted();
        gate.as_("bob").approve("t1").await.granted();
        assert_eq!(gate.task("t1").await.signal(), Signal::Proceed);
        members(gate, &["bob"]).await;
        // Nothing is checked before somebody wants to start.
        assert_eq!(gate.task("t1").await.signal(), Signal::Proceed);
        let refused = gate.runner().start("t1", 1, "c1").await.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.fact("waiting_for"), "approval");
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Pending);
        assert_eq!(verdict_of(&cr, "alice"), Verdict::Lapsed);
        // Whoever is an approver again may approve again.
        members(gate, &["alice", "bob"]).await;
        gate.as_("alice").approve("t1").await.granted();
        let task = gate.task("t1").await;
        assert_eq!((task.state(), task.generation), (TaskState::Cleared, 2));
        gate.runner().start("t1", 2, "c1").await.granted();
        assert_eq!(lapses(gate).await, 1);
    }

    async fn d8_d9_without_a_recheck_an_approval_stays(gate) {
        gate.admin().team(team("dev", &["alice"])).await.granted();
        gate.admin().policy(PolicySpec::new("prod").teams(&["dev"])).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        gate.as_("alice").approve("t1").await.granted();
        members(gate, &[]).await;
        gate.runner().start("t1", 1, "c1").await.granted();
    }

    async fn d9_a_started_task_is_never_touched_by_a_recheck(gate) {
        two_of_dev(gate, &["alice", "bob"]).await;
        gate.as_("alice").approve("t1").await.granted();
        gate.as_("bob").approve("t1").await.granted();
        gate.runner().start("t1", 1, "c1").await.granted();
        members(gate, &[]).await;
        let again = gate.runner().start("t1", 1, "c1").await.granted();
        assert_eq!(again.state(), TaskState::Running);
        assert_eq!(lapses(gate).await, 0);
    }

    async fn d9_d10_a_claimed_team_is_not_rechecked_and_that_is_warned_about(gate) {
        let claimed = Team { id: "ops".to_owned(), claimed: true, ..Team::default() };
        gate.admin().team(claimed).await.granted();
        let policy = PolicySpec::new("prod").teams(&["ops"]).with(recheck);
        let warned = gate.admin().policy(policy).await.granted().warnings;
        let kinds: Vec<_> = warned.iter().map(|it| (it.kind(), it.policy.as_str())).collect();
        assert_eq!(kinds, [(WarningKind::ClaimedTeamNotRechecked, "prod")]);
        assert!(warned[0].message.contains("ops"));
    }
}
