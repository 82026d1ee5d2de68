//! The hash chain over the entries.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{AggregateKey, Body, Event, Head, Stamp};
use crate::ids::RequestId;
use crate::person::Person;

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first entry is chained to.
    pub const ZERO: Self = Self([0; 32]);

    /// Reads lower-case hexadecimal.
    pub fn parse(text: &str) -> Option<Self> {
        HEXLOWER
            .decode(text.as_bytes())
            .ok()?
            .try_into()
            .ok()
            .map(Self)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The SHA-256 of a text, as lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Hash::of(bytes).to_string()
}

/// The SHA-256 of a value's JSON text. Only for values whose JSON has one form: structs, ordered
/// maps and ordered sets.
pub fn digest_of(value: &impl Serialize) -> String {
    let text = serde_json::to_vec(value).unwrap_or_default();
    sha256_hex(&text)
}

/// One entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The head it makes: position, instant, hash, and what the store looks like after it.
    pub head: Head,
    /// The hash of the entry before.
    pub previous: Hash,
    /// The stored text.
    pub body: String,
    /// The hash of the stored text.
    pub body_hash: Hash,
    /// What it is about.
    pub aggregate: AggregateKey,
    /// What happened.
    pub event: &'static str,
    /// The call that may be repeated, if it is one.
    pub request: Option<(Person, RequestId)>,
}

/// Chains a new entry to a head. `head` is the one that the entry makes, but for its hash; the body
/// says the same.
pub fn append(previous: &Head, stamp: Stamp, event: &Event, body: &Body) -> Entry {
    let text = serde_json::to_string(body).unwrap_or_default();
    let body_hash = Hash::of(text.as_bytes());
    let mut head = event.advance(previous);
    head.sequence = stamp.sequence;
    head.instant = stamp.instant;
    head.hash = link(head.format, stamp, previous.hash, body_hash);
    Entry {
        head,
        previous: previous.hash,
        body: text,
        body_hash,
        aggregate: event.aggregate(),
        event: event.name(),
        request: body
            .cause
            .request()
            .map(|(person, mark)| (person.clone(), mark.id.clone())),
    }
}

fn link(format: u16, stamp: Stamp, previous: Hash, body_hash: Hash) -> Hash {
    let mut bytes = Vec::with_capacity(2 + 8 + 8 + 32 + 32);
    bytes.extend(format.to_be_bytes());
    bytes.extend(stamp.sequence.to_be_bytes());
    bytes.extend(stamp.instant.micros().to_be_bytes());
    bytes.extend(previous.bytes());
    bytes.extend(body_hash.bytes());
    Hash::of(&bytes)
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A sequence is missing or doubled.
    #[error("expected entry {expected}, found entry {found}")]
    Gap {
        /// The sequence after the one before.
        expected: u64,
        /// The sequence found.
        found: u64,
    },
    /// The instant lies before that of the entry before.
    #[error("entry {sequence}: its instant is earlier than that of the entry before")]
    TimeRanBackwards {
        /// The entry.
        sequence: u64,
    },
    /// A hash or a column is not what the body says.
    #[error("entry {sequence}: {what} is not what the chain says")]
    Changed {
        /// The entry.
        sequence: u64,
        /// Which part.
        what: &'static str,
    },
    /// The body is not readable.
    #[error("entry {sequence}: the body cannot be read: {problem}")]
    Unreadable {
        /// The entry.
        sequence: u64,
        /// Why.
        problem: String,
    },
}

/// Checks that a stored entry follows a head, and that all its columns say what its body says.
pub fn check_link(previous: &Head, entry: &Entry) -> Result<Body, ChainError> {
    let sequence = entry.head.sequence;
    let changed = |what| Err(ChainError::Changed { sequence, what });
    if sequence != previous.sequence + 1 {
        return Err(ChainError::Gap {
            expected: previous.sequence + 1,
            found: sequence,
        });
    }
    if entry.head.instant < previous.instant {
        return Err(ChainError::TimeRanBackwards { sequence });
    }
    if entry.previous != previous.hash {
        return changed("the previous hash");
    }
    if Hash::of(entry.body.as_bytes()) != entry.body_hash {
        return changed("the body");
    }
    let unreadable = |problem: serde_json::Error| ChainError::Unreadable {
        sequence,
        problem: problem.to_string(),
    };
    let body = Body::parse(&entry.body).map_err(unreadable)?;
    let event = body.typed_event().map_err(unreadable)?;
    let mut head = event.advance(previous);
    head.sequence = sequence;
    head.instant = entry.head.instant;
    head.hash = link(head.format, head.stamp(), previous.hash, entry.body_hash);
    if head.hash != entry.head.hash {
        return changed("the hash");
    }
    let said = Head {
        format: body.format,
        directory_revision: body.directory_revision,
        change_requests_given: body.change_requests_given,
        clock_accepted_until: body.clock_accepted_until,
        ..head
    };
    if head != entry.head || head != said {
        return changed("a column of the head");
    }
    let request = body
        .cause
        .request()
        .map(|(person, mark)| (person.clone(), mark.id.clone()));
    if entry.aggregate != body.aggregate || entry.event != event.name() || entry.request != request
    {
        return changed("a search column");
    }
    Ok(body)
}
