//! What is asked of the store: filters of lists, snapshots and the log.

use countersign_domain::access::Grant;
use countersign_domain::ids::{CrNumber, EnvironmentId, ProjectId, ReleaseId, RunnerName, TaskId};

/// Which entries of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFilter {
    /// Only those after this sequence.
    pub after: u64,
    /// Only those of this kind of aggregate, or of one aggregate.
    pub aggregate: Option<(&'static str, Option<String>)>,
    /// At most so many.
    pub limit: u64,
}

/// Which change requests, by whether a decision is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrStates {
    /// Approvals are missing.
    Pending,
    /// All others.
    NotPending,
}

/// Which change requests. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrFilter {
    /// By state.
    pub states: Option<CrStates>,
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Of this environment.
    pub environment: Option<EnvironmentId>,
    /// Of this release.
    pub release: Option<ReleaseId>,
    /// The one that holds this task.
    pub task: Option<TaskId>,
    /// Those whose resultant policy has any of these parts.
    pub parts: Option<Vec<String>>,
    /// Only those that some policy asks approval for.
    pub approval_required_only: bool,
    /// Only what this covers.
    pub grant: Grant,
    /// Only those with a smaller number.
    pub before: Option<CrNumber>,
    /// At most so many.
    pub limit: u64,
}

impl CrFilter {
    /// Everything that a grant covers.
    pub fn new(grant: Grant, limit: u64) -> Self {
        Self {
            states: None,
            project: None,
            environment: None,
            release: None,
            task: None,
            parts: None,
            approval_required_only: false,
            grant,
            before: None,
            limit,
        }
    }
}

/// Which tasks. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFilter {
    /// Those that wait for this.
    pub waiting_for: Option<&'static str>,
    /// Those in the state of this name.
    pub state: Option<String>,
    /// Only those that have not ended: paused, cleared or running.
    pub open_only: bool,
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Of this environment.
    pub environment: Option<EnvironmentId>,
    /// Of this release.
    pub release: Option<ReleaseId>,
    /// Of this runner.
    pub runner: Option<RunnerName>,
    /// Held by this change request.
    pub change_request: Option<CrNumber>,
    /// Those whose newest entry comes after this sequence.
    pub changed_after: Option<u64>,
    /// Only what this covers.
    pub grant: Grant,
    /// Only those with a greater id.
    pub after: Option<TaskId>,
    /// At most so many.
    pub limit: u64,
}

impl TaskFilter {
    /// Everything that a grant covers.
    pub fn new(grant: Grant, limit: u64) -> Self {
        Self {
            waiting_for: None,
            state: None,
            open_only: false,
            project: None,
            environment: None,
            release: None,
            runner: None,
            change_request: None,
            changed_after: None,
            grant,
            after: None,
            limit,
        }
    }
}

/// Which change requests a watch follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchFilter {
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Of this environment.
    pub environment: Option<EnvironmentId>,
    /// Those that hold a task of this runner.
    pub runner: Option<RunnerName>,
    /// Only what this covers.
    pub grant: Grant,
    /// Those of which an entry, their own or of a task, comes after this sequence.
    pub changed_after: Option<u64>,
    /// Those with a task that has not ended; together with `changed_after` those that fit either.
    pub open: bool,
}

impl WatchFilter {
    /// Everything that a grant covers.
    pub fn new(grant: Grant) -> Self {
        Self {
            project: None,
            environment: None,
            runner: None,
            grant,
            changed_after: None,
            open: false,
        }
    }
}
