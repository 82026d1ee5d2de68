//! The controlled person edits the control: what waits is judged by what it was created under, and
//! whatever acts at once is in the log and shown.

use countersign_proto::v1::{AggregateKind, ChangeRequest, ChangeRequestState, Creator, TaskSpec};

use super::stage::{Kept, times};
use crate::gate::{
    Caller, Expect, Gate, PolicySpec, at_any_time, deployment, person, said_in, team,
};

/// Who changes policies and teams, and triggers tasks as well.
const INSIDER: &str = "admin:carol";

/// A task that the insider triggered.
fn theirs(id: &str) -> TaskSpec {
    let creator = Creator {
        person: Some(person(INSIDER)),
        ..Creator::default()
    };
    TaskSpec {
        creator: Some(creator),
        ..deployment(id)
    }
}

/// Two of alice, bob and dave, never the creator.
fn strict() -> PolicySpec {
    let policy = PolicySpec::new("prod").users(&["alice", "bob", "dave"]);
    policy.minimum(2).block_creator()
}

/// What the insider would like instead.
fn lax() -> PolicySpec {
    PolicySpec::new("prod").users(&[INSIDER])
}

const EDITED: [&str; 3] = ["approvers", "minimum_approvals", "block_creator"];

/// Everything that may be tried while the policy is lax.
async fn tries(insider: &Caller, id: &str) {
    insider.approve(id).await.refused("NOT_AN_APPROVER", "D1");
}

/// The revisions of policies that a change request was made under.
fn revisions(cr: &ChangeRequest) -> Vec<u64> {
    let resultant = cr.resultant_policy.as_ref().unwrap();
    resultant
        .policies
        .iter()
        .map(|policy| policy.revision)
        .collect()
}

/// Who changed something, as the log tells it, entry by entry.
async fn changed_by(gate: &Gate, aggregate: AggregateKind, id: &str) -> Vec<String> {
    let entries = gate.as_("auditor:audit").entries_from(1).await;
    let about = |it: &&countersign_proto::v1::LogEntry| {
        it.aggregate() == aggregate && it.aggregate_id == id
    };
    let who = |it: &countersign_proto::v1::LogEntry| {
        let cause = said_in(it)["cause"].to_string();
        let insider = if cause.contains(INSIDER) {
            INSIDER
        } else {
            "another"
        };
        format!("{} by {insider}", it.event)
    };
    entries.iter().filter(about).map(who).collect()
}

on_both_stores! {
    async fn abuse_a_policy_edited_and_restored_lets_nothing_through(gate) {
        gate.admin().policy(strict()).await.granted();
        gate.waiting(theirs("t1")).await;
        let waiting = gate.orchestrator().change_request("t1").await.granted();
        let insider = gate.as_(INSIDER);
        let before = gate.entries().await;
        insider.update_policy(lax(), &EDITED).await.granted();
        tries(&insider, "t1").await;
        insider.update_policy(strict(), &EDITED).await.granted();
        tries(&insider, "t1").await;
        // Nothing but the two edits is in the log, each with who made it.
        assert_eq!(gate.entries().await, before + 2);
        let told = changed_by(gate, AggregateKind::Policy, "prod").await;
        let edit = format!("policy.updated by {INSIDER}");
        assert_eq!(told, ["policy.created by another", &edit, &edit]);
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(at_any_time(cr), at_any_time(waiting));
        gate.as_("alice").approve("t1").await.granted();
        let approved = gate.as_("bob").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn abuse_what_slips_in_between_two_edits_shows_its_revision(gate) {
        gate.admin().policy(strict()).await.granted();
        let insider = gate.as_(INSIDER);
        insider.update_policy(lax(), &EDITED).await.granted();
        gate.waiting(theirs("between")).await;
        insider.update_policy(strict(), &EDITED).await.granted();
        gate.waiting(theirs("after")).await;
        let of = async |id: &str| gate.orchestrator().change_request(id).await.granted();
        assert_eq!(revisions(&of("between").await), [2]);
        assert_eq!(revisions(&of("after").await), [3]);
        let kept = Kept::of(gate, &gate.orchestrator(), &["after"]).await;
        tries(&insider, "after").await;
        kept.holds(gate).await;
        // What was created under the lax policy is told with it, for whoever looks.
        let between = of("between").await.resultant_policy.unwrap();
        assert_eq!((between.minimum_approvals, between.block_creator), (1, false));
    }

    async fn abuse_a_policy_deleted_and_made_again_lets_nothing_through(gate) {
        gate.admin().policy(strict()).await.granted();
        gate.waiting(theirs("t1")).await;
        let insider = gate.as_(INSIDER);
        insider.delete_policy("prod").await.granted();
        tries(&insider, "t1").await;
        insider.policy(lax()).await.granted();
        tries(&insider, "t1").await;
        // The same task once more is the same change request, under what it was created under.
        let again = gate.orchestrator().opened(theirs("t1")).await;
        assert_eq!((again.id.as_str(), revisions(&again)), ("CR-1", vec![1]));
        gate.runner().start("t1", 1, "claim").await.refused("START_NOT_NOW", "P4");
        for person in ["alice", "bob"] {
            gate.as_(person).approve("t1").await.granted();
        }
        gate.runner().start("t1", 1, "claim").await.granted();
    }

    async fn abuse_a_team_edit_acts_at_once_and_is_told(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["olga"])).await.granted();
        admin.policy(PolicySpec::new("prod").teams(&["ops"])).await.granted();
        gate.waiting(theirs("t1")).await;
        let insider = gate.as_(INSIDER);
        insider.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        // It acts at once, which is meant; but not in silence.
        let before = gate.entries().await;
        let edited = insider.members(team("ops", &["olga", INSIDER])).await.granted();
        assert_eq!(edited.open_change_requests, ["CR-1"]);
        assert_eq!(gate.entries().await, before + 1);
        let told = changed_by(gate, AggregateKind::Team, "ops").await;
        assert_eq!(told, ["team.created by another", &format!("team.updated by {INSIDER}")]);
        let approved = insider.approve("t1").await.granted();
        let decision = &approved.decisions[0];
        assert_eq!(decision.person.as_ref().unwrap().subject, INSIDER);
        assert_eq!((decision.eligible_directly, &decision.eligible_through[..]),
            (false, &["ops".to_owned()][..]));
        // Out again, the decision still says how they were eligible.
        insider.members(team("ops", &["olga"])).await.granted();
        let shown = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(shown.decisions, approved.decisions);
        assert_eq!(times(gate, AggregateKind::Team, "ops", "team.updated").await, 2);
    }

    async fn abuse_a_creator_in_the_team_is_blocked_all_the_same(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["olga"])).await.granted();
        admin.policy(PolicySpec::new("prod").teams(&["ops"]).block_creator()).await.granted();
        gate.waiting(theirs("t1")).await;
        let insider = gate.as_(INSIDER);
        insider.members(team("ops", &["olga", INSIDER])).await.granted();
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
        insider.approve("t1").await.refused("CREATOR_BLOCKED", "D1");
        kept.holds(gate).await;
        let approved = gate.as_("olga").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn abuse_a_team_made_again_is_not_the_team_that_was_named(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["olga"])).await.granted();
        admin.policy(PolicySpec::new("prod").users(&["alice"]).teams(&["ops"])).await.granted();
        for id in ["t1", "t2"] {
            gate.waiting(theirs(id)).await;
        }
        gate.as_("olga").approve("t2").await.granted();
        let insider = gate.as_(INSIDER);
        insider.delete_team("ops").await.refused("TEAM_IN_USE", "D10");
        let without = PolicySpec::new("prod").users(&["alice"]);
        insider.update_policy(without, &["approvers"]).await.granted();
        insider.delete_team("ops").await.granted();
        insider.team(team("ops", &[INSIDER])).await.granted();
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1", "t2"]).await;
        insider.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        kept.holds(gate).await;
        gate.as_("alice").approve("t1").await.granted();
    }
}
