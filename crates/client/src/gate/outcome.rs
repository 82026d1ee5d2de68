//! How the way through the gate ended.

use countersign_proto::v1::TerminationReason;
use tonic::Status;

use super::grant::{Claim, Grant};
use super::progress::Call;

/// How the way through the gate ended. Start the task on `Granted`, and on nothing else.
#[derive(Debug, Clone)]
#[must_use = "only `Granted` allows to start"]
pub enum Outcome {
    /// The start was granted to this claim: start now.
    Granted(Box<Grant>),
    /// The task ended without having started, and never will.
    Terminated(Termination),
    /// The start belongs to another claim, or the task has run and ended.
    Taken {
        /// What is known about it, for people.
        message: String,
    },
    /// The gate refused what was asked, and asking again would not help.
    Refused {
        /// The call that was refused.
        call: Call,
        /// Why.
        status: Status,
        /// A claim whose earlier answer was lost: it may have been granted.
        in_doubt: Option<Claim>,
    },
    /// The caller wanted to wait no longer.
    GaveUp {
        /// A claim whose answer was lost: it may have been granted. Pass the gate again with the
        /// same claim id to learn what became of it.
        in_doubt: Option<Claim>,
    },
}

/// Why a task will never start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Termination {
    /// The reason; unspecified where the server gave none that this build knows.
    pub reason: TerminationReason,
    /// The reason as a sentence for people.
    pub message: String,
}
