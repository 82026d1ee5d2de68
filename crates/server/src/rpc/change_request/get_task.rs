//! Shows one task.

use countersign_domain::ids::{CrRef, TaskId};
use countersign_proto::v1;

use crate::convert::fields;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::GetTaskRequest,
) -> Result<v1::GetTaskResponse, Fault> {
    let id = fields::id("task_id", &request.task_id, TaskId::parse)?;
    let case = gate.engine.case(&caller, &CrRef::Task(id.clone())).await?;
    let task = gate.task(&case, &id, gate.engine.now())?;
    Ok(v1::GetTaskResponse { task: Some(task) })
}
