//! The engine: opens a store, and is the only way to change it or to listen to it.

use std::sync::Arc;
use std::time::Duration;

use countersign_domain::Instant;
use countersign_domain::access::Principal;
use countersign_domain::batch::{Action, Answer, Command, Context, Reply, WorkingSet, run};
use countersign_domain::change_request::{Case, CreateTask};
use countersign_domain::directory::Directory;
use countersign_domain::ids::{CrNumber, CrPrefix};
use countersign_domain::log::{Body, Cause, Event, FORMAT, Head, Stamp, StoreEvent, append};
use countersign_domain::task::TaskSpec;
use countersign_store::{Store, StoreError};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::EngineConfig;
use crate::directory::SharedDirectory;
use crate::failure::Failure;
use crate::feed::{
    Hub, LogMessage, LogStart, Recent, Shared, SignalFilter, SignalMessage, StatusFilter,
    StatusMessage, Subscription, caught_up, run_tail, seen, turns, watch_log, watch_signals,
    watch_status,
};
use crate::horizon::Horizon;
use crate::lanes::{Done, Lanes, Waiting};
use crate::query::HeadView;
use crate::token::StoreTag;
use crate::writer::{Writer, lock_key};

/// How often a creation is prepared outside the lock before the writer prepares it itself.
pub(crate) const PREPARE_LIMIT: u32 = 2;

/// Why an engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store cannot be opened.
    #[error("failed to open the store")]
    Store(#[from] StoreError),
    /// The store is written in a format that this build does not know.
    #[error(
        "the store has format {found}; this build reads and writes format {FORMAT}: upgrade it"
    )]
    UnknownFormat {
        /// The format found.
        found: u16,
    },
    /// Entry 1 does not name the store.
    #[error("the store's first entry does not name it: {0}")]
    Unnamed(String),
}

/// A handle to a running engine; clones share it.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    config: Arc<EngineConfig>,
    store: Store,
    store_id: String,
    prefix: CrPrefix,
    directory: Arc<SharedDirectory>,
    lanes: Arc<Lanes>,
    horizon: Arc<Horizon>,
    shared: Shared,
    writer: std::sync::Mutex<Option<JoinHandle<()>>>,
    stop: CancellationToken,
}

impl Engine {
    /// Opens a store, creating and migrating it where needed, and starts the writer and the feed.
    pub async fn open(config: EngineConfig) -> Result<Self, OpenError> {
        let config = Arc::new(config);
        let store = Store::open(&config.store).await?;
        store
            .create_if_empty(|database| first_entry(&config, database))
            .await?;
        let (store_id, prefix) = identity(&store).await?;
        let head = store.head().await?.unwrap_or(Head::EMPTY);
        if head.format != FORMAT {
            return Err(OpenError::UnknownFormat { found: head.format });
        }
        let directory = Arc::new(SharedDirectory::new(store.directory().await?));
        let lanes = Arc::new(Lanes::new(config.lane_capacity));
        let horizon = Arc::new(Horizon::default());
        let hub = Arc::new(Hub::default());
        let stop = CancellationToken::new();
        let (head_sender, head_seen) = watch::channel(seen(head));
        let shared = Shared {
            store: store.clone(),
            config: Arc::clone(&config),
            tag: StoreTag::of(&store_id),
            hub: Arc::clone(&hub),
            recent: Arc::new(Recent::after_head(&head)),
            turns: turns(),
            head: head_seen,
            stop: stop.clone(),
        };
        tokio::spawn(run_tail(
            shared.clone(),
            head_sender,
            Arc::clone(&directory),
        ));
        let writer = Writer::new(
            store.clone(),
            lock_key(&store_id),
            Arc::clone(&config),
            Arc::clone(&lanes),
            Arc::clone(&directory),
            Arc::clone(&horizon),
            hub,
        );
        let writer = tokio::spawn(supervise(writer, Arc::clone(&lanes)));
        Ok(Self(Arc::new(Inner {
            config,
            store,
            store_id,
            prefix,
            directory,
            lanes,
            horizon,
            shared,
            writer: std::sync::Mutex::new(Some(writer)),
            stop,
        })))
    }

    /// Takes no more commands, serves those that wait, lets the streams reach the head, ends them.
    pub async fn shutdown(&self) {
        self.0.lanes.close();
        let writer = {
            let mut held = self
                .0
                .writer
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            held.take()
        };
        if let Some(writer) = writer {
            // An error here is a panic of the writer, which its own log has told.
            drop(writer.await);
        }
        self.0.shared.hub.drain().await;
        self.0.stop.cancel();
    }

    /// Runs a command, and answers after its batch was committed, refusals included. Dropping the
    /// returned future drops the waiting, never the command.
    pub async fn execute(&self, command: Command) -> Result<Answer, Failure> {
        match self.submit(command, 0).await? {
            Done::Answered(answer) => answer,
            // Only creations are prepared, and those go through `create`.
            Done::Stale => Err(Failure::Internal),
        }
    }

    /// Asks for permission to run a task. Matching and merging happen here, before the lock; if the
    /// directory changed meanwhile, they happen again.
    pub async fn create(&self, caller: &Principal, spec: TaskSpec) -> Result<Answer, Failure> {
        let mut stale = 0;
        loop {
            let create = self.directory().read(|directory| prepare(directory, &spec));
            search_ahead(&create, self.now());
            let action = Action::Create(Box::new(create));
            let command = Command {
                caller: Some(caller.clone()),
                action,
                request: None,
            };
            match self.submit(command, stale).await? {
                Done::Answered(answer) => return answer,
                Done::Stale => stale = (stale + 1).min(PREPARE_LIMIT),
            }
        }
    }

    /// What a creation would answer now; changes nothing. A change request that does not exist yet
    /// is answered with number 0.
    pub async fn preview(&self, caller: &Principal, spec: TaskSpec) -> Result<Answer, Failure> {
        self.know_directory().await?;
        let prepared = self.directory().read(|directory| prepare(directory, &spec));
        let found = self
            .store()
            .cases_concerned(
                std::slice::from_ref(&spec.id),
                prepared.sharing_key.as_slice(),
            )
            .await;
        let found = found.map_err(|e| self.read_failed(&e))?;
        let known: Vec<CrNumber> = found.iter().map(Case::number).collect();
        let HeadView { head, clock } = self.head().await?;
        // Prepared and run at one revision of the directory: a preview is never stale.
        let mut outcome = self.directory().read(|directory| {
            let command = Command {
                caller: Some(caller.clone()),
                action: Action::Create(Box::new(prepare(directory, &spec))),
                request: None,
            };
            let context = Context {
                now: clock.max(head.instant),
                clock,
                directory,
                settings: &self.config().settings,
            };
            let head = Head {
                directory_revision: directory.revision(),
                ..head
            };
            run(WorkingSet::new(head, found), &[command], context)
        });
        match outcome.replies.pop() {
            Some(Reply::Done(Answer::Case { case, task, now }))
                if !known.contains(&case.number()) =>
            {
                Ok(Answer::Case {
                    case: Arc::new(case.as_ref().clone().unnumbered()),
                    task,
                    now,
                })
            }
            Some(Reply::Done(answer)) => Ok(answer),
            Some(Reply::Refused(refusal)) => Err(refusal.into()),
            Some(Reply::Stale | Reply::Deferred | Reply::Broken(_)) | None => {
                Err(Failure::Internal)
            }
        }
    }

    /// Follows change requests.
    pub async fn watch_status(
        &self,
        caller: &Principal,
        filter: StatusFilter,
        token: Option<&str>,
    ) -> Result<Subscription<StatusMessage>, Failure> {
        watch_status(self.0.shared.clone(), caller, filter, token).await
    }

    /// Follows the signals of tasks.
    pub async fn watch_signals(
        &self,
        caller: &Principal,
        filter: SignalFilter,
        token: Option<&str>,
    ) -> Result<Subscription<SignalMessage>, Failure> {
        watch_signals(self.0.shared.clone(), caller, filter, token).await
    }

    /// Follows the log.
    pub async fn watch_log(&self, start: LogStart) -> Result<Subscription<LogMessage>, Failure> {
        watch_log(self.0.shared.clone(), start).await
    }

    /// Whether the head was read lately, the clock that starts are judged by is not behind it, and
    /// commands are taken.
    pub fn is_healthy(&self) -> bool {
        let seen = *self.0.shared.head.borrow();
        seen.is_fresh(self.config().poll) && !seen.clock_is_behind && self.0.lanes.are_open()
    }

    /// Resolves when the health may have changed.
    pub async fn health_changed(&self) {
        let mut head = self.0.shared.head.clone();
        // A clone would take every change since the engine was opened for a new one.
        head.mark_unchanged();
        let pause = tokio::time::sleep(self.config().poll);
        tokio::select! {
            Ok(()) = head.changed() => {}
            () = pause => {}
        }
    }

    /// What stands before change request numbers.
    pub fn prefix(&self) -> CrPrefix {
        self.0.prefix.clone()
    }

    /// The id of the store, given once.
    pub fn store_id(&self) -> &str {
        &self.0.store_id
    }

    /// After how long at the latest a stream sends something.
    pub fn heartbeat(&self) -> Duration {
        self.config().heartbeat
    }

    /// What the rules are set to.
    pub fn settings(&self) -> &countersign_domain::batch::Settings {
        &self.0.config.settings
    }

    /// The instant for what is only shown: where the clock is behind, that of the newest entry
    /// (K1).
    pub fn now(&self) -> Instant {
        self.config().clock.display().max(self.newest())
    }

    /// What the clock itself says, also where the log is ahead of it: for what others vouch for
    /// until an instant.
    pub fn clock_says(&self) -> Instant {
        self.config().clock.display()
    }

    /// The instant of the newest entry, as far as it is known here.
    pub(crate) fn newest(&self) -> Instant {
        self.0.shared.head.borrow().head.instant
    }

    /// Waits until every policy, team and freeze of the store is known here: another replica may
    /// have written some a moment ago. What this process wrote it knows before it answers.
    pub(crate) async fn know_directory(&self) -> Result<(), Failure> {
        if !self.store().is_postgres() {
            return Ok(());
        }
        let head = self
            .store()
            .head()
            .await
            .map_err(|e| self.read_failed(&e))?;
        let head = head.unwrap_or(Head::EMPTY);
        if self.directory().read(Directory::revision) >= head.directory_revision {
            return Ok(());
        }
        caught_up(&self.0.shared, head.sequence).await
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn directory(&self) -> &SharedDirectory {
        &self.0.directory
    }

    pub(crate) fn config(&self) -> &EngineConfig {
        &self.0.config
    }

    pub(crate) fn horizon(&self) -> &Horizon {
        &self.0.horizon
    }

    /// Logs a failed read; its text stays here.
    pub(crate) fn read_failed(&self, error: &StoreError) -> Failure {
        tracing::warn!(%error, "a read failed");
        Failure::StoreUnavailable
    }

    async fn submit(&self, command: Command, stale: u32) -> Result<Done, Failure> {
        let (answer, done) = oneshot::channel();
        self.0.lanes.push(Waiting {
            command,
            stale,
            answer,
        })?;
        done.await.map_err(|_| Failure::StoreUnavailable)
    }
}

/// Runs the writer. Should it ever panic outside of a batch, nothing is written any more: commands
/// are refused at once instead of waiting for ever, and the health shows it.
async fn supervise(writer: Writer, lanes: Arc<Lanes>) {
    if let Err(error) = tokio::spawn(writer.run()).await {
        tracing::error!(%error, "the writer has ended by a panic; restart this server");
        lanes.abandon();
    }
}

/// Matches and merges for a creation, at a revision of the directory.
pub(crate) fn prepare(directory: &Directory, spec: &TaskSpec) -> CreateTask {
    let resultant = directory.resultant(spec);
    CreateTask::prepare(spec.clone(), resultant, directory.matching_revision())
}

/// How far the clock of a transaction may be behind the one of this process.
const CLOCKS_APART_MICROS: i64 = 2_000_000;

/// Searches the calendar for the period a creation will be bound to. It remembers the answer for a
/// while, so that it is not searched under the lock.
fn search_ahead(create: &CreateTask, now: Instant) {
    let from = now.plus_micros(-CLOCKS_APART_MICROS).unwrap_or(now);
    let _remembered = create.resultant.period_after(create.spec.window, from);
}

/// Entry 1: names the store.
fn first_entry(config: &EngineConfig, database: Option<Instant>) -> countersign_domain::log::Entry {
    let event = Event::Store(StoreEvent::Created {
        store_id: config.new_store_id.clone(),
        prefix: config.prefix.clone(),
    });
    let instant = config.clock.of_transaction(database);
    let body = Body::new(&event, Cause::Program, &Head::EMPTY, None);
    append(
        &Head::EMPTY,
        Stamp {
            sequence: 1,
            instant,
        },
        &event,
        &body,
    )
}

async fn identity(store: &Store) -> Result<(String, CrPrefix), OpenError> {
    let entry = store.first_entry().await?;
    let entry = entry.ok_or_else(|| OpenError::Unnamed("there is none".to_owned()))?;
    let event = Body::parse(&entry.body)
        .and_then(|body| body.typed_event())
        .map_err(|problem| OpenError::Unnamed(problem.to_string()))?;
    match event {
        Event::Store(StoreEvent::Created { store_id, prefix }) => Ok((store_id, prefix)),
        Event::Store(_)
        | Event::ChangeRequest(..)
        | Event::Task(..)
        | Event::Policy(..)
        | Event::Team(..)
        | Event::Freeze(..)
        | Event::Token(..) => Err(OpenError::Unnamed(format!("it is {}", event.name()))),
    }
}
