//! Decides what people ask of the directory.

use std::collections::BTreeSet;

use super::check::{check_etag, check_policy, check_team, check_windows};
use super::reach::check_reach;
use super::{
    Directory, DirectoryCommand, EtagGuard, PolicyEvent, Team, TeamDraft, TeamEvent, TeamField,
};
use crate::Instant;
use crate::access::{Principal, create_token, revoke_token};
use crate::freeze::{create_freeze, delete_freeze, lift_freeze, update_freeze};
use crate::ids::{PolicyId, TeamId};
use crate::log::Event;
use crate::policy::{Policy, PolicyDraft, PolicyField};
use crate::refusal::Refusal;

/// Decides one command. `None`: nothing would change. Without a caller it is the program that asks.
pub fn decide(
    directory: &Directory,
    command: &DirectoryCommand,
    caller: Option<&Principal>,
    now: Instant,
) -> Result<Option<Event>, Refusal> {
    if let Some(caller) = caller {
        check_reach(directory, command, &caller.grant)?;
    }
    match command {
        DirectoryCommand::CreatePolicy(draft) => create_policy(directory, draft, now).map(Some),
        DirectoryCommand::UpdatePolicy {
            draft,
            fields,
            etag,
        } => update_policy(directory, draft, fields, etag, now),
        DirectoryCommand::DeletePolicy { id, etag } => {
            let policy = known_policy(directory, id)?;
            check_etag(etag, &policy.etag())?;
            Ok(Some(Event::Policy(id.clone(), PolicyEvent::Deleted)))
        }
        DirectoryCommand::CreateTeam(draft) => create_team(directory, draft).map(Some),
        DirectoryCommand::UpdateTeam {
            draft,
            fields,
            etag,
        } => update_team(directory, draft, fields, etag),
        DirectoryCommand::DeleteTeam { id, etag } => delete_team(directory, id, etag).map(Some),
        DirectoryCommand::CreateFreeze(draft) => create_freeze(directory, draft, now).map(Some),
        DirectoryCommand::UpdateFreeze {
            draft,
            fields,
            etag,
        } => update_freeze(directory, draft, fields, etag, now),
        DirectoryCommand::DeleteFreeze { id, etag } => {
            delete_freeze(directory, id, etag, now).map(Some)
        }
        DirectoryCommand::LiftFreeze { id, comment, etag } => {
            lift_freeze(directory, id, comment, etag, now)
        }
        DirectoryCommand::CreateToken(draft) => {
            create_token(directory, draft, caller, now).map(Some)
        }
        DirectoryCommand::RevokeToken { id, comment } => {
            revoke_token(directory, id, comment, caller)
        }
    }
}

fn create_policy(
    directory: &Directory,
    draft: &PolicyDraft,
    now: Instant,
) -> Result<Event, Refusal> {
    if directory.policy(&draft.id).is_some() {
        return Err(Refusal::PolicyIdTaken {
            policy: draft.id.clone(),
        });
    }
    check_policy(directory, draft)?;
    check_windows(draft, now)?;
    let event = PolicyEvent::Created {
        draft: Box::new(draft.clone()),
    };
    Ok(Event::Policy(draft.id.clone(), event))
}

fn update_policy(
    directory: &Directory,
    draft: &PolicyDraft,
    fields: &BTreeSet<PolicyField>,
    etag: &EtagGuard,
    now: Instant,
) -> Result<Option<Event>, Refusal> {
    let policy = known_policy(directory, &draft.id)?;
    check_etag(etag, &policy.etag())?;
    let mut next = policy.draft.clone();
    next.merge(draft.clone(), fields);
    check_policy(directory, &next)?;
    // What lies in the past by now may stay, so that the rest of the policy can still be changed.
    if next.terms.windows != policy.draft.terms.windows
        || next.terms.on_close != policy.draft.terms.on_close
    {
        check_windows(&next, now)?;
    }
    let event = PolicyEvent::Updated {
        draft: Box::new(next.clone()),
    };
    Ok((next != policy.draft).then(|| Event::Policy(draft.id.clone(), event)))
}

fn create_team(directory: &Directory, draft: &TeamDraft) -> Result<Event, Refusal> {
    if directory.team(&draft.id).is_some() {
        return Err(Refusal::TeamIdTaken {
            team: draft.id.clone(),
        });
    }
    check_team(draft)?;
    let event = TeamEvent::Created {
        draft: Box::new(draft.clone()),
    };
    Ok(Event::Team(draft.id.clone(), event))
}

fn update_team(
    directory: &Directory,
    draft: &TeamDraft,
    fields: &BTreeSet<TeamField>,
    etag: &EtagGuard,
) -> Result<Option<Event>, Refusal> {
    let team = known_team(directory, &draft.id)?;
    check_etag(etag, &team.etag())?;
    let mut next = team.draft.clone();
    next.merge(draft.clone(), fields);
    check_team(&next)?;
    let event = TeamEvent::Updated {
        draft: Box::new(next.clone()),
    };
    Ok((next != team.draft).then(|| Event::Team(draft.id.clone(), event)))
}

fn delete_team(directory: &Directory, id: &TeamId, etag: &EtagGuard) -> Result<Event, Refusal> {
    let team = known_team(directory, id)?;
    check_etag(etag, &team.etag())?;
    let names_it = directory
        .policies()
        .filter(|policy| policy.draft.approvers.teams.contains(id))
        .map(|policy| policy.draft.id.clone());
    let policies: Vec<_> = names_it.take(10).collect();
    if policies.is_empty() {
        Ok(Event::Team(id.clone(), TeamEvent::Deleted))
    } else {
        Err(Refusal::TeamInUse {
            team: id.clone(),
            policies,
        })
    }
}

fn known_policy<'a>(directory: &'a Directory, id: &PolicyId) -> Result<&'a Policy, Refusal> {
    let found = directory.policy(id).map(AsRef::as_ref);
    found.ok_or_else(|| Refusal::not_found("policy", id.as_str()))
}

fn known_team<'a>(directory: &'a Directory, id: &TeamId) -> Result<&'a Team, Refusal> {
    let found = directory.team(id).map(AsRef::as_ref);
    found.ok_or_else(|| Refusal::not_found("team", id.as_str()))
}
