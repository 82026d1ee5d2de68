//! Creates a policy under a new id (M1).

use countersign_domain::directory::DirectoryCommand;
use countersign_proto::v1;

use super::answer::{change, warnings_of};
use crate::convert::fields::required;
use crate::convert::policy::show_policy;
use crate::convert::policy_draft::{ALL, policy_draft};
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::CreatePolicyRequest,
) -> Result<v1::CreatePolicyResponse, Fault> {
    let message = required("policy", request.policy)?;
    let draft = policy_draft(&message, &ALL.into(), gate.people_issuer())?;
    let id = draft.id.clone();
    let command = DirectoryCommand::CreatePolicy(Box::new(draft));
    let mark = mark("CreatePolicy", &request.request_id, &command)?;
    let only = request.validate_only;
    let policy = change(&gate, &caller, &id, command, mark, only).await?;
    Ok(v1::CreatePolicyResponse {
        policy: Some(show_policy(&policy)),
        warnings: warnings_of(&gate, &policy).await,
    })
}
