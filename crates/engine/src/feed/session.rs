//! The life of one level-triggered stream: first states, `synced`, newer states, heartbeats.

use std::sync::Arc;

use countersign_domain::change_request::Case;
use countersign_domain::log::Head;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::STREAM_LIMIT;
use super::hub::Registration;
use super::shared::{Mark, MarkKind, Outgoing, Seen, Shared};
use super::snapshot::{PAGE, Snapshot, read_states};
use super::told::Told;
use crate::failure::Failure;

/// A newer state.
pub(crate) struct News {
    pub(crate) case: Arc<Case>,
    /// Up to which entry its change request was told of before; `None`: it never was.
    pub(crate) told: Option<u64>,
}

/// Makes messages of one kind out of states and marks.
pub(crate) trait Face: Send + 'static {
    /// The message.
    type Message: Send + 'static;

    /// A message with these states, or `None` where nothing of them is to be told.
    fn message(&mut self, news: Vec<News>, mark: Option<Mark>) -> Option<Self::Message>;

    /// Whether everything that is followed has ended, and the stream shall end with it. An error
    /// says that there is too much to follow.
    fn is_done(&self) -> Result<bool, Failure>;
}

/// A stream at work.
pub(crate) struct Session<F: Face> {
    shared: Shared,
    registration: Registration,
    face: F,
    sender: mpsc::Sender<Outgoing<F::Message>>,
    told: Told,
    /// Everything up to this entry was told.
    told_up_to: Head,
    /// What the feed had seen before anything was read for this stream.
    began: Seen,
}

/// Why a stream ends.
enum End {
    /// Everything that it followed has ended.
    Done,
    /// The subscriber has gone.
    Gone,
    /// Something failed.
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<F: Face> Session<F> {
    pub(crate) fn new(
        shared: Shared,
        began: Seen,
        registration: Registration,
        face: F,
        sender: mpsc::Sender<Outgoing<F::Message>>,
    ) -> Self {
        Self {
            shared,
            registration,
            face,
            sender,
            told: Told::default(),
            told_up_to: began.head,
            began,
        }
    }

    /// Sends the first states, which are read after `noted` was the head, then follows.
    pub(crate) async fn run(mut self, noted: Seen, snapshot: Snapshot) {
        // On the heap, so that a stream that lives long does not keep room for its beginning.
        let begun = Box::pin(self.begin(noted, snapshot)).await;
        let end = match begun {
            Ok(()) => self.follow().await,
            Err(end) => end,
        };
        let last = match end {
            End::Gone => return,
            End::Done => Ok(None),
            End::Failed(failure) => Err(failure),
        };
        drop(self.sender.send(Box::new(last)).await);
    }

    async fn begin(&mut self, noted: Seen, mut snapshot: Snapshot) -> Result<(), End> {
        while let Some(page) = snapshot.next(&self.shared).await? {
            self.check_log()?;
            // A page of which nothing fits sends nothing, so nobody would notice.
            if self.sender.is_closed() {
                return Err(End::Gone);
            }
            if self.shared.stop.is_cancelled() {
                return Err(Failure::ShuttingDown.into());
            }
            self.tell(page.into_iter().map(Arc::new)).await?;
        }
        self.check_log()?;
        self.send(
            Vec::new(),
            Some(self.shared.mark(MarkKind::Synced, &noted.head)),
        )
        .await?;
        self.give().await
    }

    async fn follow(&mut self) -> End {
        let mut ticks = tokio::time::interval(self.shared.config.heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        loop {
            // A wake-up left in the slot wakes at once, so nothing is lost between look and wait.
            let (stopping, is_quiet) = tokio::select! {
                () = self.registration.slot.filled() => (false, false),
                () = self.sender.closed() => return End::Gone,
                () = self.shared.stop.cancelled() => (true, true),
                _ = ticks.tick() => (false, true),
            };
            if let Err(end) = self.give().await {
                return end;
            }
            if is_quiet && let Err(end) = self.heartbeat().await {
                return end;
            }
            if stopping {
                // The last mark carries the token to go on with elsewhere.
                return End::Failed(Failure::ShuttingDown);
            }
        }
    }

    /// Sends what waits in the slot now. What is put in meanwhile wakes the stream again, so a
    /// reader that is never up to date still gets its marks, and remembers no more than one round.
    async fn give(&mut self) -> Result<(), End> {
        // Everything up to this head has been given out, so it waits in the slot or was told.
        let seen = self.check_log()?;
        let too_slow = || Failure::ReaderTooSlow {
            limit: STREAM_LIMIT,
        };
        let slot = &self.registration.slot;
        let mut left = slot.waiting().ok_or_else(too_slow)?;
        while left > 0 {
            let taken = self.registration.slot.take(left.min(PAGE));
            let taken = taken.ok_or_else(too_slow)?;
            left = if taken.len() == 0 {
                0
            } else {
                left - taken.len()
            };
            self.tell(taken.states.into_iter()).await?;
            if !taken.changed.is_empty() {
                // On the heap as well: an idle stream keeps no room for a read.
                let states = Box::pin(read_states(&self.shared, &taken.changed)).await?;
                self.tell(states.into_iter().map(Arc::new)).await?;
            }
            self.check_log()?;
        }
        self.told.caught_up(seen.head.sequence);
        self.told_up_to = seen.head;
        if self.face.is_done()? {
            return Err(End::Done);
        }
        Ok(())
    }

    /// Says up to where everything was sent; only after a recent look at the head.
    async fn heartbeat(&mut self) -> Result<(), End> {
        let seen = self.check_log()?;
        if !seen.is_fresh(self.shared.config.poll) {
            return Err(Failure::StoreUnavailable.into());
        }
        let mark = self.shared.mark(MarkKind::Heartbeat, &self.told_up_to);
        self.send(Vec::new(), Some(mark)).await
    }

    /// What the feed has seen. Ends the stream where the log was found to have gone back: what it
    /// has told, or read, may be of entries that are no more.
    fn check_log(&self) -> Result<Seen, Failure> {
        let seen = *self.shared.head.borrow();
        if seen.epoch == self.began.epoch {
            Ok(seen)
        } else {
            Err(Failure::StoreUnavailable)
        }
    }

    /// Sends what is newer than what was told.
    async fn tell(&mut self, states: impl Iterator<Item = Arc<Case>>) -> Result<(), End> {
        let mut news = Vec::new();
        for case in states {
            let (number, newest) = (case.number(), case.newest_entry());
            let told = self.told.of(number);
            if told.is_none_or(|told| told < newest) {
                self.told.note(number, newest);
                news.push(News { case, told });
            }
        }
        if news.is_empty() {
            return Ok(());
        }
        self.send(news, None).await
    }

    async fn send(&mut self, news: Vec<News>, mark: Option<Mark>) -> Result<(), End> {
        let Some(message) = self.face.message(news, mark) else {
            return Ok(());
        };
        let sent = self.sender.send(Box::new(Ok(Some(message)))).await;
        sent.map_err(|_| End::Gone)
    }
}
