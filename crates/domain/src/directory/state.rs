//! The directory itself, and the one way from an event to its next revision.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::index::Index;
use super::{PolicyEvent, Team, TeamEvent};
use crate::Instant;
use crate::access::{SecretHash, Token, TokenEvent, apply_token};
use crate::freeze::{Freeze, FreezeEvent, apply_freeze};
use crate::ids::{EnvironmentId, FreezeId, PolicyId, ProjectId, TeamId, TokenId};
use crate::log::{IllegalEdge, Stamp};
use crate::policy::{Policy, ResultantPolicy, TeamRef, merge};
use crate::task::TaskSpec;

/// All policies, teams, freezes and tokens at one revision.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    revision: u64,
    /// The revision of the newest policy or team event that was taken in here.
    matching_revision: u64,
    policies: BTreeMap<PolicyId, Arc<Policy>>,
    teams: BTreeMap<TeamId, Arc<Team>>,
    /// Deleted ones too, while what they held is being let go.
    freezes: BTreeMap<FreezeId, Arc<Freeze>>,
    /// Ended ones too: their ids are not used again.
    tokens: BTreeMap<TokenId, Arc<Token>>,
    token_of: HashMap<SecretHash, TokenId>,
    index: Index<PolicyId>,
    freeze_index: Index<FreezeId>,
}

impl Directory {
    /// The directory as rows hold it at a revision.
    pub fn from_rows(
        revision: u64,
        policies: Vec<Policy>,
        teams: Vec<Team>,
        freezes: Vec<Freeze>,
        tokens: Vec<Token>,
    ) -> Self {
        let mut directory = Self {
            revision,
            matching_revision: revision,
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
        for freeze in freezes {
            directory.put_freeze(Arc::new(freeze));
        }
        for token in tokens {
            directory.put_token(Arc::new(token));
        }
        directory
    }

    /// How many events it has taken in.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Changes whenever what tasks match and merge into may: not with freezes. Only good for
    /// telling two states of this very directory apart.
    pub fn matching_revision(&self) -> u64 {
        self.matching_revision
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

    /// A freeze by id.
    pub fn freeze(&self, id: &FreezeId) -> Option<&Arc<Freeze>> {
        self.freezes.get(id).filter(|freeze| !freeze.deleted)
    }

    /// A freeze by id, or what is left of a deleted one.
    pub fn freeze_or_remains(&self, id: &FreezeId) -> Option<&Freeze> {
        self.freezes.get(id).map(Arc::as_ref)
    }

    /// The freezes after an id.
    pub fn freezes_after(&self, id: Option<&FreezeId>) -> impl Iterator<Item = &Arc<Freeze>> {
        after(&self.freezes, id).filter(|freeze| !freeze.deleted)
    }

    /// A token by id.
    pub fn token(&self, id: &TokenId) -> Option<&Arc<Token>> {
        self.tokens.get(id)
    }

    /// The token with this hash.
    pub fn token_of(&self, hash: &SecretHash) -> Option<&Arc<Token>> {
        self.tokens.get(self.token_of.get(hash)?)
    }

    /// The tokens after an id.
    pub fn tokens_after(&self, id: Option<&TokenId>) -> impl Iterator<Item = &Arc<Token>> {
        after(&self.tokens, id)
    }

    /// The next instant at which tasks have to be looked at because of a freeze.
    pub fn next_due_freeze(&self) -> Option<Instant> {
        let freezes = self.freezes.values();
        freezes.filter_map(|freeze| freeze.due_at).min()
    }

    /// The freeze because of which tasks have to be looked at now, if any: the one that turned
    /// last, so that a halt does not wait until everything before it is done.
    pub fn due_freeze(&self, now: Instant) -> Option<(Instant, &Arc<Freeze>)> {
        let freezes = self.freezes.values();
        freezes
            .filter_map(|freeze| Some((freeze.due_at?, freeze)))
            .filter(|(due_at, _)| *due_at <= now)
            .max_by_key(|(due_at, _)| *due_at)
    }

    /// The freezes that could hold tasks of a project and environment, as far as those tell.
    pub fn freezes_near(
        &self,
        project: &ProjectId,
        environment: &EnvironmentId,
    ) -> impl Iterator<Item = &Arc<Freeze>> {
        let near = self.freeze_index.candidates(project, environment);
        near.into_iter().filter_map(|id| self.freezes.get(id))
    }

    /// The freezes that hold a task at an instant.
    pub fn freezes_on(&self, task: &TaskSpec, at: Instant) -> impl Iterator<Item = &Arc<Freeze>> {
        self.freezes_near(&task.project, &task.environment)
            .filter(move |freeze| freeze.matches(task) && freeze.in_force(at).is_some())
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
            .candidates(&task.project, &task.environment)
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
        self.matching_revision = self.revision;
        if let Some(old) = self.policies.remove(id) {
            self.index.remove(id, &old.draft.scopes);
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
        self.matching_revision = self.revision;
        match &next {
            Some(team) => self.teams.insert(id.clone(), Arc::new(team.clone())),
            None => self.teams.remove(id),
        };
        Ok(next)
    }

    /// Takes in one freeze event; the result is `None` once nothing is left of the freeze.
    pub fn apply_freeze(
        &mut self,
        id: &FreezeId,
        event: &FreezeEvent,
        stamp: Stamp,
    ) -> Result<Option<Freeze>, IllegalEdge> {
        let next = apply_freeze(self.freeze_or_remains(id), event, stamp)?;
        self.revision += 1;
        if let Some(old) = self.freezes.remove(id) {
            self.freeze_index.remove(id, &old.draft.scopes);
        }
        if let Some(freeze) = &next {
            self.put_freeze(Arc::new(freeze.clone()));
        }
        Ok(next)
    }

    /// Takes in one token event.
    pub fn apply_token(
        &mut self,
        id: &TokenId,
        event: &TokenEvent,
        stamp: Stamp,
    ) -> Result<Token, IllegalEdge> {
        let next = apply_token(self.tokens.get(id).map(Arc::as_ref), event, stamp)?;
        self.revision += 1;
        self.put_token(Arc::new(next.clone()));
        Ok(next)
    }

    fn put_policy(&mut self, policy: Arc<Policy>) {
        self.index.insert(&policy.draft.id, &policy.draft.scopes);
        self.policies.insert(policy.draft.id.clone(), policy);
    }

    fn put_token(&mut self, token: Arc<Token>) {
        let (id, hash) = (token.draft.id.clone(), token.draft.secret_hash.clone());
        self.token_of.insert(hash, id.clone());
        self.tokens.insert(id, token);
    }

    fn put_freeze(&mut self, freeze: Arc<Freeze>) {
        self.freeze_index
            .insert(&freeze.draft.id, &freeze.draft.scopes);
        self.freezes.insert(freeze.draft.id.clone(), freeze);
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
