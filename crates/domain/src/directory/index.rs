//! Finds the policies and freezes that could match a task without looking at all of them.
//!
//! A scope is filed under the ids of both its sides; a side that is `*` or tags is filed under
//! "any". What is found this way is then matched in full.

use std::collections::{BTreeSet, HashMap};

use crate::ids::{EnvironmentId, ProjectId};
use crate::policy::{Scope, ScopeSide};

/// A scope that names more pairs of ids than this is filed by its projects alone.
const PAIRS_LIMIT: usize = 1_000;

type Key = (Option<String>, Option<String>);

/// What has scopes, by the ids they name.
#[derive(Debug, Clone)]
pub(super) struct Index<Id> {
    filed: HashMap<Key, BTreeSet<Id>>,
}

impl<Id> Default for Index<Id> {
    fn default() -> Self {
        Self {
            filed: HashMap::new(),
        }
    }
}

impl<Id: Ord + Clone> Index<Id> {
    /// Files something under all its scopes.
    pub(super) fn insert(&mut self, id: &Id, scopes: &[Scope]) {
        for key in scopes.iter().flat_map(keys) {
            self.filed.entry(key).or_default().insert(id.clone());
        }
    }

    /// Takes it out again.
    pub(super) fn remove(&mut self, id: &Id, scopes: &[Scope]) {
        for key in scopes.iter().flat_map(keys) {
            if let Some(ids) = self.filed.get_mut(&key) {
                ids.remove(id);
                if ids.is_empty() {
                    self.filed.remove(&key);
                }
            }
        }
    }

    /// What could match a task of this project and environment.
    pub(super) fn candidates(
        &self,
        project: &ProjectId,
        environment: &EnvironmentId,
    ) -> BTreeSet<&Id> {
        if self.filed.is_empty() {
            return BTreeSet::new();
        }
        let project = Some(project.as_str().to_owned());
        let environment = Some(environment.as_str().to_owned());
        let keys = [
            (project.clone(), environment.clone()),
            (project, None),
            (None, environment),
            (None, None),
        ];
        keys.iter()
            .filter_map(|key| self.filed.get(key))
            .flatten()
            .collect()
    }
}

fn keys(scope: &Scope) -> Vec<Key> {
    let projects = side_keys(&scope.projects);
    let mut environments = side_keys(&scope.environments);
    if projects.len().saturating_mul(environments.len()) > PAIRS_LIMIT {
        environments = vec![None];
    }
    let pair = |project: &Option<String>| {
        let project = project.clone();
        environments
            .iter()
            .map(move |environment| (project.clone(), environment.clone()))
    };
    projects.iter().flat_map(pair).collect()
}

fn side_keys(side: &ScopeSide) -> Vec<Option<String>> {
    match side {
        ScopeSide::Any | ScopeSide::Tags(_) => vec![None],
        ScopeSide::Ids(ids) => ids.iter().cloned().map(Some).collect(),
    }
}
