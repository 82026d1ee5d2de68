//! Changes the fields of a policy that a mask names (C6).

use countersign_domain::directory::DirectoryCommand;
use countersign_proto::v1;

use super::answer::{change, open_change_requests, warnings_of};
use crate::convert::fields::{etag, required};
use crate::convert::mask::policy_fields;
use crate::convert::policy::show_policy;
use crate::convert::policy_draft::policy_draft;
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::UpdatePolicyRequest,
) -> Result<v1::UpdatePolicyResponse, Fault> {
    let message = required("policy", request.policy)?;
    let fields = policy_fields(request.update_mask.as_ref())?;
    let draft = Box::new(policy_draft(&message, &fields, gate.people_issuer())?);
    let id = draft.id.clone();
    let command = DirectoryCommand::UpdatePolicy {
        draft,
        fields,
        etag: etag(&request.etag)?,
    };
    let mark = mark("UpdatePolicy", &request.request_id, &command)?;
    let only = request.validate_only;
    let policy = change(&gate, &caller, &id, command, mark, only).await?;
    Ok(v1::UpdatePolicyResponse {
        policy: Some(show_policy(&policy)),
        warnings: warnings_of(&gate, &policy).await,
        open_change_requests: open_change_requests(&gate, &id).await?,
    })
}
