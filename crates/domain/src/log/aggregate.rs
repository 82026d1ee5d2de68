//! What an entry is about.

use serde::{Deserialize, Serialize};

use crate::ids::{CrNumber, FreezeId, PolicyId, TaskId, TeamId, TokenId};

/// One thing with a history of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregateKey {
    /// The store itself.
    Store,
    /// A change request.
    ChangeRequest(CrNumber),
    /// A task.
    Task(TaskId),
    /// A policy.
    Policy(PolicyId),
    /// A team.
    Team(TeamId),
    /// A freeze.
    Freeze(FreezeId),
    /// An API token.
    Token(TokenId),
}

impl AggregateKey {
    /// The kind's name in columns.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::ChangeRequest(_) => "change_request",
            Self::Task(_) => "task",
            Self::Policy(_) => "policy",
            Self::Team(_) => "team",
            Self::Freeze(_) => "freeze",
            Self::Token(_) => "token",
        }
    }

    /// The id in columns.
    pub fn id(&self) -> String {
        match self {
            Self::Store => String::new(),
            Self::ChangeRequest(number) => number.0.to_string(),
            Self::Task(id) => id.to_string(),
            Self::Policy(id) => id.to_string(),
            Self::Team(id) => id.to_string(),
            Self::Freeze(id) => id.to_string(),
            Self::Token(id) => id.to_string(),
        }
    }
}
