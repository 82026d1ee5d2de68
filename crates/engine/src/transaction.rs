//! One write transaction: lock, clock and head, load, run, save, commit; and what became of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use countersign_domain::batch::{Command, Context, Outcome, Wanted, WorkingSet, run};
use countersign_domain::log::{FORMAT, Hash, Head};
use countersign_store::{CommitError, Store, StoreError, WriteTransaction, Writer};

use crate::config::EngineConfig;
use crate::directory::SharedDirectory;

/// How often, and after which pause, a lost connection is made anew to learn of a commit.
const LOOKS: u32 = 50;
const PAUSE_BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// The writer's own connection, made when it is needed.
pub(crate) struct Connection {
    store: Store,
    lock_key: i64,
    writer: Option<Writer>,
}

/// What became of a batch.
pub(crate) enum Attempt {
    /// It is in the store.
    Committed(Box<Outcome>),
    /// It is not, and would fail again as it is.
    Failed(String),
    /// The store did not answer; whether the batch is there could not be learnt.
    Away,
}

/// How a transaction ended short of a known commit.
enum Ended {
    Store(StoreError),
    Fault(String),
    Unknown {
        outcome: Box<Outcome>,
        error: StoreError,
    },
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

type Shell<'a> = (&'a EngineConfig, &'a SharedDirectory);

impl Connection {
    pub(crate) fn new(store: Store, lock_key: i64) -> Self {
        Self {
            store,
            lock_key,
            writer: None,
        }
    }

    /// Begins a transaction and takes the write lock.
    pub(crate) async fn begin(&mut self) -> Result<WriteTransaction, StoreError> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.store.writer(self.lock_key).await?,
        };
        let transaction = writer.begin().await?;
        self.writer = Some(writer);
        Ok(transaction)
    }

    /// Runs a batch to its end, in the transaction given or in one of its own.
    pub(crate) async fn attempt(
        &mut self,
        given: Option<WriteTransaction>,
        commands: &[Command],
        shell: Shell<'_>,
    ) -> Attempt {
        let mut given = given;
        loop {
            let transaction = match given.take() {
                Some(transaction) => transaction,
                None => match self.begin().await {
                    Ok(transaction) => transaction,
                    Err(error) => return away(&error),
                },
            };
            match self.run_in(transaction, commands, shell).await {
                Ok(outcome) => return Attempt::Committed(Box::new(outcome)),
                Err(Ended::Fault(problem)) => return Attempt::Failed(problem),
                Err(Ended::Store(error)) if error.is_connection_loss() => {
                    self.writer = None;
                    return away(&error);
                }
                Err(Ended::Store(error)) => return Attempt::Failed(error.to_string()),
                Err(Ended::Unknown { outcome, error }) => {
                    tracing::warn!(%error, "a commit's outcome is unknown; looking");
                    self.writer = None;
                    match self.look(&outcome).await {
                        Some(true) => return Attempt::Committed(outcome),
                        Some(false) => {}
                        None => return Attempt::Away,
                    }
                }
            }
        }
    }

    async fn run_in(
        &self,
        mut transaction: WriteTransaction,
        commands: &[Command],
        (config, directory): Shell<'_>,
    ) -> Result<Outcome, Ended> {
        let outcome = match prepare_and_run(&mut transaction, commands, config, directory).await {
            Ok(outcome) => outcome,
            Err(ended) => {
                transaction.rollback().await;
                return Err(ended);
            }
        };
        if let Err(error) = transaction.save(&outcome.entries, &outcome.changes).await {
            transaction.rollback().await;
            return Err(error.into());
        }
        match transaction.commit().await {
            Ok(()) => Ok(outcome),
            Err(CommitError::Aborted(error)) => Err(error.into()),
            // A batch without entries changed nothing, so there is nothing to learn.
            Err(CommitError::Unknown(_)) if outcome.entries.is_empty() => Ok(outcome),
            Err(CommitError::Unknown(error)) => Err(Ended::Unknown {
                outcome: Box::new(outcome),
                error,
            }),
        }
    }

    /// Whether a batch is in the store: with the lock on a new connection, the old transaction has
    /// ended, so the entry at its first sequence is either the batch's own or it is not there.
    async fn look(&mut self, outcome: &Outcome) -> Option<bool> {
        let first = outcome.entries.first()?;
        for _ in 0..LOOKS {
            if let Ok(mut transaction) = self.begin().await {
                let found = transaction.entry_hash(first.head.sequence).await;
                transaction.rollback().await;
                match found {
                    Ok(found) => return Some(found == Some(first.head.hash)),
                    Err(error) => tracing::warn!(%error, "looking for a commit failed"),
                }
                self.writer = None;
            }
            tokio::time::sleep(PAUSE_BETWEEN_LOOKS).await;
        }
        None
    }
}

fn away(error: &StoreError) -> Attempt {
    tracing::warn!(%error, "the store does not answer");
    Attempt::Away
}

/// Reads the clock and the head, loads, and runs the pure batch.
async fn prepare_and_run(
    transaction: &mut WriteTransaction,
    commands: &[Command],
    config: &EngineConfig,
    directory: &SharedDirectory,
) -> Result<Outcome, Ended> {
    let (database, head) = transaction.clock_and_head().await?;
    let clock = config.clock.of_transaction(database);
    let head = head.unwrap_or(Head::EMPTY);
    if head.format != FORMAT {
        let problem = format!(
            "the store has format {}, this build writes {FORMAT}",
            head.format
        );
        return Err(Ended::Fault(problem));
    }
    if head.hash == Hash::ZERO {
        return Err(Ended::Fault(
            "the store has lost its first entry".to_owned(),
        ));
    }
    bring_current(transaction, directory, &head).await?;
    let loaded = transaction.load(&Wanted::by(commands.iter())).await?;
    let mut set = WorkingSet::new(head, loaded.cases);
    set.requests.extend(loaded.requests);
    let ran = directory.read(|directory| {
        let now = clock.max(head.instant);
        let context = Context {
            now,
            clock,
            directory,
            settings: &config.settings,
        };
        catch_unwind(AssertUnwindSafe(|| run(set, commands, context)))
    });
    ran.map_err(|_| Ended::Fault("the batch panicked".to_owned()))
}

/// Takes in what other replicas did to policies and teams, so that people are judged by the teams
/// of this very instant.
async fn bring_current(
    transaction: &mut WriteTransaction,
    directory: &SharedDirectory,
    head: &Head,
) -> Result<(), Ended> {
    let known = directory.read(countersign_domain::directory::Directory::revision);
    if known < head.directory_revision {
        let entries = transaction.directory_entries(known).await?;
        if directory.take_in(entries.iter()).is_err() {
            return Err(Ended::Fault("a directory entry is unreadable".to_owned()));
        }
    }
    let known = directory.read(countersign_domain::directory::Directory::revision);
    if known == head.directory_revision {
        return Ok(());
    }
    let wanted = head.directory_revision;
    Err(Ended::Fault(format!(
        "the directory is at {known}, the head at {wanted}"
    )))
}
