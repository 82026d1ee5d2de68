//! Tails the log: the one reader that all streams of this process share.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use countersign_domain::ids::{CrNumber, TaskId};
use countersign_domain::log::{AggregateKey, Entry, Head};
use countersign_store::{EntryFilter, StoreError};
use tokio::sync::watch;

use super::Shared;
use super::shared::Seen;
use crate::directory::SharedDirectory;

/// How many entries are read at once.
const PAGE: u64 = 1_000;
/// How many change requests are read at once for those who follow them.
const CASES_PAGE: usize = 500;
/// How long to wait before listening is tried again.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// What the feed has seen when it begins.
pub(crate) fn seen(head: Head) -> Seen {
    Seen {
        head,
        read_at: now(),
        epoch: 0,
        clock_is_behind: false,
    }
}

/// Tails until it is stopped.
pub(crate) async fn run(
    shared: Shared,
    seen: watch::Sender<Seen>,
    directory: Arc<SharedDirectory>,
) {
    let (woken_elsewhere, mut elsewhere) = watch::channel(());
    let listening = tokio::spawn(listen(shared.clone(), woken_elsewhere));
    let mut compared_at = None;
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => break,
            () = shared.hub.woken() => {}
            Ok(()) = elsewhere.changed() => {}
            () = tokio::time::sleep(shared.config.poll) => {}
        }
        let draining = shared.hub.is_draining();
        match look(&shared, &seen, &directory).await {
            Ok(()) if draining => shared.hub.reached_head(),
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "the feed could not read the log"),
        }
        let due = |at: tokio::time::Instant| at.elapsed() >= shared.config.poll;
        if compared_at.is_none_or(due) {
            compared_at = Some(now());
            if let Err(error) = compare_clock(&shared, &seen).await {
                tracing::warn!(%error, "the feed could not read the clock");
            }
        }
    }
    listening.abort();
}

/// Takes note of whether the clock that starts are judged by is behind the log (K2).
async fn compare_clock(shared: &Shared, seen: &watch::Sender<Seen>) -> Result<(), StoreError> {
    let clock = shared
        .config
        .clock
        .of_transaction(shared.store.clock().await?);
    seen.send_if_modified(|seen| {
        let behind_micros = seen.head.instant.micros_since(clock);
        metrics::gauge!("countersign_clock_behind_seconds").set(behind_micros as f64 / 1e6);
        let is_behind = seen.head.clock_behind_micros(clock).is_some();
        let changes = seen.clock_is_behind != is_behind;
        seen.clock_is_behind = is_behind;
        changes
    });
    Ok(())
}

/// Hears of other replicas' commits; the poll stands behind it.
async fn listen(shared: Shared, wake: watch::Sender<()>) {
    loop {
        match shared.store.listen().await {
            Ok(None) => return,
            Ok(Some(mut listener)) => loop {
                listener.changed().await;
                wake.send_replace(());
            },
            Err(error) => tracing::warn!(%error, "listening for other replicas failed"),
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

/// Reads what is new, and gives it out.
async fn look(
    shared: &Shared,
    seen: &watch::Sender<Seen>,
    directory: &SharedDirectory,
) -> Result<(), StoreError> {
    loop {
        let known = *seen.borrow();
        let filter = EntryFilter {
            after: known.head.sequence,
            aggregate: None,
            limit: PAGE,
        };
        let entries = shared.store.entries(&filter).await?;
        let Some(last) = entries.last() else {
            return check_head(shared, seen, directory, known).await;
        };
        if !follows(&known.head, entries.iter()) {
            tracing::error!(after = known.head.sequence, "the log does not continue");
            return begin_anew(shared, seen, directory).await;
        }
        if directory.take_in(entries.iter()).is_err() {
            return begin_anew(shared, seen, directory).await;
        }
        give_out(shared, &entries).await?;
        let full = entries.len() as u64 == PAGE;
        let newest = last.head;
        // Before the head moves: whoever sees the new head finds the entries.
        shared.recent.take_in(entries);
        seen.send_modify(|seen| {
            seen.head = newest;
            seen.read_at = now();
        });
        metrics::gauge!("countersign_log_head_sequence").set(newest.sequence as f64);
        if !full {
            return Ok(());
        }
    }
}

/// Whether entries continue a head without a gap.
pub(crate) fn follows<'a>(head: &Head, mut entries: impl Iterator<Item = &'a Entry>) -> bool {
    let mut before = (head.sequence, head.hash);
    entries.all(|entry| {
        let continues = (entry.head.sequence, entry.previous) == (before.0 + 1, before.1);
        before = (entry.head.sequence, entry.head.hash);
        continues
    })
}

/// Nothing new: the head must be the one that is known.
async fn check_head(
    shared: &Shared,
    seen: &watch::Sender<Seen>,
    directory: &SharedDirectory,
    known: Seen,
) -> Result<(), StoreError> {
    let head = shared.store.head().await?.unwrap_or(Head::EMPTY);
    if head.sequence > known.head.sequence {
        // Written since the look; somebody wakes us for it.
        shared.hub.wake();
        return Ok(());
    }
    if head.hash != known.head.hash {
        tracing::error!(
            known = known.head.sequence,
            found = head.sequence,
            "the log has gone back: the store was restored or replaced"
        );
        return begin_anew(shared, seen, directory).await;
    }
    // Nobody is woken by that: streams that have nothing to tell sleep until their heartbeat.
    seen.send_if_modified(|seen| {
        seen.read_at = now();
        false
    });
    Ok(())
}

/// Drops what is known and ends all streams: what they were told may never have been.
async fn begin_anew(
    shared: &Shared,
    seen: &watch::Sender<Seen>,
    directory: &SharedDirectory,
) -> Result<(), StoreError> {
    // The head first: an entry that comes between the two is taken in after the head, or is in
    // the directory already and passed over.
    let head = shared.store.head().await?.unwrap_or(Head::EMPTY);
    directory.replace(shared.store.directory().await?);
    shared.recent.begin_anew(&head);
    seen.send_modify(|seen| {
        seen.head = head;
        seen.read_at = now();
        seen.epoch += 1;
    });
    shared.hub.wake_all();
    Ok(())
}

/// Reads the present state of everything that entries touch, once, for all who follow it.
async fn give_out(shared: &Shared, entries: &[Entry]) -> Result<(), StoreError> {
    if shared.hub.is_idle() {
        return Ok(());
    }
    let mut numbers: BTreeSet<CrNumber> = BTreeSet::new();
    let mut tasks: BTreeSet<TaskId> = BTreeSet::new();
    for entry in entries {
        match &entry.aggregate {
            AggregateKey::ChangeRequest(number) => {
                numbers.insert(*number);
            }
            AggregateKey::Task(id) => {
                tasks.insert(id.clone());
            }
            AggregateKey::Store
            | AggregateKey::Policy(_)
            | AggregateKey::Team(_)
            | AggregateKey::Freeze(_)
            | AggregateKey::Token(_) => {}
        }
    }
    let numbers: Vec<CrNumber> = numbers.into_iter().collect();
    let mut given: BTreeSet<TaskId> = BTreeSet::new();
    for page in numbers.chunks(CASES_PAGE) {
        for case in shared.store.cases(page).await? {
            given.extend(case.tasks.keys().cloned());
            shared.hub.publish(&Arc::new(case));
        }
    }
    let rest: Vec<TaskId> = tasks.into_iter().filter(|id| !given.contains(id)).collect();
    for page in rest.chunks(CASES_PAGE) {
        for case in shared.store.cases_of_tasks(page).await? {
            shared.hub.publish(&Arc::new(case));
        }
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "tells how fresh the head is; decides nothing"
)]
fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}
