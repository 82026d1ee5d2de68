//! Turns "due by now" into settle commands. The scheduler calls it; so does every test that moves
//! its clock. Safe on every replica at once: the second one finds nothing due.

use std::sync::{Mutex, PoisonError};

use countersign_domain::Instant;
use countersign_domain::batch::{Action, Changes, Command};
use futures::future::join_all;
use tokio::sync::Notify;

use crate::engine::Engine;
use crate::failure::Failure;

/// What this process knows of the next due instant. Only a hint: the rows are the truth.
#[derive(Debug, Default)]
pub(crate) struct Due {
    earliest: Mutex<Option<Instant>>,
    sooner: Notify,
}

impl Due {
    /// Takes note of the rows of a committed batch.
    pub(crate) fn note(&self, changes: &Changes) {
        let tasks = changes.new_tasks.iter().chain(&changes.tasks);
        let change_requests = changes.new_change_requests.iter();
        let change_requests = change_requests.chain(&changes.change_requests);
        let due = tasks
            .filter_map(|row| row.due_at)
            .chain(change_requests.filter_map(|row| row.due_at));
        let Some(soonest) = due.min() else {
            return;
        };
        let mut earliest = self.earliest.lock().unwrap_or_else(PoisonError::into_inner);
        if earliest.is_none_or(|known| soonest < known) {
            *earliest = Some(soonest);
            self.sooner.notify_one();
        }
    }

    fn set(&self, known: Option<Instant>) {
        *self.earliest.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

impl Engine {
    /// The next instant at which something is due, and the present one, by the same clock.
    pub async fn next_due(&self) -> Result<(Option<Instant>, Instant), Failure> {
        let next = self.store().next_due().await;
        let next = next.map_err(|e| self.read_failed(&e))?;
        self.due_state().set(next);
        Ok((next, self.clock().await?))
    }

    /// Resolves when something became due sooner than what [`Engine::next_due`] last said.
    pub async fn due_sooner(&self) {
        self.due_state().sooner.notified().await;
    }

    /// Settles what is due, in the order of the due instants, at most `limit` change requests.
    /// Answers with how many it found.
    pub async fn settle_due(&self, limit: u64) -> Result<usize, Failure> {
        let now = self.clock().await?;
        let due = self
            .store()
            .due(now, limit)
            .await
            .map_err(|e| self.read_failed(&e))?;
        let found = due.len();
        let settling = due.into_iter().map(|number| {
            let action = Action::Settle(number);
            self.execute(Command {
                caller: None,
                action,
                request: None,
            })
        });
        for settled in join_all(settling).await {
            settled?;
        }
        Ok(found)
    }
}
