//! Following streams: each message is waited for with a limit.

use std::time::Duration;

use countersign_proto::v1::{
    Mark, MarkKind, WatchLogRequest, WatchLogResponse, WatchSignalsRequest, WatchSignalsResponse,
    WatchStatusRequest, WatchStatusResponse,
};
use tonic::{Status, Streaming};

use super::caller::Answer;
use super::{Caller, Refused};

/// How long a test waits for what must come.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// What all messages of streams have in common.
pub(crate) trait Message {
    /// The mark, if it carries one.
    fn mark(&self) -> Option<&Mark>;
}

impl Message for WatchSignalsResponse {
    fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }
}

impl Message for WatchStatusResponse {
    fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }
}

impl Message for WatchLogResponse {
    fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }
}

/// A stream that a test reads.
#[derive(Debug)]
pub(crate) struct Followed<M>(Streaming<M>);

impl<M: Message + std::fmt::Debug> Followed<M> {
    /// The next message, or how the stream ended.
    pub(crate) async fn read(&mut self) -> Result<Option<M>, Status> {
        let message = tokio::time::timeout(LIMIT, self.0.message());
        message.await.expect("a message, or the end, comes in time")
    }

    /// The next message, which must come.
    pub(crate) async fn next(&mut self) -> M {
        let message = self.read().await.expect("the stream goes on");
        message.expect("the stream has not ended")
    }

    /// All messages up to one that `found` says yes to, that one included.
    pub(crate) async fn until(&mut self, mut found: impl FnMut(&M) -> bool) -> Vec<M> {
        let mut messages = Vec::new();
        let reading = async {
            loop {
                let message = self.next().await;
                let last = found(&message);
                messages.push(message);
                if last {
                    return;
                }
            }
        };
        // Heartbeats alone would keep it waiting for ever.
        if tokio::time::timeout(LIMIT, reading).await.is_err() {
            let last = format!("{:?}", messages.last());
            panic!(
                "not found in {} messages, the last: {last:.3000}",
                messages.len()
            );
        }
        messages
    }

    /// All messages up to the mark that says everything present was sent, and that mark.
    pub(crate) async fn synced(&mut self) -> (Vec<M>, Mark) {
        let kind = |message: &M| message.mark().map(Mark::kind);
        let messages = self.until(|message| kind(message).is_some()).await;
        let mark = messages
            .last()
            .and_then(|message| message.mark().cloned())
            .unwrap();
        assert_eq!(
            mark.kind(),
            MarkKind::Synced,
            "the first mark says synced: {mark:?}"
        );
        (messages, mark)
    }

    /// All messages up to the next heartbeat, and that heartbeat.
    pub(crate) async fn heartbeat(&mut self) -> (Vec<M>, Mark) {
        let messages = self.until(|message| message.mark().is_some()).await;
        let mark = messages
            .last()
            .and_then(|message| message.mark().cloned())
            .unwrap();
        assert_eq!(mark.kind(), MarkKind::Heartbeat, "{mark:?}");
        (messages, mark)
    }

    /// All messages up to a mark at this sequence or behind it, and that mark.
    pub(crate) async fn marked(&mut self, sequence: u64) -> (Vec<M>, Mark) {
        let reached = |message: &M| message.mark().is_some_and(|mark| mark.sequence >= sequence);
        let messages = self.until(reached).await;
        let mark = messages
            .last()
            .and_then(|message| message.mark().cloned())
            .unwrap();
        (messages, mark)
    }

    /// Reads to the end: the messages before it, and how it ended.
    pub(crate) async fn end(&mut self) -> (Vec<M>, Result<(), Refused>) {
        let mut messages = Vec::new();
        loop {
            match self.read().await {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => return (messages, Ok(())),
                Err(status) => return (messages, Err(status.into())),
            }
        }
    }
}

impl Caller {
    /// Follows the signals of these tasks; of all of the caller's runner, where none is named.
    pub(crate) async fn signals(
        &self,
        task_ids: &[&str],
        token: &str,
    ) -> Answer<Followed<WatchSignalsResponse>> {
        self.signals_with(WatchSignalsRequest {
            task_ids: task_ids.iter().map(|&id| id.to_owned()).collect(),
            resume_token: token.to_owned(),
            ..WatchSignalsRequest::default()
        })
        .await
    }

    pub(crate) async fn signals_with(
        &self,
        request: WatchSignalsRequest,
    ) -> Answer<Followed<WatchSignalsResponse>> {
        Ok(Followed(
            self.0.runner().watch_signals(request).await?.into_inner(),
        ))
    }

    pub(crate) async fn status(
        &self,
        request: WatchStatusRequest,
    ) -> Answer<Followed<WatchStatusResponse>> {
        Ok(Followed(
            self.0
                .change_requests()
                .watch_status(request)
                .await?
                .into_inner(),
        ))
    }

    /// Follows the log; `None` is from the beginning.
    pub(crate) async fn log(
        &self,
        start: Option<countersign_proto::v1::watch_log_request::Start>,
    ) -> Answer<Followed<WatchLogResponse>> {
        let request = WatchLogRequest { start };
        Ok(Followed(
            self.0.log().watch_log(request).await?.into_inner(),
        ))
    }
}

/// Now, to measure from.
#[expect(clippy::disallowed_methods, reason = "measures a latency")]
pub(crate) fn moment() -> std::time::Instant {
    std::time::Instant::now()
}
