//! Shows one change request.

use countersign_proto::v1;

use crate::convert::identity::target;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::GetChangeRequestRequest,
) -> Result<v1::GetChangeRequestResponse, Fault> {
    let target = target("change_request", &request.change_request, gate.prefix())?;
    let case = gate.engine.case(&caller, &target).await?;
    let change_request = Some(gate.change_request(&case, gate.engine.now()));
    Ok(v1::GetChangeRequestResponse { change_request })
}
