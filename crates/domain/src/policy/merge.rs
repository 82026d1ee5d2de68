//! What all matching policies merge into (G1), with the provenance of every part (G5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Policy;
use crate::ids::{PolicyId, TeamId};
use crate::log::digest_of;
use crate::person::Person;

/// A team as a frozen policy names it: made again under the same id, it is another one (D10).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TeamRef {
    /// The team's id.
    pub id: TeamId,
    /// The sequence of the entry that created it.
    pub incarnation: u64,
}

/// One who may approve.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approver {
    /// A person.
    User(Person),
    /// Any member of a team.
    Team(TeamRef),
}

/// One approver, and the policies that brought it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultantApprover {
    /// Who.
    pub approver: Approver,
    /// From which policies.
    pub policies: BTreeSet<PolicyId>,
}

/// A policy that matched, as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedPolicy {
    /// Its id.
    pub id: PolicyId,
    /// Its revision.
    pub revision: u64,
    /// The entry that made this revision; tells it from one of a later policy under the same id.
    pub sequence: u64,
    /// Its name.
    pub name: String,
    /// The minimum it asked for.
    pub minimum_approvals: u32,
    /// Whether it blocked the creator.
    pub block_creator: bool,
}

/// What all matching policies merge into; frozen into the change request (C6).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResultantPolicy {
    /// How many distinct people must approve; 0 only where no policy matched.
    pub minimum_approvals: u32,
    /// Whether any policy blocks the creator.
    pub block_creator: bool,
    /// Everyone who may approve, in order.
    pub approvers: Vec<ResultantApprover>,
    /// The policies that matched, by id.
    pub policies: Vec<MatchedPolicy>,
}

impl ResultantPolicy {
    /// The digest it is stored under.
    pub fn digest(&self) -> String {
        digest_of(self)
    }
}

/// Merges matching policies: union of approvers, highest minimum, creator block if any. The order
/// of the policies and repeated ones make no difference. `incarnation` knows the living teams.
pub fn merge(
    policies: &[Arc<Policy>],
    incarnation: impl Fn(&TeamId) -> Option<u64>,
) -> ResultantPolicy {
    let mut matched: BTreeMap<PolicyId, MatchedPolicy> = BTreeMap::new();
    let mut approvers: BTreeMap<Approver, BTreeSet<PolicyId>> = BTreeMap::new();
    for policy in policies {
        let draft = &policy.draft;
        matched.insert(
            draft.id.clone(),
            MatchedPolicy {
                id: draft.id.clone(),
                revision: policy.revision,
                sequence: policy.stamp.sequence,
                name: draft.name.clone(),
                minimum_approvals: draft.minimum_approvals,
                block_creator: draft.block_creator,
            },
        );
        let users = draft.approvers.users.iter().cloned().map(Approver::User);
        let teams = draft.approvers.teams.iter().filter_map(|id| {
            Some(Approver::Team(TeamRef {
                id: id.clone(),
                incarnation: incarnation(id)?,
            }))
        });
        for approver in users.chain(teams) {
            approvers
                .entry(approver)
                .or_default()
                .insert(draft.id.clone());
        }
    }
    ResultantPolicy {
        minimum_approvals: matched
            .values()
            .map(|p| p.minimum_approvals)
            .max()
            .unwrap_or(0),
        block_creator: matched.values().any(|p| p.block_creator),
        approvers: approvers
            .into_iter()
            .map(|(approver, policies)| ResultantApprover { approver, policies })
            .collect(),
        policies: matched.into_values().collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::{Approvers, PolicyDraft};
    use crate::{Instant, log::Stamp};

    fn policy(id: u8, minimum: u32, block: bool, users: &[u8], teams: &[u8]) -> Arc<Policy> {
        let person = |n: &u8| Person {
            issuer: "local".into(),
            subject: format!("user-{n}"),
        };
        let team = |n: &u8| TeamId::parse(&format!("team-{n}")).unwrap();
        let stamp = Stamp {
            sequence: u64::from(id) + 1,
            instant: Instant::EPOCH,
        };
        Arc::new(Policy {
            draft: PolicyDraft {
                id: PolicyId::parse(&format!("policy-{id}")).unwrap(),
                name: String::new(),
                description: String::new(),
                disabled: false,
                scopes: Vec::new(),
                approvers: Approvers {
                    users: users.iter().map(person).collect(),
                    teams: teams.iter().map(team).collect(),
                },
                minimum_approvals: minimum,
                block_creator: block,
            },
            revision: 1,
            created: stamp,
            stamp,
        })
    }

    fn policies() -> impl Strategy<Value = Vec<Arc<Policy>>> {
        policies_from(0)
    }

    /// Policies with ids from this one on, because no two living policies share an id.
    fn policies_from(first: u8) -> impl Strategy<Value = Vec<Arc<Policy>>> {
        let users = prop::collection::vec(0u8..5, 0..4);
        let teams = prop::collection::vec(0u8..3, 0..3);
        let one = (1u32..100, any::<bool>(), users, teams);
        prop::collection::vec(one, 0..6).prop_map(move |rows| {
            let made = (first..)
                .zip(&rows)
                .map(|(id, (minimum, block, users, teams))| {
                    policy(id, *minimum, *block, users, teams)
                });
            made.collect()
        })
    }

    fn merged(policies: &[Arc<Policy>]) -> ResultantPolicy {
        merge(policies, |_| Some(7))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn i14_g1_merging_is_commutative_and_idempotent(all in policies(), turn in 0usize..6) {
            let mut turned = all.clone();
            turned.rotate_left(turn.min(all.len()));
            turned.reverse();
            prop_assert_eq!(merged(&all), merged(&turned));
            let twice: Vec<_> = all.iter().chain(&turned).cloned().collect();
            prop_assert_eq!(merged(&all), merged(&twice));
        }

        #[test]
        fn i14_g1_each_part_comes_from_some_policy_and_none_is_lost(all in policies()) {
            let result = merged(&all);
            let highest = all.iter().map(|p| p.draft.minimum_approvals).max().unwrap_or(0);
            prop_assert_eq!(result.minimum_approvals, highest);
            prop_assert_eq!(result.block_creator, all.iter().any(|p| p.draft.block_creator));
            for policy in &all {
                for user in &policy.draft.approvers.users {
                    let found = result.approvers.iter()
                        .find(|a| a.approver == Approver::User(user.clone()));
                    prop_assert!(found.is_some_and(|a| a.policies.contains(&policy.draft.id)));
                }
            }
            for approver in &result.approvers {
                prop_assert!(!approver.policies.is_empty());
            }
        }

        #[test]
        fn g1_adding_a_policy_never_lowers_what_is_asked(
            all in policies(),
            more in policies_from(6),
        ) {
            let before = merged(&all);
            let both: Vec<_> = all.iter().chain(&more).cloned().collect();
            let after = merged(&both);
            prop_assert!(after.minimum_approvals >= before.minimum_approvals);
            prop_assert!(after.block_creator || !before.block_creator);
            prop_assert_eq!(after.policies.len(), all.len() + more.len());
            for approver in &before.approvers {
                let kept = after.approvers.iter().find(|a| a.approver == approver.approver);
                let kept = kept.map(|kept| &kept.policies);
                prop_assert!(kept.is_some_and(|kept| kept.is_superset(&approver.policies)));
            }
        }
    }

    #[test]
    fn m6_no_policy_asks_for_nothing() {
        assert_eq!(merged(&[]), ResultantPolicy::default());
    }
}
