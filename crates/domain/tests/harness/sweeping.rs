//! What the engine does when tasks have to be looked at because of a freeze.

use countersign_domain::Instant;
use countersign_domain::batch::{Action, Answer, Command, Reply};
use countersign_domain::change_request::Case;
use countersign_domain::freeze::{SweepFreeze, is_misplaced};
use countersign_domain::ids::{CrNumber, FreezeId};
use countersign_domain::task::{Task, TaskState, WaitingFor};

use super::Gate;
use super::people::freeze_id;

impl Gate {
    /// Looks at tasks because of a freeze until all have been looked at; answers as one command
    /// does.
    pub(crate) fn sweep(&mut self, id: &str, clock: Instant) -> (Reply, usize) {
        let id = freeze_id(id);
        let before = self.store.log.len();
        while let Some(through) = self.sweep_page(&id, clock, 2) {
            let freeze = self.directory.freeze_or_remains(&id).unwrap();
            assert_eq!(freeze.sweep.map(|sweep| sweep.through), Some(through));
        }
        let entries = self.store.log.len() - before;
        let now = clock.max(self.store.head.instant);
        let tasks = self
            .store
            .cases
            .values()
            .flat_map(|case| case.tasks.values());
        // Where it was not due, another one may be.
        for task in tasks.filter(|_| entries > 0) {
            self.is_swept(task, &id, now);
        }
        (Reply::Done(Answer::Settled), entries)
    }

    /// Looks at the tasks of so many change requests; answers how far it came, if not through all.
    pub(crate) fn sweep_page(
        &mut self,
        id: &FreezeId,
        clock: Instant,
        page: usize,
    ) -> Option<CrNumber> {
        let now = clock.max(self.store.head.instant);
        let due_at = |gate: &Self| {
            let freeze = gate.directory.freeze_or_remains(id)?;
            freeze.due_at.filter(|&due| due <= now)
        };
        due_at(self)?;
        if self.directory.freeze_or_remains(id)?.sweep.is_none() {
            self.swept(id, clock, Some(CrNumber(0)));
        }
        let due_at = due_at(self);
        let sweep = self.directory.freeze_or_remains(id)?.sweep;
        let after = sweep.map_or(CrNumber(0), |sweep| sweep.through);
        let concerned = self
            .store
            .cases
            .values()
            .filter(|case| case.number() > after && case.tasks.values().any(concerns_freezes));
        let numbers: Vec<CrNumber> = concerned.take(page + 1).map(Case::number).collect();
        let through = numbers.get(page).map(|_| numbers[page - 1]);
        for &number in numbers.iter().take(page) {
            let mut tasks = self.store.cases[&number].tasks.values();
            if tasks.any(|task| is_misplaced(task, &self.directory, now)) {
                self.act(Action::Settle { number, due_at }, clock);
            }
        }
        self.swept(id, clock, through);
        through
    }

    fn swept(&mut self, id: &FreezeId, clock: Instant, through: Option<CrNumber>) {
        let freeze = self.directory.freeze_or_remains(id).unwrap();
        let command = SweepFreeze {
            id: id.clone(),
            seen: freeze.stamp.sequence,
            directory_revision: self.directory.revision(),
            through,
        };
        self.act(Action::Sweep(command), clock);
    }

    fn act(&mut self, action: Action, clock: Instant) {
        let command = Command {
            caller: None,
            action,
            request: None,
        };
        let replies = self.run(&[command], clock).replies;
        assert_eq!(replies, [Reply::Done(Answer::Settled)]);
    }

    /// No task that the freeze could concern stands where no freeze puts it.
    fn is_swept(&self, task: &Task, id: &FreezeId, now: Instant) {
        let spec = &task.content.spec;
        let held = self
            .directory
            .freezes_after(None)
            .any(|freeze| freeze.matches(spec) && freeze.in_force(now).is_some());
        let waits = matches!(
            task.state,
            TaskState::Paused {
                waiting_for: WaitingFor::Freeze
            }
        );
        let cleared = matches!(task.state, TaskState::Cleared { .. });
        assert!(
            !cleared || !held,
            "{} is cleared after {id} was swept",
            task.id()
        );
        assert!(!waits || held, "{} is held after {id} was swept", task.id());
    }
}

fn concerns_freezes(task: &Task) -> bool {
    match task.state {
        TaskState::Cleared { .. } => true,
        TaskState::Paused { waiting_for } => waiting_for == WaitingFor::Freeze,
        TaskState::Running { .. } | TaskState::Finished { .. } | TaskState::Terminated { .. } => {
            false
        }
    }
}
