//! The life of one level-triggered stream: present states, `synced`, newer states, heartbeats.

use std::collections::HashMap;
use std::sync::Arc;

use countersign_domain::change_request::Case;
use countersign_domain::ids::CrNumber;
use countersign_domain::log::Head;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::hub::Registration;
use super::shared::{Mark, MarkKind, Shared};
use crate::failure::Failure;

/// How many change requests go into one message.
const MESSAGE_LIMIT: usize = 100;

/// Makes messages of one kind out of states and marks.
pub(crate) trait Face: Send + 'static {
    /// The message.
    type Message: Send + 'static;

    /// A message with these states, or `None` where nothing of them is to be told.
    fn message(&mut self, cases: Vec<Arc<Case>>, mark: Option<Mark>) -> Option<Self::Message>;

    /// Whether everything that is followed has ended, and the stream shall end with it.
    fn is_done(&self) -> bool;
}

/// A stream at work.
pub(crate) struct Session<F: Face> {
    shared: Shared,
    registration: Registration,
    face: F,
    sender: mpsc::Sender<Result<F::Message, Failure>>,
    /// What was sent last of each change request, until the feed is past the first states: from
    /// then on what comes is newer by itself.
    sent: HashMap<CrNumber, u64>,
    first_states_at: u64,
    epoch: u64,
}

/// The subscriber has gone, or the stream has ended.
struct Over;

impl<F: Face> Session<F> {
    pub(crate) fn new(
        shared: Shared,
        registration: Registration,
        face: F,
        sender: mpsc::Sender<Result<F::Message, Failure>>,
    ) -> Self {
        let epoch = shared.head.borrow().epoch;
        Self {
            shared,
            registration,
            face,
            sender,
            sent: HashMap::new(),
            first_states_at: 0,
            epoch,
        }
    }

    /// Sends the first states, which were read after `noted` was the head, then follows.
    pub(crate) async fn run(mut self, noted: Head, first: Vec<Arc<Case>>) {
        self.first_states_at = first
            .iter()
            .map(|case| case.newest_entry())
            .max()
            .unwrap_or(0);
        let ended = self.follow(noted, first).await;
        if let Err(failure) = ended {
            drop(self.sender.send(Err(failure)).await);
        }
    }

    async fn follow(&mut self, noted: Head, first: Vec<Arc<Case>>) -> Result<(), Failure> {
        // Given away page by page: a stream that lives long does not keep what it began with.
        let mut first = first.into_iter();
        loop {
            let page: Vec<_> = first.by_ref().take(MESSAGE_LIMIT).collect();
            if page.is_empty() {
                break;
            }
            if self.send(page, None).await.is_err() {
                return Ok(());
            }
        }
        drop(first);
        let synced = Mark::at(MarkKind::Synced, &noted);
        if self.send(Vec::new(), Some(synced)).await.is_err() || self.face.is_done() {
            return Ok(());
        }
        let mut head = self.shared.head.clone();
        let mut ticks = tokio::time::interval(self.shared.config.heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        loop {
            // A wake-up left in the slot wakes at once, so nothing is lost between look and wait.
            let stopping = tokio::select! {
                () = self.registration.slot.filled() => false,
                () = self.sender.closed() => return Ok(()),
                () = self.shared.stop.cancelled() => true,
                Ok(()) = epoch_changed(&mut head, self.epoch) => {
                    return Err(Failure::StoreUnavailable);
                }
                _ = ticks.tick() => {
                    match self.heartbeat().await? {
                        Ok(()) => continue,
                        Err(Over) => return Ok(()),
                    }
                }
            };
            if self.give().await?.is_err() || self.face.is_done() {
                return Ok(());
            }
            if stopping {
                // The last mark carries the token to go on with elsewhere.
                drop(self.heartbeat().await?);
                return Err(Failure::ShuttingDown);
            }
        }
    }

    /// Sends what waits in the slot.
    async fn give(&mut self) -> Result<Result<(), Over>, Failure> {
        loop {
            let past_first_states = self.shared.head.borrow().head.sequence;
            let limit = super::STREAM_LIMIT;
            let taken = self.registration.slot.take(MESSAGE_LIMIT);
            let Some(cases) = taken else {
                return Err(Failure::TooManyMatches { limit });
            };
            if cases.is_empty() {
                if past_first_states > self.first_states_at {
                    self.sent = HashMap::new();
                }
                return Ok(Ok(()));
            }
            let newer = |case: &Arc<Case>| {
                let known = self.sent.get(&case.number());
                known.is_none_or(|&known| known < case.newest_entry())
            };
            let cases: Vec<_> = cases.into_iter().filter(newer).collect();
            if !cases.is_empty() && self.send(cases, None).await.is_err() {
                return Ok(Err(Over));
            }
        }
    }

    /// Says that everything up to the head was sent; only after a recent look at the head.
    async fn heartbeat(&mut self) -> Result<Result<(), Over>, Failure> {
        let seen = *self.shared.head.borrow();
        if !seen.is_fresh(self.shared.config.poll) {
            return Err(Failure::StoreUnavailable);
        }
        if !self.registration.slot.is_empty() {
            return Ok(Ok(()));
        }
        let mark = Mark::at(MarkKind::Heartbeat, &seen.head);
        Ok(self.send(Vec::new(), Some(mark)).await)
    }

    async fn send(&mut self, cases: Vec<Arc<Case>>, mark: Option<Mark>) -> Result<(), Over> {
        for case in &cases {
            self.sent.insert(case.number(), case.newest_entry());
        }
        match self.face.message(cases, mark) {
            None => Ok(()),
            Some(message) => self.sender.send(Ok(message)).await.map_err(|_| Over),
        }
    }
}

/// Resolves when the log was found to have gone back.
async fn epoch_changed(
    head: &mut tokio::sync::watch::Receiver<super::shared::Seen>,
    epoch: u64,
) -> Result<(), tokio::sync::watch::error::RecvError> {
    head.wait_for(|seen| seen.epoch != epoch).await.map(|_| ())
}
