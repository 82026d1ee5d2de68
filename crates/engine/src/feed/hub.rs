//! Who listens, and the newest state that each of them has not read yet.
//!
//! A subscriber owns a slot. The feed puts the state of a change request there, over an older one;
//! the subscriber takes what is there when it can. So memory is bounded by what a subscriber
//! follows, not by how slow it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, EnvironmentId, ProjectId, RunnerName};
use tokio::sync::Notify;

/// How many change requests may wait in one slot; more, and the stream ends.
const SLOT_LIMIT: usize = 10_000;

/// What a subscriber follows.
#[derive(Debug, Clone)]
pub(crate) enum Follows {
    /// These change requests.
    ChangeRequests(BTreeSet<CrNumber>),
    /// Tasks that name this runner.
    Runner(RunnerName),
    /// Whatever fits both sides; `None` is any.
    Scope(Option<ProjectId>, Option<EnvironmentId>),
}

/// What a subscriber has not read yet.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    waiting: Mutex<BTreeMap<CrNumber, Arc<Case>>>,
    overflowed: AtomicBool,
    filled: Notify,
}

impl Slot {
    /// Resolves when something was put in.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Takes at most `limit` states. `None` once the slot has overflowed.
    pub(crate) fn take(&self, limit: usize) -> Option<Vec<Arc<Case>>> {
        if self.overflowed.load(Ordering::SeqCst) {
            return None;
        }
        let mut waiting = self.lock();
        let mut taken = Vec::with_capacity(waiting.len().min(limit));
        while taken.len() < limit {
            let Some((_, case)) = waiting.pop_first() else {
                break;
            };
            taken.push(case);
        }
        Some(taken)
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn put(&self, case: &Arc<Case>) {
        let mut waiting = self.lock();
        let newer = waiting
            .get(&case.number())
            .is_none_or(|known| known.newest_entry() < case.newest_entry());
        if newer {
            waiting.insert(case.number(), Arc::clone(case));
        }
        if waiting.len() > SLOT_LIMIT {
            waiting.clear();
            self.overflowed.store(true, Ordering::SeqCst);
        }
        drop(waiting);
        self.filled.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<CrNumber, Arc<Case>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All subscribers, found by what they follow.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    state: Mutex<State>,
    next_id: AtomicU64,
    woken: Notify,
    drain_asked: AtomicBool,
    drained: Notify,
}

type Slots = HashMap<u64, Arc<Slot>>;

#[derive(Debug, Default)]
struct State {
    by_number: HashMap<CrNumber, Slots>,
    by_runner: HashMap<RunnerName, Slots>,
    by_scope: HashMap<(Option<ProjectId>, Option<EnvironmentId>), Slots>,
}

/// Keeps a subscriber registered; dropping it takes the subscriber out.
pub(crate) struct Registration {
    hub: Arc<Hub>,
    id: u64,
    follows: Follows,
    /// The subscriber's slot.
    pub(crate) slot: Arc<Slot>,
}

impl Hub {
    /// Registers a subscriber. To lose nothing, do so before reading the present state.
    pub(crate) fn register(self: &Arc<Self>, follows: Follows) -> Registration {
        let id = self.next_id.fetch_add(1, Ordering::SeqCst);
        let slot = Arc::new(Slot::default());
        let mut state = self.lock();
        state.each_slots(&follows, |slots| {
            slots.insert(id, Arc::clone(&slot));
        });
        drop(state);
        metrics::gauge!("countersign_streams").increment(1.0);
        Registration {
            hub: Arc::clone(self),
            id,
            follows,
            slot,
        }
    }

    /// Whether nobody listens, so that nothing needs to be read for them.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.by_number.is_empty() && state.by_runner.is_empty() && state.by_scope.is_empty()
    }

    /// Gives the newer state of a change request to everyone who follows it.
    pub(crate) fn publish(&self, case: &Arc<Case>) {
        let content = &case.change_request.content;
        let project = Some(content.project.clone());
        let environment = Some(content.environment.clone());
        let scopes = [
            (project.clone(), environment.clone()),
            (project, None),
            (None, environment),
            (None, None),
        ];
        let runners: BTreeSet<&RunnerName> = case
            .tasks
            .values()
            .filter_map(|task| task.content.spec.runner.as_ref())
            .collect();
        let state = self.lock();
        let followers = state
            .by_number
            .get(&case.number())
            .into_iter()
            .chain(scopes.iter().filter_map(|scope| state.by_scope.get(scope)))
            .chain(
                runners
                    .into_iter()
                    .filter_map(|runner| state.by_runner.get(runner)),
            );
        for slot in followers.flat_map(HashMap::values) {
            slot.put(case);
        }
    }

    /// Says that there may be newer entries.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Resolves when somebody said so.
    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Waits until the feed has looked once more, so that everything committed has been given out.
    pub(crate) async fn drain(&self) {
        let drained = self.drained.notified();
        self.drain_asked.store(true, Ordering::SeqCst);
        self.wake();
        // The store may be away; then nothing more can be given out.
        let limit = std::time::Duration::from_secs(2);
        drop(tokio::time::timeout(limit, drained).await);
    }

    /// Whether somebody waits for a drain. To be asked before the look that shall end it: one that
    /// began earlier may have missed what was committed since.
    pub(crate) fn is_draining(&self) -> bool {
        self.drain_asked.load(Ordering::SeqCst)
    }

    /// Tells whoever waits for a drain that the feed has reached the head.
    pub(crate) fn reached_head(&self) {
        self.drained.notify_waiters();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn each_slots(&mut self, follows: &Follows, mut change: impl FnMut(&mut Slots)) {
        match follows {
            Follows::ChangeRequests(numbers) => {
                for number in numbers {
                    let slots = self.by_number.entry(*number).or_default();
                    change(slots);
                    if slots.is_empty() {
                        self.by_number.remove(number);
                    }
                }
            }
            Follows::Runner(runner) => {
                let slots = self.by_runner.entry(runner.clone()).or_default();
                change(slots);
                if slots.is_empty() {
                    self.by_runner.remove(runner);
                }
            }
            Follows::Scope(project, environment) => {
                let key = (project.clone(), environment.clone());
                let slots = self.by_scope.entry(key.clone()).or_default();
                change(slots);
                if slots.is_empty() {
                    self.by_scope.remove(&key);
                }
            }
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let id = self.id;
        self.hub.lock().each_slots(&self.follows, |slots| {
            slots.remove(&id);
        });
        metrics::gauge!("countersign_streams").decrement(1.0);
    }
}
