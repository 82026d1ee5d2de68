//! How much of everything a server takes: connections, bytes, streams, calls.

use std::time::Duration;

/// How many connections may be open whose peer has not greeted yet: at most this many, and at most
/// a share of all connections.
const STRANGERS_LIMIT: usize = 1_024;
const STRANGERS_SHARE: usize = 4;

/// The limits of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How many connections may be open whose peer has greeted.
    pub connections: usize,
    /// How many of them may come from one address; of IPv6, from one network of 64 bits. A proxy in
    /// front is one address, so this is not small.
    pub connections_per_address: usize,
    /// How many calls and streams one connection may carry at a time.
    pub streams_per_connection: u32,
    /// The largest message that is taken.
    pub message_bytes: usize,
    /// The largest list of headers that is taken, as HTTP/2 counts it.
    pub header_bytes: u32,
    /// How long a peer may take for the TLS handshake and the greeting of HTTP/2 together.
    pub handshake: Duration,
    /// After how long a silent peer is asked whether it is there.
    pub keepalive: Duration,
    /// After this and at most twice this a connection is told to go, each at an age of its own, so
    /// that callers spread over replicas again. What it has open may go on.
    pub connection_age: Duration,
    /// How many streams one caller may have open, over all connections.
    pub streams_per_caller: usize,
    /// How many calls one caller may make in a second, over all connections; twice as many at once
    /// after a pause.
    pub calls_per_second_per_caller: u32,
    /// How many logins of one address may be refused in a second, each of which costs a signature;
    /// ten times as many at once after a pause.
    pub failed_logins_per_second_per_address: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_000,
            connections_per_address: 1_000,
            streams_per_connection: 256,
            message_bytes: 256 * 1_024,
            header_bytes: 16 * 1_024,
            handshake: Duration::from_secs(5),
            keepalive: Duration::from_secs(30),
            connection_age: Duration::from_secs(30 * 60),
            streams_per_caller: 1_000,
            calls_per_second_per_caller: 5_000,
            failed_logins_per_second_per_address: 50,
        }
    }
}

impl Limits {
    /// How many connections may be open whose peer has not greeted yet.
    pub fn strangers(&self) -> usize {
        (self.connections / STRANGERS_SHARE).clamp(1, STRANGERS_LIMIT)
    }

    /// How many connections may be open at all.
    pub fn sockets(&self) -> usize {
        self.connections.saturating_add(self.strangers())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_a_share_of_their_own() {
        for (connections, strangers) in [(1, 1), (8, 2), (4_000, 1_000), (1_000_000, 1_024)] {
            let limits = Limits {
                connections,
                ..Limits::default()
            };
            assert_eq!(limits.strangers(), strangers);
            assert_eq!(limits.sockets(), connections + strangers);
        }
    }
}
