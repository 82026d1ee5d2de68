//! The signals of tasks.

use countersign_proto::v1::{Mark, TaskSignal, WatchSignalsRequest, WatchSignalsResponse};
use tonic::{Response, Status, Streaming};

use super::Watch;
use super::kind::Kind;
use crate::Connection;

/// The stream of `WatchSignals`.
#[derive(Debug)]
pub struct SignalStream {
    task_ids: Vec<String>,
}

/// Follows signals. The present signal of every task that has not ended comes again after each
/// reconnection.
pub type Signals = Watch<SignalStream>;

impl Signals {
    /// Follows these tasks, or with none of them every task of the credential's runner. It begins
    /// at once, on the runtime it is called on.
    pub fn new(connection: Connection, task_ids: Vec<String>) -> Self {
        Self::start(connection, SignalStream { task_ids })
    }
}

impl Kind for SignalStream {
    type Message = WatchSignalsResponse;
    type Item = TaskSignal;
    const LEVEL: bool = true;

    async fn open(
        &self,
        connection: &Connection,
        token: String,
    ) -> Result<Response<Streaming<WatchSignalsResponse>>, Status> {
        let request = WatchSignalsRequest {
            task_ids: self.task_ids.clone(),
            resume_token: token,
        };
        connection.runner().watch_signals(request).await
    }

    fn split(message: WatchSignalsResponse) -> (Vec<TaskSignal>, Option<Mark>) {
        (message.signals, message.mark)
    }

    fn key(signal: &TaskSignal) -> &str {
        &signal.task_id
    }
}
