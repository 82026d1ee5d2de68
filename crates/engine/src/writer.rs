//! The writer: one task, one connection, one order.
//!
//! It takes the write lock first and the queued commands after, so that a batch is as large as the
//! wait for the lock allows. A statement error reruns the batch in halves; an unknown outcome of a
//! commit is settled by looking. Nothing it awaits is ever cancelled by a client.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use countersign_domain::batch::{Outcome, Reply, Wanted};
use countersign_domain::change_request::Case;
use countersign_domain::ids::CrNumber;
use countersign_domain::log::sha256_hex;
use countersign_store::{Store, WriteTransaction};
use metrics::{counter, gauge, histogram};

use crate::config::EngineConfig;
use crate::directory::SharedDirectory;
use crate::engine::PREPARE_LIMIT;
use crate::failure::Failure;
use crate::feed::Hub;
use crate::horizon::Horizon;
use crate::lanes::{Done, Lanes, Waiting};
use crate::transaction::{Attempt, Connection, Prepared, Shell};

/// How long to wait after the store did not answer.
const BACK_OFF: Duration = Duration::from_millis(100);

/// The key of the store's write lock.
pub(crate) fn lock_key(store_id: &str) -> i64 {
    let digest = sha256_hex(store_id.as_bytes());
    let prefix = digest.get(..16).unwrap_or_default();
    u64::from_str_radix(prefix, 16)
        .unwrap_or_default()
        .cast_signed()
}

/// The one that writes.
pub(crate) struct Writer {
    store: Store,
    connection: Connection,
    config: Arc<EngineConfig>,
    lanes: Arc<Lanes>,
    directory: Arc<SharedDirectory>,
    horizon: Arc<Horizon>,
    hub: Arc<Hub>,
    /// Change requests that met a broken invariant: they grant nothing any more.
    quarantine: BTreeSet<CrNumber>,
}

impl Writer {
    pub(crate) fn new(
        store: Store,
        lock_key: i64,
        config: Arc<EngineConfig>,
        lanes: Arc<Lanes>,
        directory: Arc<SharedDirectory>,
        horizon: Arc<Horizon>,
        hub: Arc<Hub>,
    ) -> Self {
        let connection = Connection::new(store.clone(), lock_key);
        let quarantine = BTreeSet::new();
        Self {
            store,
            connection,
            config,
            lanes,
            directory,
            horizon,
            hub,
            quarantine,
        }
    }

    /// Serves until the lanes are closed and empty.
    pub(crate) async fn run(mut self) {
        while self.lanes.filled().await {
            if !self.round().await {
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }

    fn gauge_lanes(&self) {
        for (lane, depth) in self.lanes.depths() {
            gauge!("countersign_lane_commands", "lane" => lane).set(depth as f64);
        }
    }

    /// One batch. `false` when the store did not answer.
    async fn round(&mut self) -> bool {
        let began = monotonic();
        let transaction = match self.connection.begin().await {
            Ok(transaction) => transaction,
            Err(error) => {
                tracing::warn!(%error, "the write lock could not be taken");
                self.refuse_all_waiting();
                return false;
            }
        };
        histogram!("countersign_write_lock_wait_seconds").record(began.elapsed().as_secs_f64());
        let batch = self.lanes.take(self.config.batch_limit);
        self.gauge_lanes();
        if batch.is_empty() {
            transaction.rollback().await;
            return true;
        }
        self.serve(batch, Some(transaction)).await
    }

    /// Serves a batch; where it fails, its halves, down to the command that fails.
    async fn serve(
        &mut self,
        batch: Vec<Waiting>,
        mut transaction: Option<WriteTransaction>,
    ) -> bool {
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            match self.attempt(&part, transaction.take()).await {
                Attempt::Committed(outcome) => {
                    let deferred = self.publish(part, *outcome);
                    if !deferred.is_empty() {
                        parts.push(deferred);
                    }
                }
                Attempt::Failed(problem) if part.len() == 1 => {
                    tracing::error!(%problem, "a command failed");
                    answer_all(part, &Failure::Internal);
                }
                Attempt::Panicked if part.len() == 1 => {
                    tracing::error!("a command panicked; its change request is closed");
                    self.put_in_quarantine(&part).await;
                    answer_all(part, &Failure::Internal);
                }
                Attempt::Failed(_) | Attempt::Panicked | Attempt::Lost => {
                    tracing::error!(commands = part.len(), "a batch failed; halving it");
                    let mut first = part;
                    let second = first.split_off(first.len() / 2);
                    parts.push(second);
                    parts.push(first);
                }
                Attempt::Away => {
                    parts.push(part);
                    for part in parts {
                        answer_all(part, &Failure::StoreUnavailable);
                    }
                    return false;
                }
            }
        }
        true
    }

    async fn attempt(
        &mut self,
        part: &[Waiting],
        transaction: Option<WriteTransaction>,
    ) -> Attempt {
        let mut commands: Vec<Prepared> = part
            .iter()
            .map(|waiting| Prepared {
                command: waiting.command.clone(),
                overtaken: waiting.stale >= PREPARE_LIMIT,
            })
            .collect();
        let shell = Shell {
            config: &self.config,
            directory: &self.directory,
            quarantine: &self.quarantine,
        };
        self.connection
            .attempt(transaction, &mut commands, shell)
            .await
    }

    /// Tells everybody what a committed batch did, the callers first. Answers with the commands
    /// that are left for another batch.
    fn publish(&mut self, part: Vec<Waiting>, outcome: Outcome) -> Vec<Waiting> {
        let mut deferred = Vec::new();
        histogram!("countersign_transaction_commands").record(part.len() as f64);
        counter!("countersign_commands_total").increment(part.len() as u64);
        counter!("countersign_log_entries_total").increment(outcome.entries.len() as u64);
        // The directory first: whoever gets an answer may act on it at once.
        if self.directory.take_in(outcome.entries.iter()).is_err() {
            tracing::error!("own directory entries could not be taken in");
        }
        for (waiting, reply) in part.into_iter().zip(outcome.replies) {
            let done = match reply {
                Reply::Done(answer) => Done::Answered(Ok(answer)),
                Reply::Refused(refusal) => Done::Answered(Err(refusal.into())),
                Reply::Stale => Done::Stale,
                Reply::Deferred => {
                    deferred.push(waiting);
                    continue;
                }
                Reply::Broken(violation) => {
                    tracing::error!(%violation, "an invariant is broken; its aggregate is closed");
                    counter!("countersign_broken_invariants_total").increment(1);
                    Done::Answered(Err(Failure::Internal))
                }
            };
            // A caller that has gone is no reason to stop.
            drop(waiting.answer.send(done));
        }
        self.quarantine = outcome.quarantine;
        if !outcome.entries.is_empty() {
            self.horizon.note(&outcome.changes);
            self.hub.wake();
        }
        deferred
    }

    /// Closes the change requests that panicking commands concern.
    async fn put_in_quarantine(&mut self, part: &[Waiting]) {
        let wanted = Wanted::by(part.iter().map(|waiting| &waiting.command));
        let tasks: Vec<_> = wanted.tasks.into_iter().collect();
        let keys: Vec<_> = wanted.sharing_keys.into_iter().collect();
        match self.store.cases_concerned(&tasks, &keys).await {
            Ok(cases) => self.quarantine.extend(cases.iter().map(Case::number)),
            Err(error) => tracing::error!(%error, "what a panic concerns could not be found"),
        }
        self.quarantine.extend(wanted.change_requests);
    }

    /// Answers everything that waits: the store is away, and nobody shall wait for it in the dark.
    fn refuse_all_waiting(&self) {
        loop {
            let batch = self.lanes.take(self.config.batch_limit);
            if batch.is_empty() {
                return;
            }
            answer_all(batch, &Failure::StoreUnavailable);
        }
    }
}

fn answer_all(batch: Vec<Waiting>, failure: &Failure) {
    for waiting in batch {
        drop(waiting.answer.send(Done::Answered(Err(failure.clone()))));
    }
}

/// For durations only; nothing is decided by it.
#[expect(
    clippy::disallowed_methods,
    reason = "measures how long the lock was waited for, and how old what is known is"
)]
pub(crate) fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}
