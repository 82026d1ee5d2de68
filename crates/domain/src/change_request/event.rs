//! What the log says happened to a change request.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CrContent, Eligibility, ExpiryCause};
use crate::access::CredentialRef;
use crate::ids::{ArtifactDigest, TaskId};
use crate::person::Person;

/// One thing that happened to one change request; holds all that [`super::apply`] needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrEvent {
    /// It came into being: pending, or approved where nobody has to approve.
    Created {
        /// The frozen text.
        content: Arc<CrContent>,
    },
    /// A person approved.
    ApprovalRecorded {
        /// Who.
        person: Person,
        /// Why.
        comment: String,
        /// How they were entitled.
        eligibility: Eligibility,
        /// The digest they saw.
        artifact_digest: Option<ArtifactDigest>,
        /// The credential they used.
        credential: CredentialRef,
    },
    /// A person took their approval back.
    ApprovalRevoked {
        /// Who.
        person: Person,
        /// Why.
        comment: String,
        /// The credential they used.
        credential: CredentialRef,
    },
    /// Enough people have approved.
    QuorumReached,
    /// Too few approvals are left.
    QuorumLost,
    /// A person rejected it, which ended it.
    Rejected {
        /// Who.
        person: Person,
        /// Why.
        comment: String,
        /// How they were entitled.
        eligibility: Eligibility,
        /// The digest they saw.
        artifact_digest: Option<ArtifactDigest>,
        /// The credential they used.
        credential: CredentialRef,
        /// The tasks it stops.
        stops: Vec<TaskId>,
    },
    /// Time ended it.
    Expired {
        /// How.
        cause: ExpiryCause,
    },
    /// Its last waiting task was withdrawn.
    Withdrawn,
}

impl CrEvent {
    /// The event's name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "change_request.created",
            Self::ApprovalRecorded { .. } => "change_request.approval_recorded",
            Self::ApprovalRevoked { .. } => "change_request.approval_revoked",
            Self::QuorumReached => "change_request.quorum_reached",
            Self::QuorumLost => "change_request.quorum_lost",
            Self::Rejected { .. } => "change_request.rejected",
            Self::Expired { .. } => "change_request.expired",
            Self::Withdrawn => "change_request.withdrawn",
        }
    }
}
