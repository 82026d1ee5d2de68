//! An orchestrator asks for permission to run a task (C1 to C7, M6).

use std::sync::Arc;

use super::{Case, CrContent, CrEvent, sharing_key};
use crate::Instant;
use crate::calendar::Period;
use crate::ids::CrNumber;
use crate::log::{Event, digest_of};
use crate::policy::{Bound, ResultantPolicy, Sharing};
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
    /// By what the task finds a change request to share; `None`: it shares with nobody.
    pub sharing_key: Option<String>,
    /// The matching revision of the directory it was merged at.
    pub directory_revision: u64,
}

impl CreateTask {
    /// Prepares a creation.
    pub fn prepare(spec: TaskSpec, resultant: ResultantPolicy, directory_revision: u64) -> Self {
        Self {
            digest: spec.digest(),
            sharing_key: sharing_key(&spec, &resultant),
            resultant_digest: resultant.digest(),
            spec,
            resultant: Arc::new(resultant),
            directory_revision,
        }
    }
}

/// Decides the creation of a task whose id is free: it joins the change request given, or opens a
/// fresh one under the number given. The change request's event comes first.
pub fn create(
    command: &CreateTask,
    joins: Option<&Case>,
    number: CrNumber,
    require_policy: bool,
    now: Instant,
) -> Result<[Event; 2], Refusal> {
    check(command, require_policy, now)?;
    let period = bound_to(command, now)?;
    let (number, event) = match joins {
        Some(case) => (case.number(), join(command, case)),
        None => (number, open(command, number, now)),
    };
    let task = TaskContent {
        spec: command.spec.clone(),
        change_request: number,
        created_at: now,
    };
    let task_created = TaskEvent::Created {
        content: Arc::new(task),
        period,
    };
    Ok([
        Event::ChangeRequest(number, event),
        Event::Task(command.spec.id.clone(), task_created),
    ])
}

/// Refuses what may not be created now.
fn check(command: &CreateTask, require_policy: bool, now: Instant) -> Result<(), Refusal> {
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
    Ok(())
}

/// The period that a task is bound to: the first one open or next to open in its window (W4).
fn bound_to(command: &CreateTask, now: Instant) -> Result<Option<Period>, Refusal> {
    let resultant = &command.resultant;
    match resultant.period_after(command.spec.window, now) {
        Bound::Free => Ok(None),
        Bound::To(period) => Ok(Some(period)),
        Bound::Nowhere(why) => {
            let policies = resultant.policies.iter();
            let with_windows = policies.filter(|policy| !policy.terms.windows.is_empty());
            let policies = with_windows.map(|policy| policy.id.clone()).collect();
            Err(Refusal::NoPeriod { policies, why })
        }
    }
}

/// A task joins a change request: what is decided on there is no longer the same (D11).
fn join(command: &CreateTask, case: &Case) -> CrEvent {
    CrEvent::TaskJoined {
        task: command.spec.id.clone(),
        etag: digest_of(&(case.change_request.etag(), &command.digest)),
    }
}

/// A fresh change request for the task.
fn open(command: &CreateTask, number: CrNumber, now: Instant) -> CrEvent {
    let spec = &command.spec;
    let resultant = &command.resultant;
    let for_all_tenants =
        command.sharing_key.is_some() && resultant.sharing() == Sharing::PerRelease;
    let content = CrContent {
        number,
        kind: spec.kind,
        project: spec.project.clone(),
        environment: spec.environment.clone(),
        release: spec.release.clone(),
        tenant: spec.tenant.clone().filter(|_| !for_all_tenants),
        artifact_digest: spec.artifact_digest.clone(),
        creator: spec.creator.clone(),
        resultant: command.resultant_digest.clone(),
        approval_required: resultant.minimum_approvals > 0,
        sharing_key: command.sharing_key.clone(),
        approval_ttl: resultant.approval_ttl(),
        execution_ttl: resultant.execution_ttl(),
        etag: digest_of(&(number, &command.digest, &command.resultant_digest)),
        created_at: now,
    };
    CrEvent::Created {
        content: Arc::new(content),
    }
}
