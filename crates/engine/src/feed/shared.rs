//! What all streams share: marks, and the bounded channel to the subscriber.

use std::sync::Arc;
use std::time::Duration;

use countersign_domain::Instant;
use countersign_domain::log::Head;
use countersign_store::{Store, StoreError};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Hub;
use super::recent::Recent;
use crate::config::EngineConfig;
use crate::failure::Failure;
use crate::token::{ResumeToken, StoreTag};

/// How many messages wait for a slow reader before the stream waits for it.
const CHANNEL_CAPACITY: usize = 2;
/// How many streams read pages of the store at once; the others wait for their turn. The feed reads
/// from the same connections, and must not wait behind a storm of streams that begin or lag.
const READS_AT_ONCE: usize = 2;

/// What every stream needs.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) config: Arc<EngineConfig>,
    /// By what resume tokens know the store.
    pub(crate) tag: StoreTag,
    pub(crate) hub: Arc<Hub>,
    /// The newest entries, for those who follow the log.
    pub(crate) recent: Arc<Recent>,
    pub(crate) turns: Arc<Semaphore>,
    /// The newest entry that the feed has taken in, and when the head was last read.
    pub(crate) head: watch::Receiver<Seen>,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    /// Waits until it is this stream's turn to read a page. An error would say that the semaphore
    /// was closed, which nobody does.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// A mark at an entry.
    pub(crate) fn mark(&self, kind: MarkKind, head: &Head) -> Mark {
        Mark {
            kind,
            token: ResumeToken::new(self.tag, head.sequence, &head.hash),
            head_instant: head.instant,
        }
    }
}

/// As many turns as streams may read pages at once.
pub(crate) fn turns() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(READS_AT_ONCE))
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

/// A message on its way, `None` where the stream ends in good order, or why it ends otherwise. On
/// the heap: a channel keeps room for dozens.
pub(crate) type Outgoing<T> = Box<Result<Option<T>, Failure>>;

/// The receiving end of a stream. Dropping it ends the stream.
#[derive(Debug)]
pub struct Subscription<T> {
    receiver: mpsc::Receiver<Outgoing<T>>,
}

impl<T> Subscription<T> {
    /// The next message; `None` once the stream has ended in good order. One that is gone without
    /// a word has failed: nobody shall take that for "all has ended".
    pub async fn next(&mut self) -> Option<Result<T, Failure>> {
        match self.receiver.recv().await.map(|message| *message) {
            Some(Ok(message)) => message.map(Ok),
            Some(Err(failure)) => Some(Err(failure)),
            None => Some(Err(Failure::Internal)),
        }
    }
}

/// A bounded channel to a subscriber.
pub(crate) fn channel<T>() -> (mpsc::Sender<Outgoing<T>>, Subscription<T>) {
    let (sender, receiver) = mpsc::channel(CHANNEL_CAPACITY);
    (sender, Subscription { receiver })
}

/// Logs a stream's failed read; its text stays here.
pub(crate) fn read_failed(error: &StoreError) -> Failure {
    tracing::warn!(%error, "a stream could not read");
    Failure::StoreUnavailable
}
