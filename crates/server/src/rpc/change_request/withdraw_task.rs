//! Ends a task that has not started (P7).

use countersign_domain::batch::Action;
use countersign_domain::ids::TaskId;
use countersign_domain::task::WithdrawTask;
use countersign_proto::v1;

use crate::convert::fields::{self, paragraph};
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, case_of};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::WithdrawTaskRequest,
) -> Result<v1::WithdrawTaskResponse, Fault> {
    let withdrawal = WithdrawTask {
        task: fields::id("task_id", &request.task_id, TaskId::parse)?,
        comment: paragraph("comment", &request.comment)?,
    };
    let id = withdrawal.task.clone();
    let content = (&withdrawal.task, &withdrawal.comment);
    let mark = mark("WithdrawTask", &request.request_id, &content)?;
    let answer = gate
        .execute(&caller, Action::Withdraw(withdrawal), mark)
        .await?;
    let (case, now) = case_of(answer)?;
    let task = Some(gate.task(&case, &id, now)?);
    Ok(v1::WithdrawTaskResponse { task })
}
