//! Every way in which a call to the engine can end other than with an answer.

use countersign_domain::Refusal;

/// Why a call was not answered. Whatever it is, it means "do not start".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its lane is full; other lanes are not touched by that.
    #[error("the {lane} lane is full: {limit} commands wait; try again in a moment")]
    LaneFull {
        /// Which lane.
        lane: &'static str,
        /// How many commands it holds.
        limit: usize,
    },
    /// The store does not answer. What was asked may have happened: a repeat is safe.
    #[error("the store does not answer; repeat the call, nothing happens twice")]
    StoreUnavailable,
    /// The server is stopping.
    #[error("the server is stopping; repeat the call on another one or later")]
    ShuttingDown,
    /// A filter matches more than one stream or answer may carry.
    #[error("the filter matches more than {limit}; narrow it")]
    TooManyMatches {
        /// How many are allowed.
        limit: usize,
    },
    /// A subscriber has read so slowly that more has changed than one stream keeps for it.
    #[error(
        "more than {limit} change requests have changed since this stream was last read; read \
         faster or follow less, and resume"
    )]
    ReaderTooSlow {
        /// How many are kept.
        limit: usize,
    },
    /// A resume token that is not one.
    #[error("found a resume token that this server did not issue; leave it out to begin anew")]
    TokenMalformed,
    /// A resume token of another store.
    #[error("found a resume token of another store; check the address, or leave the token out")]
    TokenOfAnotherStore,
    /// A resume token of this store, of a state that it lost when it was put back from a copy.
    #[error(
        "found a resume token at sequence {found} of a log that this store no longer has: it was \
         put back from a copy and is at {head}; leave the token out to begin anew"
    )]
    TokenOfRestoredStore {
        /// The position of the token.
        found: u64,
        /// The newest sequence of the log as it is.
        head: u64,
    },
    /// A position that the log has not reached.
    #[error("found sequence {found}; allowed: 1 to {limit}")]
    SequenceOutOfRange {
        /// The sequence that was named.
        found: u64,
        /// The largest allowed.
        limit: u64,
    },
    /// A fault of the server. What was asked did not happen, and its aggregate grants nothing.
    #[error("internal fault; it was logged with the change request it concerns")]
    Internal,
}
