//! The signals of tasks.

use countersign_proto::v1::{Mark, TaskSignal, WatchSignalsRequest, WatchSignalsResponse};
use tonic::{Response, Status, Streaming};

use super::Watch;
use super::kind::Kind;
use crate::Connection;

/// The stream of `WatchSignals`.
#[derive(Debug)]
pub struct SignalStream {
    request: WatchSignalsRequest,
}

/// Follows signals. The present signal of every task that has not ended comes again after each
/// reconnection.
pub type Signals = Watch<SignalStream>;

impl Signals {
    /// Follows these tasks, or with none of them every task of the credential's runner. It begins
    /// at once, on the runtime it is called on.
    pub fn new(connection: Connection, task_ids: Vec<String>) -> Self {
        let request = WatchSignalsRequest {
            task_ids,
            ..WatchSignalsRequest::default()
        };
        Self::narrowed(connection, request)
    }

    /// Follows what a request names; the token in it is not used.
    pub fn narrowed(connection: Connection, request: WatchSignalsRequest) -> Self {
        Self::start(connection, SignalStream { request })
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
            resume_token: token,
            ..self.request.clone()
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
