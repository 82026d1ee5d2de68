//! Rows as they are stored: texts, and the columns that are searched.
//!
//! A row is a pure function of its aggregate, so the same code writes rows and proves them. The
//! frozen text is written once, the live text each time; both are versioned JSON.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::access::Token;
use crate::calendar::Period;
use crate::change_request::{ChangeRequest, CrContent, CrState, Decision};
use crate::directory::Team;
use crate::freeze::Freeze;
use crate::log::{FORMAT, Stamp, digest_of};
use crate::policy::Policy;
use crate::task::{Task, TaskContent, TaskState};

/// A stored text with its version.
#[derive(Debug, Serialize, Deserialize)]
struct Versioned<T> {
    version: u16,
    #[serde(flatten)]
    content: T,
}

#[derive(Debug, Serialize, Deserialize)]
struct CrLive {
    stamp: Stamp,
    state: CrState,
    decisions: Vec<Decision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    joined_etag: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TaskLive {
    stamp: Stamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
    generation: u64,
    state: TaskState,
}

/// A change request's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrRow {
    /// Its number; the key.
    pub number: u64,
    /// The name of its state.
    pub state: &'static str,
    /// As all its tasks.
    pub kind: &'static str,
    /// As all its tasks.
    pub project: String,
    /// As all its tasks.
    pub environment: String,
    /// As all its tasks.
    pub release: Option<String>,
    /// Whether any policy asks for approval.
    pub approval_required: bool,
    /// The digest under which its resultant policy is stored.
    pub resultant: String,
    /// By what tasks that may share it find it.
    pub sharing_key: Option<String>,
    /// The frozen text.
    pub frozen: String,
    /// The live text.
    pub live: String,
    /// The next instant at which time alone changes it.
    pub due_at: Option<Instant>,
    /// The sequence of its newest entry.
    pub sequence: u64,
}

impl CrRow {
    /// The row of a change request.
    pub fn new(from: &ChangeRequest) -> Self {
        let content = &from.content;
        let live = CrLive {
            stamp: from.stamp,
            state: from.state.clone(),
            decisions: from.decisions.clone(),
            joined_etag: from.joined_etag.clone(),
        };
        Self {
            number: content.number.0,
            state: from.state.name(),
            kind: content.kind.name(),
            project: content.project.to_string(),
            environment: content.environment.to_string(),
            release: content.release.as_ref().map(ToString::to_string),
            approval_required: content.approval_required,
            resultant: content.resultant.clone(),
            sharing_key: content.sharing_key.clone(),
            frozen: text(content.as_ref()),
            live: text(&live),
            due_at: from.due_at(),
            sequence: from.stamp.sequence,
        }
    }

    /// By what the last entry of its change request seals it.
    pub fn seal(&self) -> String {
        row_digest(&self.frozen, &self.live)
    }

    /// The change request of a row's two texts.
    pub fn parse(frozen: &str, live: &str) -> Result<ChangeRequest, RowError> {
        let content: CrContent = read(frozen)?;
        let live: CrLive = read(live)?;
        Ok(ChangeRequest {
            content: Arc::new(content),
            joined_etag: live.joined_etag,
            state: live.state,
            decisions: live.decisions,
            stamp: live.stamp,
        })
    }
}

/// A task's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    /// The orchestrator's id; the key.
    pub id: String,
    /// The change request that holds it.
    pub change_request: u64,
    /// The name of its state.
    pub state: &'static str,
    /// What it waits for, while it is paused.
    pub waiting_for: Option<&'static str>,
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// The release.
    pub release: Option<String>,
    /// The runner it names.
    pub runner: Option<String>,
    /// The frozen text.
    pub frozen: String,
    /// The live text.
    pub live: String,
    /// The next instant at which time alone changes it.
    pub due_at: Option<Instant>,
    /// The sequence of its newest entry.
    pub sequence: u64,
}

impl TaskRow {
    /// The row of a task.
    pub fn new(from: &Task) -> Self {
        let spec = &from.content.spec;
        let waiting_for = match from.state {
            TaskState::Paused { waiting_for } => Some(waiting_for.name()),
            TaskState::Cleared { .. }
            | TaskState::Running { .. }
            | TaskState::Finished { .. }
            | TaskState::Terminated { .. } => None,
        };
        let live = TaskLive {
            stamp: from.stamp,
            period: from.period,
            generation: from.generation,
            state: from.state.clone(),
        };
        Self {
            id: spec.id.to_string(),
            change_request: from.change_request().0,
            state: from.state.name(),
            waiting_for,
            project: spec.project.to_string(),
            environment: spec.environment.to_string(),
            release: spec.release.as_ref().map(ToString::to_string),
            runner: spec.runner.as_ref().map(ToString::to_string),
            frozen: text(from.content.as_ref()),
            live: text(&live),
            due_at: from.due_at(),
            sequence: from.stamp.sequence,
        }
    }

    /// By what the last entry of its task seals it.
    pub fn seal(&self) -> String {
        row_digest(&self.frozen, &self.live)
    }

    /// The task of a row's two texts.
    pub fn parse(frozen: &str, live: &str) -> Result<Task, RowError> {
        let content: TaskContent = read(frozen)?;
        let live: TaskLive = read(live)?;
        Ok(Task {
            content: Arc::new(content),
            period: live.period,
            generation: live.generation,
            state: live.state,
            stamp: live.stamp,
        })
    }
}

/// A policy's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// Its id; the key.
    pub id: String,
    /// The whole policy.
    pub document: String,
    /// The sequence of its newest entry.
    pub sequence: u64,
}

impl PolicyRow {
    /// The row of a policy.
    pub fn new(from: &Policy) -> Self {
        Self {
            id: from.draft.id.to_string(),
            document: text(from),
            sequence: from.stamp.sequence,
        }
    }

    /// The policy of a row's text.
    pub fn parse(document: &str) -> Result<Policy, RowError> {
        read(document)
    }
}

/// A team's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRow {
    /// Its id; the key.
    pub id: String,
    /// The whole team.
    pub document: String,
    /// The sequence of its newest entry.
    pub sequence: u64,
}

impl TeamRow {
    /// The row of a team.
    pub fn new(from: &Team) -> Self {
        Self {
            id: from.draft.id.to_string(),
            document: text(from),
            sequence: from.stamp.sequence,
        }
    }

    /// The team of a row's text.
    pub fn parse(document: &str) -> Result<Team, RowError> {
        read(document)
    }
}

/// A freeze's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeRow {
    /// Its id; the key.
    pub id: String,
    /// The whole freeze.
    pub document: String,
    /// When tasks have to be looked at again because of it.
    pub due_at: Option<Instant>,
    /// The sequence of its newest entry.
    pub sequence: u64,
}

impl FreezeRow {
    /// The row of a freeze.
    pub fn new(from: &Freeze) -> Self {
        Self {
            id: from.draft.id.to_string(),
            document: text(from),
            due_at: from.due_at,
            sequence: from.stamp.sequence,
        }
    }

    /// The freeze of a row's text.
    pub fn parse(document: &str) -> Result<Freeze, RowError> {
        read(document)
    }
}

/// A token's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id; the key.
    pub id: String,
    /// The whole token, with the hash of its text.
    pub document: String,
    /// The sequence of its newest entry.
    pub sequence: u64,
}

impl TokenRow {
    /// The row of a token.
    pub fn new(from: &Token) -> Self {
        Self {
            id: from.draft.id.to_string(),
            document: text(from),
            sequence: from.stamp.sequence,
        }
    }

    /// The token of a row's text.
    pub fn parse(document: &str) -> Result<Token, RowError> {
        read(document)
    }
}

/// Why a stored text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// It is not what this build knows as such a text.
    #[error("the text cannot be read: {0}")]
    Unreadable(String),
    /// It is of a version this build does not know.
    #[error("the text has version {found}; this build reads version {FORMAT}")]
    UnknownVersion {
        /// The version found.
        found: u16,
    },
}

/// The digest of a row, by which an aggregate's last entry seals it: of its two texts, which hold
/// everything that the other columns say.
fn row_digest(frozen: &str, live: &str) -> String {
    digest_of(&(frozen, live))
}

/// A value as versioned text.
pub fn text(content: &impl Serialize) -> String {
    serde_json::to_string(&Versioned {
        version: FORMAT,
        content,
    })
    .unwrap_or_default()
}

/// A value from versioned text.
pub fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, RowError> {
    let found: Versioned<T> =
        serde_json::from_str(text).map_err(|problem| RowError::Unreadable(problem.to_string()))?;
    if found.version == FORMAT {
        Ok(found.content)
    } else {
        Err(RowError::UnknownVersion {
            found: found.version,
        })
    }
}
