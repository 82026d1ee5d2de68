//! The writer: one task, one connection, one order.
//!
//! It takes the write lock first and the queued commands after, so that a batch is as large as the
//! wait for the lock allows. A statement error reruns the batch in halves; an unknown outcome of a
//! commit is settled by looking. Nothing it awaits is ever cancelled by a client.

use std::sync::Arc;
use std::time::Duration;

use countersign_domain::batch::{Action, Command, Outcome, Reply, Wanted};
use countersign_domain::change_request::CreateTask;
use countersign_domain::log::sha256_hex;
use countersign_store::Store;
use metrics::{counter, gauge, histogram};

use crate::config::EngineConfig;
use crate::directory::SharedDirectory;
use crate::failure::Failure;
use crate::feed::Hub;
use crate::lanes::{Done, Lanes, Waiting};
use crate::sweep::Due;
use crate::transaction::{Attempt, Connection};

/// How often a creation is found stale before the writer prepares it under the lock.
const STALE_LIMIT: u32 = 2;
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
    connection: Connection,
    config: Arc<EngineConfig>,
    lanes: Arc<Lanes>,
    directory: Arc<SharedDirectory>,
    due: Arc<Due>,
    hub: Arc<Hub>,
    /// What met a broken invariant: it grants nothing any more.
    quarantine: Wanted,
}

impl Writer {
    pub(crate) fn new(
        store: Store,
        lock_key: i64,
        config: Arc<EngineConfig>,
        lanes: Arc<Lanes>,
        directory: Arc<SharedDirectory>,
        due: Arc<Due>,
        hub: Arc<Hub>,
    ) -> Self {
        let connection = Connection::new(store, lock_key);
        let quarantine = Wanted::default();
        Self {
            connection,
            config,
            lanes,
            directory,
            due,
            hub,
            quarantine,
        }
    }

    /// Serves until the lanes are closed and empty.
    pub(crate) async fn run(mut self) {
        while self.lanes.filled().await {
            for (lane, depth) in self.lanes.depths() {
                gauge!("countersign_lane_commands", "lane" => lane).set(depth as f64);
            }
            if !self.round().await {
                tokio::time::sleep(BACK_OFF).await;
            }
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
        let batch = self.without_quarantined(batch);
        if batch.is_empty() {
            transaction.rollback().await;
            return true;
        }
        self.serve(batch, Some(transaction)).await
    }

    /// Serves a batch; where a statement fails, its halves, down to the command that fails.
    async fn serve(
        &mut self,
        batch: Vec<Waiting>,
        mut transaction: Option<countersign_store::WriteTransaction>,
    ) -> bool {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            self.prepare_stale(&mut part);
            let commands: Vec<Command> = part.iter().map(|w| w.command.clone()).collect();
            let context = (&*self.config, &*self.directory);
            match self
                .connection
                .attempt(transaction.take(), &commands, context)
                .await
            {
                Attempt::Committed(outcome) => self.publish(part, *outcome),
                Attempt::Failed(problem) if part.len() > 1 => {
                    tracing::error!(%problem, commands = part.len(), "a batch failed; halving it");
                    let second = part.split_off(part.len() / 2);
                    parts.push(second);
                    parts.push(part);
                }
                Attempt::Failed(problem) => {
                    tracing::error!(%problem, command = ?commands, "a command failed");
                    self.put_in_quarantine(&commands);
                    answer_all(part, &Failure::Internal);
                }
                Attempt::Away => {
                    answer_all(part, &Failure::StoreUnavailable);
                    for part in parts {
                        answer_all(part, &Failure::StoreUnavailable);
                    }
                    return false;
                }
            }
        }
        true
    }

    /// Tells everybody what a committed batch did, the callers first.
    fn publish(&mut self, part: Vec<Waiting>, outcome: Outcome) {
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
                Reply::Broken(violation) => {
                    tracing::error!(%violation, "an invariant is broken; its aggregate is closed");
                    counter!("countersign_broken_invariants_total").increment(1);
                    self.put_in_quarantine(std::slice::from_ref(&waiting.command));
                    Done::Answered(Err(Failure::Internal))
                }
            };
            // A caller that has gone is no reason to stop.
            drop(waiting.answer.send(done));
        }
        if !outcome.entries.is_empty() {
            self.due.note(&outcome.changes);
            self.hub.wake();
        }
    }

    /// Prepares creations anew that the directory overtook too often.
    fn prepare_stale(&self, batch: &mut [Waiting]) {
        for waiting in batch
            .iter_mut()
            .filter(|waiting| waiting.stale >= STALE_LIMIT)
        {
            if let Action::Create(create) = &mut waiting.command.action {
                let spec = create.spec.clone();
                **create = self.directory.read(|directory| {
                    let resultant = directory.resultant(&spec);
                    CreateTask::prepare(spec, resultant, directory.revision())
                });
            }
        }
    }

    fn put_in_quarantine(&mut self, commands: &[Command]) {
        let wanted = Wanted::by(commands.iter());
        self.quarantine.tasks.extend(wanted.tasks);
        self.quarantine
            .change_requests
            .extend(wanted.change_requests);
    }

    /// Refuses commands on what is in quarantine.
    fn without_quarantined(&self, batch: Vec<Waiting>) -> Vec<Waiting> {
        if self.quarantine == Wanted::default() {
            return batch;
        }
        let (closed, open): (Vec<_>, Vec<_>) = batch.into_iter().partition(|waiting| {
            let wanted = Wanted::by(std::iter::once(&waiting.command));
            !wanted.tasks.is_disjoint(&self.quarantine.tasks)
                || !wanted
                    .change_requests
                    .is_disjoint(&self.quarantine.change_requests)
        });
        answer_all(closed, &Failure::Internal);
        open
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
    reason = "measures how long the lock was waited for"
)]
fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}
