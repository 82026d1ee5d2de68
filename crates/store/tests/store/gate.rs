//! The smallest thing that runs commands against a store.

use countersign_domain::Instant;
use countersign_domain::batch::{
    Answer, Command, Context, Reply, Settings, Wanted, WorkingSet, run,
};
use countersign_domain::change_request::Case;
use countersign_domain::directory::Directory;
use countersign_domain::ids::CrPrefix;
use countersign_domain::log::{Body, Cause, Entry, Event, Head, Stamp, StoreEvent, append};
use countersign_store::{Store, StoreConfig, Writer};

pub(crate) const LOCK_KEY: i64 = 4_711;

pub(crate) struct Gate {
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) directory: Directory,
    /// Tests wind it; the store's own clock is not used.
    pub(crate) now: Instant,
}

impl Gate {
    pub(crate) async fn open(config: &StoreConfig) -> Self {
        let store = Store::open(config).await.unwrap();
        let now = second(1_000);
        store.create_if_empty(|_| first_entry(now)).await.unwrap();
        let writer = store.writer(LOCK_KEY).await.unwrap();
        let directory = store.directory().await.unwrap();
        Self {
            store,
            writer,
            directory,
            now,
        }
    }

    /// A second gate on the same store.
    pub(crate) async fn open_beside(store: &Store) -> Self {
        let writer = store.writer(LOCK_KEY).await.unwrap();
        let directory = store.directory().await.unwrap();
        Self {
            store: store.clone(),
            writer,
            directory,
            now: second(1_000),
        }
    }

    /// Runs commands in one batch, as the engine does.
    pub(crate) async fn run(&mut self, commands: &[Command]) -> Vec<Reply> {
        let mut transaction = self.writer.begin().await.unwrap();
        let (_, head) = transaction.clock_and_head().await.unwrap();
        let head = head.unwrap();
        let loaded = transaction
            .load(&Wanted::by(commands.iter()))
            .await
            .unwrap();
        let mut set = WorkingSet::new(head, loaded.cases);
        set.requests.extend(loaded.requests);
        let settings = Settings {
            require_policy: false,
        };
        let context = Context {
            now: self.now.max(head.instant),
            clock: self.now,
            directory: &self.directory,
            settings: &settings,
        };
        let outcome = run(set, commands, context);
        transaction
            .save(&outcome.entries, &outcome.changes)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        if outcome.head.directory_revision != head.directory_revision {
            self.directory = self.store.directory().await.unwrap();
        }
        outcome.replies
    }

    /// Runs commands that must be granted, and answers with the change requests they leave.
    pub(crate) async fn grant(&mut self, commands: &[Command]) -> Vec<Case> {
        // On the heap, or tests with many calls would not fit on the stack of their thread.
        let replies = Box::pin(self.run(commands)).await;
        let case = |reply| match reply {
            Reply::Done(Answer::Case { case, .. }) => Some(case.as_ref().clone()),
            Reply::Done(_) => None,
            other => panic!("not granted: {other:?}"),
        };
        replies.into_iter().filter_map(case).collect()
    }

    pub(crate) async fn head(&self) -> Head {
        self.store.head().await.unwrap().unwrap()
    }
}

pub(crate) fn second(second: i64) -> Instant {
    Instant::from_micros(second * 1_000_000).unwrap()
}

pub(crate) fn first_entry(now: Instant) -> Entry {
    let event = Event::Store(StoreEvent::Created {
        store_id: "a store".to_owned(),
        prefix: CrPrefix::parse("CR").unwrap(),
    });
    let stamp = Stamp {
        sequence: 1,
        instant: now,
    };
    let body = Body::new(&event, Cause::Program, &event.advance(&Head::EMPTY), None);
    append(&Head::EMPTY, stamp, &event, &body)
}
