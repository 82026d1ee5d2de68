//! One write transaction: lock, clock and head, load, run, save, commit; and what became of it.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use countersign_domain::batch::{Action, Command, Context, Outcome, Wanted, WorkingSet, run};
use countersign_domain::directory::Directory;
use countersign_domain::ids::CrNumber;
use countersign_domain::log::{FORMAT, Hash, Head};
use countersign_store::{CommitError, Store, StoreError, WriteTransaction, Writer};

use crate::config::EngineConfig;
use crate::directory::SharedDirectory;
use crate::engine::prepare;

/// How long a lost connection is made anew to learn of a commit, and after which pause each time.
const LOOK_LIMIT: Duration = Duration::from_secs(10);
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
    /// It is not, and would fail again as it is: a statement failed, or what it was given.
    Failed(String),
    /// It is not: running it panicked.
    Panicked,
    /// It is not: twice the connection was lost before its commit. A batch that takes too long
    /// loses it each time, and a smaller one may not.
    Lost,
    /// The store did not answer, or is in no state to be written to. Where a commit was under way,
    /// whether the batch is there could not be learnt.
    Away,
}

/// How a transaction ended short of a known commit.
enum Ended {
    Store(StoreError),
    Panicked,
    /// The store is not one that this process may write to now.
    Unfit(String),
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

/// What a batch is run in.
#[derive(Clone, Copy)]
pub(crate) struct Shell<'a> {
    pub(crate) config: &'a EngineConfig,
    pub(crate) directory: &'a SharedDirectory,
    /// What nothing is decided on any more.
    pub(crate) quarantine: &'a BTreeSet<CrNumber>,
}

/// A command, as it was prepared outside the lock.
pub(crate) struct Prepared {
    pub(crate) command: Command,
    /// The directory overtook it too often: it is prepared again under the lock.
    pub(crate) overtaken: bool,
}

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

    /// Runs a batch to its end, in the transaction given or in one of its own. What failed for a
    /// reason that may pass is run once more.
    pub(crate) async fn attempt(
        &mut self,
        given: Option<WriteTransaction>,
        commands: &mut [Prepared],
        shell: Shell<'_>,
    ) -> Attempt {
        let mut given = given;
        let mut again = true;
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
                Err(Ended::Panicked) => return Attempt::Panicked,
                Err(Ended::Unfit(problem)) => return away(&problem),
                Err(Ended::Store(error)) if error.is_statement_error() => {
                    return Attempt::Failed(error.to_string());
                }
                Err(Ended::Store(error)) => {
                    self.writer = None;
                    // No commit was tried, or it was refused: nothing happened.
                    if !again && commands.len() > 1 {
                        return Attempt::Lost;
                    }
                    if !again {
                        return away(&error);
                    }
                }
                Err(Ended::Unknown { outcome, error }) => {
                    tracing::warn!(%error, "a commit's outcome is unknown; looking");
                    self.writer = None;
                    match self.look(&outcome).await {
                        Some(true) => return Attempt::Committed(outcome),
                        Some(false) if again => {}
                        Some(false) | None => return away(&error),
                    }
                }
            }
            again = false;
        }
    }

    async fn run_in(
        &self,
        mut transaction: WriteTransaction,
        commands: &mut [Prepared],
        shell: Shell<'_>,
    ) -> Result<Outcome, Ended> {
        let outcome = match load_and_run(&mut transaction, commands, shell).await {
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
        let looking = async {
            loop {
                if let Ok(mut transaction) = self.begin().await {
                    let found = transaction.entry_hash(first.head.sequence).await;
                    transaction.rollback().await;
                    match found {
                        Ok(found) => return found == Some(first.head.hash),
                        Err(error) => tracing::warn!(%error, "looking for a commit failed"),
                    }
                    self.writer = None;
                }
                tokio::time::sleep(PAUSE_BETWEEN_LOOKS).await;
            }
        };
        tokio::time::timeout(LOOK_LIMIT, looking).await.ok()
    }
}

fn away(error: &dyn std::fmt::Display) -> Attempt {
    tracing::warn!(%error, "the store cannot be written to");
    Attempt::Away
}

/// Reads the clock and the head, loads, and runs the pure batch.
async fn load_and_run(
    transaction: &mut WriteTransaction,
    prepared: &mut [Prepared],
    shell: Shell<'_>,
) -> Result<Outcome, Ended> {
    let Shell {
        config,
        directory,
        quarantine,
    } = shell;
    let (database, head) = transaction.clock_and_head().await?;
    let clock = config.clock.of_transaction(database);
    let head = head.unwrap_or(Head::EMPTY);
    check_fit(&head)?;
    bring_current(transaction, directory, &head).await?;
    prepare_overtaken(prepared, directory);
    let commands: Vec<Command> = prepared.iter().map(|one| one.command.clone()).collect();
    let loaded = transaction.load(&Wanted::by(commands.iter())).await?;
    let mut set = WorkingSet::new(head, loaded.cases);
    set.requests.extend(loaded.requests);
    set.quarantine.clone_from(quarantine);
    directory.read(|directory| {
        // Since it was brought current, the feed may have replaced it by another store's.
        if directory.revision() != head.directory_revision {
            return Err(unfit_directory(directory, &head));
        }
        let context = Context {
            now: clock.max(head.instant),
            clock,
            directory,
            settings: &config.settings,
        };
        catch_unwind(AssertUnwindSafe(|| run(set, &commands, context))).map_err(|_| Ended::Panicked)
    })
}

/// Refuses a store that this build does not know how to write.
fn check_fit(head: &Head) -> Result<(), Ended> {
    if head.format != FORMAT {
        let found = head.format;
        let problem = format!("the store has format {found}, this build writes {FORMAT}");
        return Err(Ended::Unfit(problem));
    }
    if head.hash == Hash::ZERO {
        return Err(Ended::Unfit(
            "the store has lost its first entry".to_owned(),
        ));
    }
    Ok(())
}

/// Prepares creations that the directory overtook too often: here it can overtake them no more.
fn prepare_overtaken(prepared: &mut [Prepared], directory: &SharedDirectory) {
    for one in prepared.iter_mut().filter(|one| one.overtaken) {
        if let Action::Create(create) = &mut one.command.action {
            **create = directory.read(|directory| prepare(directory, &create.spec));
        }
    }
}

/// Takes in what other replicas did to policies and teams, so that people are judged by the teams
/// of this very instant.
async fn bring_current(
    transaction: &mut WriteTransaction,
    directory: &SharedDirectory,
    head: &Head,
) -> Result<(), Ended> {
    let known = directory.read(Directory::revision);
    if known < head.directory_revision {
        let entries = transaction.directory_entries(known).await?;
        if directory.take_in(entries.iter()).is_err() {
            return Err(Ended::Unfit(
                "a directory entry cannot be taken in".to_owned(),
            ));
        }
    }
    directory.read(|directory| {
        if directory.revision() == head.directory_revision {
            Ok(())
        } else {
            Err(unfit_directory(directory, head))
        }
    })
}

fn unfit_directory(directory: &Directory, head: &Head) -> Ended {
    let (known, wanted) = (directory.revision(), head.directory_revision);
    Ended::Unfit(format!("the directory is at {known}, the head at {wanted}"))
}
