//! The policy of an answer.

use std::sync::Arc;

use countersign_domain::Refusal;
use countersign_domain::batch::{Action, Answer, part_of_policy};
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::PolicyId;
use countersign_domain::log::RequestMark;
use countersign_domain::policy::Policy;
use countersign_proto::v1;

use crate::convert::policy::show_warning;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, unexpected};

/// The policy as kept. A repeated call may find that it was deleted since.
fn policy_of(answer: Answer, id: &PolicyId) -> Result<Arc<Policy>, Fault> {
    match answer {
        Answer::Policy(policy) => Ok(policy),
        Answer::PolicyDeleted => Err(Refusal::not_found("policy", id.as_str()).into()),
        other => Err(unexpected(&other)),
    }
}

/// Changes a policy, or only says what that would leave.
pub(super) async fn change(
    gate: &Gate,
    caller: &Caller,
    id: &PolicyId,
    command: DirectoryCommand,
    mark: Option<RequestMark>,
    validate_only: bool,
) -> Result<Arc<Policy>, Fault> {
    if validate_only {
        return Ok(gate
            .engine
            .preview_policy_change(caller, id, &command)
            .await?);
    }
    let action = Action::Directory(command);
    policy_of(gate.execute(caller, action, mark).await?, id)
}

/// What to know about it.
pub(super) async fn warnings_of(gate: &Gate, policy: &Policy) -> Vec<v1::Warning> {
    let found = gate.engine.policy_warnings(&policy.draft).await;
    found.iter().map(show_warning).collect()
}

/// How many open change requests stay under what a policy was when they were created (C6).
pub(super) async fn open_change_requests(gate: &Gate, id: &PolicyId) -> Result<u64, Fault> {
    let (count, _) = gate
        .engine
        .open_change_requests(&part_of_policy(id), 1)
        .await?;
    Ok(count)
}
