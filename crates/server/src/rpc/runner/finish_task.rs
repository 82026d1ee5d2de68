//! Reports how a started task came out (P6).

use countersign_domain::batch::Action;
use countersign_domain::ids::{ClaimId, TaskId};
use countersign_domain::task::FinishTask;
use countersign_proto::v1;

use crate::convert::{fields, task};
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, case_of};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::FinishTaskRequest,
) -> Result<v1::FinishTaskResponse, Fault> {
    let report = FinishTask {
        task: fields::id("task_id", &request.task_id, TaskId::parse)?,
        claim: fields::id("claim_id", &request.claim_id, ClaimId::parse)?,
        outcome: task::outcome("outcome", request.outcome)?,
        comment: fields::paragraph("comment", &request.comment)?,
    };
    let id = report.task.clone();
    let answer = gate.execute(&caller, Action::Finish(report), None).await?;
    let (case, now) = case_of(answer)?;
    let task = Some(gate.task(&case, &id, now)?);
    Ok(v1::FinishTaskResponse { task })
}
