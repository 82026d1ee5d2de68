//! Follows the log.

use std::sync::Arc;

use countersign_domain::Refusal;
use countersign_engine::{LogMessage, LogStart, Subscription};
use countersign_proto::v1;
use v1::watch_log_request::Start;

use crate::convert::log::show_entry;
use crate::edge::streams::messages;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

/// How many entries go into one message.
const MESSAGE_LIMIT: usize = 100;

pub(super) async fn run(
    gate: Gate,
    _caller: Caller,
    request: v1::WatchLogRequest,
) -> Result<Subscription<LogMessage>, Fault> {
    Ok(gate.engine.watch_log(start(request.start)?).await?)
}

fn start(start: Option<Start>) -> Result<LogStart, Refusal> {
    match start {
        None | Some(Start::FromNow(false)) => Ok(LogStart::Beginning),
        Some(Start::FromNow(true)) => Ok(LogStart::Now),
        Some(Start::FromSequence(0)) => {
            Err(Refusal::field("from_sequence", "0", "at least 1", "E1"))
        }
        Some(Start::FromSequence(sequence)) => Ok(LogStart::Sequence(sequence)),
        Some(Start::ResumeToken(token)) => Ok(LogStart::Token(token)),
    }
}

/// The messages of one message of the engine.
pub(super) fn show(gate: &Gate, message: LogMessage) -> Vec<v1::WatchLogResponse> {
    let shown = message
        .entries
        .iter()
        .map(Arc::as_ref)
        .map(show_entry)
        .collect();
    let mark = message.mark.as_ref().map(|mark| gate.mark(mark));
    messages(shown, MESSAGE_LIMIT, mark, |entries, mark| {
        v1::WatchLogResponse { entries, mark }
    })
}
