//! What one subscriber has not read yet.
//!
//! The feed puts the state of a change request there, over an older one; the subscriber takes what
//! is there when it can. A reader that lags far keeps only the numbers of what has changed, and the
//! states are read again once it comes back: what it holds does not grow with how slow it is.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_domain::change_request::Case;
use countersign_domain::ids::CrNumber;
use tokio::sync::Notify;

use super::STREAM_LIMIT;
use super::conditions::Interest;

/// How many change requests and tasks of theirs one slot holds whole; of more, only the numbers.
const WEIGHT_LIMIT: usize = 1_000;

/// A subscriber's slot.
#[derive(Debug)]
pub(crate) struct Slot {
    /// What the subscriber is given at all.
    pub(crate) interest: Interest,
    waiting: Mutex<Waiting>,
    filled: Notify,
}

/// In the order in which they were first put in, so that one that keeps changing holds up no other.
#[derive(Debug, Default)]
struct Waiting {
    order: VecDeque<CrNumber>,
    /// `None`: it has changed, and is to be read again.
    states: HashMap<CrNumber, Option<Arc<Case>>>,
    weight: usize,
    overflowed: bool,
}

/// What was taken out of a slot.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Newer states.
    pub(crate) states: Vec<Arc<Case>>,
    /// What has changed and is to be read.
    pub(crate) changed: Vec<CrNumber>,
}

impl Taken {
    /// How many change requests.
    pub(crate) fn len(&self) -> usize {
        self.states.len() + self.changed.len()
    }
}

impl Slot {
    pub(crate) fn new(interest: Interest) -> Self {
        Self {
            interest,
            waiting: Mutex::default(),
            filled: Notify::new(),
        }
    }

    /// Resolves when something was put in, or the subscriber shall look up.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Has the subscriber look up.
    pub(crate) fn wake(&self) {
        self.filled.notify_one();
    }

    /// Takes at most `limit` change requests. `None` once too many have waited.
    pub(crate) fn take(&self, limit: usize) -> Option<Taken> {
        let mut waiting = self.lock();
        if waiting.overflowed {
            return None;
        }
        let mut taken = Taken::default();
        for _ in 0..limit {
            let Some(number) = waiting.order.pop_front() else {
                break;
            };
            match waiting.states.remove(&number).flatten() {
                Some(case) => {
                    waiting.weight -= weight(&case);
                    taken.states.push(case);
                }
                None => taken.changed.push(number),
            }
        }
        if waiting.order.is_empty() {
            // An idle stream keeps no room for a storm that has passed.
            *waiting = Waiting::default();
        }
        Some(taken)
    }

    /// How many change requests wait. `None` once too many have.
    pub(crate) fn waiting(&self) -> Option<usize> {
        let waiting = self.lock();
        (!waiting.overflowed).then_some(waiting.order.len())
    }

    /// Puts a newer state in, if the subscriber is interested in it.
    pub(crate) fn put(&self, case: &Arc<Case>) {
        if !self.interest.covers(case) {
            return;
        }
        self.lock().put(case);
        self.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn put(&mut self, case: &Arc<Case>) {
        let number = case.number();
        match self.states.get_mut(&number) {
            // It is read when it is taken, and is then as new as can be.
            Some(None) => {}
            Some(Some(known)) if known.newest_entry() >= case.newest_entry() => {}
            Some(Some(_)) => self.hold(case),
            None if self.order.len() >= STREAM_LIMIT || self.overflowed => {
                *self = Self {
                    overflowed: true,
                    ..Self::default()
                };
            }
            None => {
                self.order.push_back(number);
                self.hold(case);
            }
        }
    }

    /// Keeps a state whole if there is room for it, or else only that there is one. One alone
    /// always fits.
    fn hold(&mut self, case: &Arc<Case>) {
        let before = self.states.remove(&case.number()).flatten();
        self.weight -= before.as_deref().map_or(0, weight);
        let fits = self.weight == 0 || self.weight + weight(case) <= WEIGHT_LIMIT;
        let held = fits.then(|| Arc::clone(case));
        self.weight += held.as_deref().map_or(0, weight);
        self.states.insert(case.number(), held);
    }
}

fn weight(case: &Case) -> usize {
    1 + case.tasks.len()
}
