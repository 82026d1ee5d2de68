//! What a stream has told, so that it tells nothing twice and nothing that is older.

use std::collections::HashMap;

use countersign_domain::ids::CrNumber;

/// Everything up to an entry was told; of some change requests, more. Each time the stream has
/// caught up with the feed the second part is empty again, so an idle stream keeps one number.
#[derive(Debug, Default)]
pub(crate) struct Told {
    everything: Option<u64>,
    newer: HashMap<CrNumber, u64>,
}

impl Told {
    /// Up to which entry the state of a change request was told; `None`: it never was.
    pub(crate) fn of(&self, number: CrNumber) -> Option<u64> {
        self.newer.get(&number).copied().max(self.everything)
    }

    /// Takes note of what is told.
    pub(crate) fn note(&mut self, number: CrNumber, newest: u64) {
        self.newer.insert(number, newest);
    }

    /// Takes note that everything up to an entry was told.
    pub(crate) fn caught_up(&mut self, sequence: u64) {
        self.everything = self.everything.max(Some(sequence));
        self.newer.retain(|_, newest| *newest > sequence);
        self.newer.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i44_what_was_told_is_known_before_and_after_catching_up() {
        let mut told = Told::default();
        assert_eq!(told.of(CrNumber(1)), None);
        told.note(CrNumber(1), 10);
        told.note(CrNumber(2), 30);
        assert_eq!(told.of(CrNumber(1)), Some(10));
        told.caught_up(20);
        assert_eq!(told.of(CrNumber(1)), Some(20));
        assert_eq!(told.of(CrNumber(2)), Some(30));
        assert_eq!(told.of(CrNumber(3)), Some(20));
        told.caught_up(30);
        assert_eq!((told.newer.len(), told.newer.capacity()), (0, 0));
    }
}
