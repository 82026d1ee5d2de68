//! Changes of policies, teams, freezes and tokens, and of what is accepted of the clock: each is
//! alone in its batch.

use std::sync::Arc;

use super::Answer;
use super::run::Stop;
use super::session::{Session, broken, directory_answer};
use crate::access::Principal;
use crate::directory::{self, Directory, DirectoryCommand};
use crate::freeze::{SweepFreeze, sweep_freeze};
use crate::ids::{CrNumber, FreezeId, TokenId};
use crate::invariants::Violation;
use crate::log::{Cause, Event, IllegalEdge, StoreEvent};
use crate::refusal::Refusal;

pub(super) fn change_directory(
    session: &mut Session<'_>,
    command: &DirectoryCommand,
    caller: Option<&Principal>,
    cause: Cause,
) -> Result<Answer, Stop> {
    let directory = session.context.directory;
    let Some(event) = directory::decide(directory, command, caller, session.context.now)? else {
        return unchanged(session, command);
    };
    let stamp = session.emit(&event, cause).map_err(illegal)?;
    directory_answer(session, &event, stamp).map_err(illegal)
}

/// Remembers how far tasks were looked at because of a freeze.
pub(super) fn remember_sweep(
    session: &mut Session<'_>,
    command: &SweepFreeze,
) -> Result<Answer, Stop> {
    let context = session.context;
    let Some(event) = sweep_freeze(context.directory, command, context.now) else {
        return Ok(Answer::Settled);
    };
    let due_at = context
        .directory
        .freeze_or_remains(&command.id)
        .and_then(|freeze| freeze.due_at);
    let cause = Cause::Time { due_at };
    let stamp = session.emit(&event, cause).map_err(illegal)?;
    directory_answer(session, &event, stamp).map_err(illegal)?;
    Ok(Answer::Settled)
}

fn illegal(edge: IllegalEdge) -> Stop {
    let name = "I-02 legal edges only";
    Stop::Broken(Violation {
        name,
        subject: edge.to_string(),
    })
}

/// The answer to an update that changes nothing.
fn unchanged(session: &Session<'_>, command: &DirectoryCommand) -> Result<Answer, Stop> {
    let directory = session.context.directory;
    match command {
        DirectoryCommand::CreatePolicy(draft) | DirectoryCommand::UpdatePolicy { draft, .. } => {
            let policy = directory.policy(&draft.id);
            let policy = policy.ok_or_else(|| Refusal::not_found("policy", draft.id.as_str()))?;
            Ok(Answer::Policy(Arc::clone(policy)))
        }
        DirectoryCommand::CreateFreeze(draft) | DirectoryCommand::UpdateFreeze { draft, .. } => {
            kept_freeze(directory, &draft.id)
        }
        DirectoryCommand::LiftFreeze { id, .. } => kept_freeze(directory, id),
        DirectoryCommand::DeleteFreeze { id, .. } => {
            Err(Refusal::not_found("freeze", id.as_str()).into())
        }
        DirectoryCommand::CreateTeam(draft) | DirectoryCommand::UpdateTeam { draft, .. } => {
            let team = directory.team(&draft.id);
            let team = team.ok_or_else(|| Refusal::not_found("team", draft.id.as_str()))?;
            Ok(Answer::Team(Arc::clone(team)))
        }
        DirectoryCommand::CreateToken(draft) => kept_token(directory, &draft.id),
        DirectoryCommand::RevokeToken { id, .. } => kept_token(directory, id),
        DirectoryCommand::DeletePolicy { id, .. } => {
            Err(Refusal::not_found("policy", id.as_str()).into())
        }
        DirectoryCommand::DeleteTeam { id, .. } => {
            Err(Refusal::not_found("team", id.as_str()).into())
        }
    }
}

fn kept_freeze(directory: &Directory, id: &FreezeId) -> Result<Answer, Stop> {
    let freeze = directory.freeze(id);
    let freeze = freeze.ok_or_else(|| Refusal::not_found("freeze", id.as_str()))?;
    Ok(Answer::Freeze(Arc::clone(freeze)))
}

fn kept_token(directory: &Directory, id: &TokenId) -> Result<Answer, Stop> {
    let token = directory.token(id);
    let token = token.ok_or_else(|| Refusal::not_found("token", id.as_str()))?;
    Ok(Answer::Token(Arc::clone(token)))
}

pub(super) fn accept_clock(
    session: &mut Session<'_>,
    comment: &str,
    cause: Cause,
) -> Result<Answer, Stop> {
    let clock = session.context.clock;
    let event = Event::Store(StoreEvent::ClockAccepted {
        clock,
        comment: comment.to_owned(),
    });
    let number = CrNumber(0);
    session
        .emit(&event, cause)
        .map_err(|edge| Stop::Broken(broken(number, &edge)))?;
    Ok(Answer::ClockAccepted {
        until: session.set.head.clock_accepted_until,
    })
}
