//! What all streams share: marks, and the bounded channel to the subscriber.

use std::sync::Arc;
use std::time::Duration;

use countersign_domain::Instant;
use countersign_domain::log::Head;
use countersign_store::{Store, StoreError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Hub;
use crate::config::EngineConfig;
use crate::failure::Failure;
use crate::token::ResumeToken;

/// How many messages wait for a slow reader before the stream waits for it.
const CHANNEL_CAPACITY: usize = 2;

/// What every stream needs.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) config: Arc<EngineConfig>,
    pub(crate) hub: Arc<Hub>,
    /// The newest entry that the feed has taken in, and when the head was last read.
    pub(crate) head: watch::Receiver<Seen>,
    pub(crate) stop: CancellationToken,
}

/// How far the feed has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// The newest entry.
    pub(crate) head: Head,
    /// When the head was last read with success.
    pub(crate) read_at: tokio::time::Instant,
    /// Grows when the log was found to have gone back: all streams end.
    pub(crate) epoch: u64,
    /// Whether the clock was found so far behind the head that no start is granted (K2).
    pub(crate) clock_is_behind: bool,
}

impl Seen {
    /// Whether the head was read lately enough to vouch for it.
    pub(crate) fn is_fresh(&self, poll: Duration) -> bool {
        self.read_at.elapsed() <= poll * 4 + Duration::from_secs(1)
    }
}

/// Why a mark is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// What was current when the stream began has been sent.
    Synced,
    /// Nothing new, and the head was read lately.
    Heartbeat,
}

/// "You have seen everything up to here."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Why.
    pub kind: MarkKind,
    /// Where to continue.
    pub token: ResumeToken,
    /// The instant of the newest entry.
    pub head_instant: Instant,
}

impl Mark {
    pub(crate) fn at(kind: MarkKind, head: &Head) -> Self {
        Self {
            kind,
            token: ResumeToken::new(head.sequence, &head.hash),
            head_instant: head.instant,
        }
    }
}

/// The receiving end of a stream. Dropping it ends the stream.
#[derive(Debug)]
pub struct Subscription<T> {
    receiver: mpsc::Receiver<Result<T, Failure>>,
}

impl<T> Subscription<T> {
    /// The next message; `None` once the stream has ended in good order.
    pub async fn next(&mut self) -> Option<Result<T, Failure>> {
        self.receiver.recv().await
    }
}

/// A bounded channel to a subscriber.
pub(crate) fn channel<T>() -> (mpsc::Sender<Result<T, Failure>>, Subscription<T>) {
    let (sender, receiver) = mpsc::channel(CHANNEL_CAPACITY);
    (sender, Subscription { receiver })
}

/// Logs a stream's failed read; its text stays here.
pub(crate) fn read_failed(error: &StoreError) -> Failure {
    tracing::warn!(%error, "a stream's first read failed");
    Failure::StoreUnavailable
}
