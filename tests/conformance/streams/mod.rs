//! What streams promise: the present first, then a mark, then what is newer; resumable, in order.

mod ending;
mod histories;
mod log;
mod many;
mod narrowed;
mod racing;
mod restored;
mod signals;
mod slow;
mod status;

use std::time::Duration;

use countersign_proto::v1::{
    ChangeRequest, Signal, TaskSignal, TaskState, WatchSignalsResponse, WatchStatusResponse,
};

use crate::gate::Setup;

/// Heartbeats come so often that a test can wait for some.
fn quick_heartbeats() -> Setup {
    let configure = |config: &mut countersign_engine::EngineConfig| {
        config.heartbeat = Duration::from_millis(50);
    };
    Setup {
        configure,
        ..Setup::default()
    }
}

/// All signals of these messages, in order.
fn signals_of(messages: &[WatchSignalsResponse]) -> Vec<&TaskSignal> {
    messages
        .iter()
        .flat_map(|message| &message.signals)
        .collect()
}

/// Which tasks were told of, by id, with signal and state.
fn told(messages: &[WatchSignalsResponse]) -> Vec<(&str, Signal, TaskState)> {
    let mut told: Vec<_> = signals_of(messages)
        .into_iter()
        .map(|signal| (signal.task_id.as_str(), signal.signal(), signal.state()))
        .collect();
    told.sort_by_key(|(id, ..)| *id);
    told
}

/// All change requests of these messages, in order.
fn states_of(messages: &[WatchStatusResponse]) -> Vec<&ChangeRequest> {
    messages
        .iter()
        .flat_map(|message| &message.change_requests)
        .collect()
}

/// Which tasks' change requests were told of, by task id.
fn shown(messages: &[WatchStatusResponse]) -> Vec<&str> {
    let tasks = states_of(messages).into_iter().flat_map(|cr| &cr.tasks);
    let mut shown: Vec<&str> = tasks.map(|task| task.id.as_str()).collect();
    shown.sort_unstable();
    shown
}
