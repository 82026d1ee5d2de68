//! What the log says happened to a freeze.

use serde::{Deserialize, Serialize};

use super::{FreezeDraft, Sweep};
use crate::Instant;

/// One thing that happened to one freeze. Each says when tasks have to be looked at because of it,
/// so that no calendar is asked when the log is folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeEvent {
    /// It came into being.
    Created {
        /// As this.
        draft: Box<FreezeDraft>,
        /// When tasks have to be looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Instant>,
    },
    /// It was changed.
    Updated {
        /// To this.
        draft: Box<FreezeDraft>,
        /// Its times stayed, and with them an earlier lifting.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        stays_lifted: bool,
        /// When tasks have to be looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Instant>,
    },
    /// Its present occurrence was ended.
    Lifted {
        /// Up to this instant.
        until: Instant,
        /// Why.
        comment: String,
        /// When tasks have to be looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Instant>,
    },
    /// It was deleted.
    Deleted {
        /// When tasks have to be looked at; `None`: it held nothing, and is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Instant>,
    },
    /// Tasks were looked at because of it.
    Swept {
        /// How far; `None`: all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sweep: Option<Sweep>,
        /// When they have to be again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Instant>,
    },
}

impl FreezeEvent {
    /// The event's name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "freeze.created",
            Self::Updated { .. } => "freeze.updated",
            Self::Lifted { .. } => "freeze.lifted",
            Self::Deleted { .. } => "freeze.deleted",
            Self::Swept { .. } => "freeze.swept",
        }
    }

    /// The same event with another due instant.
    pub(super) fn due(mut self, at: Option<Instant>) -> Self {
        match &mut self {
            Self::Created { due_at, .. }
            | Self::Updated { due_at, .. }
            | Self::Lifted { due_at, .. }
            | Self::Deleted { due_at }
            | Self::Swept { due_at, .. } => *due_at = at,
        }
        self
    }
}
