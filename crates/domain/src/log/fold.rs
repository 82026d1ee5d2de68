//! Rebuilds rows from entries alone, one aggregate at a time (I-02).

use super::{AggregateKey, Body, Event, IllegalEdge, Stamp};
use crate::access::{Token, apply_token};
use crate::change_request::{self, ChangeRequest};
use crate::directory::{Team, apply_policy, apply_team};
use crate::freeze::{Freeze, apply_freeze};
use crate::ids::{FreezeId, PolicyId, TeamId};
use crate::policy::Policy;
use crate::rows::{CrRow, FreezeRow, PolicyRow, TaskRow, TeamRow, TokenRow};
use crate::task::{self, Task};

/// Why entries cannot be folded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// An event that the state does not know.
    #[error(transparent)]
    IllegalEdge(#[from] IllegalEdge),
    /// An event that cannot be read.
    #[error("entry {sequence}: the event cannot be read: {problem}")]
    Unreadable {
        /// The entry.
        sequence: u64,
        /// Why.
        problem: String,
    },
    /// The seal on an aggregate's last entry is not the digest of its row.
    #[error("entry {sequence}: the seal is not the digest of the row")]
    BrokenSeal {
        /// The entry.
        sequence: u64,
    },
}

/// What the entries of one aggregate fold to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoldedRow {
    /// The store has no row.
    Store,
    /// A change request's row.
    ChangeRequest(CrRow),
    /// A task's row.
    Task(TaskRow),
    /// A policy's row; `None` once it was deleted.
    Policy(PolicyId, Option<PolicyRow>),
    /// A team's row; `None` once it was deleted.
    Team(TeamId, Option<TeamRow>),
    /// A freeze's row; `None` once it was deleted and what it held was let go.
    Freeze(FreezeId, Option<FreezeRow>),
    /// A token's row, which stays.
    Token(TokenRow),
}

#[derive(Debug)]
enum State {
    Store,
    ChangeRequest(ChangeRequest),
    Task(Task),
    Policy(PolicyId, Option<Policy>),
    Team(TeamId, Option<Team>),
    Freeze(FreezeId, Option<Box<Freeze>>),
    Token(Box<Token>),
}

/// Folds entries that come aggregate by aggregate, each in order. Holds one aggregate at a time.
#[derive(Debug, Default)]
pub struct Fold {
    current: Option<(AggregateKey, State)>,
}

impl Fold {
    /// Takes in the next entry. Answers with the row of the aggregate before, if a new one begins.
    pub fn push(&mut self, body: &Body, stamp: Stamp) -> Result<Option<FoldedRow>, FoldError> {
        let event = body
            .typed_event()
            .map_err(|problem| FoldError::Unreadable {
                sequence: stamp.sequence,
                problem: problem.to_string(),
            })?;
        let same = self
            .current
            .as_ref()
            .is_some_and(|(key, _)| *key == body.aggregate);
        let ended = if same { None } else { self.finish() };
        let before = self.current.take().map(|(_, state)| state);
        let state = next(before, &event, stamp)?;
        check_seal(body.seal.as_deref(), &state, stamp)?;
        self.current = Some((body.aggregate.clone(), state));
        Ok(ended)
    }

    /// The row of the last aggregate.
    pub fn finish(&mut self) -> Option<FoldedRow> {
        self.current.take().map(|(_, state)| match state {
            State::Store => FoldedRow::Store,
            State::ChangeRequest(found) => FoldedRow::ChangeRequest(CrRow::new(&found)),
            State::Task(found) => FoldedRow::Task(TaskRow::new(&found)),
            State::Policy(id, found) => FoldedRow::Policy(id, found.as_ref().map(PolicyRow::new)),
            State::Team(id, found) => FoldedRow::Team(id, found.as_ref().map(TeamRow::new)),
            State::Freeze(id, found) => FoldedRow::Freeze(id, found.as_deref().map(FreezeRow::new)),
            State::Token(found) => FoldedRow::Token(TokenRow::new(&found)),
        })
    }
}

fn next(before: Option<State>, event: &Event, stamp: Stamp) -> Result<State, IllegalEdge> {
    Ok(match event {
        Event::Store(_) => State::Store,
        Event::ChangeRequest(_, event) => {
            let found = match &before {
                Some(State::ChangeRequest(found)) => Some(found),
                Some(_) | None => None,
            };
            State::ChangeRequest(change_request::apply(found, event, stamp)?)
        }
        Event::Task(_, event) => {
            let found = match &before {
                Some(State::Task(found)) => Some(found),
                Some(_) | None => None,
            };
            State::Task(task::apply(found, event, stamp)?)
        }
        Event::Policy(id, event) => {
            let found = match before {
                Some(State::Policy(_, found)) => found,
                Some(_) | None => None,
            };
            State::Policy(id.clone(), apply_policy(found.as_ref(), event, stamp)?)
        }
        Event::Team(id, event) => {
            let found = match before {
                Some(State::Team(_, found)) => found,
                Some(_) | None => None,
            };
            State::Team(id.clone(), apply_team(found.as_ref(), event, stamp)?)
        }
        Event::Freeze(id, event) => {
            let found = match before {
                Some(State::Freeze(_, found)) => found,
                Some(_) | None => None,
            };
            let next = apply_freeze(found.as_deref(), event, stamp)?;
            State::Freeze(id.clone(), next.map(Box::new))
        }
        Event::Token(_, event) => {
            let found = match &before {
                Some(State::Token(found)) => Some(found.as_ref()),
                Some(_) | None => None,
            };
            State::Token(Box::new(apply_token(found, event, stamp)?))
        }
    })
}

/// An aggregate that ended is sealed by the entry that ended it, any other is not.
fn check_seal(seal: Option<&str>, state: &State, stamp: Stamp) -> Result<(), FoldError> {
    let expected = match state {
        State::ChangeRequest(found) => found.state.has_ended().then(|| CrRow::new(found).seal()),
        State::Task(found) => found.has_ended().then(|| TaskRow::new(found).seal()),
        State::Store
        | State::Policy(..)
        | State::Team(..)
        | State::Freeze(..)
        | State::Token(_) => None,
    };
    if expected.as_deref() == seal {
        Ok(())
    } else {
        Err(FoldError::BrokenSeal {
            sequence: stamp.sequence,
        })
    }
}
