//! Decides what people ask of the directory.

use super::{Directory, DirectoryCommand, EtagGuard, PolicyEvent, TeamDraft, TeamEvent};
use crate::log::Event;
use crate::policy::PolicyDraft;
use crate::refusal::Refusal;

/// Decides one command. `None`: nothing would change.
pub fn decide(
    directory: &Directory,
    command: &DirectoryCommand,
) -> Result<Option<Event>, Refusal> {
    match command {
        DirectoryCommand::CreatePolicy(draft) => {
            if directory.policy(&draft.id).is_some() {
                return Err(Refusal::PolicyIdTaken { policy: draft.id.clone() });
            }
            check_policy(directory, draft)?;
            let event = PolicyEvent::Created { draft: draft.clone() };
            Ok(Some(Event::Policy(draft.id.clone(), event)))
        }
        DirectoryCommand::UpdatePolicy { draft, fields, etag } => {
            let policy = directory
                .policy(&draft.id)
                .ok_or_else(|| Refusal::not_found("policy", draft.id.as_str()))?;
            check_etag(etag, &policy.etag())?;
            let mut next = policy.draft.clone();
            next.merge(draft.as_ref().clone(), fields);
            check_policy(directory, &next)?;
            if next == policy.draft {
                return Ok(None);
            }
            let event = PolicyEvent::Updated { draft: Box::new(next) };
            Ok(Some(Event::Policy(draft.id.clone(), event)))
        }
        DirectoryCommand::DeletePolicy { id, etag } => {
            let policy = directory
                .policy(id)
                .ok_or_else(|| Refusal::not_found("policy", id.as_str()))?;
            check_etag(etag, &policy.etag())?;
            Ok(Some(Event::Policy(id.clone(), PolicyEvent::Deleted)))
        }
        DirectoryCommand::CreateTeam(draft) => {
            if directory.team(&draft.id).is_some() {
                return Err(Refusal::TeamIdTaken { team: draft.id.clone() });
            }
            check_team(draft)?;
            let event = TeamEvent::Created { draft: draft.clone() };
            Ok(Some(Event::Team(draft.id.clone(), event)))
        }
        DirectoryCommand::UpdateTeam { draft, fields, etag } => {
            let team = directory
                .team(&draft.id)
                .ok_or_else(|| Refusal::not_found("team", draft.id.as_str()))?;
            check_etag(etag, &team.etag())?;
            let mut next = team.draft.clone();
            next.merge(draft.as_ref().clone(), fields);
            check_team(&next)?;
            if next == team.draft {
                return Ok(None);
            }
            let event = TeamEvent::Updated { draft: Box::new(next) };
            Ok(Some(Event::Team(draft.id.clone(), event)))
        }
        DirectoryCommand::DeleteTeam { id, etag } => {
            let team =
                directory.team(id).ok_or_else(|| Refusal::not_found("team", id.as_str()))?;
            check_etag(etag, &team.etag())?;
            let names_it = directory
                .policies()
                .filter(|policy| policy.draft.approvers.teams.contains(id))
                .map(|policy| policy.draft.id.clone());
            let policies: Vec<_> = names_it.take(10).collect();
            if !policies.is_empty() {
                return Err(Refusal::TeamInUse { team: id.clone(), policies });
            }
            Ok(Some(Event::Team(id.clone(), TeamEvent::Deleted)))
        }
    }
}

fn check_etag(named: &EtagGuard, current: &str) -> Result<(), Refusal> {
    match named {
        Some(named) if named != current => Err(Refusal::EtagMismatch {
            named: named.clone(),
            current: current.to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// What depends on other things in the directory; everything else was checked where it came in.
fn check_policy(directory: &Directory, draft: &PolicyDraft) -> Result<(), Refusal> {
    let unknown = draft.approvers.teams.iter().find(|id| directory.team(id).is_none());
    match unknown {
        None => Ok(()),
        Some(id) => Err(Refusal::field(
            "approvers.teams",
            format!("the unknown team {id:?}", id = id.as_str()),
            "ids of teams that exist; create the team first, with `claimed` where credentials \
             name its members",
            "M1",
        )),
    }
}

fn check_team(draft: &TeamDraft) -> Result<(), Refusal> {
    if draft.claimed && !draft.members.is_empty() {
        return Err(Refusal::field(
            "members",
            format!("{} members of a claimed team", draft.members.len()),
            "no members: who is in a claimed team, credentials say",
            "D10",
        ));
    }
    Ok(())
}
