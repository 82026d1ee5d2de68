//! Deletes a policy.

use countersign_domain::batch::{Action, Answer};
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::PolicyId;
use countersign_proto::v1;

use super::answer::open_change_requests;
use crate::convert::fields::{self, etag};
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, unexpected};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::DeletePolicyRequest,
) -> Result<v1::DeletePolicyResponse, Fault> {
    let id = fields::id("policy_id", &request.policy_id, PolicyId::parse)?;
    let command = DirectoryCommand::DeletePolicy {
        id: id.clone(),
        etag: etag(&request.etag)?,
    };
    let mark = mark("DeletePolicy", &request.request_id, &command)?;
    match gate
        .execute(&caller, Action::Directory(command), mark)
        .await?
    {
        // A repeated call may find another policy under the id.
        Answer::PolicyDeleted | Answer::Policy(_) => {}
        other => return Err(unexpected(&other)),
    }
    let open_change_requests = open_change_requests(&gate, &id).await?;
    Ok(v1::DeletePolicyResponse {
        open_change_requests,
    })
}
