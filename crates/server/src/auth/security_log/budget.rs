//! How much is told of whom, so that a flood hides nothing else.
//!
//! Each caller with a good credential has a budget of their own, so what one does hides nothing of
//! what another does; and one for reads of the log, so that denials do not hide those either.
//! Everybody without one shares a budget, because addresses cost little; within it each address has
//! a smaller one, so that a single one does not use up everything.
//!
//! The bursts tell who tries what; what comes after that is a flood, of which a sample and the
//! count are enough. So the rates are low: at two lines a second strangers write 50 MB a day.

use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::log::Call;
use crate::edge::peer::neighbourhood;

/// Denials that are told of one caller: so many at once, and then so many a second.
pub(super) const CALLER_BURST: NonZeroU32 = at_least_one(100);
const CALLER_RATE: NonZeroU32 = at_least_one(2);
/// Reads of the log that are told of one caller.
const READS_BURST: NonZeroU32 = at_least_one(1_000);
const READS_RATE: NonZeroU32 = at_least_one(5);
/// Denials that are told of all who have no good credential.
pub(super) const STRANGERS_BURST: NonZeroU32 = at_least_one(200);
const STRANGERS_RATE: NonZeroU32 = at_least_one(2);
/// Those of one address.
const ADDRESS_BURST: NonZeroU32 = at_least_one(50);
const ADDRESS_RATE: NonZeroU32 = at_least_one(1);

const fn at_least_one(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

/// What may still be told.
pub(super) struct Budget {
    callers: Keyed,
    readers: Keyed,
    strangers: DefaultDirectRateLimiter,
    addresses: Keyed,
}

impl Default for Budget {
    fn default() -> Self {
        let strangers = Quota::per_second(STRANGERS_RATE).allow_burst(STRANGERS_BURST);
        Self {
            callers: Keyed::new(CALLER_RATE, CALLER_BURST),
            readers: Keyed::new(READS_RATE, READS_BURST),
            strangers: RateLimiter::direct(strangers),
            addresses: Keyed::new(ADDRESS_RATE, ADDRESS_BURST),
        }
    }
}

impl Budget {
    /// Whether a denial is told.
    pub(super) fn takes_denial(&self, call: &Call) -> bool {
        if let Some(caller) = &call.caller {
            return self.callers.takes(&caller.person);
        }
        let address = call.peer.as_ref().and_then(|peer| peer.address);
        let address = address.map(|address| neighbourhood(address.ip()));
        self.addresses.takes(&address) && self.strangers.check().is_ok()
    }

    /// Whether a read of the log is told.
    pub(super) fn takes_read(&self, call: &Call) -> bool {
        let reader = call.caller.as_ref().map(|caller| &caller.person);
        self.readers.takes(&reader)
    }
}

/// One budget per key. Keys are told apart by 16 bits of a hash that nobody outside can compute: so
/// however many keys there are, there are never more budgets, and nobody can choose to share one.
struct Keyed {
    limiter: DefaultKeyedRateLimiter<u16>,
    hasher: RandomState,
}

impl Keyed {
    fn new(rate: NonZeroU32, burst: NonZeroU32) -> Self {
        Self {
            limiter: RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
            hasher: RandomState::new(),
        }
    }

    fn takes(&self, key: &impl Hash) -> bool {
        let [first, second, ..] = self.hasher.hash_one(key).to_le_bytes();
        let slot = u16::from_le_bytes([first, second]);
        self.limiter.check_key(&slot).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use super::*;
    use crate::auth::insecure_dev;
    use crate::edge::peer::Peer;

    fn call(bearer: Option<&str>, address: &str) -> Call {
        let address: SocketAddr = format!("{address}:1").parse().unwrap();
        Call {
            method: None,
            caller: bearer.and_then(insecure_dev::principal).map(Arc::new),
            peer: Some(Peer {
                address: Some(address),
                certificate: None,
            }),
        }
    }

    /// How many are told before the first that is not.
    fn told(takes: impl Fn() -> bool) -> u32 {
        let told = (0..10_000).take_while(|_| takes()).count();
        u32::try_from(told).unwrap()
    }

    /// The machine may be slow, and budgets grow with time.
    fn is_about(found: u32, burst: NonZeroU32) -> bool {
        (burst.get()..burst.get() + burst.get() / 2).contains(&found)
    }

    #[test]
    fn one_address_does_not_use_up_what_all_share() {
        let budget = Budget::default();
        let denials = |address: &str| {
            let call = call(None, address);
            told(|| budget.takes_denial(&call))
        };
        let found = denials("10.0.0.1");
        assert!(is_about(found, ADDRESS_BURST), "{found}");
        let network = denials("[2001:db8::1]") + denials("[2001:db8::2]");
        assert!(is_about(network, ADDRESS_BURST), "{network}");
        let others: u32 = (2..100).map(|it| denials(&format!("10.0.0.{it}"))).sum();
        let all = found + network + others;
        assert!(is_about(all, STRANGERS_BURST), "{all}");
    }

    #[test]
    fn reads_and_denials_of_a_caller_and_of_others_do_not_touch_each_other() {
        let budget = Budget::default();
        let alice = call(Some("alice"), "10.0.0.1");
        let found = told(|| budget.takes_denial(&alice));
        assert!(is_about(found, CALLER_BURST), "{found}");
        let found = told(|| budget.takes_read(&alice));
        assert!(is_about(found, READS_BURST), "{found}");
        let stranger = call(None, "10.0.0.1");
        let found = told(|| budget.takes_denial(&stranger));
        assert!(is_about(found, ADDRESS_BURST), "{found}");
    }

    #[test]
    fn budgets_are_bounded_by_construction() {
        let keyed = Keyed::new(CALLER_RATE, CALLER_BURST);
        for key in 0..200_000_u32 {
            keyed.takes(&key);
        }
        assert!(keyed.limiter.len() <= usize::from(u16::MAX) + 1);
    }
}
