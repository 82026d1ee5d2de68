//! What all matching policies merge into (G1), with the provenance of every part (G5).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Groups, Places, Policy, Quorum, Sharing, Terms, TimeToLive, bits};
use crate::calendar::Calendar;
use crate::derived::Derived;
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
    /// Its other terms.
    #[serde(flatten)]
    pub terms: Terms,
}

impl MatchedPolicy {
    /// Whether its minimum must come from its own approvers (G3).
    pub fn is_own(&self) -> bool {
        self.terms.quorum == Quorum::Own
    }
}

/// What all matching policies merge into; frozen into the change request (C6).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResultantPolicy {
    /// The highest minimum; 0 only where no policy asks for approval.
    pub minimum_approvals: u32,
    /// Whether any policy blocks the creator.
    pub block_creator: bool,
    /// Everyone who may approve, in order, so that anyone is found without looking at all.
    pub approvers: Vec<ResultantApprover>,
    /// The policies that matched, by id.
    pub policies: Vec<MatchedPolicy>,
    /// When their windows are open.
    #[serde(skip)]
    pub(super) calendar: Derived<Calendar>,
}

impl ResultantPolicy {
    /// The digest it is stored under.
    pub fn digest(&self) -> String {
        digest_of(self)
    }

    /// How many distinct people are needed: the highest minimum, or the sum of those that must come
    /// from a policy's own approvers where that is more (G3).
    pub fn approvals_needed(&self) -> u32 {
        let sum = self
            .own_policies()
            .map(|policy| policy.minimum_approvals)
            .sum();
        self.minimum_approvals.max(sum)
    }

    /// The policies whose minimum must come from their own approvers, by id.
    pub fn own_policies(&self) -> impl Iterator<Item = &MatchedPolicy> {
        self.policies.iter().filter(|policy| policy.is_own())
    }

    /// The groups of which an approver may fill a place: of those policies that name them.
    pub(crate) fn groups_of(&self, named: &ResultantApprover) -> Groups {
        bits(
            self.own_policies()
                .map(|policy| named.policies.contains(&policy.id)),
        )
    }

    /// A person, where they are named.
    pub(crate) fn named_user(&self, person: &Person) -> Option<&ResultantApprover> {
        let found = self
            .approvers
            .binary_search_by(|named| match &named.approver {
                Approver::User(user) => user.cmp(person),
                Approver::Team(_) => Ordering::Greater,
            });
        self.approvers.get(found.ok()?)
    }

    /// A team, where it is named; of each id there is one incarnation.
    pub(crate) fn named_team(&self, id: &TeamId) -> Option<&ResultantApprover> {
        let found = self
            .approvers
            .binary_search_by(|named| match &named.approver {
                Approver::User(_) => Ordering::Less,
                Approver::Team(team) => team.id.cmp(id),
            });
        self.approvers.get(found.ok()?)
    }

    /// Their places, empty.
    pub(crate) fn places(&self) -> Places {
        Places::new(
            self.own_policies()
                .map(|policy| policy.minimum_approvals as usize)
                .collect(),
        )
    }

    /// Which tasks share a change request: the most restrictive that any policy says (S1).
    pub fn sharing(&self) -> Sharing {
        let said = self.terms().filter_map(|terms| terms.sharing);
        said.min().unwrap_or(Sharing::PerTask)
    }

    /// Whether any policy has approvals checked again (D9).
    pub fn recheck_approvers(&self) -> bool {
        self.terms().any(|terms| terms.recheck_approvers)
    }

    /// How long a change request may stay pending: the shortest that any policy says (W7).
    pub fn approval_ttl(&self) -> Option<TimeToLive> {
        self.terms().filter_map(|terms| terms.approval_ttl).min()
    }

    /// How long an approval is good for: the shortest that any policy says (W7).
    pub fn execution_ttl(&self) -> Option<TimeToLive> {
        self.terms().filter_map(|terms| terms.execution_ttl).min()
    }

    /// How long ago an approver may have proven who they are: the shortest that any policy says,
    /// and that policy.
    pub fn max_auth_age(&self) -> Option<(TimeToLive, &PolicyId)> {
        let said = self
            .policies
            .iter()
            .filter_map(|policy| Some((policy.terms.max_auth_age?, &policy.id)));
        said.min()
    }

    fn terms(&self) -> impl Iterator<Item = &Terms> {
        self.policies.iter().map(|policy| &policy.terms)
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
                terms: draft.terms.clone(),
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
        calendar: Derived::default(),
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
                terms: Terms::default(),
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

    fn with_terms(rows: &[Terms]) -> ResultantPolicy {
        let policies: Vec<_> = (0..)
            .zip(rows)
            .map(|(id, terms)| {
                let mut made = policy(id, 2, false, &[1], &[]).as_ref().clone();
                made.draft.terms = terms.clone();
                Arc::new(made)
            })
            .collect();
        let merged_once = merged(&policies);
        let turned: Vec<_> = policies.into_iter().rev().collect();
        assert_eq!(merged(&turned), merged_once);
        merged_once
    }

    #[test]
    fn s1_the_most_restrictive_sharing_wins_and_unset_is_neutral() {
        use Sharing::{PerRelease, PerReleaseAndTenant, PerTask};
        let rows: [(&[Option<Sharing>], Sharing); 6] = [
            (&[], PerTask),
            (&[None, None], PerTask),
            (&[None, Some(PerRelease)], PerRelease),
            (
                &[Some(PerRelease), Some(PerReleaseAndTenant)],
                PerReleaseAndTenant,
            ),
            (&[Some(PerReleaseAndTenant), None], PerReleaseAndTenant),
            (&[Some(PerTask), Some(PerRelease)], PerTask),
        ];
        for (said, expected) in rows {
            let terms = |sharing: &Option<Sharing>| Terms {
                sharing: *sharing,
                ..Terms::default()
            };
            let terms: Vec<_> = said.iter().map(terms).collect();
            assert_eq!(with_terms(&terms).sharing(), expected, "{said:?}");
        }
    }

    #[test]
    fn g1_the_shortest_time_to_live_and_any_recheck_win() {
        let ttl = |seconds: i64| TimeToLive::from_micros(seconds * 1_000_000);
        let terms = |recheck_approvers, approval_ttl, execution_ttl| Terms {
            recheck_approvers,
            approval_ttl,
            execution_ttl,
            ..Terms::default()
        };
        let all = [
            terms(false, ttl(60), None),
            terms(true, ttl(30), ttl(900)),
            terms(false, None, ttl(300)),
        ];
        let found = with_terms(&all);
        assert_eq!(found.approval_ttl(), ttl(30));
        assert_eq!(found.execution_ttl(), ttl(300));
        assert!(found.recheck_approvers());
        let nothing = with_terms(&[Terms::default()]);
        assert_eq!(
            (nothing.approval_ttl(), nothing.execution_ttl()),
            (None, None)
        );
        assert!(!nothing.recheck_approvers());
    }

    #[test]
    fn g3_the_people_needed_are_the_highest_minimum_or_the_sum_of_the_own_ones() {
        let own = Terms {
            quorum: Quorum::Own,
            ..Terms::default()
        };
        let pooled = Terms::default();
        for (rows, needed) in [
            (vec![&pooled, &pooled], 2),
            (vec![&own], 2),
            (vec![&own, &pooled], 2),
            (vec![&own, &own], 4),
            (vec![&own, &own, &pooled], 4),
        ] {
            let rows: Vec<Terms> = rows.into_iter().cloned().collect();
            assert_eq!(with_terms(&rows).approvals_needed(), needed, "{rows:?}");
        }
    }

    #[test]
    fn m6_no_policy_asks_for_nothing() {
        assert_eq!(merged(&[]), ResultantPolicy::default());
    }
}
