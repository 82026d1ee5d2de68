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
    /// Looks at tasks because of a freeze until all have been looked at; answers as one command does.
    pub(crate) fn sweep(&mut self, id: &str, clock: Instant) -> (Reply, usize) {
        let id = freeze_id(id);
        let before = self.store.log.len();
        while let Some(through) = self.sweep_page(&id, clock, 2) {
            let freeze = self.directory.freeze_or_remains(&id).unwrap();
            assert_eq!(freeze.sweep.map(|sweep| sweep.through), Some(through));
        }
        let now = clock.max(self.store.head.instant);
        for task in self
            .store
            .cases
            .values()
            .flat_map(|case| case.tasks.values())
        {
            self.is_swept(task, &id, now);
        }
        (Reply::Done(Answer::Settled), self.store.log.len() - before)
    }

    /// Looks at the tasks of so many change requests; answers how far it came, if not through all.
    pub(crate) fn sweep_page(
        &mut self,
        id: &FreezeId,
        clock: Instant,
        page: usize,
    ) -> Option<CrNumber> {
        let freeze = self.directory.freeze_or_remains(id)?.clone();
        let now = clock.max(self.store.head.instant);
        freeze.due_at.filter(|&due| due <= now)?;
        let after = freeze.sweep.map_or(CrNumber(0), |sweep| sweep.through);
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
                let due_at = freeze.due_at;
                self.act(Action::Settle { number, due_at }, clock);
            }
        }
        let command = SweepFreeze {
            id: id.clone(),
            seen: freeze.stamp.sequence,
            began_at: freeze.sweep.map_or(now, |sweep| sweep.began_at),
            through,
        };
        self.act(Action::Sweep(command), clock);
        through
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
