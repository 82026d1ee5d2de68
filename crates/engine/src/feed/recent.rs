//! The newest entries, as the tail has read them: followers of the log that are at the head take
//! them from here, all the same ones, and only those that are behind read the store.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_domain::log::{Entry, Head};

/// How many entries are kept, and how many bytes their bodies may take.
const ENTRIES_LIMIT: usize = 4_000;
const BYTES_LIMIT: usize = 8 * 1_024 * 1_024;

/// The newest entries of the log, without a gap.
#[derive(Debug)]
pub(crate) struct Recent(Mutex<Ring>);

#[derive(Debug)]
struct Ring {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    /// The sequence of the newest entry, also where none is kept.
    newest: u64,
}

impl Recent {
    /// Nothing is known up to a head, and everything from then on.
    pub(crate) fn after_head(head: &Head) -> Self {
        Self(Mutex::new(Ring::after(head)))
    }

    /// Forgets everything: the log has gone back.
    pub(crate) fn begin_anew(&self, head: &Head) {
        *self.lock() = Ring::after(head);
    }

    /// Takes in the entries that follow.
    pub(crate) fn take_in(&self, entries: Vec<Entry>) {
        let mut ring = self.lock();
        for entry in entries {
            ring.newest = entry.head.sequence;
            ring.bytes += entry.body.len();
            ring.entries.push_back(Arc::new(entry));
            while ring.entries.len() > ENTRIES_LIMIT || ring.bytes > BYTES_LIMIT {
                let oldest = ring.entries.pop_front();
                ring.bytes -= oldest.map_or(0, |entry| entry.body.len());
            }
        }
    }

    /// The entries after a position, at most so many. `None`: they are not kept here.
    pub(crate) fn after(&self, sequence: u64, limit: usize) -> Option<Vec<Arc<Entry>>> {
        let ring = self.lock();
        if sequence >= ring.newest {
            return Some(Vec::new());
        }
        let first = ring.entries.front()?.head.sequence;
        let passed_over = usize::try_from((sequence + 1).checked_sub(first)?).ok()?;
        let found = ring.entries.iter().skip(passed_over).take(limit);
        Some(found.cloned().collect())
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn after(head: &Head) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            newest: head.sequence,
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::Instant;
    use countersign_domain::ids::CrPrefix;
    use countersign_domain::log::{Body, Cause, Event, Stamp, StoreEvent, append};

    use super::*;

    /// Entries with these sequences, whose store id has so many bytes.
    fn entries(sequences: std::ops::RangeInclusive<u64>, bytes: usize) -> Vec<Entry> {
        let event = Event::Store(StoreEvent::Created {
            store_id: "x".repeat(bytes),
            prefix: CrPrefix::parse("CR").unwrap(),
        });
        let body = Body::new(&event, Cause::Program, &Head::EMPTY, None);
        let instant = Instant::EPOCH;
        sequences
            .map(|sequence| append(&Head::EMPTY, Stamp { sequence, instant }, &event, &body))
            .collect()
    }

    fn found(recent: &Recent, after: u64, limit: usize) -> Option<Vec<u64>> {
        let found = recent.after(after, limit)?;
        Some(found.iter().map(|entry| entry.head.sequence).collect())
    }

    #[test]
    fn i41_what_is_kept_is_found_from_any_position() {
        let recent = Recent::after_head(&entries(7..=7, 1)[0].head);
        assert_eq!(found(&recent, 7, 9), Some(vec![]));
        assert_eq!(found(&recent, 6, 9), None);
        recent.take_in(entries(8..=9, 1));
        recent.take_in(entries(10..=12, 1));
        assert_eq!(found(&recent, 7, 9), Some(vec![8, 9, 10, 11, 12]));
        assert_eq!(found(&recent, 9, 2), Some(vec![10, 11]));
        assert_eq!(found(&recent, 12, 9), Some(vec![]));
        assert_eq!(found(&recent, 13, 9), Some(vec![]));
        assert_eq!(found(&recent, 6, 9), None);
        recent.begin_anew(&Head::EMPTY);
        assert_eq!(found(&recent, 0, 9), Some(vec![]));
    }

    #[test]
    fn i46_what_is_kept_is_bounded_in_entries_and_in_bytes() {
        let recent = Recent::after_head(&Head::EMPTY);
        let many = ENTRIES_LIMIT as u64 + 10;
        recent.take_in(entries(1..=many, 1));
        assert_eq!(found(&recent, 9, 1), None);
        assert_eq!(found(&recent, 10, 1), Some(vec![11]));
        recent.take_in(entries(many + 1..=many + 20, BYTES_LIMIT / 10));
        assert!(recent.lock().entries.len() < 10);
        assert_eq!(found(&recent, many + 19, 9), Some(vec![many + 20]));
    }
}
