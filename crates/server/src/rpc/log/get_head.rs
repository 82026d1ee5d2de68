//! Shows the newest entry.

use countersign_proto::v1;

use crate::convert::window::timestamp;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    _caller: Caller,
    _request: v1::GetHeadRequest,
) -> Result<v1::GetHeadResponse, Fault> {
    let found = gate.engine.head().await?;
    let behind = found.head.instant.micros_since(found.clock);
    Ok(v1::GetHeadResponse {
        store_id: gate.engine.store_id().to_owned(),
        sequence: found.head.sequence,
        hash: found.head.hash.to_string(),
        instant: Some(timestamp(found.head.instant)),
        clock_behind_ms: u64::try_from(behind / 1_000).unwrap_or_default(),
        format: u32::from(found.head.format),
    })
}
