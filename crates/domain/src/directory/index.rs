//! Finds the policies that could match a task without looking at all of them.
//!
//! A scope is filed under the ids of both its sides; a side that is `*` or tags is filed under
//! "any". What is found this way is then matched in full.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::ids::PolicyId;
use crate::policy::{Policy, Scope, ScopeSide};
use crate::task::TaskSpec;

/// A scope that names more pairs of ids than this is filed by its projects alone.
const PAIRS_LIMIT: usize = 1_000;

type Key = (Option<String>, Option<String>);

/// Policies by the ids their scopes name.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    filed: HashMap<Key, BTreeSet<PolicyId>>,
}

impl Index {
    /// Files a policy under all its scopes.
    pub(super) fn insert(&mut self, policy: &Arc<Policy>) {
        for key in policy.draft.scopes.iter().flat_map(keys) {
            self.filed
                .entry(key)
                .or_default()
                .insert(policy.draft.id.clone());
        }
    }

    /// Takes a policy out again.
    pub(super) fn remove(&mut self, policy: &Arc<Policy>) {
        for key in policy.draft.scopes.iter().flat_map(keys) {
            if let Some(ids) = self.filed.get_mut(&key) {
                ids.remove(&policy.draft.id);
                if ids.is_empty() {
                    self.filed.remove(&key);
                }
            }
        }
    }

    /// The policies that could match a task.
    pub(super) fn candidates(&self, task: &TaskSpec) -> BTreeSet<&PolicyId> {
        let project = Some(task.project.as_str().to_owned());
        let environment = Some(task.environment.as_str().to_owned());
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
