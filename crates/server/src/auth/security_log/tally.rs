//! What was not told is counted, and the count is told.

use std::sync::{Mutex, MutexGuard, PoisonError};

use metrics::counter;

use super::record::{Untold, now};

/// What was not told since that was told last.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Option<Untold>>);

impl Tally {
    /// One more denial that is not told.
    pub(super) fn suppress_denial(&self) {
        counter!("countersign_security_suppressed_total", "event" => "denied").increment(1);
        self.count(|untold| untold.count += 1);
    }

    /// One more read of the log that is not told.
    pub(super) fn suppress_read(&self) {
        counter!("countersign_security_suppressed_total", "event" => "log_read").increment(1);
        self.count(|untold| {
            untold.count += 1;
            untold.log_reads += 1;
        });
    }

    /// One more record that could not be written.
    pub(super) fn lose(&self, cause: &'static str) {
        counter!("countersign_security_lost_total", "cause" => cause).increment(1);
        self.count(|untold| untold.lost += 1);
    }

    /// What was not told, to be told now.
    pub(super) fn take(&self) -> Option<Untold> {
        self.lock().take()
    }

    /// It could not be told.
    pub(super) fn put_back(&self, taken: Untold) {
        self.count(|untold| {
            untold.count += taken.count;
            untold.log_reads += taken.log_reads;
            untold.lost += taken.lost;
            untold.since = taken.since;
        });
    }

    fn count(&self, add: impl FnOnce(&mut Untold)) {
        add(self.lock().get_or_insert_with(|| Untold {
            count: 0,
            log_reads: 0,
            lost: 0,
            since: now(),
        }));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Untold>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_told_is_told_later() {
        let tally = Tally::default();
        assert_eq!(tally.take(), None);
        tally.suppress_denial();
        tally.suppress_read();
        tally.lose("full");
        let first = tally.take().unwrap();
        assert_eq!((first.count, first.log_reads, first.lost), (2, 1, 1));
        assert_eq!(tally.take(), None);
        tally.suppress_denial();
        tally.put_back(first.clone());
        let all = tally.take().unwrap();
        assert_eq!((all.count, all.log_reads, all.lost), (3, 1, 1));
        assert_eq!(all.since, first.since);
    }
}
