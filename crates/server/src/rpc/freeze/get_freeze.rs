//! Shows one freeze.

use countersign_domain::ids::FreezeId;
use countersign_proto::v1;

use crate::convert::fields;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::GetFreezeRequest,
) -> Result<v1::GetFreezeResponse, Fault> {
    let id = fields::id("freeze_id", &request.freeze_id, FreezeId::parse)?;
    let freeze = gate.engine.freeze(&caller, &id).await?;
    Ok(v1::GetFreezeResponse {
        freeze: Some(gate.show(gate.engine.now()).freeze(&freeze)),
    })
}
