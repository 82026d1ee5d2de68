//! Following signals over reconnections.

use std::time::Duration;

use countersign_proto::v1::{ErrorReason, WatchSignalsRequest, WatchSignalsResponse};
use tonic::{Code, Status, Streaming};

use crate::{Connection, reason};

/// How long to wait before connecting again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A stream that misses this many heartbeats is lost.
const MISSED_HEARTBEATS: u32 = 3;
/// How long to wait for the first message of a stream, before the server has said how often it
/// sends one.
const FIRST_MESSAGE: Duration = Duration::from_secs(15);

/// Follows signals. When the stream is lost it connects again and goes on from the newest token;
/// the present signal of every task that has not ended comes again after each reconnection.
pub struct Signals {
    connection: Connection,
    task_ids: Vec<String>,
    token: String,
    stream: Option<Streaming<WatchSignalsResponse>>,
    patience: Duration,
    pause: Duration,
}

impl Signals {
    /// Follows these tasks, or with none of them every task of the credential's runner.
    pub fn new(connection: Connection, task_ids: Vec<String>) -> Self {
        Self {
            connection,
            task_ids,
            token: String::new(),
            stream: None,
            patience: FIRST_MESSAGE,
            pause: FIRST_PAUSE,
        }
    }

    /// The next message. An error is one that connecting again cannot mend.
    pub async fn next(&mut self) -> Result<WatchSignalsResponse, Status> {
        loop {
            let lost = match self.read().await {
                Ok(Some(message)) => {
                    self.take_note(&message);
                    return Ok(message);
                }
                Ok(None) => Status::unavailable("the stream ended"),
                Err(status) => status,
            };
            self.stream = None;
            self.patience = FIRST_MESSAGE;
            match lost.code() {
                Code::InvalidArgument if !self.token.is_empty() => {
                    // Another store, or this one restored: begin anew, with the present signals.
                    tracing::warn!(status = %lost, "the resume token is no longer good");
                    self.token.clear();
                }
                Code::InvalidArgument
                | Code::NotFound
                | Code::PermissionDenied
                | Code::Unauthenticated
                | Code::Unimplemented
                | Code::OutOfRange => return Err(lost),
                Code::ResourceExhausted if !may_pass(&lost) => return Err(lost),
                _ => tracing::debug!(status = %lost, "the stream was lost; connecting again"),
            }
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn read(&mut self) -> Result<Option<WatchSignalsResponse>, Status> {
        let patience = self.patience;
        let late = |_| Status::deadline_exceeded("no heartbeat came");
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let request = WatchSignalsRequest {
                    task_ids: self.task_ids.clone(),
                    resume_token: self.token.clone(),
                };
                let mut runner = self.connection.runner();
                let opening = runner.watch_signals(request);
                let opened = tokio::time::timeout(patience, opening)
                    .await
                    .map_err(late)??;
                self.stream.insert(opened.into_inner())
            }
        };
        tokio::time::timeout(patience, stream.message())
            .await
            .map_err(late)?
    }

    fn take_note(&mut self, message: &WatchSignalsResponse) {
        if let Some(mark) = &message.mark {
            // Only a stream that came this far was a good one.
            self.pause = FIRST_PAUSE;
            self.token.clone_from(&mark.resume_token);
            let interval = Duration::from_millis(mark.heartbeat_interval_ms.into());
            self.patience = (interval * MISSED_HEARTBEATS).max(Duration::from_secs(1));
        }
    }
}

/// Whether connecting again later may help where something is exhausted: not where it is this
/// very request that asks for too much.
fn may_pass(lost: &Status) -> bool {
    !matches!(
        reason(lost),
        Some(ErrorReason::TooManyMatches | ErrorReason::MessageTooLarge)
    )
}
