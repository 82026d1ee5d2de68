//! What people ask of the directory.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{TeamDraft, TeamField};
use crate::access::TokenDraft;
use crate::freeze::{FreezeDraft, FreezeField};
use crate::ids::{FreezeId, PolicyId, TeamId, TokenId};
use crate::policy::{PolicyDraft, PolicyField};

/// "Only if it is still what I read."
pub type EtagGuard = Option<String>;

/// A change of policies, teams, freezes or tokens. Each is alone in its batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryCommand {
    /// Create a policy.
    CreatePolicy(Box<PolicyDraft>),
    /// Change the named fields of a policy.
    UpdatePolicy {
        /// The policy and its new fields.
        draft: Box<PolicyDraft>,
        /// Which fields.
        fields: BTreeSet<PolicyField>,
        /// Only this version of it.
        etag: EtagGuard,
    },
    /// Delete a policy.
    DeletePolicy {
        /// Which.
        id: PolicyId,
        /// Only this version of it.
        etag: EtagGuard,
    },
    /// Create a team.
    CreateTeam(Box<TeamDraft>),
    /// Change the named fields of a team.
    UpdateTeam {
        /// The team and its new fields.
        draft: Box<TeamDraft>,
        /// Which fields.
        fields: BTreeSet<TeamField>,
        /// Only this version of it.
        etag: EtagGuard,
    },
    /// Delete a team.
    DeleteTeam {
        /// Which.
        id: TeamId,
        /// Only this version of it.
        etag: EtagGuard,
    },
    /// Declare a freeze.
    CreateFreeze(Box<FreezeDraft>),
    /// Change the named fields of a freeze.
    UpdateFreeze {
        /// The freeze and its new fields.
        draft: Box<FreezeDraft>,
        /// Which fields.
        fields: BTreeSet<FreezeField>,
        /// Only this version of it.
        etag: EtagGuard,
    },
    /// Delete a freeze.
    DeleteFreeze {
        /// Which.
        id: FreezeId,
        /// Only this version of it.
        etag: EtagGuard,
    },
    /// End the present occurrence of a freeze.
    LiftFreeze {
        /// Which.
        id: FreezeId,
        /// Why.
        comment: String,
        /// Only this version of it.
        etag: EtagGuard,
    },
    /// Make an API token.
    CreateToken(Box<TokenDraft>),
    /// Revoke an API token.
    RevokeToken {
        /// Which.
        id: TokenId,
        /// Why.
        comment: String,
    },
}

impl DirectoryCommand {
    /// Whether whoever runs the program may ask for it at the store itself, without a credential:
    /// the first tokens have to come from somewhere.
    pub fn needs_no_caller(&self) -> bool {
        match self {
            Self::CreateToken(_) | Self::RevokeToken { .. } => true,
            Self::CreatePolicy(_)
            | Self::UpdatePolicy { .. }
            | Self::DeletePolicy { .. }
            | Self::CreateTeam(_)
            | Self::UpdateTeam { .. }
            | Self::DeleteTeam { .. }
            | Self::CreateFreeze(_)
            | Self::UpdateFreeze { .. }
            | Self::DeleteFreeze { .. }
            | Self::LiftFreeze { .. } => false,
        }
    }
}
