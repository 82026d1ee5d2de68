//! Following the log: every entry, once, in order.

use std::sync::Arc;

use countersign_domain::log::{Entry, Head};
use countersign_store::EntryFilter;
use tokio::sync::{mpsc, watch};

use super::position;
use super::shared::{Mark, MarkKind, Seen, Shared, Subscription, channel};
use crate::failure::Failure;

/// How many entries go into one message.
const PAGE: u64 = 100;

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
    let newest = shared.store.head().await.map_err(|error| {
        tracing::warn!(%error, "a stream's first read failed");
        Failure::StoreUnavailable
    })?;
    let head = newest.unwrap_or(Head::EMPTY);
    let after = match start {
        LogStart::Beginning => 0,
        LogStart::Now => head.sequence,
        LogStart::Token(token) => position(&shared, Some(&token)).await?.unwrap_or(0),
        LogStart::Sequence(found) => {
            let limit = head.sequence + 1;
            if !(1..=limit).contains(&found) {
                return Err(Failure::SequenceOutOfRange { found, limit });
            }
            found - 1
        }
    };
    let (sender, subscription) = channel();
    tokio::spawn(run(shared, sender, after, head.sequence));
    Ok(subscription)
}

async fn run(
    shared: Shared,
    sender: mpsc::Sender<Result<LogMessage, Failure>>,
    after: u64,
    found_head: u64,
) {
    if let Err(failure) = follow(&shared, &sender, after, found_head).await {
        drop(sender.send(Err(failure)).await);
    }
}

/// Sends what is there, marks where the head was found, and goes on with what comes.
async fn follow(
    shared: &Shared,
    sender: &mpsc::Sender<Result<LogMessage, Failure>>,
    mut after: u64,
    found_head: u64,
) -> Result<(), Failure> {
    let mut head = shared.head.clone();
    let epoch = head.borrow().epoch;
    let mut synced = false;
    metrics::gauge!("countersign_log_streams").increment(1.0);
    let _open = Open;
    loop {
        // Marked as seen before reading: what comes after wakes the wait below.
        let seen = *head.borrow_and_update();
        if seen.epoch != epoch {
            return Err(Failure::StoreUnavailable);
        }
        let read = send_up_to_date(shared, sender, &mut after).await?;
        let Some(last) = read else { return Ok(()) };
        if !synced && after >= found_head {
            synced = true;
            let last = last.unwrap_or(seen.head);
            // The token must be of an entry that was sent: of the last, or of the head found.
            let at = if last.sequence == after {
                last
            } else {
                head_at(shared, after).await?
            };
            if !send_mark(sender, MarkKind::Synced, &at).await {
                return Ok(());
            }
        }
        let stopping = tokio::select! {
            stopped = wait_for_news(&mut head, after, epoch) => stopped,
            () = sender.closed() => return Ok(()),
            () = shared.stop.cancelled() => true,
            () = tokio::time::sleep(shared.config.heartbeat) => {
                let seen = *shared.head.borrow();
                if !seen.is_fresh(shared.config.poll) {
                    return Err(Failure::StoreUnavailable);
                }
                if seen.head.sequence == after
                    && !send_mark(sender, MarkKind::Heartbeat, &seen.head).await
                {
                    return Ok(());
                }
                false
            }
        };
        if stopping {
            return end(shared, sender, after).await;
        }
    }
}

/// Sends what was committed before the stop, and the last mark, to go on from elsewhere.
async fn end(
    shared: &Shared,
    sender: &mpsc::Sender<Result<LogMessage, Failure>>,
    mut after: u64,
) -> Result<(), Failure> {
    if let Some(last) = send_up_to_date(shared, sender, &mut after).await? {
        let last = match last {
            Some(last) => last,
            None => head_at(shared, after).await?,
        };
        send_mark(sender, MarkKind::Heartbeat, &last).await;
    }
    Err(Failure::ShuttingDown)
}

/// Resolves when there are newer entries, or the log has gone back; `true` if the feed has stopped.
async fn wait_for_news(head: &mut watch::Receiver<Seen>, after: u64, epoch: u64) -> bool {
    let news = head.wait_for(|seen| seen.head.sequence > after || seen.epoch != epoch);
    news.await.is_err()
}

/// Sends all entries after a position. `None` once the subscriber has gone; else the head that the
/// last entry makes, if any was sent.
async fn send_up_to_date(
    shared: &Shared,
    sender: &mpsc::Sender<Result<LogMessage, Failure>>,
    after: &mut u64,
) -> Result<Option<Option<Head>>, Failure> {
    let mut last = None;
    loop {
        let filter = EntryFilter {
            after: *after,
            aggregate: None,
            limit: PAGE,
        };
        let page = shared.store.entries(&filter).await.map_err(|error| {
            tracing::warn!(%error, "a log stream could not read");
            Failure::StoreUnavailable
        })?;
        let Some(newest) = page.last() else {
            return Ok(Some(last));
        };
        last = Some(newest.head);
        *after = newest.head.sequence;
        let full = page.len() as u64 == PAGE;
        let entries = page.into_iter().map(Arc::new).collect();
        if sender
            .send(Ok(LogMessage {
                entries,
                mark: None,
            }))
            .await
            .is_err()
        {
            return Ok(None);
        }
        if !full {
            return Ok(Some(last));
        }
    }
}

async fn head_at(shared: &Shared, sequence: u64) -> Result<Head, Failure> {
    if sequence == 0 {
        return Ok(Head::EMPTY);
    }
    super::entry_at(shared, sequence)
        .await?
        .map(|entry| entry.head)
        .ok_or(Failure::Internal)
}

async fn send_mark(
    sender: &mpsc::Sender<Result<LogMessage, Failure>>,
    kind: MarkKind,
    head: &Head,
) -> bool {
    let mark = Some(Mark::at(kind, head));
    sender
        .send(Ok(LogMessage {
            entries: Vec::new(),
            mark,
        }))
        .await
        .is_ok()
}

/// Counts an open log stream down when it ends, however it ends.
struct Open;

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("countersign_log_streams").decrement(1.0);
    }
}
