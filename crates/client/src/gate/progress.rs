//! What happens on the way.

use countersign_proto::v1::Permit;
use tonic::Status;

/// A call that the gate makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `CreateChangeRequest`.
    Create,
    /// `WatchSignals`.
    Watch,
    /// `StartTask`.
    Start,
    /// `FinishTask`.
    Finish,
}

/// One step of the way, to be shown; it decides nothing.
#[derive(Debug, Clone)]
pub enum Progress {
    /// The change request exists.
    Created {
        /// Its number, for example `CR-42`.
        change_request: String,
        /// The line for the orchestrator's log.
        message: String,
    },
    /// HOLD: something is missing.
    Held {
        /// The change request the task waits for.
        change_request: String,
        /// What is missing, as a sentence.
        message: String,
    },
    /// PROCEED: the start is being claimed.
    Proceed {
        /// What the start is claimed with.
        permit: Permit,
    },
    /// The start was not granted now; waiting for the next signal.
    NotNow(Status),
    /// The answer of a call is not known; it is repeated.
    Repeating {
        /// The call.
        call: Call,
        /// What came instead of an answer.
        status: Status,
    },
    /// A signal that is not believed, and why.
    Distrusted {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The signals were lost; nothing is started until they are there again.
    Lost(Status),
    /// The signals are complete, for the first time or again.
    Synced,
    /// The server knows nothing of the position in its log: another store, or a restored one.
    Anew(Status),
}
