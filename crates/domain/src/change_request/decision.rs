//! A decision: what one person said about a change request.

use serde::{Deserialize, Serialize};

use super::Eligibility;
use crate::Instant;
use crate::access::CredentialRef;
use crate::ids::ArtifactDigest;
use crate::person::Person;

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Approved; counts.
    Approved,
    /// Rejected; ended the change request.
    Rejected,
    /// Took an approval back.
    Revoked,
    /// Approved, but was no longer an approver when that was checked again (D9).
    Lapsed,
}

/// The latest decision of one person, with how they were entitled to it; later changes of teams
/// change nothing here (D8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who.
    pub person: Person,
    /// What.
    pub verdict: Verdict,
    /// Why, in their words.
    pub comment: String,
    /// When.
    pub at: Instant,
    /// How they were entitled.
    pub eligibility: Eligibility,
    /// The artifact digest they said they saw.
    pub artifact_digest: Option<ArtifactDigest>,
    /// The credential they used.
    pub credential: CredentialRef,
}
