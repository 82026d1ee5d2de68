//! Lists tasks by id.

use countersign_domain::Refusal;
use countersign_domain::change_request::Case;
use countersign_domain::ids::{EnvironmentId, ProjectId, ReleaseId, RunnerName, TaskId};
use countersign_domain::task::WaitingFor;
use countersign_engine::TaskFilter;
use countersign_proto::v1;

use crate::convert::page::Paging;
use crate::convert::{fields, identity, task};
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::ListTasksRequest,
) -> Result<v1::ListTasksResponse, Fault> {
    let paging = paging(&request)?;
    let filter = filter(&request, &paging, &caller, &gate)?;
    let page = gate.engine.tasks(filter, paging.size).await?;
    let now = gate.engine.now();
    let (tasks, next_page_token) = paging.page(
        page.items,
        page.more,
        |(id, _): &(TaskId, Case)| id.to_string(),
        |(id, case)| gate.task(case, id, now).unwrap_or_default(),
    );
    Ok(v1::ListTasksResponse {
        tasks,
        next_page_token,
    })
}

fn paging(request: &v1::ListTasksRequest) -> Result<Paging, Refusal> {
    let conditions = (
        request.waiting_for,
        request.state,
        &request.project,
        &request.environment,
        &request.release,
        &request.runner,
        &request.change_request,
    );
    Paging::new("ListTasks", &conditions, request.page_size)
}

fn filter(
    request: &v1::ListTasksRequest,
    paging: &Paging,
    caller: &Caller,
    gate: &Gate,
) -> Result<TaskFilter, Refusal> {
    let after = match paging.position(&request.page_token)? {
        Some(text) => Some(TaskId::parse(&text).map_err(|_| Paging::bad_position())?),
        None => None,
    };
    Ok(TaskFilter {
        waiting_for: waiting_for(request.waiting_for)?,
        state: task::state_name("state", request.state)?,
        project: fields::optional_id("project", &request.project, ProjectId::parse)?,
        environment: fields::optional_id(
            "environment",
            &request.environment,
            EnvironmentId::parse,
        )?,
        release: fields::optional_id("release", &request.release, ReleaseId::parse)?,
        runner: fields::optional_id("runner", &request.runner, RunnerName::parse)?,
        change_request: identity::optional_number(
            "change_request",
            &request.change_request,
            gate.prefix(),
        )?,
        after,
        ..TaskFilter::new(caller.grant.clone(), 0)
    })
}

fn waiting_for(value: i32) -> Result<Option<&'static str>, Refusal> {
    match v1::WaitingFor::try_from(value) {
        Ok(v1::WaitingFor::Unspecified) => Ok(None),
        Ok(v1::WaitingFor::Approval) => Ok(Some(WaitingFor::Approval.name())),
        Ok(v1::WaitingFor::Window) => Ok(Some(WaitingFor::Window.name())),
        Ok(v1::WaitingFor::Freeze) => Ok(Some(WaitingFor::Freeze.name())),
        Err(_) => Err(fields::bad_enum(
            "waiting_for",
            value,
            "a value of WaitingFor",
        )),
    }
}
