//! How many calls a caller may make in a second, and how many wrong credentials an address may try.
//!
//! Both are buckets that fill again with time. A full bucket is not kept: it is as good as none, so
//! only those are remembered who called within the last seconds.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use countersign_domain::person::Person;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::peer::neighbourhood;
use crate::fault::Fault;
use crate::lifecycle::Limits;

/// How many seconds' calls a caller may make at once.
const CALLS_BURST: u32 = 2;
/// How many seconds' failures an address may have at once.
const FAILURES_BURST: u32 = 10;
/// After so many looks full buckets are thrown away. Between two sweeps at most so many are new.
const SWEEP_EVERY: usize = 1_024;

/// The rates of one server. Clones share them.
#[derive(Clone)]
pub(crate) struct Rates<C: Clock = DefaultClock>(Arc<Buckets<C>>);

struct Buckets<C: Clock> {
    calls_limit: u32,
    calls: Keyed<Person, C>,
    failures: Keyed<IpAddr, C>,
    /// Addresses with an empty bucket, and from when on it has a drop again.
    waiting: Mutex<HashMap<IpAddr, C::Instant>>,
}

impl Rates {
    /// With these limits.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self::by(limits, &DefaultClock::default())
    }
}

impl<C: Clock> Rates<C> {
    fn by(limits: &Limits, clock: &C) -> Self
    where
        C: Clone,
    {
        let calls_limit = limits.calls_per_second_per_caller;
        let failures_limit = limits.failed_logins_per_second_per_address;
        Self(Arc::new(Buckets {
            calls_limit,
            calls: Keyed::new(calls_limit, CALLS_BURST, clock),
            failures: Keyed::new(failures_limit, FAILURES_BURST, clock),
            waiting: Mutex::default(),
        }))
    }

    /// Counts a call of a caller, or refuses it.
    pub(crate) fn admit(&self, caller: &Person) -> Result<(), Fault> {
        let limit = self.0.calls_limit;
        let counted = self.0.calls.count(caller);
        counted.map_err(|_| Fault::TooManyCallsOfCaller { limit })
    }

    /// Whether an address may present a credential: not while it has failed too often.
    pub(crate) fn may_try(&self, address: IpAddr) -> bool {
        let now = self.0.failures.limiter.clock().now();
        let waiting = self.waiting();
        let until = waiting.get(&neighbourhood(address));
        until.is_none_or(|until| now >= *until)
    }

    /// Counts a credential of an address that was not accepted.
    pub(crate) fn failed(&self, address: IpAddr) {
        let address = neighbourhood(address);
        let Err(until) = self.0.failures.count(&address) else {
            return;
        };
        let now = self.0.failures.limiter.clock().now();
        let mut waiting = self.waiting();
        if waiting.len() >= SWEEP_EVERY {
            waiting.retain(|_, until| *until > now);
        }
        waiting.insert(address, until);
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, C::Instant>> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One bucket per key.
struct Keyed<K: Hash + Eq + Clone, C: Clock> {
    limiter: Limiter<K, C>,
    looks: AtomicUsize,
}

type Limiter<K, C> = RateLimiter<K, DashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

impl<K: Hash + Eq + Clone, C: Clock> Keyed<K, C> {
    fn new(per_second: u32, burst: u32, clock: &C) -> Self
    where
        C: Clone,
    {
        let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(per_second))
            .allow_burst(at_least_one(per_second.saturating_mul(burst)));
        Self {
            limiter: RateLimiter::dashmap_with_clock(quota, clock.clone()),
            looks: AtomicUsize::new(0),
        }
    }

    /// Takes a drop, or says when there is one again.
    fn count(&self, key: &K) -> Result<(), C::Instant> {
        if self.looks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        let counted = self.limiter.check_key(key);
        counted.map_err(|not_yet| not_yet.earliest_possible())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn rates() -> (Rates<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let limits = Limits {
            calls_per_second_per_caller: 10,
            failed_logins_per_second_per_address: 5,
            ..Limits::default()
        };
        (Rates::by(&limits, &clock), clock)
    }

    fn person(issuer: &str, subject: &str) -> Person {
        Person {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_caller_has_a_rate_and_a_burst_of_twice_that() {
        let (rates, clock) = rates();
        let alice = person("local", "alice");
        let admitted =
            |person: &Person| (0..50).take_while(|_| rates.admit(person).is_ok()).count();
        assert_eq!(admitted(&alice), 20);
        let refused = rates.admit(&alice);
        assert_eq!(refused, Err(Fault::TooManyCallsOfCaller { limit: 10 }));
        assert_eq!(
            admitted(&person("other", "alice")),
            20,
            "who vouches counts"
        );
        clock.advance(Duration::from_millis(500));
        assert_eq!(admitted(&alice), 5);
    }

    #[test]
    fn who_guesses_must_wait_and_others_need_not() {
        let (rates, clock) = rates();
        let (one, same) = (address("2001:db8::1"), address("2001:db8::2"));
        for _ in 0..50 {
            assert!(rates.may_try(one));
            rates.failed(one);
        }
        assert!(rates.may_try(one), "the burst is not over yet");
        rates.failed(one);
        assert!(!rates.may_try(one));
        assert!(!rates.may_try(same), "it has all addresses of its network");
        assert!(rates.may_try(address("127.0.0.1")));
        clock.advance(Duration::from_millis(200));
        assert!(rates.may_try(one), "five a second");
        rates.failed(one);
        rates.failed(one);
        assert!(!rates.may_try(one));
    }

    #[test]
    fn who_is_gone_is_forgotten() {
        let (rates, clock) = rates();
        for number in 0..4 * SWEEP_EVERY {
            let number = u32::try_from(number).unwrap();
            rates.admit(&person("local", &number.to_string())).unwrap();
            let address = IpAddr::V4(number.into());
            for _ in 0..60 {
                rates.failed(address);
            }
            clock.advance(Duration::from_millis(100));
        }
        let kept = rates.0.calls.limiter.len();
        assert!(kept <= 2 * SWEEP_EVERY, "{kept}");
        let kept = rates.0.failures.limiter.len();
        assert!(kept <= 2 * SWEEP_EVERY, "{kept}");
        let kept = rates.waiting().len();
        assert!(kept <= SWEEP_EVERY, "{kept}");
    }
}
