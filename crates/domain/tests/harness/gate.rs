//! Runs commands against the store in memory, and checks each run.

use countersign_domain::Instant;
use countersign_domain::access::Principal;
use countersign_domain::batch::{Action, Command, Context, Outcome, Reply, Settings, Wanted, run};
use countersign_domain::change_request::{Case, CreateTask};
use countersign_domain::directory::Directory;
use countersign_domain::log::{Entry, Event};
use countersign_domain::task::TaskSpec;

use super::check;
use super::people::task_id;
use super::store::Store;

/// A gate in memory.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    pub(crate) store: Store,
    pub(crate) directory: Directory,
    pub(crate) settings: Settings,
}

impl Gate {
    /// A gate without policies, which then opens for all.
    pub(crate) fn new() -> Self {
        Self {
            store: Store::new(),
            directory: Directory::default(),
            settings: Settings {
                require_policy: false,
            },
        }
    }

    /// A creation, prepared with the directory as it is.
    pub(crate) fn prepare(&self, spec: TaskSpec) -> Action {
        let resultant = self.directory.resultant(&spec);
        let revision = self.directory.matching_revision();
        Action::Create(Box::new(CreateTask::prepare(spec, resultant, revision)))
    }

    /// Runs one command at what the clock says.
    pub(crate) fn step(&mut self, caller: &Principal, action: Action, clock: Instant) -> Reply {
        let command = Command {
            caller: Some(caller.clone()),
            action,
            request: None,
        };
        self.run(&[command], clock).replies.remove(0)
    }

    /// Runs one batch.
    pub(crate) fn run(&mut self, commands: &[Command], clock: Instant) -> Outcome {
        let now = clock.max(self.store.head.instant);
        let set = self.store.load(&Wanted::by(commands.iter()));
        let context = Context {
            now,
            clock,
            directory: &self.directory,
            settings: &self.settings,
        };
        let outcome = run(set.clone(), commands, context);
        check::replies(&set, commands, context, &outcome);
        let before = self.store.cases.clone();
        self.store.save(&outcome, now);
        check::touched(&before, &self.store, &outcome, &self.directory, now);
        for entry in &outcome.entries {
            self.take_in(entry);
        }
        assert_eq!(
            self.directory.revision(),
            self.store.head.directory_revision
        );
        outcome
    }

    /// The change request that holds a task.
    pub(crate) fn case(&self, id: &str) -> Option<&Case> {
        let number = self.store.holders.get(&task_id(id))?;
        self.store.cases.get(number)
    }

    /// Runs no command, and checks everything once more.
    pub(crate) fn check_all(&self) {
        self.store.check_all();
        check::directory(&self.store, &self.directory);
    }

    fn take_in(&mut self, entry: &Entry) {
        let stamp = entry.head.stamp();
        let body = countersign_domain::log::Body::parse(&entry.body).unwrap();
        match body.typed_event().unwrap() {
            Event::Policy(id, event) => {
                self.directory.apply_policy(&id, &event, stamp).unwrap();
            }
            Event::Team(id, event) => {
                self.directory.apply_team(&id, &event, stamp).unwrap();
            }
            Event::Freeze(id, event) => {
                self.directory.apply_freeze(&id, &event, stamp).unwrap();
            }
            Event::Token(id, event) => {
                self.directory.apply_token(&id, &event, stamp).unwrap();
            }
            Event::Store(_) | Event::ChangeRequest(..) | Event::Task(..) => {}
        }
    }
}
