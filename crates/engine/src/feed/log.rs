//! Following the log: every entry, once, in order.

use std::sync::Arc;

use countersign_domain::log::{Entry, Head};
use countersign_store::EntryFilter;
use tokio::sync::{mpsc, watch};

use super::shared::{Mark, MarkKind, Outgoing, Seen, Shared, Subscription, channel};
use super::tail::follows;
use super::{head_at, position, read_failed};
use crate::failure::Failure;

/// How many entries go into one message.
const PAGE: usize = 100;

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogStart {
    /// After the position of a token.
    Token(String),
    /// At this sequence.
    Sequence(u64),
    /// At the first entry.
    Beginning,
    /// With the next entry that is written.
    Now,
}

/// One message of a log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMessage {
    /// The next entries.
    pub entries: Vec<Arc<Entry>>,
    /// Set when everything up to here has been sent.
    pub mark: Option<Mark>,
}

/// Follows the log.
pub(crate) async fn watch_log(
    shared: Shared,
    start: LogStart,
) -> Result<Subscription<LogMessage>, Failure> {
    let epoch = shared.head.borrow().epoch;
    let newest = shared.store.head().await.map_err(|e| read_failed(&e))?;
    let found_head = newest.unwrap_or(Head::EMPTY);
    let at = match start {
        LogStart::Beginning => Head::EMPTY,
        LogStart::Now => found_head,
        LogStart::Token(token) => position(&shared, &token).await?,
        LogStart::Sequence(found) => {
            let limit = found_head.sequence + 1;
            if !(1..=limit).contains(&found) {
                return Err(Failure::SequenceOutOfRange { found, limit });
            }
            let before = head_at(&shared, found - 1).await?;
            before.ok_or(Failure::StoreUnavailable)?
        }
    };
    let (sender, subscription) = channel();
    let follower = Follower {
        shared,
        sender,
        at,
        epoch,
        found_head: found_head.sequence,
        synced: false,
    };
    tokio::spawn(follower.run());
    Ok(subscription)
}

/// One stream at work.
struct Follower {
    shared: Shared,
    sender: mpsc::Sender<Outgoing<LogMessage>>,
    /// The last entry that was sent, or before which it begins.
    at: Head,
    epoch: u64,
    /// Where the head was when the stream began.
    found_head: u64,
    /// Whether it was said that everything up to there has been sent.
    synced: bool,
}

/// Why a stream ends.
enum End {
    /// The subscriber has gone.
    Gone,
    /// Something failed.
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Follower {
    async fn run(mut self) {
        metrics::gauge!("countersign_log_streams").increment(1.0);
        let _open = Open;
        match self.follow().await {
            End::Gone => {}
            End::Failed(failure) => drop(self.sender.send(Box::new(Err(failure))).await),
        }
    }

    /// Sends what is there, marks where the head was found, and goes on with what comes.
    async fn follow(&mut self) -> End {
        let mut head = self.shared.head.clone();
        loop {
            // Marked as seen before reading: what comes after wakes the wait below.
            head.borrow_and_update();
            if let Err(end) = self.catch_up().await {
                return end;
            }
            let stopping = tokio::select! {
                stopped = wait_for_news(&mut head, self.at.sequence, self.epoch) => stopped,
                () = self.sender.closed() => return End::Gone,
                () = self.shared.stop.cancelled() => true,
                () = tokio::time::sleep(self.shared.config.heartbeat) => {
                    if let Err(end) = self.heartbeat().await {
                        return end;
                    }
                    false
                }
            };
            if stopping {
                return self.end().await;
            }
        }
    }

    /// Sends what was committed before the stop, and the last mark, to go on from elsewhere.
    async fn end(&mut self) -> End {
        let last = match self.catch_up().await {
            Ok(()) => self.mark(MarkKind::Heartbeat).await,
            Err(end) => Err(end),
        };
        match last {
            Ok(()) => End::Failed(Failure::ShuttingDown),
            Err(end) => end,
        }
    }

    /// Sends all entries that follow, and marks where the head was found: also while a busy log
    /// keeps this stream from ever seeing its end.
    async fn catch_up(&mut self) -> Result<(), End> {
        loop {
            if !self.synced && self.at.sequence >= self.found_head {
                self.synced = true;
                self.mark(MarkKind::Synced).await?;
            }
            if self.shared.head.borrow().epoch != self.epoch {
                return Err(Failure::StoreUnavailable.into());
            }
            // The newest come from the tail's own pages, older ones from the store.
            let page = match self.shared.recent.after(self.at.sequence, PAGE) {
                Some(page) => page,
                // On the heap: an idle stream keeps no room for a read.
                None => Box::pin(self.read()).await?,
            };
            let Some(newest) = page.last() else {
                return Ok(());
            };
            if !follows(&self.at, page.iter().map(Arc::as_ref)) {
                tracing::error!(after = self.at.sequence, "the log does not continue");
                return Err(Failure::StoreUnavailable.into());
            }
            self.at = newest.head;
            self.send(page, None).await?;
        }
    }

    async fn read(&self) -> Result<Vec<Arc<Entry>>, Failure> {
        let filter = EntryFilter {
            after: self.at.sequence,
            aggregate: None,
            limit: PAGE as u64,
        };
        let _turn = self.shared.turn().await;
        let page = self.shared.store.entries(&filter).await;
        let page = page.map_err(|e| read_failed(&e))?;
        Ok(page.into_iter().map(Arc::new).collect())
    }

    /// Says that everything up to the head was sent; only after a recent look at the head.
    async fn heartbeat(&self) -> Result<(), End> {
        let seen = *self.shared.head.borrow();
        if !seen.is_fresh(self.shared.config.poll) {
            return Err(Failure::StoreUnavailable.into());
        }
        if self.synced && seen.head.hash == self.at.hash {
            self.mark(MarkKind::Heartbeat).await?;
        }
        Ok(())
    }

    async fn mark(&self, kind: MarkKind) -> Result<(), End> {
        self.send(Vec::new(), Some(self.shared.mark(kind, &self.at)))
            .await
    }

    async fn send(&self, entries: Vec<Arc<Entry>>, mark: Option<Mark>) -> Result<(), End> {
        let message = Box::new(Ok(Some(LogMessage { entries, mark })));
        self.sender.send(message).await.map_err(|_| End::Gone)
    }
}

/// Resolves when there are newer entries, or the log has gone back; `true` if the feed has stopped.
async fn wait_for_news(head: &mut watch::Receiver<Seen>, after: u64, epoch: u64) -> bool {
    let news = head.wait_for(|seen| seen.head.sequence > after || seen.epoch != epoch);
    news.await.is_err()
}

/// Counts an open log stream down when it ends, however it ends.
struct Open;

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("countersign_log_streams").decrement(1.0);
    }
}
