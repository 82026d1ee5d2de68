//! What people ask of the directory.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{TeamDraft, TeamField};
use crate::freeze::{FreezeDraft, FreezeField};
use crate::ids::{FreezeId, PolicyId, TeamId};
use crate::policy::{PolicyDraft, PolicyField};

/// "Only if it is still what I read."
pub type EtagGuard = Option<String>;

/// A change of policies, teams or freezes. Each is alone in its batch.
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
}
