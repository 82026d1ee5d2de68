//! The directory itself, and the one way from an event to its next revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::index::Index;
use super::{PolicyEvent, Team, TeamEvent};
use crate::ids::{PolicyId, TeamId};
use crate::log::{IllegalEdge, Stamp};
use crate::policy::{Policy, ResultantPolicy, TeamRef, merge};
use crate::task::TaskSpec;

/// All policies and teams at one revision.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    revision: u64,
    policies: BTreeMap<PolicyId, Arc<Policy>>,
    teams: BTreeMap<TeamId, Arc<Team>>,
    index: Index,
}

impl Directory {
    /// The directory as rows hold it at a revision.
    pub fn from_rows(revision: u64, policies: Vec<Policy>, teams: Vec<Team>) -> Self {
        let mut directory = Self {
            revision,
            ..Self::default()
        };
        for policy in policies {
            directory.put_policy(Arc::new(policy));
        }
        for team in teams {
            directory
                .teams
                .insert(team.draft.id.clone(), Arc::new(team));
        }
        directory
    }

    /// How many events it has taken in.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// A policy by id.
    pub fn policy(&self, id: &PolicyId) -> Option<&Arc<Policy>> {
        self.policies.get(id)
    }

    /// All policies by id.
    pub fn policies(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.policies.values()
    }

    /// The policies after an id.
    pub fn policies_after(&self, id: Option<&PolicyId>) -> impl Iterator<Item = &Arc<Policy>> {
        after(&self.policies, id)
    }

    /// A team by id.
    pub fn team(&self, id: &TeamId) -> Option<&Arc<Team>> {
        self.teams.get(id)
    }

    /// The teams after an id.
    pub fn teams_after(&self, id: Option<&TeamId>) -> impl Iterator<Item = &Arc<Team>> {
        after(&self.teams, id)
    }

    /// The living incarnation of a team.
    pub fn team_ref(&self, id: &TeamId) -> Option<TeamRef> {
        let team = self.teams.get(id)?;
        Some(TeamRef {
            id: id.clone(),
            incarnation: team.created.sequence,
        })
    }

    /// The team that a frozen policy named, if that very one still lives (D10).
    pub fn living_team(&self, team: &TeamRef) -> Option<&Arc<Team>> {
        self.teams
            .get(&team.id)
            .filter(|living| living.created.sequence == team.incarnation)
    }

    /// What all matching policies merge into.
    pub fn resultant(&self, task: &TaskSpec) -> ResultantPolicy {
        let matching: Vec<Arc<Policy>> = self
            .index
            .candidates(task)
            .into_iter()
            .filter_map(|id| self.policies.get(id))
            .filter(|policy| applies(policy, task))
            .cloned()
            .collect();
        merge(&matching, |id| {
            self.teams.get(id).map(|team| team.created.sequence)
        })
    }

    /// Takes in one policy event; the result is `None` once the policy is deleted.
    pub fn apply_policy(
        &mut self,
        id: &PolicyId,
        event: &PolicyEvent,
        stamp: Stamp,
    ) -> Result<Option<Policy>, IllegalEdge> {
        let next = apply_policy(self.policies.get(id).map(Arc::as_ref), event, stamp)?;
        self.revision += 1;
        if let Some(old) = self.policies.remove(id) {
            self.index.remove(&old);
        }
        if let Some(policy) = &next {
            self.put_policy(Arc::new(policy.clone()));
        }
        Ok(next)
    }

    /// Takes in one team event; the result is `None` once the team is deleted.
    pub fn apply_team(
        &mut self,
        id: &TeamId,
        event: &TeamEvent,
        stamp: Stamp,
    ) -> Result<Option<Team>, IllegalEdge> {
        let next = apply_team(self.teams.get(id).map(Arc::as_ref), event, stamp)?;
        self.revision += 1;
        match &next {
            Some(team) => self.teams.insert(id.clone(), Arc::new(team.clone())),
            None => self.teams.remove(id),
        };
        Ok(next)
    }

    fn put_policy(&mut self, policy: Arc<Policy>) {
        self.index.insert(&policy);
        self.policies.insert(policy.draft.id.clone(), policy);
    }
}

/// Whether a policy binds a task.
fn applies(policy: &Policy, task: &TaskSpec) -> bool {
    !policy.draft.disabled && policy.draft.scopes.iter().any(|scope| scope.matches(task))
}

fn after<'a, K: Ord, V>(map: &'a BTreeMap<K, V>, id: Option<&K>) -> impl Iterator<Item = &'a V> {
    use std::ops::Bound;
    let from = id.map_or(Bound::Unbounded, Bound::Excluded);
    map.range::<K, _>((from, Bound::Unbounded))
        .map(|(_, value)| value)
}

/// The policy after an event; `None` once it is deleted.
pub fn apply_policy(
    policy: Option<&Policy>,
    event: &PolicyEvent,
    stamp: Stamp,
) -> Result<Option<Policy>, IllegalEdge> {
    let edge = |state| IllegalEdge {
        event: event.name(),
        state,
        sequence: stamp.sequence,
    };
    match (event, policy) {
        (PolicyEvent::Created { draft }, None) => {
            let draft = draft.as_ref().clone();
            Ok(Some(Policy {
                draft,
                revision: 1,
                created: stamp,
                stamp,
            }))
        }
        (PolicyEvent::Updated { draft }, Some(policy)) => {
            let draft = draft.as_ref().clone();
            let revision = policy.revision + 1;
            Ok(Some(Policy {
                draft,
                revision,
                created: policy.created,
                stamp,
            }))
        }
        (PolicyEvent::Deleted, Some(_)) => Ok(None),
        (PolicyEvent::Created { .. }, Some(_)) => Err(edge("present")),
        (PolicyEvent::Updated { .. } | PolicyEvent::Deleted, None) => Err(edge("absent")),
    }
}

/// The team after an event; `None` once it is deleted.
pub fn apply_team(
    team: Option<&Team>,
    event: &TeamEvent,
    stamp: Stamp,
) -> Result<Option<Team>, IllegalEdge> {
    let edge = |state| IllegalEdge {
        event: event.name(),
        state,
        sequence: stamp.sequence,
    };
    match (event, team) {
        (TeamEvent::Created { draft }, None) => {
            let draft = draft.as_ref().clone();
            Ok(Some(Team {
                draft,
                revision: 1,
                created: stamp,
                stamp,
            }))
        }
        (TeamEvent::Updated { draft }, Some(team)) => {
            let draft = draft.as_ref().clone();
            let revision = team.revision + 1;
            Ok(Some(Team {
                draft,
                revision,
                created: team.created,
                stamp,
            }))
        }
        (TeamEvent::Deleted, Some(_)) => Ok(None),
        (TeamEvent::Created { .. }, Some(_)) => Err(edge("present")),
        (TeamEvent::Updated { .. } | TeamEvent::Deleted, None) => Err(edge("absent")),
    }
}
