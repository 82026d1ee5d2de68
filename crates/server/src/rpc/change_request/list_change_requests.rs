//! Lists change requests, newest first.

use countersign_domain::Refusal;
use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, EnvironmentId, ProjectId, ReleaseId, TaskId};
use countersign_engine::{CrFilter, CrStates, Page};
use countersign_proto::v1;

use crate::convert::fields;
use crate::convert::page::Paging;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::ListChangeRequestsRequest,
) -> Result<v1::ListChangeRequestsResponse, Fault> {
    let paging = paging(&request, &caller)?;
    let filter = filter(&request, &paging, &caller)?;
    let completed_only = filter.states == Some(CrStates::NotPending);
    let page = match (request.waiting_for_me, completed_only) {
        (false, _) => gate.engine.change_requests(filter, paging.size).await?,
        (true, false) => {
            gate.engine
                .waiting_for(&caller, filter, paging.size)
                .await?
        }
        // What is completed waits for nobody.
        (true, true) => Page {
            items: Vec::new(),
            more: false,
        },
    };
    let now = gate.engine.now();
    let (change_requests, next_page_token) = paging.page(
        page.items,
        page.more,
        |case: &Case| case.number().0.to_string(),
        |case| gate.change_request(case, now),
    );
    Ok(v1::ListChangeRequestsResponse {
        change_requests,
        next_page_token,
    })
}

/// Tokens are bound to every condition, and to who asks where that is one.
fn paging(request: &v1::ListChangeRequestsRequest, caller: &Caller) -> Result<Paging, Refusal> {
    let person = request.waiting_for_me.then_some(&caller.person);
    let conditions = (
        request.view,
        &request.project,
        &request.environment,
        &request.release,
        &request.task_id,
        person,
        request.approval_required_only,
    );
    Paging::new("ListChangeRequests", &conditions, request.page_size)
}

fn filter(
    request: &v1::ListChangeRequestsRequest,
    paging: &Paging,
    caller: &Caller,
) -> Result<CrFilter, Refusal> {
    use v1::ChangeRequestView as View;
    let states = match View::try_from(request.view) {
        Ok(View::Unspecified | View::All) => None,
        Ok(View::NeedsApproval) => Some(CrStates::Pending),
        Ok(View::Completed) => Some(CrStates::NotPending),
        Err(_) => {
            let allowed = "a value of ChangeRequestView";
            return Err(fields::bad_enum("view", request.view, allowed));
        }
    };
    let before = match paging.position(&request.page_token)? {
        Some(text) => Some(CrNumber(text.parse().map_err(|_| Paging::bad_position())?)),
        None => None,
    };
    Ok(CrFilter {
        states,
        project: fields::optional_id("project", &request.project, ProjectId::parse)?,
        environment: fields::optional_id(
            "environment",
            &request.environment,
            EnvironmentId::parse,
        )?,
        release: fields::optional_id("release", &request.release, ReleaseId::parse)?,
        task: fields::optional_id("task_id", &request.task_id, TaskId::parse)?,
        approval_required_only: request.approval_required_only,
        before,
        ..CrFilter::new(caller.grant.clone(), 0)
    })
}
