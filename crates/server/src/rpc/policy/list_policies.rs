//! Lists policies by id.

use std::sync::Arc;

use countersign_domain::ids::PolicyId;
use countersign_domain::policy::Policy;
use countersign_proto::v1;

use crate::convert::page::Paging;
use crate::convert::policy::show_policy;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::ListPoliciesRequest,
) -> Result<v1::ListPoliciesResponse, Fault> {
    let paging = Paging::new("ListPolicies", &(), request.page_size)?;
    let after = match paging.position(&request.page_token)? {
        Some(text) => Some(PolicyId::parse(&text).map_err(|_| Paging::bad_position())?),
        None => None,
    };
    let page = gate
        .engine
        .policies(&caller, after.as_ref(), paging.size)
        .await?;
    let (policies, next_page_token) = paging.page(
        page.items,
        page.more,
        |policy: &Arc<Policy>| policy.draft.id.to_string(),
        |policy| show_policy(policy),
    );
    Ok(v1::ListPoliciesResponse {
        policies,
        next_page_token,
    })
}
