//! An orchestrator asks for permission to run a task (C1 to C7, M6).

use std::sync::Arc;

use super::{CrContent, CrEvent};
use crate::Instant;
use crate::ids::CrNumber;
use crate::log::{Event, digest_of};
use crate::policy::ResultantPolicy;
use crate::refusal::Refusal;
use crate::task::{TaskContent, TaskEvent, TaskSpec};

/// How many policies one change request may hold.
const MATCHED_POLICIES_LIMIT: usize = 64;

/// A creation, prepared outside the lock: matched and merged at a revision of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTask {
    /// What the orchestrator said.
    pub spec: TaskSpec,
    /// The digest of it.
    pub digest: String,
    /// What all matching policies merged into.
    pub resultant: Arc<ResultantPolicy>,
    /// The digest of that.
    pub resultant_digest: String,
    /// The revision of the directory it was merged at.
    pub directory_revision: u64,
}

impl CreateTask {
    /// Prepares a creation.
    pub fn prepare(spec: TaskSpec, resultant: ResultantPolicy, directory_revision: u64) -> Self {
        Self {
            digest: spec.digest(),
            resultant_digest: resultant.digest(),
            spec,
            resultant: Arc::new(resultant),
            directory_revision,
        }
    }
}

/// Decides the creation of a task whose id is free: a fresh change request that holds it.
pub fn create(
    command: &CreateTask,
    number: CrNumber,
    require_policy: bool,
    now: Instant,
) -> Result<[Event; 2], Refusal> {
    let spec = &command.spec;
    let resultant = &command.resultant;
    if spec.window.is_inverted() {
        return Err(Refusal::field(
            "task.window",
            "an end not after the start",
            "a later end",
            "W1",
        ));
    }
    if let Some(end) = spec.window.end.filter(|_| spec.window.has_closed(now)) {
        return Err(Refusal::WindowPast { end, now });
    }
    if require_policy && resultant.policies.is_empty() {
        return Err(Refusal::PolicyRequired {
            project: spec.project.clone(),
            environment: spec.environment.clone(),
        });
    }
    let found = resultant.policies.len();
    if found > MATCHED_POLICIES_LIMIT {
        return Err(Refusal::TooManyPolicies {
            found,
            limit: MATCHED_POLICIES_LIMIT,
        });
    }
    if resultant.block_creator && spec.creator.is_none() {
        let blocking = resultant
            .policies
            .iter()
            .filter(|policy| policy.block_creator);
        let policies = blocking.map(|policy| policy.id.clone()).collect();
        return Err(Refusal::CreatorRequired { policies });
    }
    let content = CrContent {
        number,
        kind: spec.kind,
        project: spec.project.clone(),
        environment: spec.environment.clone(),
        release: spec.release.clone(),
        tenant: spec.tenant.clone(),
        artifact_digest: spec.artifact_digest.clone(),
        creator: spec.creator.clone(),
        resultant: command.resultant_digest.clone(),
        approval_required: resultant.minimum_approvals > 0,
        etag: digest_of(&(number, &command.digest, &command.resultant_digest)),
        created_at: now,
    };
    let task = TaskContent {
        spec: spec.clone(),
        change_request: number,
        created_at: now,
    };
    let created = CrEvent::Created {
        content: Arc::new(content),
    };
    let task_created = TaskEvent::Created {
        content: Arc::new(task),
    };
    Ok([
        Event::ChangeRequest(number, created),
        Event::Task(spec.id.clone(), task_created),
    ])
}
