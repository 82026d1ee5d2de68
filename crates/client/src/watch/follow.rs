//! The one place that connects, resumes and gives up.

use std::sync::Arc;
use std::time::Duration;

use countersign_proto::v1::{ErrorReason, Mark, MarkKind};
use tonic::{Code, Status, Streaming};

use super::event::Over;
use super::kind::{Kind, known_kind};
use super::mailbox::Mailbox;
use crate::backoff::Backoff;
use crate::{Connection, reason};

/// A stream that misses this many heartbeats is lost.
const MISSED_HEARTBEATS: u32 = 3;
/// How long to wait for a message before the server has said how often it sends one.
/// Long, because a server may look through much before it finds the first that fits.
const FIRST_PATIENCE: Duration = Duration::from_secs(60);
/// What the server says about heartbeats is believed within these bounds only.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(1);
const LONGEST_PATIENCE: Duration = Duration::from_secs(180);

/// Reads a stream, opens it again when it is lost, and fills the mailbox.
pub(super) struct Follower<K: Kind> {
    kind: K,
    connection: Connection,
    mailbox: Arc<Mailbox<K::Item>>,
    token: String,
    patience: Duration,
    backoff: Backoff,
}

/// Whether a stream had told everything there was.
struct Synced(bool);

/// How a stream ended.
enum End {
    Lost(Status),
    Done,
}

/// What to do about it.
enum Then {
    OpenAgain(Status),
    BeginAnew(Status),
    Stop(Over),
}

impl<K: Kind + Sync> Follower<K> {
    pub(super) fn new(kind: K, connection: Connection, mailbox: Arc<Mailbox<K::Item>>) -> Self {
        Self {
            kind,
            backoff: Backoff::new(connection.jitter()),
            connection,
            mailbox,
            token: String::new(),
            patience: FIRST_PATIENCE,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            self.patience = FIRST_PATIENCE;
            let end = match self.read().await {
                Ok(Synced(true)) if self.kind.may_be_done() => End::Done,
                Ok(_) => End::Lost(Status::unavailable("the stream ended")),
                Err(status) => End::Lost(status),
            };
            match then(end, !self.token.is_empty(), K::LEVEL) {
                Then::OpenAgain(status) => {
                    tracing::debug!(%status, "the stream was lost; opening it again");
                    self.mailbox.lose(status);
                }
                Then::BeginAnew(status) => {
                    tracing::warn!(%status, "the position is not known; beginning anew");
                    self.token.clear();
                    self.kind.forget();
                    self.mailbox.begin_anew(status);
                }
                Then::Stop(over) => return self.mailbox.end(over),
            }
            tokio::time::sleep(self.backoff.pause()).await;
        }
    }

    /// Opens the stream and reads it to its end.
    async fn read(&mut self) -> Result<Synced, Status> {
        let mut synced = Synced(false);
        let opening = self.kind.open(&self.connection, self.token.clone());
        let opened = tokio::time::timeout(self.patience, opening);
        let mut stream = opened.await.map_err(late)??.into_inner();
        loop {
            if !K::LEVEL {
                self.mailbox.room().await;
            }
            // Patience is for what is worth something: a stream of messages without meaning is
            // as good as silence.
            let next = tokio::time::timeout(self.patience, next_good::<K>(&mut stream));
            let Some((items, mark)) = next.await.map_err(late)?? else {
                return Ok(synced);
            };
            synced.0 |= self.take(items, mark)?;
        }
    }

    /// Takes in a message. Answers whether it says that everything there was has been told.
    fn take(
        &mut self,
        items: Vec<K::Item>,
        mark: Option<(MarkKind, Mark)>,
    ) -> Result<bool, Status> {
        let key: Option<fn(&K::Item) -> &str> = K::LEVEL.then_some(K::key);
        let fresh = self.kind.admit(items)?;
        let synced = matches!(mark, Some((MarkKind::Synced, _)));
        self.mailbox.put(fresh, key, synced);
        if let Some((kind, mark)) = mark {
            // A stream that lives long enough for a heartbeat is a good one; one that is cut as
            // soon as it has caught up must not be opened again without a pause.
            if kind == MarkKind::Heartbeat {
                self.backoff.reset();
            }
            self.token = mark.resume_token;
            self.patience = patience(mark.heartbeat_interval_ms);
        }
        Ok(synced)
    }
}

/// The next message that says something: items, or a mark that is understood.
async fn next_good<K: Kind>(
    stream: &mut Streaming<K::Message>,
) -> Result<Option<(Vec<K::Item>, Option<(MarkKind, Mark)>)>, Status> {
    while let Some(message) = stream.message().await? {
        let (items, mark) = K::split(message);
        let mark = mark.and_then(|mark| Some((known_kind(&mark)?, mark)));
        if !items.is_empty() || mark.is_some() {
            return Ok(Some((items, mark)));
        }
        tracing::debug!("passed over a message that says nothing");
    }
    Ok(None)
}

fn late(_: tokio::time::error::Elapsed) -> Status {
    Status::deadline_exceeded("three heartbeats are missing")
}

fn patience(heartbeat_interval_ms: u32) -> Duration {
    let interval = Duration::from_millis(heartbeat_interval_ms.into());
    (interval * MISSED_HEARTBEATS).clamp(SHORTEST_PATIENCE, LONGEST_PATIENCE)
}

/// Opening again mends what is wrong with the way or the moment, not what is wrong with the
/// question.
fn then(end: End, has_token: bool, level: bool) -> Then {
    let status = match end {
        End::Done => return Then::Stop(Over::Done),
        End::Lost(status) => status,
    };
    match status.code() {
        // Another store, or this one restored.
        Code::InvalidArgument if has_token => Then::BeginAnew(status),
        // The transport says so of a message that is too long.
        Code::OutOfRange if reason(&status).is_none() => Then::OpenAgain(status),
        // Older than what is kept: the present state says all there is to say about levels.
        Code::OutOfRange if has_token && level => Then::BeginAnew(status),
        // Too much has changed since the token; what is true now may still be little.
        Code::ResourceExhausted if too_many_matches(&status) && has_token && level => {
            Then::BeginAnew(status)
        }
        Code::ResourceExhausted if asks_too_much(&status) => Then::Stop(Over::Refused(status)),
        Code::InvalidArgument
        | Code::NotFound
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::Unimplemented
        | Code::OutOfRange => Then::Stop(Over::Refused(status)),
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Then::OpenAgain(status),
    }
}

fn asks_too_much(status: &Status) -> bool {
    too_many_matches(status) || reason(status) == Some(ErrorReason::MessageTooLarge)
}

fn too_many_matches(status: &Status) -> bool {
    reason(status) == Some(ErrorReason::TooManyMatches)
}

#[cfg(test)]
mod tests {
    use countersign_proto::ERROR_DOMAIN;
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    #[test]
    fn three_missing_heartbeats_are_believed_within_bounds() {
        let rows = [
            (0, SHORTEST_PATIENCE),
            (1, SHORTEST_PATIENCE),
            (5_000, Duration::from_secs(15)),
            (u32::MAX, LONGEST_PATIENCE),
        ];
        for (interval, expected) in rows {
            assert_eq!(patience(interval), expected, "{interval}");
        }
    }

    #[test]
    fn each_code_is_mended_or_told() {
        // Code, without a token, with one, with one on the log.
        let rows = [
            (Code::Ok, "again", "again", "again"),
            (Code::Cancelled, "again", "again", "again"),
            (Code::Unknown, "again", "again", "again"),
            (Code::InvalidArgument, "stop", "anew", "anew"),
            (Code::DeadlineExceeded, "again", "again", "again"),
            (Code::NotFound, "stop", "stop", "stop"),
            (Code::AlreadyExists, "again", "again", "again"),
            (Code::PermissionDenied, "stop", "stop", "stop"),
            (Code::ResourceExhausted, "again", "again", "again"),
            (Code::FailedPrecondition, "again", "again", "again"),
            (Code::Aborted, "again", "again", "again"),
            (Code::OutOfRange, "again", "again", "again"),
            (Code::Unimplemented, "stop", "stop", "stop"),
            (Code::Internal, "again", "again", "again"),
            (Code::Unavailable, "again", "again", "again"),
            (Code::DataLoss, "again", "again", "again"),
            (Code::Unauthenticated, "stop", "stop", "stop"),
        ];
        for (code, without, with, log) in rows {
            let found = cases(&Status::new(code, ""));
            assert_eq!(found, [without, with, log], "{code:?}");
        }
    }

    #[test]
    fn i42_what_is_no_longer_kept_is_never_skipped_in_the_log() {
        let details = ErrorDetails::with_error_info("SEQUENCE_OUT_OF_RANGE", ERROR_DOMAIN, []);
        let status = Status::with_error_details(Code::OutOfRange, "", details);
        assert_eq!(cases(&status), ["stop", "anew", "stop"]);
    }

    #[test]
    fn who_asks_too_much_is_told() {
        let details = ErrorDetails::with_error_info("TOO_MANY_MATCHES", ERROR_DOMAIN, []);
        let status = Status::with_error_details(Code::ResourceExhausted, "", details);
        assert_eq!(cases(&status), ["stop", "anew", "stop"]);
    }

    /// Without a token, with one, with one on the log.
    fn cases(status: &Status) -> [&'static str; 3] {
        [(false, true), (true, true), (true, false)].map(|(has_token, level)| {
            match then(End::Lost(status.clone()), has_token, level) {
                Then::OpenAgain(_) => "again",
                Then::BeginAnew(_) => "anew",
                Then::Stop(_) => "stop",
            }
        })
    }
}
