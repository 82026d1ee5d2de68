//! The states of a change request. A variant owns the facts of its state.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Decision, Verdict};
use crate::Instant;
use crate::ids::{ArtifactDigest, CrNumber, EnvironmentId, ProjectId, ReleaseId, TaskId, TenantId};
use crate::log::Stamp;
use crate::person::{Creator, Person};
use crate::policy::TimeToLive;
use crate::task::TaskKind;

/// Why a change request expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryCause {
    /// The window of its last waiting task closed.
    WindowClosed,
    /// It was pending for too long.
    ApprovalTtl,
    /// Its newest approval grew too old.
    ExecutionTtl,
}

/// Where a change request stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrState {
    /// Approvals are missing.
    Pending {
        /// Since when.
        since: Instant,
    },
    /// Enough people approved, or nobody had to.
    Approved {
        /// Since when.
        since: Instant,
        /// The time to live of its newest approval has passed, and there was nothing to expire.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ttl_passed: bool,
    },
    /// Ended by a rejection.
    Rejected {
        /// Who rejected it; the decision is among the decisions.
        by: Person,
        /// When.
        at: Instant,
        /// The tasks it stopped.
        stopped: Vec<TaskId>,
    },
    /// Ended by time.
    Expired {
        /// How.
        cause: ExpiryCause,
        /// The instant at which it was due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Instant>,
        /// When.
        at: Instant,
    },
    /// Ended because nobody wants its tasks any more.
    Withdrawn {
        /// When.
        at: Instant,
    },
}

impl CrState {
    /// The state's name in columns and messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "PENDING",
            Self::Approved { .. } => "APPROVED",
            Self::Rejected { .. } => "REJECTED",
            Self::Expired { .. } => "EXPIRED",
            Self::Withdrawn { .. } => "WITHDRAWN",
        }
    }

    /// Whether nothing can be decided any more.
    pub fn has_ended(&self) -> bool {
        match self {
            Self::Pending { .. } | Self::Approved { .. } => false,
            Self::Rejected { .. } | Self::Expired { .. } | Self::Withdrawn { .. } => true,
        }
    }
}

/// The frozen text of a change request: written once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrContent {
    /// Its number.
    pub number: CrNumber,
    /// As all its tasks.
    pub kind: TaskKind,
    /// As all its tasks.
    pub project: ProjectId,
    /// As all its tasks.
    pub environment: EnvironmentId,
    /// As all its tasks.
    pub release: Option<ReleaseId>,
    /// As all its tasks; `None` where tasks of all tenants share it.
    pub tenant: Option<TenantId>,
    /// As all its tasks.
    pub artifact_digest: Option<ArtifactDigest>,
    /// The creator of its first task.
    pub creator: Option<Creator>,
    /// The digest under which its resultant policy is stored.
    pub resultant: String,
    /// Whether any policy asks for approval (C7).
    pub approval_required: bool,
    /// By what tasks that may share it find it; `None` where none may (S2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing_key: Option<String>,
    /// How long it may stay pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_ttl: Option<TimeToLive>,
    /// How long an approval of it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_ttl: Option<TimeToLive>,
    /// Covers content, resultant policy and the first task, not who has decided (D11).
    pub etag: String,
    /// When it was created.
    pub created_at: Instant,
}

/// A change request: what is decided on, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRequest {
    /// The frozen text.
    pub content: Arc<CrContent>,
    /// The etag since another task joined; `None` while it holds the one it was created with.
    pub joined_etag: Option<String>,
    /// Where it stands.
    pub state: CrState,
    /// The latest decision of each person, oldest first.
    pub decisions: Vec<Decision>,
    /// Its newest entry in the log.
    pub stamp: Stamp,
}

impl ChangeRequest {
    /// The latest decision of a person.
    pub fn decision_of(&self, person: &Person) -> Option<&Decision> {
        self.decisions
            .iter()
            .find(|decision| decision.person == *person)
    }

    /// The approvals that count.
    pub fn approvals(&self) -> impl Iterator<Item = &Decision> {
        let approved = |decision: &&Decision| decision.verdict == Verdict::Approved;
        self.decisions.iter().filter(approved)
    }

    /// How many approvals count.
    pub fn counted(&self) -> u32 {
        u32::try_from(self.approvals().count()).unwrap_or(u32::MAX)
    }

    /// Covers content, resultant policy and tasks, not who has decided (D11).
    pub fn etag(&self) -> &str {
        self.joined_etag.as_deref().unwrap_or(&self.content.etag)
    }

    /// The next instant at which time alone changes it (W7). It must be exact: what is due but does
    /// not change would be due for ever.
    pub fn due_at(&self) -> Option<Instant> {
        match self.state {
            CrState::Pending { since } => after(since, self.content.approval_ttl),
            CrState::Approved {
                since,
                ttl_passed: false,
            } => {
                let newest = self.approvals().map(|decision| decision.at).max();
                after(newest.unwrap_or(since), self.content.execution_ttl)
            }
            CrState::Approved {
                ttl_passed: true, ..
            }
            | CrState::Rejected { .. }
            | CrState::Expired { .. }
            | CrState::Withdrawn { .. } => None,
        }
    }
}

/// When something ends that began at an instant. Beyond the last instant there is none.
fn after(beginning: Instant, ttl: Option<TimeToLive>) -> Option<Instant> {
    beginning.plus_micros(ttl?.micros())
}
