//! Changes of policies and teams, and of what is accepted of the clock: each is alone in its batch.

use std::sync::Arc;

use super::Answer;
use super::run::Stop;
use super::session::{Session, broken, directory_answer};
use crate::directory::{self, DirectoryCommand};
use crate::ids::CrNumber;
use crate::invariants::Violation;
use crate::log::{Cause, Event, IllegalEdge, StoreEvent};
use crate::policy::policy_warnings;
use crate::refusal::Refusal;

pub(super) fn change_directory(
    session: &mut Session<'_>,
    command: &DirectoryCommand,
    cause: Cause,
) -> Result<Answer, Stop> {
    let directory = session.context.directory;
    let Some(event) = directory::decide(directory, command)? else {
        return unchanged(session, command);
    };
    let illegal = |edge: IllegalEdge| {
        let name = "I-02 legal edges only";
        Stop::Broken(Violation {
            name,
            subject: edge.to_string(),
        })
    };
    let stamp = session.emit(&event, cause).map_err(illegal)?;
    directory_answer(session, &event, stamp).map_err(illegal)
}

/// The answer to an update that changes nothing.
fn unchanged(session: &Session<'_>, command: &DirectoryCommand) -> Result<Answer, Stop> {
    let directory = session.context.directory;
    match command {
        DirectoryCommand::CreatePolicy(draft) | DirectoryCommand::UpdatePolicy { draft, .. } => {
            let policy = directory.policy(&draft.id);
            let policy = policy.ok_or_else(|| Refusal::not_found("policy", draft.id.as_str()))?;
            let warnings = policy_warnings(&policy.draft, directory);
            Ok(Answer::Policy {
                policy: Arc::clone(policy),
                warnings,
            })
        }
        DirectoryCommand::CreateTeam(draft) | DirectoryCommand::UpdateTeam { draft, .. } => {
            let team = directory.team(&draft.id);
            let team = team.ok_or_else(|| Refusal::not_found("team", draft.id.as_str()))?;
            Ok(Answer::Team(Arc::clone(team)))
        }
        DirectoryCommand::DeletePolicy { id, .. } => {
            Err(Refusal::not_found("policy", id.as_str()).into())
        }
        DirectoryCommand::DeleteTeam { id, .. } => {
            Err(Refusal::not_found("team", id.as_str()).into())
        }
    }
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
