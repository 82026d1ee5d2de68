//! Keeps the keys fresh: reads them again and again, sooner when a token names an unknown one.
//!
//! One task reads; whoever needs newer keys asks it and waits for its round, so there is never more
//! than one read at a time, however many tokens name however many unknown keys. When a read fails
//! the old keys stay; but a key that the provider withdrew must not count for ever, so all of them
//! stop counting when none was read for too long.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use metrics::{counter, gauge};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::config::{OidcConfig, OidcError};
use super::discovery::Fault;
use super::fetch::Fetcher;
use super::keys::{Keys, PassedOver};
use super::remembered::{Hash, Remembered, hash_of};
use super::source::Source;

/// How often the age of the keys is shown.
const SHOW_EVERY: Duration = Duration::from_secs(10);
/// Of how many keys one read tells that they are passed over.
const TOLD_LIMIT: usize = 16;

/// When keys are read, and how long they count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// After a read that went well.
    pub(super) every: Duration,
    /// The same for a file, which costs nothing.
    pub(super) file_every: Duration,
    /// Between two reads that were asked for by tokens.
    pub(super) asked_every: Duration,
    /// How long a token waits for such a read.
    pub(super) patience: Duration,
    /// For one GET.
    pub(super) fetch: Duration,
    /// After the first read that failed; doubled each time.
    pub(super) retry: Duration,
    /// At most this.
    pub(super) retry_limit: Duration,
    /// How long keys count after they were read.
    pub(super) count: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(5 * 60),
            file_every: Duration::from_secs(5),
            asked_every: Duration::from_secs(10),
            patience: Duration::from_secs(5),
            fetch: Duration::from_secs(5),
            retry: Duration::from_secs(1),
            retry_limit: Duration::from_secs(60),
            count: Duration::from_secs(60 * 60),
        }
    }
}

impl Timing {
    /// How long to wait after so many reads that failed, the last ones in a row.
    fn after_failures(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.retry.saturating_mul(doubled).min(self.retry_limit)
    }
}

/// One set of keys, and the tokens that it verified.
pub(super) struct Set {
    pub(super) keys: Keys,
    pub(super) remembered: Remembered,
    text: Hash,
}

struct Known {
    set: Arc<Set>,
    read_at: Instant,
}

/// What the callers who ask agree on.
#[derive(Default)]
struct Asking {
    is_reading: bool,
    asked_at: Option<Instant>,
}

/// Reads keys, and tells those that count.
pub(super) struct Refresher {
    source: Source,
    fetcher: Fetcher,
    timing: Timing,
    stop: CancellationToken,
    known: ArcSwapOption<Known>,
    asking: Mutex<Asking>,
    asked: Notify,
    rounds: watch::Sender<u64>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "how old keys are is no decision about a change, and the store's clock may be away"
)]
fn now() -> Instant {
    Instant::now()
}

impl Refresher {
    /// Begins to read.
    pub(super) fn start(
        config: &OidcConfig,
        timing: Timing,
        stop: CancellationToken,
    ) -> Result<Arc<Self>, OidcError> {
        let refresher = Arc::new(Self {
            source: Source::new(config)?,
            fetcher: Fetcher::new(config.ca_file.as_deref(), timing.fetch)?,
            timing,
            stop,
            known: ArcSwapOption::empty(),
            // The first round begins at once: whoever comes before it ends waits for it.
            asking: Mutex::new(Asking {
                is_reading: true,
                asked_at: None,
            }),
            asked: Notify::new(),
            rounds: watch::Sender::new(0),
        });
        tokio::spawn(Arc::clone(&refresher).run());
        Ok(refresher)
    }

    /// The keys that count now.
    pub(super) fn current(&self) -> Option<Arc<Set>> {
        let known = self.known.load();
        let known = known.as_ref()?;
        (known.read_at.elapsed() <= self.timing.count).then(|| Arc::clone(&known.set))
    }

    /// Waits for newer keys, unless they were asked for a moment ago.
    pub(super) async fn ask(&self) {
        let mut rounds = {
            let mut asking = self.lock();
            if !asking.is_reading {
                let too_soon = |at: Instant| at.elapsed() < self.timing.asked_every;
                if asking.asked_at.is_some_and(too_soon) {
                    return;
                }
                asking.asked_at = Some(now());
                asking.is_reading = true;
                self.asked.notify_one();
            }
            self.rounds.subscribe()
        };
        tokio::select! {
            _ = rounds.changed() => {}
            () = tokio::time::sleep(self.timing.patience) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// For tests: waits until a round ends that has not ended yet.
    #[cfg(test)]
    pub(super) fn next_round(&self) -> impl Future<Output = ()> + use<> {
        let mut rounds = self.rounds.subscribe();
        async move {
            rounds.changed().await.ok();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Asking> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self: Arc<Self>) {
        let began = now();
        let mut due = began;
        let mut failures = 0;
        let mut told = BTreeSet::new();
        loop {
            self.show_age(began);
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.asked.notified() => {}
                () = tokio::time::sleep_until(due.min(now() + SHOW_EVERY)) => {
                    if now() < due {
                        continue;
                    }
                }
            }
            self.lock().is_reading = true;
            let read_at = now();
            let read = tokio::select! {
                () = self.stop.cancelled() => return,
                read = self.read() => read,
            };
            failures = match read {
                Ok(set) => {
                    self.take(set, read_at, &mut told);
                    0
                }
                Err(fault) => self.fail(&fault, failures),
            };
            due = now() + self.pause(failures);
            self.end_round();
        }
    }

    /// Under the lock, so that nobody joins a round that has ended.
    fn end_round(&self) {
        let mut asking = self.lock();
        asking.is_reading = false;
        self.rounds.send_modify(|rounds| *rounds += 1);
    }

    fn pause(&self, failures: u32) -> Duration {
        match (failures, &self.source) {
            (0, Source::File(_)) => self.timing.file_every,
            (0, _) => self.timing.every,
            _ => self.timing.after_failures(failures),
        }
    }

    /// The same text is the same set, with what it remembers.
    async fn read(&self) -> Result<Arc<Set>, Fault> {
        let text = self.source.read(&self.fetcher).await?;
        let hash = hash_of(&text);
        if let Some(known) = self.known.load_full().filter(|it| it.set.text == hash) {
            return Ok(Arc::clone(&known.set));
        }
        let keys = Keys::parse(&text).ok_or_else(|| Fault::Refused {
            at: "the keys".to_owned(),
            found: "another text".to_owned(),
            allowed: "a JWK set: a JSON object with a list of keys".to_owned(),
        })?;
        Ok(Arc::new(Set {
            keys,
            remembered: Remembered::new(),
            text: hash,
        }))
    }

    fn take(&self, set: Arc<Set>, read_at: Instant, told: &mut BTreeSet<PassedOver>) {
        counter!("countersign_oidc_refreshes_total", "outcome" => "ok").increment(1);
        let before = self.known.load_full();
        let is_new = before.is_none_or(|known| !Arc::ptr_eq(&known.set, &set));
        if is_new {
            tell(&set.keys, told);
        }
        self.known.store(Some(Arc::new(Known { set, read_at })));
    }

    fn fail(&self, fault: &Fault, failures: u32) -> u32 {
        counter!("countersign_oidc_refreshes_total", "outcome" => "failed").increment(1);
        let failures = failures.saturating_add(1);
        let has_keys = self.current().is_some();
        tracing::warn!(%fault, failures, has_keys, "the keys of the OIDC provider were not read");
        failures
    }

    /// How long ago keys were read; before the first time, how long that has been tried.
    fn show_age(&self, began: Instant) {
        let read_at = self.known.load().as_ref().map_or(began, |it| it.read_at);
        gauge!("countersign_oidc_keys_age_seconds").set(read_at.elapsed().as_secs_f64());
    }
}

/// Says once of each key why it is not used.
fn tell(keys: &Keys, told: &mut BTreeSet<PassedOver>) {
    tracing::info!(keys = keys.len(), "the OIDC provider has new keys");
    if keys.len() == 0 {
        tracing::warn!("the OIDC provider has no key that is used: nobody is accepted");
    }
    let now: BTreeSet<PassedOver> = keys.passed_over.iter().cloned().collect();
    for key in now.difference(told).take(TOLD_LIMIT) {
        let PassedOver { kid, reason } = key;
        tracing::warn!(?kid, reason, "a key of the OIDC provider is passed over");
    }
    *told = now;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_later_and_later_up_to_a_limit() {
        let timing = Timing::default();
        let waits: Vec<u64> = (1..=9)
            .map(|failures| timing.after_failures(failures).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(timing.after_failures(u32::MAX), timing.retry_limit);
    }

    #[test]
    fn a_key_that_is_passed_over_is_told_once() {
        let keys = |text: &str| Keys::parse(text.as_bytes()).unwrap();
        let weak = keys(r#"{"keys":[{"kty":"oct","kid":"a"}]}"#);
        let mut told = BTreeSet::new();
        tell(&weak, &mut told);
        assert_eq!(told.len(), 1);
        tell(&keys(r#"{"keys":[]}"#), &mut told);
        assert!(told.is_empty());
    }
}
