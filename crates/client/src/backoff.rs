//! How long to wait before trying again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

/// How long to wait before trying again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Chance, so that many clients that lost the same server do not all come back at once. Whatever
/// clones it draws from the same source.
#[derive(Clone)]
pub struct Jitter(Arc<Mutex<SmallRng>>);

impl Jitter {
    /// A source that gives the same values for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(SmallRng::seed_from_u64(seed))))
    }

    /// A source that no other client has.
    #[expect(
        clippy::disallowed_methods,
        reason = "where chance enters the client: it spreads pauses and decides nothing"
    )]
    pub fn fresh() -> Self {
        Self::seeded(rand::random())
    }

    /// Between half of a pause and the whole of it.
    fn spread(&self, pause: Duration) -> Duration {
        let mut source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pause.mul_f64(source.random_range(0.5..=1.0))
    }
}

/// Pauses that double, each spread by chance.
pub(crate) struct Backoff {
    jitter: Jitter,
    longest: Duration,
}

impl Backoff {
    pub(crate) fn new(jitter: Jitter) -> Self {
        Self {
            jitter,
            longest: FIRST_PAUSE,
        }
    }

    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.jitter.spread(self.longest);
        self.longest = (self.longest * 2).min(LONGEST_PAUSE);
        pause
    }

    /// What was tried went well: the next pause is a first one again.
    pub(crate) fn reset(&mut self) {
        self.longest = FIRST_PAUSE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_spread() {
        let mut backoff = Backoff::new(Jitter::seeded(7));
        for exponent in 0..12 {
            let whole = (FIRST_PAUSE * 2_u32.pow(exponent)).min(LONGEST_PAUSE);
            let pause = backoff.pause();
            assert!(pause >= whole / 2 && pause <= whole, "{pause:?} {whole:?}");
        }
        backoff.reset();
        assert!(backoff.pause() <= FIRST_PAUSE);
    }

    #[test]
    fn a_seed_replays_its_pauses_and_another_one_does_not() {
        let pauses = |seed| {
            let mut backoff = Backoff::new(Jitter::seeded(seed));
            [0; 8].map(|_| backoff.pause())
        };
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
    }

    #[test]
    fn clones_draw_from_one_source() {
        let jitter = Jitter::seeded(7);
        let (mut one, mut other) = (Backoff::new(jitter.clone()), Backoff::new(jitter));
        assert_ne!([0; 4].map(|_| one.pause()), [0; 4].map(|_| other.pause()));
    }
}
