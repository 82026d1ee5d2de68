//! The projects and environments that a credential may act on.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{EnvironmentId, ProjectId};

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
