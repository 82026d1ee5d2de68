//! Follows the signals of tasks (P1, P5).

use countersign_domain::ids::TaskId;
use countersign_engine::{SignalFilter, SignalMessage, Subscription};
use countersign_proto::v1;

use crate::convert::fields;
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
    let tasks = fields::ids("task_ids", &request.task_ids, NAMED_LIMIT, TaskId::parse)?;
    let token = Some(request.resume_token.as_str()).filter(|token| !token.is_empty());
    Ok(gate
        .engine
        .watch_signals(&caller, SignalFilter { tasks }, token)
        .await?)
}

/// The messages of one message of the engine.
pub(super) fn show(gate: &Gate, message: SignalMessage) -> Vec<v1::WatchSignalsResponse> {
    let show = gate.show(gate.engine.now());
    let signals = message.tasks.iter().filter_map(|(id, case)| {
        let task = case.tasks.get(id)?;
        Some(show.signal(case, task, &gate.engine.view(case).deficit))
    });
    let mark = message.mark.as_ref().map(|mark| gate.mark(mark));
    messages(signals.collect(), MESSAGE_LIMIT, mark, |signals, mark| {
        v1::WatchSignalsResponse { signals, mark }
    })
}
