//! What the log says happened to a change request.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CrContent, Eligibility, ExpiryCause};
use crate::Instant;
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
    /// Another task joined it.
    TaskJoined {
        /// Which.
        task: TaskId,
        /// The etag from here on.
        etag: String,
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
    /// An approval no longer counts: it was checked again, and the person was no approver any more.
    ApprovalLapsed {
        /// Whose.
        person: Person,
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
        /// The instant at which it was due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Instant>,
    },
    /// The time to live of its newest approval passed, and nothing was left to expire.
    TimeToLivePassed,
    /// Its last waiting task was withdrawn.
    Withdrawn,
}

impl CrEvent {
    /// The event's name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "change_request.created",
            Self::TaskJoined { .. } => "change_request.task_joined",
            Self::ApprovalRecorded { .. } => "change_request.approval_recorded",
            Self::ApprovalRevoked { .. } => "change_request.approval_revoked",
            Self::ApprovalLapsed { .. } => "change_request.approval_lapsed",
            Self::QuorumReached => "change_request.quorum_reached",
            Self::QuorumLost => "change_request.quorum_lost",
            Self::Rejected { .. } => "change_request.rejected",
            Self::Expired { .. } => "change_request.expired",
            Self::TimeToLivePassed => "change_request.time_to_live_passed",
            Self::Withdrawn => "change_request.withdrawn",
        }
    }
}
