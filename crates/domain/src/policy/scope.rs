//! Which tasks a policy applies to (M2, M3).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{EnvironmentId, ProjectId, Tag, TenantId};
use crate::task::{TaskKind, TaskSpec};

/// One side of a scope: ids, or tags, or everything. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeSide {
    /// Everything: `*`.
    Any,
    /// These ids, exactly.
    Ids(BTreeSet<String>),
    /// Tags: those of one set are alternatives, different sets must all match.
    Tags(BTreeSet<Tag>),
}

impl ScopeSide {
    fn matches(&self, id: &str, tags: &BTreeSet<Tag>) -> bool {
        match self {
            Self::Any => true,
            Self::Ids(ids) => ids.contains(id),
            Self::Tags(wanted) => {
                let mut sets: BTreeMap<&str, bool> = BTreeMap::new();
                for tag in wanted {
                    *sets.entry(tag.set()).or_default() |= tags.contains(tag);
                }
                !sets.is_empty() && sets.values().all(|&matched| matched)
            }
        }
    }
}

impl ScopeSide {
    /// Whether some object could match both sides.
    fn may_overlap(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ids(ids), Self::Ids(others)) => !ids.is_disjoint(others),
            (Self::Any | Self::Tags(_), _) | (_, Self::Any | Self::Tags(_)) => true,
        }
    }
}

/// What a policy applies to: both sides must match, and the task's kind and tenant where given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Which projects.
    pub projects: ScopeSide,
    /// Which environments.
    pub environments: ScopeSide,
    /// Only these kinds; empty is all.
    pub kinds: BTreeSet<TaskKind>,
    /// Only these tenants; empty is all, with or without a tenant.
    pub tenants: BTreeSet<TenantId>,
}

impl Scope {
    /// Whether a side names nothing, so that the scope could never match.
    pub fn has_an_empty_side(&self) -> bool {
        let empty = |side: &ScopeSide| match side {
            ScopeSide::Any => false,
            ScopeSide::Ids(ids) => ids.is_empty(),
            ScopeSide::Tags(tags) => tags.is_empty(),
        };
        empty(&self.projects) || empty(&self.environments)
    }

    /// Whether some task could fall under both scopes. Tags come with each task, so sides with tags
    /// may always meet.
    pub fn may_overlap(&self, other: &Self) -> bool {
        let kinds = self.kinds.is_empty()
            || other.kinds.is_empty()
            || !self.kinds.is_disjoint(&other.kinds);
        let tenants = self.tenants.is_empty()
            || other.tenants.is_empty()
            || !self.tenants.is_disjoint(&other.tenants);
        kinds
            && tenants
            && self.projects.may_overlap(&other.projects)
            && self.environments.may_overlap(&other.environments)
    }

    /// Whether some task of a project and an environment could fall under it, as far as they are
    /// named. Tags come with each task.
    pub fn may_match(
        &self,
        project: Option<&ProjectId>,
        environment: Option<&EnvironmentId>,
    ) -> bool {
        let may = |side: &ScopeSide, id: Option<&str>| match (side, id) {
            (ScopeSide::Ids(ids), Some(id)) => ids.contains(id),
            (ScopeSide::Any | ScopeSide::Tags(_), _) | (ScopeSide::Ids(_), None) => true,
        };
        may(&self.projects, project.map(ProjectId::as_str))
            && may(&self.environments, environment.map(EnvironmentId::as_str))
    }

    /// Whether a task falls under this scope.
    pub fn matches(&self, task: &TaskSpec) -> bool {
        let kind = self.kinds.is_empty() || self.kinds.contains(&task.kind);
        let tenant = self.tenants.is_empty()
            || task
                .tenant
                .as_ref()
                .is_some_and(|tenant| self.tenants.contains(tenant));
        kind && tenant
            && self
                .projects
                .matches(task.project.as_str(), &task.project_tags)
            && self
                .environments
                .matches(task.environment.as_str(), &task.environment_tags)
    }
}

/// Whether some task could fall under scopes of both kinds.
pub(crate) fn scopes_may_overlap(some: &[Scope], others: &[Scope]) -> bool {
    let meets = |scope: &Scope| others.iter().any(|other| scope.may_overlap(other));
    some.iter().any(meets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(texts: &[&str]) -> BTreeSet<Tag> {
        texts.iter().map(|text| Tag::parse(text).unwrap()).collect()
    }

    #[test]
    fn m2_ids_match_exactly() {
        let side = ScopeSide::Ids(["prod".to_owned()].into());
        for (id, matches) in [
            ("prod", true),
            ("nonprod", false),
            ("prod2", false),
            ("Prod", false),
            ("", false),
        ] {
            assert_eq!(side.matches(id, &BTreeSet::new()), matches, "{id:?}");
        }
        assert!(ScopeSide::Any.matches("prod", &BTreeSet::new()));
    }

    #[test]
    fn m3_tags_of_one_set_are_alternatives_and_sets_must_all_match() {
        let rows: [(&[&str], &[&str], bool); 7] = [
            (&["tier/a", "tier/b"], &["tier/b"], true),
            (&["tier/a", "tier/b"], &["tier/c"], false),
            (&["tier/a", "region/eu"], &["tier/a"], false),
            (
                &["tier/a", "region/eu"],
                &["tier/a", "region/eu", "x/y"],
                true,
            ),
            (
                &["tier/a", "region/eu", "region/us"],
                &["tier/a", "region/us"],
                true,
            ),
            (&["tier/a"], &[], false),
            (&["tier/a"], &["tier/ab"], false),
        ];
        for (wanted, found, matches) in rows {
            let side = ScopeSide::Tags(tags(wanted));
            assert_eq!(
                side.matches("web", &tags(found)),
                matches,
                "{wanted:?} on {found:?}"
            );
        }
    }
}
