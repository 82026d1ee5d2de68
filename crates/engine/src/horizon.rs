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
const ASK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
/// How much is kept. One number and its instant take about 40 bytes.
pub(crate) const NEAR_LIMIT: usize = 20_000;
/// So much that is due at once is enough to do.
const PLENTY: usize = 2_000;

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
    /// Everything the store had before this instant is in it.
    until: Option<Instant>,
    /// When the store was asked, by a clock that nobody sets.
    asked_at: Option<std::time::Instant>,
}

impl Near {
    fn earliest(&self) -> Option<Instant> {
        let rows = self.due.first().map(|(at, _)| *at);
        rows.into_iter().chain(self.freeze).min()
    }

    /// Takes in what is due before the end of what is known. What is too much goes from the end.
    fn put(&mut self, due: impl Iterator<Item = (Instant, CrNumber)>) {
        for (at, number) in due {
            if self.until.is_some_and(|until| at < until) {
                self.due.insert((at, number));
            }
        }
        while self.due.len() > NEAR_LIMIT {
            self.until = self.due.pop_last().map(|(at, _)| at).or(self.until);
        }
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
        near.put(tasks.chain(change_requests));
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

    /// Whether the store has to be asked again: what is known is old or does not reach far enough.
    /// As long as there is plenty to do, asking again would only tell it once more.
    pub(crate) fn is_stale(&self, now: Instant, monotonic: std::time::Instant) -> bool {
        let near = self.near();
        let due_now = near.due.range(..=(now, CrNumber(u64::MAX)));
        let plenty = due_now.take(PLENTY).count() == PLENTY;
        let covered = near.until.is_some_and(|until| now < until);
        let fresh = |asked: std::time::Instant| monotonic.duration_since(asked) < ASK_EVERY;
        !(plenty || covered && near.asked_at.is_some_and(fresh))
    }

    /// Takes over what the store says is due before an instant.
    pub(crate) fn fill(
        &self,
        found: Vec<(Instant, CrNumber)>,
        until: Instant,
        monotonic: std::time::Instant,
    ) {
        let full = found.len() >= NEAR_LIMIT;
        let last = found.last().map(|(at, _)| *at);
        let mut near = self.near();
        // What was noted while the store was asked is not in its answer, so what is known stays;
        // what is there no longer is settled in vain.
        near.until = if full { last } else { Some(until) };
        near.due.extend(found);
        near.put(std::iter::empty());
        near.asked_at = Some(monotonic);
    }

    /// Takes back what could not be settled.
    pub(crate) fn put_back(&self, due: Vec<(Instant, CrNumber)>) {
        self.near().put(due.into_iter());
    }

    /// Sets when a freeze has to be swept next, as it is read while nobody notes another one.
    pub(crate) fn set_freeze(&self, read: impl FnOnce() -> Option<Instant>) {
        let mut near = self.near();
        near.freeze = read();
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

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn clock() -> std::time::Instant {
        std::time::Instant::now()
    }

    fn filled(numbers: &[(i64, u64)], until: i64, asked: std::time::Instant) -> Horizon {
        let horizon = Horizon::default();
        let found = numbers.iter().map(|(s, n)| (at(*s), CrNumber(*n)));
        horizon.fill(found.collect(), at(until), asked);
        horizon
    }

    #[test]
    fn what_is_due_comes_out_in_the_order_of_time_and_never_early() {
        let horizon = filled(&[(12, 1), (11, 2), (13, 3)], 20, clock());
        assert_eq!(horizon.take_due(at(10), 9), []);
        assert_eq!(horizon.earliest(), Some(at(11)));
        let taken = horizon.take_due(at(12), 9);
        assert_eq!(taken, [(at(11), CrNumber(2)), (at(12), CrNumber(1))]);
        horizon.put_back(taken.clone());
        assert_eq!(horizon.take_due(at(12), 9), taken);
        assert_eq!(horizon.take_due(at(20), 9), [(at(13), CrNumber(3))]);
    }

    #[test]
    fn the_store_is_asked_again_after_a_second_and_at_the_end_of_what_is_known() {
        let asked = clock();
        let horizon = Horizon::default();
        assert!(horizon.is_stale(at(0), asked), "it was never asked");
        horizon.fill(Vec::new(), at(20), asked);
        assert!(!horizon.is_stale(at(10), asked));
        assert!(
            !horizon.is_stale(at(5), asked),
            "what is known is known of the past too"
        );
        assert!(horizon.is_stale(at(10), asked + ASK_EVERY));
        assert!(horizon.is_stale(at(20), asked));
    }

    #[test]
    fn a_full_horizon_is_worked_off_before_the_store_is_asked_again() {
        let numbers: Vec<(i64, u64)> = (0..NEAR_LIMIT as u64).map(|n| (15, n)).collect();
        let asked = clock();
        let horizon = filled(&numbers, 20, asked);
        let later = asked + ASK_EVERY;
        assert!(horizon.is_stale(at(14), later), "nothing of it is due yet");
        assert!(!horizon.is_stale(at(30), later), "there is plenty to do");
        let taken = horizon.take_due(at(15), NEAR_LIMIT - PLENTY + 1);
        assert_eq!(taken.len(), NEAR_LIMIT - PLENTY + 1);
        assert!(
            horizon.is_stale(at(15), asked),
            "more may be due at its last instant"
        );
    }

    #[test]
    fn what_is_sooner_finds_room_in_a_full_horizon() {
        let numbers: Vec<(i64, u64)> = (0..NEAR_LIMIT as u64).map(|n| (15, n)).collect();
        let horizon = filled(&numbers, 20, clock());
        horizon.put_back(vec![(at(12), CrNumber(77))]);
        assert_eq!(horizon.take_due(at(12), 9), [(at(12), CrNumber(77))]);
        assert_eq!(horizon.near().until, Some(at(15)));
    }

    #[test]
    fn what_is_noted_while_the_store_is_asked_is_kept() {
        let asked = clock();
        let horizon = filled(&[], 20, asked);
        horizon.put_back(vec![(at(12), CrNumber(7))]);
        horizon.fill(Vec::new(), at(21), asked);
        assert_eq!(horizon.take_due(at(12), 9), [(at(12), CrNumber(7))]);
    }
}
