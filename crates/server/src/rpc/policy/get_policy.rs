//! Shows one policy.

use countersign_domain::ids::PolicyId;
use countersign_proto::v1;

use crate::convert::fields;
use crate::convert::policy::show_policy;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::GetPolicyRequest,
) -> Result<v1::GetPolicyResponse, Fault> {
    let id = fields::id("policy_id", &request.policy_id, PolicyId::parse)?;
    let policy = gate.engine.policy(&caller, &id).await?;
    Ok(v1::GetPolicyResponse {
        policy: Some(show_policy(&policy)),
    })
}
