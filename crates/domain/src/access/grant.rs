//! The projects and environments that a credential may act on.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{EnvironmentId, ProjectId};
use crate::policy::{Scope, ScopeSide};
use crate::text::{self, Problem};

/// Stands for everything where ids are listed.
const EVERYTHING: &str = "*";

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
    /// A side as it is written: ids, or `*` alone for everything.
    pub fn parse(ids: &[String]) -> Result<Self, Problem> {
        let allowed = "ids, or `*` alone for everything";
        match ids {
            [] => Err(Problem::new("nothing", allowed)),
            [id] if id == EVERYTHING => Ok(Self::Any),
            ids if ids.iter().any(|id| id == EVERYTHING) => {
                Err(Problem::new("`*` among other ids", allowed))
            }
            ids => {
                ids.iter().try_for_each(|id| text::name(id))?;
                Ok(Self::Only(ids.iter().cloned().collect()))
            }
        }
    }

    /// As it is written.
    pub fn to_ids(&self) -> Vec<String> {
        match self {
            Self::Any => vec![EVERYTHING.to_owned()],
            Self::Only(ids) => ids.iter().cloned().collect(),
        }
    }

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
            (Self::Any, _) => true,
            (Self::Only(ids), ScopeSide::Any | ScopeSide::Tags(_)) => !ids.is_empty(),
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

    /// A grant that covers nothing.
    pub fn nothing() -> Self {
        Self {
            projects: GrantSide::Only(BTreeSet::new()),
            environments: GrantSide::Only(BTreeSet::new()),
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
    fn a_side_is_everything_or_ids() {
        let parse = |ids: &[&str]| {
            let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
            GrantSide::parse(&ids)
        };
        assert_eq!(parse(&["*"]), Ok(GrantSide::Any));
        assert_eq!(parse(&["web", "shop"]).unwrap().to_ids(), ["shop", "web"]);
        assert_eq!(GrantSide::Any.to_ids(), ["*"]);
        for bad in [&[][..], &["*", "web"], &[" web"], &[""]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

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

    #[test]
    fn a_grant_of_nothing_touches_nothing() {
        let any = Scope {
            projects: ScopeSide::Any,
            environments: ScopeSide::Any,
            kinds: BTreeSet::new(),
            tenants: BTreeSet::new(),
        };
        assert!(Grant::unlimited().touches_scopes(std::slice::from_ref(&any)));
        assert!(!Grant::nothing().touches_scopes(&[any]));
        assert!(!Grant::nothing().is_unlimited());
    }
}
