//! The near horizon: what is due soon, in memory, so that nothing is asked of the store at the very
//! instant at which ten thousand tasks are due. Only a hint: the rows are the truth, and what is
//! missing here is found when the store is looked at the next time.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_domain::Instant;
use countersign_domain::batch::Changes;
use countersign_domain::ids::CrNumber;
use tokio::sync::Notify;

/// How far ahead the store is asked.
pub(crate) const AHEAD_MICROS: i64 = 10_000_000;
/// How often it is asked: other replicas write too, and do not tell.
const ASK_EVERY_MICROS: i64 = 1_000_000;
/// How much is kept. One number and its instant take about 40 bytes.
pub(crate) const NEAR_LIMIT: usize = 20_000;

/// What this process knows of what is due soon.
#[derive(Debug, Default)]
pub(crate) struct Horizon {
    near: Mutex<Near>,
    sooner: Notify,
}

#[derive(Debug, Default)]
struct Near {
    due: BTreeSet<(Instant, CrNumber)>,
    /// When a freeze has to be swept next.
    freeze: Option<Instant>,
    /// Everything the store had up to this instant is in it.
    until: Option<Instant>,
    asked_at: Option<Instant>,
}

impl Near {
    fn earliest(&self) -> Option<Instant> {
        let rows = self.due.first().map(|(at, _)| *at);
        rows.into_iter().chain(self.freeze).min()
    }
}

impl Horizon {
    /// Takes note of the rows of a committed batch.
    pub(crate) fn note(&self, changes: &Changes) {
        let tasks = changes.new_tasks.iter().chain(&changes.tasks);
        let tasks = tasks.filter_map(|row| Some((row.due_at?, CrNumber(row.change_request))));
        let new = changes.new_change_requests.iter();
        let change_requests = new.chain(&changes.change_requests);
        let change_requests =
            change_requests.filter_map(|row| Some((row.due_at?, CrNumber(row.number))));
        let freezes = changes.freezes.iter().filter_map(|(_, row)| row.as_ref());
        let mut near = self.near();
        let before = near.earliest();
        for (at, number) in tasks.chain(change_requests) {
            if near.until.is_some_and(|until| at <= until) && near.due.len() < NEAR_LIMIT {
                near.due.insert((at, number));
            }
        }
        let freeze = freezes.filter_map(|row| row.due_at).min();
        near.freeze = near.freeze.into_iter().chain(freeze).min();
        let sooner = near
            .earliest()
            .is_some_and(|at| before.is_none_or(|before| at < before));
        drop(near);
        if sooner {
            self.sooner.notify_one();
        }
    }

    /// Whether the store has to be asked again.
    pub(crate) fn is_stale(&self, now: Instant) -> bool {
        let near = self.near();
        let fresh = |asked: Instant| asked <= now && now.micros_since(asked) < ASK_EVERY_MICROS;
        // As long as there is plenty to do, asking again would only tell it once more.
        let plenty = near.due.len() > NEAR_LIMIT / 2;
        let covered = near.until.is_some_and(|until| now < until);
        !(plenty || covered && near.asked_at.is_some_and(fresh))
    }

    /// Takes over what the store says is due up to an instant, and when freezes are.
    pub(crate) fn fill(
        &self,
        found: Vec<(Instant, CrNumber)>,
        freeze: Option<Instant>,
        until: Instant,
        now: Instant,
    ) {
        let full = found.len() >= NEAR_LIMIT;
        let last = found.last().map(|(at, _)| *at);
        let mut near = self.near();
        near.until = if full { last } else { Some(until) };
        if near.due.len() > NEAR_LIMIT {
            near.due.clear();
        }
        // What was noted while the store was asked is not in its answer; what is there no longer is
        // settled in vain.
        near.due.extend(found);
        near.freeze = near.freeze.into_iter().chain(freeze).min();
        near.asked_at = Some(now);
    }

    /// Sets when a freeze has to be swept next.
    pub(crate) fn set_freeze(&self, due_at: Option<Instant>) {
        self.near().freeze = due_at;
    }

    /// The next instant at which something is known to be due.
    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.near().earliest()
    }

    /// Takes out what is due by an instant, in order, at most so many.
    pub(crate) fn take_due(&self, now: Instant, limit: usize) -> Vec<(Instant, CrNumber)> {
        let mut near = self.near();
        let mut taken = Vec::new();
        while taken.len() < limit {
            let Some(first) = near.due.first().copied().filter(|(at, _)| *at <= now) else {
                break;
            };
            near.due.remove(&first);
            taken.push(first);
        }
        taken
    }

    /// Resolves when something became due sooner than what was known.
    pub(crate) async fn sooner(&self) {
        self.sooner.notified().await;
    }

    fn near(&self) -> MutexGuard<'_, Near> {
        self.near.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Instant {
        Instant::from_micros(second * 1_000_000).unwrap()
    }

    fn filled(numbers: &[(i64, u64)], until: i64, now: i64) -> Horizon {
        let horizon = Horizon::default();
        let found = numbers.iter().map(|(s, n)| (at(*s), CrNumber(*n)));
        horizon.fill(found.collect(), None, at(until), at(now));
        horizon
    }

    #[test]
    fn what_is_due_comes_out_in_the_order_of_time_and_never_early() {
        let horizon = filled(&[(12, 1), (11, 2), (13, 3)], 20, 10);
        assert_eq!(horizon.take_due(at(10), 9), []);
        assert_eq!(horizon.earliest(), Some(at(11)));
        let taken = horizon.take_due(at(12), 9);
        assert_eq!(taken, [(at(11), CrNumber(2)), (at(12), CrNumber(1))]);
        assert_eq!(horizon.take_due(at(20), 9), [(at(13), CrNumber(3))]);
    }

    #[test]
    fn the_store_is_asked_again_after_a_second_and_after_a_jump_of_the_clock() {
        let horizon = Horizon::default();
        assert!(horizon.is_stale(at(0)), "it was never asked");
        horizon.fill(Vec::new(), None, at(20), at(10));
        assert!(!horizon.is_stale(at(10)));
        assert!(horizon.is_stale(at(11)));
        assert!(horizon.is_stale(at(9)), "the clock went back");
        assert!(horizon.is_stale(at(20)));
    }

    #[test]
    fn a_full_horizon_is_worked_off_before_the_store_is_asked_again() {
        let numbers: Vec<(i64, u64)> = (0..NEAR_LIMIT as u64).map(|n| (15, n)).collect();
        let horizon = filled(&numbers, 20, 10);
        assert!(!horizon.is_stale(at(30)), "there is plenty to do");
        assert_eq!(
            horizon.take_due(at(15), NEAR_LIMIT / 2).len(),
            NEAR_LIMIT / 2
        );
        assert!(
            horizon.is_stale(at(15)),
            "more may be due at its last instant"
        );
    }

    #[test]
    fn what_is_noted_while_the_store_is_asked_is_kept() {
        let horizon = filled(&[], 20, 10);
        horizon.near().due.insert((at(12), CrNumber(7)));
        horizon.fill(Vec::new(), None, at(21), at(11));
        assert_eq!(horizon.take_due(at(12), 9), [(at(12), CrNumber(7))]);
    }
}
