//! Whose time it is.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The time that the server goes by.
pub trait Clock: Send + Sync {
    /// What time it is there.
    fn now(&self) -> Timestamp;
    /// Has it become this time, and everything that time decides until then be decided.
    fn reach(&self, instant: Timestamp) -> impl Future<Output = ()> + Send;
    /// Whether long spans cost no time.
    fn is_driven(&self) -> bool;
}

/// The real time, by the server's clock.
#[derive(Debug, Clone, Copy)]
pub struct RealClock {
    /// How far the server's clock is ahead of this machine's.
    ahead: SignedDuration,
}

impl RealClock {
    /// The clock of a server that is ahead of this machine's by so much.
    pub fn ahead_by(ahead: SignedDuration) -> Self {
        Self { ahead }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        here().checked_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    async fn reach(&self, instant: Timestamp) {
        let left = instant.duration_since(self.now());
        tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
    }

    fn is_driven(&self) -> bool {
        false
    }
}

/// What time it is on this machine.
#[expect(
    clippy::disallowed_methods,
    reason = "the one edge where a foreign server's time is met"
)]
pub(crate) fn here() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_real_clock_waits_by_the_servers_time() {
        let clock = RealClock::ahead_by(SignedDuration::from_hours(1));
        let begun = clock.now();
        assert!(begun.duration_since(here()) > SignedDuration::from_mins(59));
        let later = begun.checked_add(SignedDuration::from_millis(20)).unwrap();
        clock.reach(later).await;
        assert!(clock.now() >= later);
        clock.reach(begun).await;
    }
}
