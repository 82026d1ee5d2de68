//! The projects and environments that a credential may act on.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{EnvironmentId, ProjectId};
use crate::policy::{Scope, ScopeSide};

/// One side of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantSide {
    /// Everything.
    Any,
    /// These ids, exactly.
    Only(BTreeSet<String>),
}

impl GrantSide {
    fn covers(&self, id: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(ids) => ids.contains(id),
        }
    }

    fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Only(_), Self::Any) => false,
            (Self::Only(ids), Self::Only(others)) => others.is_subset(ids),
        }
    }

    /// Whether it covers all that a scope's side may match. Which ids carry a tag, only the
    /// orchestrator knows, so tags may match any.
    fn covers_side(&self, side: &ScopeSide) -> bool {
        match (self, side) {
            (Self::Any, _) => true,
            (Self::Only(_), ScopeSide::Any | ScopeSide::Tags(_)) => false,
            (Self::Only(_), ScopeSide::Ids(ids)) => ids.iter().all(|id| self.covers(id)),
        }
    }

    /// Whether it covers anything that a scope's side may match.
    fn touches_side(&self, side: &ScopeSide) -> bool {
        match (self, side) {
            (Self::Any, _) | (Self::Only(_), ScopeSide::Any | ScopeSide::Tags(_)) => true,
            (Self::Only(_), ScopeSide::Ids(ids)) => ids.iter().any(|id| self.covers(id)),
        }
    }
}

/// What a credential may act on: both sides must cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Which projects.
    pub projects: GrantSide,
    /// Which environments.
    pub environments: GrantSide,
}

impl Grant {
    /// A grant without limits.
    pub const fn unlimited() -> Self {
        Self {
            projects: GrantSide::Any,
            environments: GrantSide::Any,
        }
    }

    /// Whether the grant covers a task of this project and environment.
    pub fn covers(&self, project: &ProjectId, environment: &EnvironmentId) -> bool {
        self.projects.covers(project.as_str()) && self.environments.covers(environment.as_str())
    }

    /// Whether it covers everything.
    pub fn is_unlimited(&self) -> bool {
        self.includes(&Self::unlimited())
    }

    /// Whether it covers all that another one covers.
    pub fn includes(&self, other: &Self) -> bool {
        self.projects.includes(&other.projects) && self.environments.includes(&other.environments)
    }

    /// Whether it covers every task that these scopes may match: only then may its bearer say what
    /// holds for them.
    pub fn covers_scopes(&self, scopes: &[Scope]) -> bool {
        scopes.iter().all(|scope| {
            self.projects.covers_side(&scope.projects)
                && self.environments.covers_side(&scope.environments)
        })
    }

    /// Whether it covers any task that these scopes may match: then its bearer may read them.
    pub fn touches_scopes(&self, scopes: &[Scope]) -> bool {
        scopes.iter().any(|scope| {
            self.projects.touches_side(&scope.projects)
                && self.environments.touches_side(&scope.environments)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_must_cover_and_ids_match_exactly() {
        let grant = Grant {
            projects: GrantSide::Only(["web".to_owned()].into()),
            environments: GrantSide::Any,
        };
        let covers = |project: &str| {
            let environment = EnvironmentId::parse("production").unwrap();
            grant.covers(&ProjectId::parse(project).unwrap(), &environment)
        };
        assert!(covers("web"));
        assert!(!covers("web2"));
        assert!(!covers("we"));
        assert!(!covers("Web"));
    }
}
