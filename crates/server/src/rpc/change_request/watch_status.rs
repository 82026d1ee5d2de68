//! Follows change requests.

use countersign_domain::Refusal;
use countersign_domain::ids::{EnvironmentId, ProjectId, RunnerName};
use countersign_engine::{Conditions, StatusFilter, StatusMessage, Subscription};
use countersign_proto::v1;

use crate::convert::fields::{self, ANY_FIELD};
use crate::convert::identity::{person, target};
use crate::convert::task_spec::labels;
use crate::edge::streams::messages;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

/// How many change requests one stream may name.
const NAMED_LIMIT: usize = 10_000;
/// How many go into one message.
const MESSAGE_LIMIT: usize = 100;

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::WatchStatusRequest,
) -> Result<Subscription<StatusMessage>, Fault> {
    let filter = filter(&gate, &request)?;
    let token = Some(request.resume_token.as_str()).filter(|token| !token.is_empty());
    Ok(gate.engine.watch_status(&caller, filter, token).await?)
}

fn filter(gate: &Gate, request: &v1::WatchStatusRequest) -> Result<StatusFilter, Refusal> {
    let named = &request.change_requests;
    let conditions = conditions(gate, request)?;
    if named.is_empty() && conditions.is_empty() {
        let allowed = "change requests, or a project, environment, runner, creator or label";
        return Err(Refusal::field(
            "change_requests",
            "no condition",
            allowed,
            ANY_FIELD,
        ));
    }
    fields::at_most("change_requests", named.len(), NAMED_LIMIT)?;
    let read = |(place, text): (usize, &String)| {
        target(&format!("change_requests[{place}]"), text, gate.prefix())
    };
    Ok(StatusFilter {
        targets: named
            .iter()
            .enumerate()
            .map(read)
            .collect::<Result<_, _>>()?,
        conditions,
        open_only: request.open_only,
        end_when_done: request.end_when_done,
    })
}

fn conditions(gate: &Gate, request: &v1::WatchStatusRequest) -> Result<Conditions, Refusal> {
    let creator = request.creator.as_ref();
    let creator = creator.map(|creator| person("creator", creator, gate.people_issuer()));
    Ok(Conditions {
        project: fields::optional_id("project", &request.project, ProjectId::parse)?,
        environment: fields::optional_id(
            "environment",
            &request.environment,
            EnvironmentId::parse,
        )?,
        runner: fields::optional_id("runner", &request.runner, RunnerName::parse)?,
        creator: creator.transpose()?,
        labels: labels("labels", &request.labels)?,
    })
}

/// The messages of one message of the engine.
pub(super) fn show(gate: &Gate, message: StatusMessage) -> Vec<v1::WatchStatusResponse> {
    let now = gate.engine.now();
    let shown = message
        .cases
        .iter()
        .map(|case| gate.change_request(case, now))
        .collect();
    let mark = message.mark.as_ref().map(|mark| gate.mark(mark));
    messages(shown, MESSAGE_LIMIT, mark, |change_requests, mark| {
        v1::WatchStatusResponse {
            change_requests,
            mark,
        }
    })
}
