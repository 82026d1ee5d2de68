//! Follows the signals of tasks (P1, P5).

use std::sync::Arc;

use countersign_domain::change_request::Case;
use countersign_domain::ids::{EnvironmentId, ProjectId, TaskId};
use countersign_engine::{Conditions, SignalFilter, SignalMessage, Standing, Subscription};
use countersign_proto::v1;

use crate::convert::fields;
use crate::convert::task_spec::labels;
use crate::edge::streams::messages;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

/// How many tasks one stream may name.
const NAMED_LIMIT: usize = 10_000;
/// How many signals go into one message.
const MESSAGE_LIMIT: usize = 500;

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::WatchSignalsRequest,
) -> Result<Subscription<SignalMessage>, Fault> {
    let filter = SignalFilter {
        tasks: fields::ids("task_ids", &request.task_ids, NAMED_LIMIT, TaskId::parse)?,
        conditions: Conditions {
            project: fields::optional_id("project", &request.project, ProjectId::parse)?,
            environment: fields::optional_id(
                "environment",
                &request.environment,
                EnvironmentId::parse,
            )?,
            labels: labels("labels", &request.labels)?,
            ..Conditions::default()
        },
    };
    let token = Some(request.resume_token.as_str()).filter(|token| !token.is_empty());
    Ok(gate.engine.watch_signals(&caller, filter, token).await?)
}

/// The messages of one message of the engine.
pub(super) fn show(gate: &Gate, message: SignalMessage) -> Vec<v1::WatchSignalsResponse> {
    let show = gate.show(gate.engine.now());
    // Tasks of one change request follow each other, and what is missing is missing for all.
    let mut last: Option<(&Arc<Case>, Standing)> = None;
    let signals = message.tasks.iter().filter_map(|(id, case)| {
        let task = case.tasks.get(id)?;
        let standing = match last.take() {
            Some((shown, standing)) if Arc::ptr_eq(shown, case) => standing,
            Some(_) | None => gate.engine.standing(case),
        };
        let signal = show.signal(case, task, &standing);
        last = Some((case, standing));
        Some(signal)
    });
    let mark = message.mark.as_ref().map(|mark| gate.mark(mark));
    messages(signals.collect(), MESSAGE_LIMIT, mark, |signals, mark| {
        v1::WatchSignalsResponse { signals, mark }
    })
}
