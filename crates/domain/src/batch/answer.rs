//! What a command is answered with, once its batch is committed.

use std::sync::Arc;

use crate::Instant;
use crate::access::Token;
use crate::change_request::Case;
use crate::directory::Team;
use crate::freeze::Freeze;
use crate::ids::{TaskId, TeamId};
use crate::invariants::Violation;
use crate::policy::Policy;
use crate::refusal::Refusal;

/// What a granted command answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A change request, and the task the command named, as the command left them.
    Case {
        /// The change request with its tasks.
        case: Arc<Case>,
        /// The task.
        task: Option<TaskId>,
        /// The instant of the transaction.
        now: Instant,
    },
    /// A policy as kept.
    Policy(Arc<Policy>),
    /// A policy was deleted.
    PolicyDeleted,
    /// A team as kept.
    Team(Arc<Team>),
    /// A team was deleted; the incarnation that frozen policies may still name.
    TeamDeleted {
        /// Which.
        id: TeamId,
        /// Its incarnation.
        incarnation: u64,
    },
    /// A freeze as kept.
    Freeze(Arc<Freeze>),
    /// A freeze was deleted.
    FreezeDeleted,
    /// A token as kept.
    Token(Arc<Token>),
    /// The clock was accepted.
    ClockAccepted {
        /// Up to this instant the log may be ahead of it.
        until: Instant,
    },
    /// A change request was settled.
    Settled,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Granted.
    Done(Answer),
    /// Refused.
    Refused(Refusal),
    /// Prepared at an older revision of the directory; prepare it again.
    Stale,
    /// The batch had grown too large when it was this command's turn: run it in another one.
    Deferred,
    /// Refused because its result, or what it found, breaks an invariant.
    Broken(Violation),
}
