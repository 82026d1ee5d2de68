//! What the log says happened to policies and teams.

use serde::{Deserialize, Serialize};

use super::TeamDraft;
use crate::policy::PolicyDraft;

/// One thing that happened to one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyEvent {
    /// It came into being.
    Created {
        /// As this.
        draft: Box<PolicyDraft>,
    },
    /// It was changed.
    Updated {
        /// To this.
        draft: Box<PolicyDraft>,
    },
    /// It was deleted.
    Deleted,
}

impl PolicyEvent {
    /// The event's name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "policy.created",
            Self::Updated { .. } => "policy.updated",
            Self::Deleted => "policy.deleted",
        }
    }
}

/// One thing that happened to one team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamEvent {
    /// It came into being.
    Created {
        /// As this.
        draft: Box<TeamDraft>,
    },
    /// It was changed.
    Updated {
        /// To this.
        draft: Box<TeamDraft>,
    },
    /// It was deleted.
    Deleted,
}

impl TeamEvent {
    /// The event's name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "team.created",
            Self::Updated { .. } => "team.updated",
            Self::Deleted => "team.deleted",
        }
    }
}
