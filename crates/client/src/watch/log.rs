//! The entries of the log.

use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{LogEntry, Mark, WatchLogRequest, WatchLogResponse};
use tonic::{Response, Status, Streaming};

use super::Watch;
use super::kind::Kind;
use crate::Connection;

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStart {
    /// At the first entry.
    Beginning,
    /// At this sequence.
    Sequence(u64),
    /// With the next entry that is written.
    Now,
}

/// The stream of `WatchLog`.
#[derive(Debug)]
pub struct LogStream {
    start: LogStart,
    last: Option<LogEntry>,
}

/// Follows the log: every entry, once, in order, each linked to the one before by its hash.
pub type LogEntries = Watch<LogStream>;

impl LogEntries {
    /// Follows the log from there on. It begins at once, on the runtime it is called on.
    pub fn new(connection: Connection, start: LogStart) -> Self {
        Self::start(connection, LogStream::new(start))
    }
}

impl LogStream {
    fn new(start: LogStart) -> Self {
        Self { start, last: None }
    }

    /// Without a mark there is no token yet, but what was told must not be told again, and what
    /// was written since must not be skipped.
    fn position(&self, token: String) -> Start {
        match (&self.last, self.start) {
            _ if !token.is_empty() => Start::ResumeToken(token),
            (Some(last), _) => Start::FromSequence(last.sequence.saturating_add(1)),
            (None, LogStart::Beginning) => Start::FromNow(false),
            (None, LogStart::Sequence(sequence)) => Start::FromSequence(sequence),
            (None, LogStart::Now) => Start::FromNow(true),
        }
    }
}

impl Kind for LogStream {
    type Message = WatchLogResponse;
    type Item = LogEntry;
    const LEVEL: bool = false;

    async fn open(
        &self,
        connection: &Connection,
        token: String,
    ) -> Result<Response<Streaming<WatchLogResponse>>, Status> {
        let request = WatchLogRequest {
            start: Some(self.position(token)),
        };
        connection.log().watch_log(request).await
    }

    fn split(message: WatchLogResponse) -> (Vec<LogEntry>, Option<Mark>) {
        (message.entries, message.mark)
    }

    fn key(entry: &LogEntry) -> &str {
        &entry.hash
    }

    fn admit(&mut self, entries: Vec<LogEntry>) -> Result<Vec<LogEntry>, Status> {
        let mut fresh = Vec::with_capacity(entries.len());
        // Kept only if the whole message holds together: what is not told must come again.
        let mut newest = self.last.clone();
        for entry in entries {
            if let Some(last) = &newest {
                if entry.sequence <= last.sequence {
                    continue;
                }
                if entry.sequence != last.sequence + 1 || entry.previous_hash != last.hash {
                    return Err(Status::data_loss("an entry does not follow the one before"));
                }
            }
            newest = Some(LogEntry {
                body: String::new(),
                ..entry.clone()
            });
            fresh.push(entry);
        }
        self.last = newest;
        Ok(fresh)
    }

    fn forget(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: u64) -> LogEntry {
        LogEntry {
            sequence,
            hash: format!("h{sequence}"),
            previous_hash: format!("h{}", sequence - 1),
            ..LogEntry::default()
        }
    }

    fn told(stream: &mut LogStream, sequences: &[u64]) -> Result<Vec<u64>, tonic::Code> {
        let entries = sequences.iter().copied().map(entry).collect();
        let fresh = stream.admit(entries).map_err(|status| status.code())?;
        Ok(fresh.iter().map(|entry| entry.sequence).collect())
    }

    #[test]
    fn i41_what_comes_again_is_told_once() {
        let mut stream = LogStream::new(LogStart::Beginning);
        assert_eq!(told(&mut stream, &[4, 5]), Ok(vec![4, 5]));
        assert_eq!(told(&mut stream, &[3, 4, 5, 6]), Ok(vec![6]));
        assert_eq!(told(&mut stream, &[6]), Ok(vec![]));
    }

    #[test]
    fn i41_a_gap_or_another_chain_is_no_continuation() {
        let mut stream = LogStream::new(LogStart::Beginning);
        assert_eq!(told(&mut stream, &[4]), Ok(vec![4]));
        assert_eq!(told(&mut stream, &[6]), Err(tonic::Code::DataLoss));
        let other = LogEntry {
            previous_hash: "another".to_owned(),
            ..entry(5)
        };
        assert!(stream.admit(vec![other]).is_err());
        assert_eq!(told(&mut stream, &[5]), Ok(vec![5]));
    }

    #[test]
    fn the_position_is_the_token_else_what_was_told_else_the_start() {
        let mut stream = LogStream::new(LogStart::Now);
        assert_eq!(stream.position(String::new()), Start::FromNow(true));
        assert_eq!(told(&mut stream, &[4]), Ok(vec![4]));
        assert_eq!(stream.position(String::new()), Start::FromSequence(5));
        let token = Start::ResumeToken("t".to_owned());
        assert_eq!(stream.position("t".to_owned()), token);
        stream.forget();
        assert_eq!(stream.position(String::new()), Start::FromNow(true));
    }
}
