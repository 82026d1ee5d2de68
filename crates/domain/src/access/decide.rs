//! Decides what is asked about tokens.

use super::{Principal, PrincipalKind, Role, TokenDraft, TokenEvent};
use crate::Instant;
use crate::directory::Directory;
use crate::ids::TokenId;
use crate::log::Event;
use crate::refusal::Refusal;

/// The longest life of a token: 366 days, in microseconds.
pub const LONGEST_LIFE_MICROS: i64 = 366 * 86_400 * 1_000_000;
/// How many tokens may be live at a time; all of them are kept in memory.
pub const TOKENS_LIMIT: usize = 10_000;

/// Decides the creation of a token. `None` calls at the store itself, as its first tokens are made.
pub(crate) fn create_token(
    directory: &Directory,
    draft: &TokenDraft,
    caller: Option<&Principal>,
    now: Instant,
) -> Result<Event, Refusal> {
    if directory.token(&draft.id).is_some() {
        return Err(Refusal::TokenIdTaken {
            token: draft.id.clone(),
        });
    }
    check_draft(directory, draft, now)?;
    if caller.is_some_and(|caller| !caller.grant.includes(&draft.grant)) {
        return Err(Refusal::ScopeOutsideGrant {
            what: "what the token may act on",
        });
    }
    // A runner acts on every task that names it, wherever that is (P5).
    if draft.runner.is_some() && caller.is_some_and(|caller| !caller.grant.is_unlimited()) {
        return Err(Refusal::ScopeOutsideGrant {
            what: "all tasks that may name the runner",
        });
    }
    let live = directory.tokens_after(None).filter(|it| it.is_live(now));
    let found = live.count();
    if caller.is_some() && found >= TOKENS_LIMIT {
        let allowed = format!("at most {TOKENS_LIMIT} live tokens; revoke some");
        return Err(refused("id", format!("{found} live tokens"), &allowed));
    }
    let event = TokenEvent::Created {
        draft: Box::new(draft.clone()),
        by: caller.map(|caller| caller.person.clone()),
    };
    Ok(Event::Token(draft.id.clone(), event))
}

/// Decides a revocation. `None`: it was revoked before, or nobody can tell that it was not.
pub(crate) fn revoke_token(
    directory: &Directory,
    id: &TokenId,
    comment: &str,
    caller: Option<&Principal>,
) -> Result<Option<Event>, Refusal> {
    let token = directory.token(id).filter(|it| it.is_shown_to(caller));
    let token = token.ok_or_else(|| Refusal::not_found("token", id.as_str()))?;
    if token.revoked.is_some() {
        return Ok(None);
    }
    let event = TokenEvent::Revoked {
        comment: comment.to_owned(),
        by: caller.map(|caller| caller.person.clone()),
    };
    Ok(Some(Event::Token(id.clone(), event)))
}

fn check_draft(directory: &Directory, draft: &TokenDraft, now: Instant) -> Result<(), Refusal> {
    if draft.expires_at <= now {
        let found = format!("{}, which is past (it is {now})", draft.expires_at);
        return Err(refused("expires_at", found, "a later instant"));
    }
    if draft.expires_at.micros_since(now) > LONGEST_LIFE_MICROS {
        let found = draft.expires_at.to_string();
        return Err(refused("expires_at", found, "at most 366 days from now"));
    }
    if draft.kind == PrincipalKind::Person
        && let Some(role) = draft.roles.iter().find(|role| role.is_for_services())
    {
        let found = format!("the role {} of a person", role.name());
        return Err(refused("roles", found, "that role for a service only"));
    }
    if draft.runner.is_some() && !draft.roles.contains(&Role::Runner) {
        let found = "a runner's name without the role runner";
        return Err(refused("runner", found, "both, or no name"));
    }
    let mut same = directory.tokens_after(None);
    if same.any(|it| it.draft.person == draft.person && it.draft.kind != draft.kind) {
        let allowed = "one kind for all tokens of a subject: it is a person or a service";
        return Err(refused(
            "kind",
            "another kind than tokens of this subject have",
            allowed,
        ));
    }
    Ok(())
}

fn refused(field: &str, found: impl Into<String>, allowed: &str) -> Refusal {
    Refusal::field(format!("token.{field}"), found, allowed, "E1")
}
