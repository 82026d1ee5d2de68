//! What is as large as may be counts to its last member, and one more is refused as a whole.

use countersign_proto::v1::{
    ApproveRequest, ChangeRequestState, Person, Sharing, TaskSpec, TaskState,
};
use futures::future::join_all;
use tonic::Code;

use super::super::call::{ALICE, Call};
use super::super::stage::Kept;
use super::many;
use crate::gate::{Expect, Gate, PolicySpec, deployment, person, team};

const APPROVERS: usize = 1_000;
const POLICIES: usize = 64;
/// More than are shown with a change request.
const TASKS: usize = 150;
/// How many calls are made at once.
const AT_ONCE: usize = 50;

fn people(count: usize) -> Vec<Person> {
    many("person-", count).iter().map(|it| person(it)).collect()
}

/// A policy of so many people, two of whom suffice.
fn of_people(id: &str, count: usize) -> PolicySpec {
    let policy = PolicySpec::new(id).minimum(2);
    policy.with(|it| it.approvers.as_mut().unwrap().users = people(count))
}

/// The first and the last of these people approve, and nobody who would follow.
async fn first_and_last(gate: &Gate) {
    gate.waiting(deployment("t1")).await;
    let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
    let next = gate.as_(&format!("person-{APPROVERS}"));
    next.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
    kept.holds(gate).await;
    gate.as_("person-0").approve("t1").await.granted();
    let last = gate.as_(&format!("person-{}", APPROVERS - 1));
    let approved = last.approve("t1").await.granted();
    assert_eq!(approved.state(), ChangeRequestState::Approved);
}

/// A task of the release that all share.
fn shared(id: &str) -> TaskSpec {
    TaskSpec {
        release: "1.4.2".to_owned(),
        ..deployment(id)
    }
}

on_both_stores! {
    async fn abuse_the_last_of_a_thousand_approvers_counts(gate) {
        let admin = gate.admin();
        let entries = gate.entries().await;
        let over = admin.policy(of_people("prod", APPROVERS + 1)).await;
        over.bad_field("policy.approvers", "E1");
        assert_eq!(gate.entries().await, entries);
        admin.policy(of_people("prod", APPROVERS)).await.granted();
        let kept = admin.get_policy("prod").await.granted().approvers.unwrap();
        assert_eq!(kept.users.len(), APPROVERS);
        first_and_last(gate).await;
    }

    async fn abuse_the_last_of_a_thousand_members_counts(gate) {
        let admin = gate.admin();
        let mut crowd = team("crowd", &[]);
        crowd.members = people(APPROVERS + 1);
        let entries = gate.entries().await;
        admin.team(crowd.clone()).await.bad_field("team.members", "E1");
        assert_eq!(gate.entries().await, entries);
        crowd.members.pop();
        admin.team(crowd).await.granted();
        admin.policy(PolicySpec::new("prod").teams(&["crowd"]).minimum(2)).await.granted();
        first_and_last(gate).await;
    }

    async fn abuse_the_last_of_all_matching_policies_counts(gate) {
        let admin = gate.admin();
        // Each brings one approver; the last ones bring a minimum and the block of the creator.
        for number in 0..POLICIES {
            let policy = PolicySpec::new(&format!("p-{number:02}"));
            let policy = policy.users(&[&format!("person-{number}"), "carol"]);
            let policy = match number {
                62 => policy.minimum(3),
                63 => policy.block_creator(),
                _ => policy,
            };
            admin.policy(policy).await.granted();
        }
        gate.waiting(deployment("t1")).await;
        let cr = gate.orchestrator().change_request("t1").await.granted();
        let resultant = cr.resultant_policy.unwrap();
        assert_eq!((resultant.policies.len(), resultant.approvers.len()), (64, 65));
        assert_eq!((resultant.minimum_approvals, resultant.block_creator), (3, true));
        // One more is too many: refused, and not left out.
        admin.policy(PolicySpec::new("one more").users(&["mallory"])).await.granted();
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
        let refused = gate.orchestrator().create(deployment("t2")).await;
        let refused = refused.refused("TOO_MANY_POLICIES", "G1");
        assert_eq!(refused.code, Code::FailedPrecondition);
        gate.as_("carol").approve("t1").await.refused("CREATOR_BLOCKED", "D1");
        kept.holds(gate).await;
        gate.orchestrator().task("t2").await.refused("NOT_FOUND", "E1");
        for number in [0, 62, 63] {
            gate.as_(&format!("person-{number}")).approve("t1").await.granted();
        }
        gate.runner().start("t1", 1, "claim").await.granted();
    }

    async fn abuse_a_rejection_stops_more_tasks_than_are_shown(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]);
        let policy = policy.with(|it| it.sharing = Sharing::PerRelease.into());
        gate.admin().policy(policy).await.granted();
        let ids = many("t", TASKS);
        let orchestrator = gate.orchestrator();
        for some in ids.chunks(AT_ONCE) {
            for created in join_all(some.iter().map(|id| orchestrator.create(shared(id)))).await {
                created.granted();
            }
        }
        gate.waiting(deployment("elsewhere")).await;
        let alice = gate.as_("alice");
        let approved = alice.approve("CR-1").await.granted();
        assert_eq!((approved.tasks.len(), approved.task_count), (100, 150));
        let (first, last) = (&ids[0], &ids[TASKS - 1]);
        gate.runner().start(first, 1, "claim").await.granted();
        let stopped = alice.reject("CR-1").await.granted().terminated_task_ids;
        assert_eq!(stopped.len(), TASKS - 1);
        for some in ids[1..].chunks(AT_ONCE) {
            for task in join_all(some.iter().map(|id| orchestrator.task(id))).await {
                assert_eq!(task.granted().state(), TaskState::Terminated);
            }
        }
        gate.runner().start(last, 1, "claim").await.refused("START_NEVER", "P4");
        assert_eq!(gate.task(first).await.state(), TaskState::Running);
        assert_eq!(gate.task("elsewhere").await.state(), TaskState::Paused);
    }

    async fn abuse_a_message_that_is_too_large_is_refused_whole(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
        let approve = |comment: usize| ApproveRequest {
            change_request: "t1".to_owned(),
            comment: "x".repeat(comment),
            ..ApproveRequest::default()
        };
        let send = |comment| Call::new("ChangeRequestService/Approve", ALICE, &approve(comment));
        let refused = send(256 * 1_024).send(gate).await.refused("MESSAGE_TOO_LARGE", "E1");
        assert_eq!(refused.code, Code::ResourceExhausted);
        send(256 * 1_024 - 64).send(gate).await.bad_field("comment", "E1");
        kept.holds(gate).await;
        send(4_096).send(gate).await.granted();
    }
}
