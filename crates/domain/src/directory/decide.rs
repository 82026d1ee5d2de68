//! Decides what people ask of the directory.

use std::collections::BTreeSet;

use super::{
    Directory, DirectoryCommand, EtagGuard, PolicyEvent, Team, TeamDraft, TeamEvent, TeamField,
};
use crate::ids::{PolicyId, TeamId};
use crate::log::Event;
use crate::policy::{Policy, PolicyDraft, PolicyField, Scope};
use crate::refusal::Refusal;

/// Decides one command. `None`: nothing would change.
pub fn decide(directory: &Directory, command: &DirectoryCommand) -> Result<Option<Event>, Refusal> {
    match command {
        DirectoryCommand::CreatePolicy(draft) => create_policy(directory, draft).map(Some),
        DirectoryCommand::UpdatePolicy {
            draft,
            fields,
            etag,
        } => update_policy(directory, draft, fields, etag),
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
    }
}

fn create_policy(directory: &Directory, draft: &PolicyDraft) -> Result<Event, Refusal> {
    if directory.policy(&draft.id).is_some() {
        return Err(Refusal::PolicyIdTaken {
            policy: draft.id.clone(),
        });
    }
    check_policy(directory, draft)?;
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
) -> Result<Option<Event>, Refusal> {
    let policy = known_policy(directory, &draft.id)?;
    check_etag(etag, &policy.etag())?;
    let mut next = policy.draft.clone();
    next.merge(draft.clone(), fields);
    check_policy(directory, &next)?;
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

fn check_etag(named: &EtagGuard, current: &str) -> Result<(), Refusal> {
    match named {
        Some(named) if named != current => Err(Refusal::EtagMismatch {
            named: named.clone(),
            current: current.to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// What no policy may lack, also a disabled one, and what depends on the rest of the directory.
fn check_policy(directory: &Directory, draft: &PolicyDraft) -> Result<(), Refusal> {
    let minimum = draft.minimum_approvals;
    if !(1..=99).contains(&minimum) {
        return Err(Refusal::field(
            "policy.minimum_approvals",
            minimum.to_string(),
            "1 to 99",
            "M5",
        ));
    }
    if draft.approvers.users.is_empty() && draft.approvers.teams.is_empty() {
        return Err(Refusal::field(
            "policy.approvers",
            "nobody",
            "at least one user or team",
            "M1",
        ));
    }
    if draft.scopes.is_empty() || draft.scopes.iter().any(Scope::has_an_empty_side) {
        let allowed = "scopes with ids, tags or `*` on both sides";
        return Err(Refusal::field(
            "policy.scopes",
            "an empty side, or none",
            allowed,
            "M2",
        ));
    }
    let unknown = draft
        .approvers
        .teams
        .iter()
        .find(|id| directory.team(id).is_none());
    match unknown {
        None => Ok(()),
        Some(id) => Err(Refusal::field(
            "policy.approvers.teams",
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
            "team.members",
            format!("{} members of a claimed team", draft.members.len()),
            "no members: who is in a claimed team, credentials say",
            "D10",
        ));
    }
    Ok(())
}
