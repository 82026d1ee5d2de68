//! G1 and G5: what several policies merge into, and where each part comes from.

use countersign_proto::v1::resultant_approver::Approver;
use countersign_proto::v1::{ChangeRequest, ChangeRequestState, ResultantPolicy, TaskSpec};
use tonic::Code;

use crate::gate::{Expect, PolicySpec, deployment, ids, tags, team};

/// Approvers of a resultant policy, each with the policies that brought it.
fn provenance(resultant: &ResultantPolicy) -> Vec<(String, Vec<&str>)> {
    let named = resultant.approvers.iter().map(|named| {
        let who = match named.approver.as_ref().unwrap() {
            Approver::User(person) => person.subject.clone(),
            Approver::Team(team) => format!("team {team}"),
        };
        (who, named.policies.iter().map(String::as_str).collect())
    });
    named.collect()
}

fn resultant(cr: &ChangeRequest) -> &ResultantPolicy {
    cr.resultant_policy.as_ref().unwrap()
}

on_both_stores! {
    async fn g1_approvers_are_a_union_and_the_highest_minimum_counts(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["olga"])).await.granted();
        let one = PolicySpec::new("one").users(&["alice", "bob"]).minimum(2);
        admin.policy(one).await.granted();
        let two = PolicySpec::new("two").users(&["bob", "dave"]).teams(&["ops"]).minimum(3);
        admin.policy(two).await.granted();
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        let merged = resultant(&cr);
        assert_eq!((merged.minimum_approvals, merged.block_creator), (3, false));
        let who: Vec<_> = provenance(merged).into_iter().map(|(who, _)| who).collect();
        assert_eq!(who, ["alice", "bob", "dave", "team ops"]);
        for (person, state) in [
            ("alice", ChangeRequestState::Pending),
            ("olga", ChangeRequestState::Pending),
            ("dave", ChangeRequestState::Approved),
        ] {
            let after = gate.as_(person).approve(&cr.id).await.granted();
            assert_eq!(after.state(), state, "after {person}");
        }
    }

    async fn g1_one_policy_that_blocks_the_creator_is_enough(gate) {
        let admin = gate.admin();
        admin.policy(PolicySpec::new("one").users(&["alice", "carol"])).await.granted();
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        assert!(!resultant(&cr).block_creator);
        admin.policy(PolicySpec::new("two").users(&["alice"]).block_creator()).await.granted();
        let cr = gate.orchestrator().opened(deployment("t2")).await;
        assert!(resultant(&cr).block_creator);
        gate.as_("carol").approve("t1").await.granted();
        gate.as_("carol").approve("t2").await.refused("CREATOR_BLOCKED", "D1");
    }

    async fn g1_the_order_of_policies_makes_no_difference(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["olga"])).await.granted();
        let policies = [
            PolicySpec::new("a").users(&["alice", "bob"]).minimum(2),
            PolicySpec::new("b").users(&["bob"]).teams(&["ops"]).block_creator(),
            PolicySpec::new("c").users(&["dave", "alice"]).minimum(3),
        ];
        let orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0]];
        let mut seen = Vec::new();
        for (round, order) in orders.iter().enumerate() {
            for &place in order {
                admin.policy(policies[place].clone()).await.granted();
            }
            let cr = gate.orchestrator().opened(deployment(&format!("t{round}"))).await;
            seen.push(cr.resultant_policy.unwrap());
            for id in ["b", "a", "c"] {
                admin.delete_policy(id).await.granted();
            }
        }
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[0], seen[2]);
        assert_eq!((seen[0].minimum_approvals, seen[0].block_creator), (3, true));
    }

    async fn g1_policies_matched_by_ids_and_by_tags_merge(gate) {
        let admin = gate.admin();
        let by_ids = PolicySpec::new("by-ids").users(&["alice"]).only(&["web"], &["production"]);
        admin.policy(by_ids).await.granted();
        let by_tags = PolicySpec::new("by-tags").users(&["bob"]).minimum(2).with(|policy| {
            policy.scopes[0].projects = tags(&["tier/critical"]);
            policy.scopes[0].environments = ids(&["production"]);
        });
        admin.policy(by_tags).await.granted();
        let plain = gate.orchestrator().opened(deployment("t1")).await;
        assert_eq!(provenance(resultant(&plain)), [("alice".to_owned(), vec!["by-ids"])]);
        let mut critical = deployment("t2");
        critical.project_tags = vec!["tier/critical".to_owned()];
        let both = gate.orchestrator().opened(critical).await;
        assert_eq!(resultant(&both).minimum_approvals, 2);
        assert_eq!(resultant(&both).policies.len(), 2);
    }

    async fn g5_every_part_is_known_by_the_policies_that_brought_it(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["olga"])).await.granted();
        let one = PolicySpec::new("one").users(&["alice", "bob"]).minimum(2);
        admin.policy(one.with(|policy| policy.name = "The first".to_owned())).await.granted();
        let two = PolicySpec::new("two").users(&["bob"]).teams(&["ops"]).block_creator();
        admin.policy(two.clone()).await.granted();
        let renamed = two.with(|policy| policy.name = "The second".to_owned());
        admin.update_policy(renamed, &["name"]).await.granted();
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        let merged = resultant(&cr);
        let expected = [("alice", vec!["one"]), ("bob", vec!["one", "two"])];
        let expected = expected.into_iter().chain([("team ops", vec!["two"])]);
        let expected: Vec<_> = expected.map(|(who, by)| (who.to_owned(), by)).collect();
        assert_eq!(provenance(merged), expected);
        let parts = merged.policies.iter().map(|policy| {
            let (id, name) = (policy.id.as_str(), policy.name.as_str());
            (id, name, policy.revision, policy.minimum_approvals, policy.block_creator)
        });
        let parts: Vec<_> = parts.collect();
        assert_eq!(parts, [("one", "The first", 1, 2, false), ("two", "The second", 2, 1, true)]);
    }

    async fn g1_more_policies_than_one_change_request_may_hold_are_refused(gate) {
        let admin = gate.admin();
        for n in 0..64 {
            let policy = PolicySpec::new(&format!("p{n}")).users(&["alice"]);
            admin.policy(policy).await.granted();
        }
        let orchestrator = gate.orchestrator();
        let most = orchestrator.opened(deployment("t1")).await;
        assert_eq!(resultant(&most).policies.len(), 64);
        admin.policy(PolicySpec::new("one-more").users(&["alice"])).await.granted();
        let before = gate.entries().await;
        let refused = orchestrator.create(deployment("t2")).await;
        let refused = refused.refused("TOO_MANY_POLICIES", "G1");
        assert_eq!(refused.code, Code::FailedPrecondition);
        assert_eq!((&*refused.metadata["found"], &*refused.metadata["limit"]), ("65", "64"));
        orchestrator.preview(deployment("t2")).await.refused("TOO_MANY_POLICIES", "G1");
        // A task that is there is found before any policy is looked at (C2).
        assert_eq!(orchestrator.opened(deployment("t1")).await, most);
        let other = TaskSpec { title: "another".to_owned(), ..deployment("t1") };
        orchestrator.create(other).await.refused("TASK_ID_TAKEN", "C2");
        assert_eq!(gate.entries().await, before);
    }
}
