//! A room for whoever is not done yet, where the oldest makes room for the newest.
//!
//! An honest peer is here for milliseconds, a hostile one for as long as it can. So whoever has
//! been here for longest goes first, wherever it calls from: that an attacker and honest callers
//! share a proxy's address shall not matter.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The room. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct WaitingRoom(Arc<Mutex<Room>>);

#[derive(Debug)]
struct Room {
    limit: usize,
    weight: usize,
    next: u64,
    /// In the order in which they came.
    guests: BTreeMap<u64, Place>,
}

#[derive(Debug)]
struct Place {
    weight: usize,
    evicted: CancellationToken,
}

/// Somebody who is here, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Guest {
    number: u64,
    evicted: CancellationToken,
    room: WaitingRoom,
}

impl WaitingRoom {
    /// For guests who weigh so much together.
    pub(crate) fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Room {
            limit,
            weight: 0,
            next: 0,
            guests: BTreeMap::new(),
        })))
    }

    /// One guest more. If they are too heavy then, the oldest are told to go.
    pub(crate) fn enter(&self, weight: usize) -> Guest {
        let mut room = self.room();
        let number = room.next;
        room.next += 1;
        let evicted = CancellationToken::new();
        let place = Place {
            weight,
            evicted: evicted.clone(),
        };
        room.guests.insert(number, place);
        room.weight += weight;
        room.make_room();
        Guest {
            number,
            evicted,
            room: self.clone(),
        }
    }

    /// Tells the oldest one to go; whether there is one.
    pub(crate) fn evict_oldest(&self) -> bool {
        self.room().evict_oldest()
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn make_room(&mut self) {
        while self.weight > self.limit && self.evict_oldest() {}
    }

    fn evict_oldest(&mut self) -> bool {
        let Some((_, oldest)) = self.guests.pop_first() else {
            return false;
        };
        self.weight -= oldest.weight;
        oldest.evicted.cancel();
        true
    }
}

impl Guest {
    /// It weighs more from now on. If all are too heavy then, the oldest are told to go.
    pub(crate) fn grow(&self, weight: usize) {
        let mut room = self.room.room();
        // Whoever was told to go weighs nothing any more.
        if let Some(place) = room.guests.get_mut(&self.number) {
            place.weight += weight;
            room.weight += weight;
            room.make_room();
        }
    }

    /// Told to go, as soon as it is.
    pub(crate) fn evicted(&self) -> &CancellationToken {
        &self.evicted
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut room = self.room.room();
        if let Some(place) = room.guests.remove(&self.number) {
            room.weight -= place.weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let room = WaitingRoom::new(2);
        let [first, second] = [room.enter(1), room.enter(1)];
        assert!(!first.evicted.is_cancelled());
        let third = room.enter(1);
        assert!(first.evicted.is_cancelled());
        assert!(!second.evicted.is_cancelled());
        drop(first);
        // Who is done makes room without anybody's going.
        drop(second);
        let fourth = room.enter(1);
        assert!(!third.evicted.is_cancelled());
        assert!(room.evict_oldest());
        assert!(third.evicted.is_cancelled());
        assert!(!fourth.evicted.is_cancelled());
        assert!(room.evict_oldest());
        assert!(!room.evict_oldest());
    }

    #[test]
    fn who_grows_may_have_to_go() {
        let room = WaitingRoom::new(10);
        let [first, second, third] = [room.enter(3), room.enter(3), room.enter(3)];
        third.grow(3);
        assert!(first.evicted.is_cancelled());
        assert!(!second.evicted.is_cancelled());
        first.grow(100);
        assert!(!second.evicted.is_cancelled(), "the first is gone");
        third.grow(100);
        assert!(second.evicted.is_cancelled());
        assert!(third.evicted.is_cancelled(), "alone it is too heavy too");
        drop([first, second, third]);
        assert_eq!(room.room().weight, 0);
    }
}
