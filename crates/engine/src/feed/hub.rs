//! Who listens, found by what they follow, so that an entry touches only its subscribers.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, EnvironmentId, ProjectId, RunnerName};
use countersign_domain::task::TaskSpec;
use tokio::sync::Notify;

use super::conditions::{Conditions, Interest};
use super::slot::Slot;

/// By what a subscriber is found.
#[derive(Debug, Clone)]
pub(crate) enum Follows {
    /// These change requests.
    ChangeRequests(BTreeSet<CrNumber>),
    /// Tasks that name this runner.
    Runner(RunnerName),
    /// Tasks of the creator with this issuer and subject.
    Creator(String, String),
    /// Tasks with this label.
    Label(String, String),
    /// Whatever fits both sides; `None` is any.
    Place(Option<ProjectId>, Option<EnvironmentId>),
}

impl Follows {
    /// By the condition that the fewest entries meet; the slot looks at the others.
    pub(crate) fn narrowest(conditions: &Conditions) -> Self {
        if let Some(runner) = &conditions.runner {
            return Self::Runner(runner.clone());
        }
        if let Some(creator) = &conditions.creator {
            return Self::Creator(creator.issuer.clone(), creator.subject.clone());
        }
        let place = (&conditions.project, &conditions.environment);
        match (place, conditions.labels.first_key_value()) {
            ((None, None), Some((key, value))) => Self::Label(key.clone(), value.clone()),
            ((project, environment), _) => Self::Place(project.clone(), environment.clone()),
        }
    }
}

/// All subscribers.
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
    by_creator: HashMap<(String, String), Slots>,
    by_label: HashMap<(String, String), Slots>,
    by_place: HashMap<(Option<ProjectId>, Option<EnvironmentId>), Slots>,
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
    pub(crate) fn register(self: &Arc<Self>, follows: Follows, interest: Interest) -> Registration {
        let id = self.next_id.fetch_add(1, Ordering::SeqCst);
        let slot = Arc::new(Slot::new(interest));
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
        self.lock().is_empty()
    }

    /// Gives the newer state of a change request to everyone who follows it.
    pub(crate) fn publish(&self, case: &Arc<Case>) {
        self.lock().each_follower(case, |slot| slot.put(case));
    }

    /// Has all subscribers look up: the log has gone back.
    pub(crate) fn wake_all(&self) {
        self.lock().each(Slot::wake);
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_empty(&self) -> bool {
        self.by_number.is_empty()
            && self.by_runner.is_empty()
            && self.by_creator.is_empty()
            && self.by_label.is_empty()
            && self.by_place.is_empty()
    }

    fn each(&self, visit: impl Fn(&Slot)) {
        let slots = (self.by_number.values())
            .chain(self.by_runner.values())
            .chain(self.by_creator.values())
            .chain(self.by_label.values())
            .chain(self.by_place.values());
        for slot in slots.flat_map(HashMap::values) {
            visit(slot);
        }
    }

    /// Visits everyone who follows a change request, once: each is found by one kind of key.
    fn each_follower(&self, case: &Case, visit: impl Fn(&Slot)) {
        let visit_all = |slots: Option<&Slots>| {
            for slot in slots.into_iter().flat_map(HashMap::values) {
                visit(slot);
            }
        };
        visit_all(self.by_number.get(&case.number()));
        let content = &case.change_request.content;
        let project = Some(content.project.clone());
        let environment = Some(content.environment.clone());
        let places = [
            (project.clone(), environment.clone()),
            (project, None),
            (None, environment),
            (None, None),
        ];
        for place in places {
            visit_all(self.by_place.get(&place));
        }
        for runner in keys(&self.by_runner, case, |spec| spec.runner.clone()) {
            visit_all(self.by_runner.get(&runner));
        }
        let creator = |spec: &TaskSpec| {
            let person = spec.creator.as_ref().map(|creator| creator.person.clone());
            person.map(|person| (person.issuer, person.subject))
        };
        for creator in keys(&self.by_creator, case, creator) {
            visit_all(self.by_creator.get(&creator));
        }
        for label in keys(&self.by_label, case, |spec| spec.labels.clone()) {
            visit_all(self.by_label.get(&label));
        }
    }

    fn each_slots(&mut self, follows: &Follows, mut change: impl FnMut(&mut Slots)) {
        match follows {
            Follows::ChangeRequests(numbers) => {
                for number in numbers {
                    change_at(&mut self.by_number, *number, &mut change);
                }
            }
            Follows::Runner(runner) => {
                change_at(&mut self.by_runner, runner.clone(), &mut change);
            }
            Follows::Creator(issuer, subject) => {
                let key = (issuer.clone(), subject.clone());
                change_at(&mut self.by_creator, key, &mut change);
            }
            Follows::Label(key, value) => {
                let key = (key.clone(), value.clone());
                change_at(&mut self.by_label, key, &mut change);
            }
            Follows::Place(project, environment) => {
                let key = (project.clone(), environment.clone());
                change_at(&mut self.by_place, key, &mut change);
            }
        }
    }
}

/// The keys of one kind that a change request's tasks have; none where nobody asks for any.
fn keys<K: Ord, S, I: IntoIterator<Item = K>>(
    subscribers: &HashMap<K, S>,
    case: &Case,
    of: impl Fn(&TaskSpec) -> I,
) -> BTreeSet<K> {
    if subscribers.is_empty() {
        return BTreeSet::new();
    }
    let specs = case.tasks.values().map(|task| &task.content.spec);
    specs.flat_map(of).collect()
}

/// Changes the subscribers under one key; one without subscribers is not kept.
fn change_at<K: Eq + Hash + Clone>(
    subscribers: &mut HashMap<K, Slots>,
    key: K,
    change: &mut impl FnMut(&mut Slots),
) {
    let slots = subscribers.entry(key.clone()).or_default();
    change(slots);
    if slots.is_empty() {
        subscribers.remove(&key);
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
