//! What an engine is opened with.

use std::time::Duration;

use countersign_domain::batch::Settings;
use countersign_domain::ids::CrPrefix;
use countersign_store::StoreConfig;

use crate::clock::Clock;

/// Settings of an engine; each has a default but for the store.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Which store.
    pub store: StoreConfig,
    /// What tells the time.
    pub clock: Clock,
    /// What the rules may be set to.
    pub settings: Settings,
    /// What stands before change request numbers, if the store is new.
    pub prefix: CrPrefix,
    /// The id a new store gets.
    pub new_store_id: String,
    /// How many commands may wait in each lane.
    pub lane_capacity: usize,
    /// How many commands one transaction may hold.
    pub batch_limit: usize,
    /// How often an idle stream is told that it is alive.
    pub heartbeat: Duration,
    /// How often the head is looked at when nobody tells of a new one.
    pub poll: Duration,
}

impl EngineConfig {
    /// The defaults for a store.
    pub fn new(store: StoreConfig, prefix: CrPrefix, new_store_id: String) -> Self {
        Self {
            store,
            clock: Clock::Store,
            settings: Settings {
                require_policy: false,
            },
            prefix,
            new_store_id,
            lane_capacity: 4_096,
            batch_limit: 128,
            heartbeat: Duration::from_secs(5),
            poll: Duration::from_millis(500),
        }
    }
}
