//! Peers that have not greeted yet. The oldest one makes room for a new one.
//!
//! An honest peer is a stranger for milliseconds, a hostile one for as long as it can. So whoever
//! has been one for longest goes first, wherever it calls from: that an attacker and honest callers
//! share a proxy's address shall not matter.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// All strangers. Clones share them.
#[derive(Clone)]
pub(super) struct Strangers(Arc<Mutex<Open>>);

struct Open {
    limit: usize,
    next: u64,
    /// In the order in which they came.
    open: BTreeMap<u64, CancellationToken>,
}

/// One stranger, for as long as it is one.
pub(super) struct Stranger {
    number: u64,
    evicted: CancellationToken,
    strangers: Strangers,
}

impl Strangers {
    /// At most so many.
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Open {
            limit,
            next: 0,
            open: BTreeMap::new(),
        })))
    }

    /// One more. If there are too many then, the oldest is told to go.
    pub(super) fn enter(&self) -> Stranger {
        let mut open = self.open();
        if open.open.len() >= open.limit {
            open.evict_oldest();
        }
        let number = open.next;
        open.next += 1;
        let evicted = CancellationToken::new();
        open.open.insert(number, evicted.clone());
        Stranger {
            number,
            evicted,
            strangers: self.clone(),
        }
    }

    /// Tells the oldest one to go; whether there is one.
    pub(super) fn evict_oldest(&self) -> bool {
        self.open().evict_oldest()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn evict_oldest(&mut self) -> bool {
        let oldest = self.open.pop_first();
        if let Some((_, oldest)) = &oldest {
            oldest.cancel();
        }
        oldest.is_some()
    }
}

impl Stranger {
    /// Waits until it is told to go.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.strangers.open().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let strangers = Strangers::new(2);
        let [first, second] = [strangers.enter(), strangers.enter()];
        assert!(!first.evicted.is_cancelled());
        let third = strangers.enter();
        assert!(first.evicted.is_cancelled());
        assert!(!second.evicted.is_cancelled());
        drop(first);
        // Who has greeted is none any more, and makes room without anybody's going.
        drop(second);
        let fourth = strangers.enter();
        assert!(!third.evicted.is_cancelled());
        assert!(strangers.evict_oldest());
        assert!(third.evicted.is_cancelled());
        assert!(!fourth.evicted.is_cancelled());
        assert!(strangers.evict_oldest());
        assert!(!strangers.evict_oldest());
    }
}
