//! I-14, G1: how long ago an approver may have logged in, of many policies together.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use countersign_domain::log::Stamp;
use countersign_domain::policy::{
    Approvers, Policy, PolicyDraft, ResultantPolicy, Terms, TimeToLive, merge,
};

use crate::harness::people::{at, person, policy_id};

/// Policies with these limits, in seconds, and with the ids `p0`, `p1` and so on.
fn policies(first: usize, limits: &[Option<i64>]) -> Vec<Arc<Policy>> {
    let policy = |(number, limit): (usize, &Option<i64>)| {
        let stamp = Stamp {
            sequence: number as u64 + 2,
            instant: at(0),
        };
        let ttl = |seconds| TimeToLive::from_micros(seconds * 1_000_000).unwrap();
        Arc::new(Policy {
            draft: PolicyDraft {
                id: policy_id(&format!("p{number}")),
                name: String::new(),
                description: String::new(),
                disabled: false,
                scopes: Vec::new(),
                approvers: Approvers {
                    users: [person("ann")].into(),
                    teams: BTreeSet::new(),
                },
                minimum_approvals: 1,
                block_creator: false,
                terms: Terms {
                    max_auth_age: limit.map(ttl),
                    ..Terms::default()
                },
            },
            revision: 1,
            created: stamp,
            stamp,
        })
    };
    (first..).zip(limits).map(policy).collect()
}

fn merged(policies: &[Arc<Policy>]) -> ResultantPolicy {
    merge(policies, |_| None)
}

/// The limit in seconds, and the policy that says so.
fn limit(resultant: &ResultantPolicy) -> Option<(i64, String)> {
    let (limit, policy) = resultant.max_auth_age()?;
    Some((limit.micros() / 1_000_000, policy.to_string()))
}

fn limits() -> impl Strategy<Value = Vec<Option<i64>>> {
    vec(prop::option::weighted(0.6, 60i64..66), 0..6)
}

proptest! {
    #![proptest_config(super::cases(2_000))]

    #[test]
    fn i14_g1_the_limit_is_commutative_and_idempotent(all in limits(), turn in 0usize..6) {
        let all = policies(0, &all);
        let mut turned = all.clone();
        turned.rotate_left(turn.min(all.len()));
        turned.reverse();
        prop_assert_eq!(merged(&turned), merged(&all));
        prop_assert_eq!(limit(&merged(&turned)), limit(&merged(&all)));
        let twice: Vec<_> = all.iter().chain(&turned).cloned().collect();
        prop_assert_eq!(limit(&merged(&twice)), limit(&merged(&all)));
    }

    #[test]
    fn g1_the_limit_is_the_shortest_that_any_policy_says(all in limits()) {
        let said = all.iter().enumerate();
        let said = said.filter_map(|(number, limit)| Some(((*limit)?, format!("p{number}"))));
        prop_assert_eq!(limit(&merged(&policies(0, &all))), said.min());
    }

    #[test]
    fn g1_adding_a_policy_never_loosens_the_limit(all in limits(), more in limits()) {
        let before = policies(0, &all);
        let both: Vec<_> = before.iter().chain(&policies(6, &more)).cloned().collect();
        let [before, after] = [merged(&before), merged(&both)].map(|it| limit(&it));
        if let Some((before, _)) = before {
            prop_assert!(after.is_some_and(|(after, _)| after <= before));
        }
    }

    /// Of groups of policies, merged in whatever grouping: the shortest of the shortest.
    #[test]
    fn i14_g1_the_limit_is_associative(all in limits(), more in limits()) {
        let (left, right) = (policies(0, &all), policies(6, &more));
        let both: Vec<_> = left.iter().chain(&right).cloned().collect();
        let apart = [merged(&left), merged(&right)].iter().filter_map(limit).min();
        prop_assert_eq!(limit(&merged(&both)), apart);
    }
}
