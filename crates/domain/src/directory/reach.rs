//! Whether a caller's grant reaches what a change of the directory would decide on.
//!
//! Policies and freezes bind tasks, so a limited grant changes only those whose scopes lie within
//! it, before and after. Teams belong to all policies: they take an unlimited grant.

use super::{Directory, DirectoryCommand};
use crate::access::Grant;
use crate::freeze::FreezeField;
use crate::ids::{FreezeId, PolicyId};
use crate::policy::{PolicyField, Scope};
use crate::refusal::Refusal;

/// Refuses a command beyond a grant. What lies wholly outside it looks as if it were not there.
pub(super) fn check_reach(
    directory: &Directory,
    command: &DirectoryCommand,
    grant: &Grant,
) -> Result<(), Refusal> {
    if grant.is_unlimited() {
        return Ok(());
    }
    match command {
        DirectoryCommand::CreatePolicy(draft) => covered(grant, &draft.scopes, "the policy"),
        DirectoryCommand::UpdatePolicy { draft, fields, .. } => {
            policy(directory, &draft.id, grant)?;
            if fields.contains(&PolicyField::Scopes) {
                covered(grant, &draft.scopes, "the policy")?;
            }
            Ok(())
        }
        DirectoryCommand::DeletePolicy { id, .. } => policy(directory, id, grant),
        DirectoryCommand::CreateFreeze(draft) => covered(grant, &draft.scopes, "the freeze"),
        DirectoryCommand::UpdateFreeze { draft, fields, .. } => {
            freeze(directory, &draft.id, grant)?;
            if fields.contains(&FreezeField::Scopes) {
                covered(grant, &draft.scopes, "the freeze")?;
            }
            Ok(())
        }
        DirectoryCommand::DeleteFreeze { id, .. } | DirectoryCommand::LiftFreeze { id, .. } => {
            freeze(directory, id, grant)
        }
        DirectoryCommand::CreateTeam(_)
        | DirectoryCommand::UpdateTeam { .. }
        | DirectoryCommand::DeleteTeam { .. } => Err(Refusal::ScopeOutsideGrant {
            what: "all policies that may name the team",
        }),
        // Judged by what the token itself may act on.
        DirectoryCommand::CreateToken(_) | DirectoryCommand::RevokeToken { .. } => Ok(()),
    }
}

fn policy(directory: &Directory, id: &PolicyId, grant: &Grant) -> Result<(), Refusal> {
    let scopes = directory.policy(id).map(|it| it.draft.scopes.as_slice());
    kept(grant, scopes, "policy", id.as_str(), "the policy")
}

fn freeze(directory: &Directory, id: &FreezeId, grant: &Grant) -> Result<(), Refusal> {
    let scopes = directory.freeze(id).map(|it| it.draft.scopes.as_slice());
    kept(grant, scopes, "freeze", id.as_str(), "the freeze")
}

fn kept(
    grant: &Grant,
    scopes: Option<&[Scope]>,
    kind: &'static str,
    id: &str,
    what: &'static str,
) -> Result<(), Refusal> {
    let seen = scopes.filter(|scopes| grant.touches_scopes(scopes));
    let scopes = seen.ok_or_else(|| Refusal::not_found(kind, id))?;
    covered(grant, scopes, what)
}

fn covered(grant: &Grant, scopes: &[Scope], what: &'static str) -> Result<(), Refusal> {
    if grant.covers_scopes(scopes) {
        Ok(())
    } else {
        Err(Refusal::ScopeOutsideGrant { what })
    }
}
