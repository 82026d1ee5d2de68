//! What an orchestrator says about a task when it creates it; nothing of it changes afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Window;
use crate::Instant;
use crate::ids::{
    ArtifactDigest, CrNumber, EnvironmentId, ProjectId, ReleaseId, RunnerName, Tag, TaskId,
    TenantId,
};
use crate::log::digest_of;
use crate::person::Creator;

/// What kind of execution a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A deployment of a release.
    Deployment,
    /// A run of a runbook.
    RunbookRun,
}

impl TaskKind {
    /// The kind's name in columns.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::RunbookRun => "runbook_run",
        }
    }
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deployment => "Deployment",
            Self::RunbookRun => "Runbook run",
        })
    }
}

/// A page worth reading before a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it shows.
    pub title: String,
    /// Where it leads.
    pub url: String,
}

/// The task as its orchestrator describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The orchestrator's id.
    pub id: TaskId,
    /// Deployment or runbook run.
    pub kind: TaskKind,
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentId,
    /// Tags of the project.
    pub project_tags: BTreeSet<Tag>,
    /// Tags of the environment.
    pub environment_tags: BTreeSet<Tag>,
    /// The release, if any.
    pub release: Option<ReleaseId>,
    /// The tenant, if any.
    pub tenant: Option<TenantId>,
    /// The digest of what will run, if known.
    pub artifact_digest: Option<ArtifactDigest>,
    /// The runner that shall execute it, if it matters.
    pub runner: Option<RunnerName>,
    /// One line for people.
    pub title: String,
    /// More for people.
    pub description: String,
    /// Pages worth reading.
    pub links: Vec<Link>,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Who triggered it.
    pub creator: Option<Creator>,
    /// When it may start.
    pub window: Window,
}

impl TaskSpec {
    /// The digest of every field, by which a repeated creation is told from another one (C2).
    pub fn digest(&self) -> String {
        digest_of(self)
    }
}

/// The frozen text of a task: written once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskContent {
    /// What the orchestrator said.
    pub spec: TaskSpec,
    /// The change request that holds the task.
    pub change_request: CrNumber,
    /// When it was created.
    pub created_at: Instant,
}
