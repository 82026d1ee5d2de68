//! Whoever has left decides nothing any more, and what they decided may be looked at again.

use countersign_proto::v1::{AggregateKind, ChangeRequest, ChangeRequestState, TaskState, Verdict};
use tonic::Code;

use super::stage::{Kept, SecondDoor, believing, cast, times};
use crate::gate::{Caller, Expect, Gate, PolicySpec, TokenSpec, deployment, team};

const ROUNDS: usize = 12;

/// Everybody, and credentials that end a minute after the beginning.
fn ending() -> Vec<TokenSpec> {
    let mut tokens = cast();
    tokens.extend([
        TokenSpec::person("bob-short", "bob").expires(60),
        TokenSpec::service("ci-short", &["orchestrator"]).expires(60),
        TokenSpec::service("runner-short", &["runner"]).expires(60),
        TokenSpec::person("root-short", "root")
            .roles(&["policy_admin"])
            .expires(60),
    ]);
    tokens
}

/// Two of alice, bob and dave; `t1` waits, and bob has approved `t2`.
async fn stage(gate: &Gate, bob: &Caller) {
    let policy = PolicySpec::new("prod")
        .users(&["alice", "bob", "dave"])
        .minimum(2);
    gate.admin().policy(policy).await.granted();
    for id in ["t1", "t2"] {
        gate.waiting(deployment(id)).await;
    }
    bob.approve("t2").await.granted();
}

/// A credential is worth nothing for any decision, a repeat of one included, and for no read.
async fn is_nobody(caller: &Caller) {
    for refused in [
        caller.approve("t1").await.map(drop),
        caller.reject("t1").await.map(drop),
        caller.approve("t2").await.map(drop),
        caller.revoke("t2").await.map(drop),
        caller.reject("t2").await.map(drop),
        caller.change_request("t1").await.map(drop),
        caller.who_am_i().await.map(drop),
    ] {
        let refused = refused.refused("UNAUTHENTICATED", "E1");
        assert_eq!(refused.code, Code::Unauthenticated);
    }
}

/// Two of the team `dev` must approve `t1`, and are looked at again.
async fn looked_at_again(gate: &Gate) {
    gate.admin()
        .team(team("dev", &["alice", "bob", "dave"]))
        .await
        .granted();
    let policy = PolicySpec::new("prod").teams(&["dev"]).minimum(2);
    let policy = policy.with(|policy| policy.recheck_approvers = true);
    gate.admin().policy(policy).await.granted();
    gate.waiting(deployment("t1")).await;
}

/// What somebody's latest decision is worth.
fn verdict(cr: &ChangeRequest, subject: &str) -> Verdict {
    let mut decisions = cr.decisions.iter();
    let theirs = decisions.find(|it| it.person.as_ref().is_some_and(|it| it.subject == subject));
    theirs.expect("a decision").verdict()
}

on_both_stores! {
    async fn abuse_who_left_the_team_decides_no_more(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["olga", "oscar", "otto"])).await.granted();
        admin.policy(PolicySpec::new("prod").teams(&["ops"]).minimum(2)).await.granted();
        for id in ["t1", "t2"] {
            gate.waiting(deployment(id)).await;
        }
        let oscar = gate.as_("oscar");
        oscar.approve("t2").await.granted();
        admin.members(team("ops", &["olga", "otto"])).await.granted();
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1", "t2"]).await;
        for id in ["t1", "t2"] {
            let refused = oscar.reject(id).await.refused("NOT_AN_APPROVER", "D1");
            assert_eq!(refused.code, Code::PermissionDenied);
        }
        oscar.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        oscar.revoke("t1").await.refused("NOTHING_TO_REVOKE", "D7");
        kept.holds(gate).await;
        gate.as_("olga").approve("t1").await.granted();
        let approved = gate.as_("otto").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn abuse_an_approval_of_one_who_left_lapses_at_the_threshold(gate) {
        looked_at_again(gate).await;
        gate.as_("alice").approve("t1").await.granted();
        gate.admin().members(team("dev", &["bob", "dave"])).await.granted();
        let second = gate.as_("bob").approve("t1").await.granted();
        assert_eq!((second.state(), second.approvals_counted), (ChangeRequestState::Pending, 1));
        assert_eq!(verdict(&second, "alice"), Verdict::Lapsed);
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
        gate.runner().start("t1", 1, "claim").await.refused("START_NOT_NOW", "P4");
        gate.as_("alice").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        kept.holds(gate).await;
        let third = gate.as_("dave").approve("t1").await.granted();
        assert_eq!(third.state(), ChangeRequestState::Approved);
        gate.runner().start("t1", 1, "claim").await.granted();
    }

    async fn abuse_an_approval_of_one_who_left_lapses_at_the_start(gate) {
        looked_at_again(gate).await;
        for person in ["alice", "bob"] {
            gate.as_(person).approve("t1").await.granted();
        }
        gate.admin().members(team("dev", &["bob", "dave"])).await.granted();
        let refused = gate.runner().start("t1", 1, "claim").await;
        let refused = refused.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.fact("waiting_for"), "approval");
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!((cr.state(), verdict(&cr, "alice")),
            (ChangeRequestState::Pending, Verdict::Lapsed));
        assert_eq!(times(gate, AggregateKind::Task, "t1", "task.started").await, 0);
        gate.as_("dave").approve("t1").await.granted();
        // The permit of the quorum that was lost is not good for the new one.
        gate.runner().start("t1", 1, "claim").await.refused("START_NOT_NOW", "P4");
        let started = gate.runner().start("t1", 2, "claim").await.granted();
        assert_eq!(started.state(), TaskState::Running);
    }
}

on_both_stores! { with believing(ending);
    async fn abuse_a_revoked_token_decides_no_more(gate) {
        let bob = gate.bearer(gate.token_of("bob-1", "bob")).await;
        stage(gate, &bob).await;
        gate.access_admin().revoke_token("bob-1").await.granted();
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1", "t2"]).await;
        is_nobody(&bob).await;
        kept.holds(gate).await;
        // The person has not left: their other credential still counts, once.
        let again = gate.with_token("bob").approve("t2").await.granted();
        assert_eq!(again.approvals_counted, 1);
        gate.with_token("bob").approve("t1").await.granted();
        let approved = gate.with_token("alice").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn abuse_an_expired_token_decides_no_more(gate) {
        let bob = gate.with_token("bob-short");
        gate.advance(59);
        stage(gate, &bob).await;
        gate.advance(1);
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1", "t2"]).await;
        is_nobody(&bob).await;
        kept.holds(gate).await;
        gate.with_token("alice").approve("t2").await.granted();
        gate.with_token("bob").approve("t1").await.granted();
    }

    async fn abuse_an_ended_credential_of_a_service_does_nothing(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let (ci, runner) = (gate.with_token("ci-short"), gate.with_token("runner-short"));
        let root = gate.with_token("root-short");
        ci.create(deployment("t2")).await.granted();
        gate.advance(60);
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1", "t2"]).await;
        let open = PolicySpec::new("prod").users(&["mallory"]);
        for refused in [
            runner.start("t1", 1, "claim").await.map(drop),
            runner.signals(&["t1"], "").await.map(drop),
            ci.create(deployment("t3")).await.map(drop),
            ci.create(deployment("t2")).await.map(drop),
            ci.withdraw("t2").await.map(drop),
            root.update_policy(open, &["approvers"]).await.map(drop),
            root.delete_policy("prod").await.map(drop),
        ] {
            refused.refused("UNAUTHENTICATED", "E1");
        }
        kept.holds(gate).await;
        gate.with_token("web-1").start("t1", 1, "claim").await.granted();
        gate.with_token("ci").withdraw("t2").await.granted();
    }

    async fn abuse_a_token_that_was_revoked_here_does_nothing_there(gate) {
        let there = SecondDoor::open(gate).await;
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]);
        gate.admin().policy(policy).await.granted();
        for round in 0..ROUNDS {
            let (id, token) = (format!("t{round}"), format!("bob-{round}"));
            gate.waiting(deployment(&id)).await;
            let made = gate.token_of(&token, "bob");
            let made = gate.access_admin().create_token(made).await.granted();
            let bob = there.knows(&made.secret).await;
            gate.access_admin().revoke_token(&token).await.granted();
            let kept = Kept::of(gate, &gate.orchestrator(), &[&id]).await;
            bob.approve(&id).await.refused("UNAUTHENTICATED", "E1");
            bob.reject(&id).await.refused("UNAUTHENTICATED", "E1");
            kept.holds(gate).await;
            there.with_token("bob").approve(&id).await.granted();
        }
    }

    async fn abuse_what_races_a_revocation_is_before_it_or_refused(gate) {
        let there = SecondDoor::open(gate).await;
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]);
        gate.admin().policy(policy).await.granted();
        let ada = gate.access_admin();
        for round in 0..ROUNDS {
            let (id, token) = (format!("t{round}"), format!("bob-{round}"));
            gate.waiting(deployment(&id)).await;
            let made = ada.create_token(gate.token_of(&token, "bob")).await.granted();
            let bob = there.knows(&made.secret).await;
            let from = gate.entries().await + 1;
            let (approved, revoked) = tokio::join!(bob.approve(&id), ada.revoke_token(&token));
            revoked.granted();
            let entries = gate.as_("auditor:audit").entries_from(from).await;
            let at = |event: &str| entries.iter().position(|entry| entry.event == event);
            let recorded = at("change_request.approval_recorded");
            let revoked = at("token.revoked");
            match approved {
                Ok(_) => assert!(recorded < revoked, "{entries:?}"),
                Err(refused) => {
                    assert_eq!((refused.reason.as_str(), recorded), ("UNAUTHENTICATED", None));
                }
            }
            assert!(revoked.is_some(), "{entries:?}");
        }
    }
}
