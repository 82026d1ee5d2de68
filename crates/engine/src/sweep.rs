//! Turns "due by now" into settle commands. The scheduler calls it; so does every test that moves
//! its clock. Safe on every replica at once: the second one finds nothing due.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_domain::Instant;
use countersign_domain::batch::{Action, Command};
use countersign_domain::directory::Directory;
use countersign_domain::freeze::{SweepFreeze, is_misplaced};
use countersign_domain::ids::CrNumber;
use countersign_domain::task::Task;
use futures::future::join_all;

use crate::engine::Engine;
use crate::failure::Failure;
use crate::horizon::{AHEAD_MICROS, NEAR_LIMIT};
use crate::writer::monotonic;

/// How many tasks are looked at in one step of a freeze's sweep. More than one change request can
/// hold, so that each step comes to the end of one.
const SWEEP_PAGE: u64 = 1_001;

impl Engine {
    /// The next instant at which something is due, and the present one, by the same clock. The
    /// truth, as the store has it.
    pub async fn next_due(&self) -> Result<(Option<Instant>, Instant), Failure> {
        let next = self.store().next_due().await;
        let next = next.map_err(|e| self.read_failed(&e))?;
        let freeze = self.directory().read(Directory::next_due_freeze);
        Ok((next.into_iter().chain(freeze).min(), self.instant().await?))
    }

    /// Looks ahead: asks the store what is due soon, where that was not done a moment ago. Answers
    /// with the next instant at which something is known to be due, and with the present one.
    pub async fn look_ahead(&self) -> Result<(Option<Instant>, Instant), Failure> {
        let mut now = self.clock().await?.max(self.newest());
        if self.horizon().is_stale(now, monotonic()) {
            let until = now.plus_micros(AHEAD_MICROS).unwrap_or(Instant::LAST);
            let found = self.store().due(until, NEAR_LIMIT as u64).await;
            let found = found.map_err(|e| self.read_failed(&e))?;
            self.horizon().fill(found, until, monotonic());
            self.note_due_freeze();
            // Where much is due soon, asking takes a while; whoever counted from before would sleep
            // that much too long.
            now = self.clock().await?.max(self.newest());
        }
        Ok((self.horizon().earliest(), now))
    }

    /// Resolves when something became due sooner than what [`Engine::look_ahead`] last said.
    pub async fn due_sooner(&self) {
        self.horizon().sooner().await;
    }

    /// Settles what is known to be due by an instant, in the order of the due instants, at most
    /// `limit` change requests, and takes one step of the sweep of a freeze that is due. Answers
    /// with how many it settled.
    pub async fn settle_near(&self, now: Instant, limit: usize) -> Result<usize, Failure> {
        let due = self.horizon().take_due(now, limit);
        let settled = due.len();
        let settling = due.iter().map(|(_, number)| (*number, None));
        if let Err(failure) = self.settle(settling).await {
            self.horizon().put_back(due);
            return Err(failure);
        }
        Ok(settled + self.sweep_freeze(now).await?.unwrap_or_default())
    }

    /// Settles what is due as the store has it, in the order of the due instants, at most `limit`
    /// change requests, and takes one step of the sweep of a freeze that is due. Answers with how
    /// much there was to do.
    pub async fn settle_due(&self, limit: u64) -> Result<usize, Failure> {
        let now = self.instant().await?;
        let due = self.store().due(now, limit).await;
        let due = due.map_err(|e| self.read_failed(&e))?;
        let found = due.len();
        self.settle(due.into_iter().map(|(_, number)| (number, None)))
            .await?;
        let swept = self.sweep_freeze(now).await?;
        Ok(found + swept.map_or(0, |settled| settled + 1))
    }

    /// One step of the sweep of a freeze that is due, if one is. The first only says that it
    /// begins: what is read after that holds everything that was decided before the freeze turned.
    /// Each other one looks at the next tasks that are cleared or held by a freeze, settles those
    /// that are not where the freezes put them, and has the freeze remember how far it has come.
    /// Answers with how many it settled; `None`: no freeze is due.
    async fn sweep_freeze(&self, now: Instant) -> Result<Option<usize>, Failure> {
        // A freeze that another replica has changed is swept once it is known here.
        let due = self.directory().read(|directory| {
            let (due_at, freeze) = directory.due_freeze(now)?;
            Some((due_at, Arc::clone(freeze), directory.revision()))
        });
        let Some((due_at, freeze, directory_revision)) = due else {
            self.note_due_freeze();
            return Ok(None);
        };
        let (settled, through) = match freeze.sweep {
            None => (0, Some(CrNumber(0))),
            Some(sweep) => self.sweep_page(now, due_at, sweep.through).await?,
        };
        let sweep = SweepFreeze {
            id: freeze.draft.id.clone(),
            seen: freeze.stamp.sequence,
            directory_revision,
            through,
        };
        self.execute(command(Action::Sweep(sweep))).await?;
        self.note_due_freeze();
        Ok(Some(settled))
    }

    /// Looks at the next tasks after a change request. Answers with how many change requests it
    /// settled, and through which one it has come; `None`: to the end.
    async fn sweep_page(
        &self,
        now: Instant,
        due_at: Instant,
        after: CrNumber,
    ) -> Result<(usize, Option<CrNumber>), Failure> {
        let page = self.store().held_or_cleared(after, SWEEP_PAGE).await;
        let page = page.map_err(|e| self.read_failed(&e))?;
        let (looked_at, through) = whole(page);
        let misplaced: BTreeSet<CrNumber> = self.directory().read(|directory| {
            let wrong = looked_at
                .iter()
                .filter(|task| is_misplaced(task, directory, now));
            wrong.map(Task::change_request).collect()
        });
        let settled = misplaced.len();
        self.settle(misplaced.into_iter().map(|number| (number, Some(due_at))))
            .await?;
        Ok((settled, through))
    }

    /// Has the horizon know when a freeze is due next.
    fn note_due_freeze(&self) {
        let next = || self.directory().read(Directory::next_due_freeze);
        self.horizon().set_freeze(next);
    }

    /// Settles these change requests, each because of what was due, if its tasks do not know. What
    /// is in quarantine stays as it is.
    async fn settle(
        &self,
        due: impl Iterator<Item = (CrNumber, Option<Instant>)>,
    ) -> Result<(), Failure> {
        let settling = due.map(|(number, due_at)| {
            let action = Action::Settle { number, due_at };
            self.execute(command(action))
        });
        for settled in join_all(settling).await {
            match settled {
                Ok(_) | Err(Failure::Internal) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }
}

fn command(action: Action) -> Command {
    Command {
        caller: None,
        action,
        request: None,
    }
}

/// The tasks of whole change requests of a page, and the last of these; `None`: the page was not
/// full, so nothing follows.
fn whole(mut page: Vec<Task>) -> (Vec<Task>, Option<CrNumber>) {
    let last = page.last().map(Task::change_request);
    let Some(last) = last.filter(|_| page.len() as u64 == SWEEP_PAGE) else {
        return (page, None);
    };
    page.retain(|task| task.change_request() != last);
    let through = page.last().map(Task::change_request);
    (page, through)
}
