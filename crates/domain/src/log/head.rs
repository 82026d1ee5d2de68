//! What the newest entry says about the store.

use serde::{Deserialize, Serialize};

use super::Hash;
use crate::Instant;

/// The format this build writes: of the hash, the bodies and the rows.
pub const FORMAT: u16 = 1;

/// The position and instant of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Its sequence.
    pub sequence: u64,
    /// Its instant.
    pub instant: Instant,
}

/// The newest entry: there is no counter beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its sequence; 0 in a store without entries.
    pub sequence: u64,
    /// Its instant.
    pub instant: Instant,
    /// Its hash.
    pub hash: Hash,
    /// The format the store is written in.
    pub format: u16,
    /// How many policy, team, freeze and token events there have been.
    pub directory_revision: u64,
    /// How many change request numbers have been given.
    pub change_requests_given: u64,
    /// Up to this instant the log may be ahead of the clock (K2).
    pub clock_accepted_until: Instant,
}

impl Head {
    /// The head of a store without entries.
    pub const EMPTY: Self = Self {
        sequence: 0,
        instant: Instant::EPOCH,
        hash: Hash::ZERO,
        format: FORMAT,
        directory_revision: 0,
        change_requests_given: 0,
        clock_accepted_until: Instant::EPOCH,
    };

    /// Position and instant.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            sequence: self.sequence,
            instant: self.instant,
        }
    }

    /// By how much a clock lags where that forbids starts: more than 5 s, and not accepted (K2).
    pub fn clock_behind_micros(&self, clock: Instant) -> Option<i64> {
        const TOLERATED_MICROS: i64 = 5_000_000;
        let behind = self.instant.micros_since(clock);
        (behind > TOLERATED_MICROS && self.instant > self.clock_accepted_until).then_some(behind)
    }
}
