//! What tells the time: the one place where the engine reads a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use countersign_domain::Instant;

/// A clock.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The database's on PostgreSQL, so that all replicas share one; the process's on SQLite.
    Store,
    /// One that a test drives.
    Manual(ManualClock),
}

impl Clock {
    /// The instant of a transaction: the database's answer where this clock asks for it.
    pub fn of_transaction(&self, database: Option<Instant>) -> Instant {
        match self {
            Self::Store => database.unwrap_or_else(process_clock),
            Self::Manual(clock) => clock.now(),
        }
    }

    /// The instant for what is only shown; decisions ask within their transaction.
    pub fn display(&self) -> Instant {
        match self {
            Self::Store => process_clock(),
            Self::Manual(clock) => clock.now(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the engine's one reading of the process's clock"
)]
fn process_clock() -> Instant {
    Instant::from_micros(jiff::Timestamp::now().as_microsecond()).unwrap_or(Instant::EPOCH)
}

/// A clock that stands still until it is told to move.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at an instant.
    pub fn at(instant: Instant) -> Self {
        Self(Arc::new(AtomicI64::new(instant.micros())))
    }

    /// What it says.
    pub fn now(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::SeqCst)).unwrap_or(Instant::EPOCH)
    }

    /// Moves it forward, or back.
    pub fn advance_micros(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Puts it to an instant.
    pub fn set(&self, instant: Instant) {
        self.0.store(instant.micros(), Ordering::SeqCst);
    }
}
