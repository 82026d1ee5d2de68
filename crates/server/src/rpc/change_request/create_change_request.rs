//! Asks for permission to run a task (C1, C2).

use countersign_proto::v1;

use crate::convert::fields::required;
use crate::convert::task_spec::task_spec;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, case_of};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::CreateChangeRequestRequest,
) -> Result<v1::CreateChangeRequestResponse, Fault> {
    let message = required("task", request.task)?;
    let spec = task_spec(&message, gate.prefix(), gate.people_issuer())?;
    let id = spec.id.clone();
    let answer = if request.validate_only {
        gate.engine.preview(&caller, spec).await?
    } else {
        gate.engine.create(&caller, spec).await?
    };
    let (case, now) = case_of(answer)?;
    let task = gate.task(&case, &id, now)?;
    Ok(v1::CreateChangeRequestResponse {
        change_request: Some(gate.change_request(&case, now)),
        message: task.message.clone(),
        task: Some(task),
    })
}
