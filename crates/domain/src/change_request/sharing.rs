//! Which tasks share a change request (S1 to S4).

use super::{Case, CrState, CreateTask};
use crate::log::digest_of;
use crate::person::Person;
use crate::policy::{ResultantPolicy, Sharing};
use crate::task::TaskSpec;

/// How many tasks one change request holds at the most; the next one gets a fresh one.
pub const TASKS_LIMIT: usize = 1_000;

/// By what a task finds the change request it may share: equal for tasks of the same kind, project,
/// environment, release and artifact digest, and of the same tenant where that matters. `None`:
/// the task shares with nobody, because no policy says so or it has no release.
pub fn sharing_key(spec: &TaskSpec, resultant: &ResultantPolicy) -> Option<String> {
    let tenant = match resultant.sharing() {
        Sharing::PerTask => return None,
        Sharing::PerReleaseAndTenant => Some(&spec.tenant),
        Sharing::PerRelease => None,
    };
    let release = spec.release.as_ref()?;
    Some(digest_of(&(
        spec.kind,
        &spec.project,
        &spec.environment,
        release,
        &spec.artifact_digest,
        tenant,
    )))
}

/// Whether a task may join a settled change request that its key has found: one that is open, has
/// room, was frozen under the very policies that match now, and is approved by nobody whom the
/// task's coming would bar (S3, S4).
pub fn may_join(case: &Case, command: &CreateTask) -> bool {
    let change_request = &case.change_request;
    let content = &change_request.content;
    let open = match change_request.state {
        CrState::Pending { .. } | CrState::Approved { .. } => true,
        CrState::Rejected { .. } | CrState::Expired { .. } | CrState::Withdrawn { .. } => false,
    };
    let creator = command.spec.creator.as_ref().map(|creator| &creator.person);
    let barred = |creator: &Person| change_request.approvals().any(|it| it.person == *creator);
    open && case.tasks.len() < TASKS_LIMIT
        && content.sharing_key.is_some()
        && content.sharing_key == command.sharing_key
        && content.resultant == command.resultant_digest
        && !(case.resultant.block_creator && creator.is_some_and(barred))
}
