//! The thread that writes, and the queue before it.
//!
//! A thread of its own, because writing to a file blocks, and a disk that hangs must not hold up
//! what else goes on.

use std::convert::Infallible;
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::sync::oneshot;

use super::file::{RotatedFile, SecurityLogConfig};
use super::record::{Event, Record, Told, Untold};
use super::tally::Tally;

/// How often it is told how much was not told.
pub(super) const TELL_EVERY: Duration = Duration::from_secs(10);
/// How many records may wait for the disk.
const QUEUE_LIMIT: usize = 4_096;
/// How long the end waits for what still has to be written.
const CLOSING_LIMIT: Duration = Duration::from_secs(2);

/// A record, and who waits for it to be written.
pub(super) struct Item {
    record: Record,
    written: Option<oneshot::Sender<()>>,
}

/// Takes records. Once it is dropped, what it took is written, as far as that goes within seconds.
pub(super) struct Sink {
    /// `None` only while it is dropped.
    sender: Option<SyncSender<Item>>,
    /// Is closed when the thread has ended.
    ended: Option<Mutex<Receiver<Infallible>>>,
    tally: Arc<Tally>,
}

impl Sink {
    /// Opens the file, if one is named, and starts the thread.
    pub(super) fn start(
        config: &SecurityLogConfig,
        tally: Arc<Tally>,
        tell_every: Duration,
    ) -> io::Result<Self> {
        let target = match &config.file {
            Some(path) => Target::File(RotatedFile::open(path, config.bytes, config.files)?),
            None => Target::Events,
        };
        let writer = Writer {
            target,
            tally: Arc::clone(&tally),
            failing: false,
        };
        let (sender, items) = sync_channel(QUEUE_LIMIT);
        let (running, ended) = channel::<Infallible>();
        let thread = thread::Builder::new().name("security-log".to_owned());
        thread.spawn(move || {
            writer.run(&items, tell_every);
            drop(running);
        })?;
        let mut sink = Self::of(sender, tally);
        sink.ended = Some(Mutex::new(ended));
        Ok(sink)
    }

    /// With somebody else who takes records out.
    pub(super) fn of(sender: SyncSender<Item>, tally: Arc<Tally>) -> Self {
        Self {
            sender: Some(sender),
            ended: None,
            tally,
        }
    }

    /// Takes a record.
    pub(super) fn send(&self, record: Record) {
        self.put(Item {
            record,
            written: None,
        });
    }

    /// Takes a record. What is returned ends well once it is written, and badly if it cannot be.
    pub(super) fn send_and_hear(&self, record: Record) -> oneshot::Receiver<()> {
        let (written, hear) = oneshot::channel();
        self.put(Item {
            record,
            written: Some(written),
        });
        hear
    }

    fn put(&self, item: Item) {
        let Some(sender) = &self.sender else {
            return self.tally.lose("ended");
        };
        match sender.try_send(item) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.tally.lose("queue_full"),
            Err(TrySendError::Disconnected(_)) => self.tally.lose("ended"),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(ended) = self.ended.take() {
            let ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
            if ended.recv_timeout(CLOSING_LIMIT) == Err(RecvTimeoutError::Timeout) {
                tracing::error!("the end of the security log could not be written in time");
            }
        }
    }
}

/// Where records go.
enum Target {
    /// Into the log of the program.
    Events,
    /// Into a file of their own.
    File(RotatedFile),
}

/// What the thread works with.
struct Writer {
    target: Target,
    tally: Arc<Tally>,
    failing: bool,
}

impl Writer {
    fn run(mut self, items: &Receiver<Item>, tell_every: Duration) {
        let mut due = now() + tell_every;
        loop {
            match items.recv_timeout(due.saturating_duration_since(now())) {
                Ok(item) => self.take(item),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if now() >= due {
                self.tell();
                due = now() + tell_every;
            }
        }
        self.tell();
    }

    fn take(&mut self, item: Item) {
        if self.write(&item.record).is_err() {
            self.tally.lose("not_written");
        } else if let Some(written) = item.written {
            // Whoever waited may have gone.
            let _ = written.send(());
        }
    }

    fn tell(&mut self) {
        let Some(untold) = self.tally.take() else {
            return;
        };
        if untold.lost > 0 {
            tracing::error!(
                lost = untold.lost,
                since = untold.since,
                "records of the security log were lost: it could not be written"
            );
        }
        let record = Record::now(Event::Suppressed(untold.clone()));
        if self.write(&record).is_err() {
            self.tally.put_back(untold);
        }
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        let written = match &mut self.target {
            Target::Events => {
                emit(&record.event);
                Ok(())
            }
            Target::File(file) => record.line().and_then(|line| file.write(&line)),
        };
        match &written {
            Err(error) if !self.failing => tracing::error!(
                %error,
                "the security log cannot be written: denied calls are not recorded, and the log \
                 cannot be read; make room or mend its folder"
            ),
            Ok(()) if self.failing => tracing::info!("the security log can be written again"),
            Ok(()) | Err(_) => {}
        }
        self.failing = written.is_err();
        written
    }
}

/// All at one level, so that whoever keeps denials keeps reads of the log as well.
fn emit(event: &Event) {
    match event {
        Event::Denied(told) => {
            let Told {
                method,
                reason,
                why,
                issuer,
                subject,
                credential_kind,
                credential,
                peer,
            } = told;
            tracing::warn!(
                target: "security",
                method, reason, why, issuer, subject, credential_kind, credential, peer,
                "a call was denied"
            );
        }
        Event::LogRead(told) => tracing::warn!(
            target: "security",
            method = told.method,
            issuer = told.issuer,
            subject = told.subject,
            credential_kind = told.credential_kind,
            credential = told.credential,
            peer = told.peer,
            "the log is read"
        ),
        Event::Suppressed(untold) => {
            let Untold {
                count,
                log_reads,
                lost,
                since,
            } = untold;
            tracing::warn!(
                target: "security",
                count, log_reads, lost, since,
                "more happened than is told"
            );
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how long ago counts were told; decides nothing"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(file: &Path) -> SecurityLogConfig {
        SecurityLogConfig {
            file: Some(file.to_owned()),
            ..SecurityLogConfig::default()
        }
    }

    fn untold() -> Record {
        Record::now(Event::Suppressed(Untold {
            count: 1,
            log_reads: 0,
            lost: 0,
            since: "now".to_owned(),
        }))
    }

    #[test]
    fn counts_are_told_while_nothing_else_happens() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("security.jsonl");
        let tally = Arc::new(Tally::default());
        let every = Duration::from_millis(10);
        let sink = Sink::start(&config(&file), Arc::clone(&tally), every).unwrap();
        tally.suppress_denial();
        // The thread takes the count out before it writes, and is asked here in turn.
        while !std::fs::read_to_string(&file).unwrap().ends_with('\n') {
            thread::yield_now();
        }
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches("\"count\":1,").count(), 1, "{text}");
        drop(sink);
        let at_the_end = std::fs::read_to_string(&file).unwrap();
        assert_eq!(
            at_the_end, text,
            "nothing is told where nothing is left out"
        );
    }

    #[test]
    fn the_end_waits_for_what_was_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("security.jsonl");
        let tally = Arc::new(Tally::default());
        let sink = Sink::start(&config(&file), Arc::clone(&tally), TELL_EVERY).unwrap();
        for _ in 0..1_000 {
            sink.send(untold());
        }
        drop(sink);
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 1_000);
        assert_eq!(tally.take(), None);
    }

    #[test]
    fn a_full_queue_is_counted_and_heard_of() {
        let tally = Arc::new(Tally::default());
        let (sender, items) = sync_channel(1);
        let sink = Sink::of(sender, Arc::clone(&tally));
        let mut first = sink.send_and_hear(untold());
        let mut second = sink.send_and_hear(untold());
        assert_eq!(first.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        assert_eq!(second.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(tally.take().unwrap().lost, 1);
        drop(items);
        sink.send(untold());
        assert_eq!(tally.take().unwrap().lost, 1);
    }
}
