//! How many connections there are, in all and per address. Only those count whose peer has greeted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::gauge;

use crate::edge::peer::neighbourhood;
use crate::lifecycle::Limits;

/// Which limit a connection met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// That of all connections.
    Connections,
    /// That of its address.
    Address,
}

/// Counts connections. Clones share the counts.
#[derive(Clone)]
pub(super) struct Admission {
    connections: usize,
    per_address: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    connections: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection that counts, for as long as this lives.
pub(super) struct Admitted {
    address: IpAddr,
    open: Arc<Mutex<Open>>,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            connections: limits.connections,
            per_address: limits.connections_per_address,
            open: Arc::default(),
        }
    }

    /// Whether there would be room: a handshake for nothing is spared.
    pub(super) fn has_room(&self, address: IpAddr) -> Result<(), Full> {
        self.room(&lock(&self.open), neighbourhood(address))
    }

    /// Counts one more.
    pub(super) fn admit(&self, address: IpAddr) -> Result<Admitted, Full> {
        let address = neighbourhood(address);
        let mut open = lock(&self.open);
        self.room(&open, address)?;
        open.connections += 1;
        *open.by_address.entry(address).or_default() += 1;
        gauge!("countersign_connections").increment(1.0);
        Ok(Admitted {
            address,
            open: Arc::clone(&self.open),
        })
    }

    fn room(&self, open: &Open, address: IpAddr) -> Result<(), Full> {
        let same = open.by_address.get(&address).copied().unwrap_or(0);
        if same >= self.per_address {
            return Err(Full::Address);
        }
        if open.connections >= self.connections {
            return Err(Full::Connections);
        }
        Ok(())
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.connections -= 1;
        if let Some(same) = open.by_address.get_mut(&self.address) {
            *same -= 1;
            if *same == 0 {
                open.by_address.remove(&self.address);
            }
        }
        gauge!("countersign_connections").decrement(1.0);
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_bounded_in_all_and_per_address() {
        let limits = Limits {
            connections: 3,
            connections_per_address: 2,
            ..Limits::default()
        };
        let admission = Admission::new(&limits);
        let admit = |address: &str| admission.admit(address.parse().unwrap());
        let one = admit("10.0.0.1").unwrap();
        let _two = admit("::ffff:10.0.0.1").unwrap();
        assert_eq!(admit("10.0.0.1").err(), Some(Full::Address));
        let other = admit("2001:db8::1").unwrap();
        assert_eq!(admit("2001:db8::2").err(), Some(Full::Connections));
        let looked = admission.has_room("2001:db8::2".parse().unwrap());
        assert_eq!(looked, Err(Full::Connections));
        drop(one);
        let _same = admit("2001:db8::2").unwrap();
        drop(other);
        assert!(admit("10.0.0.1").is_ok());
        assert_eq!(lock(&admission.open).by_address.len(), 2);
    }
}
