//! What no policy and no team may lack.

use super::{Directory, EtagGuard, TeamDraft};
use crate::Instant;
use crate::calendar::{Found, Recurrence};
use crate::policy::{ChangeWindow, PolicyDraft, Scope, WINDOWS_LIMIT, calendar_of};
use crate::refusal::Refusal;

pub(crate) fn check_etag(named: &EtagGuard, current: &str) -> Result<(), Refusal> {
    match named {
        Some(named) if named != current => Err(Refusal::EtagMismatch {
            named: named.clone(),
            current: current.to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// What no policy may lack, also a disabled one, and what depends on the rest of the directory.
pub(super) fn check_policy(directory: &Directory, draft: &PolicyDraft) -> Result<(), Refusal> {
    let minimum = draft.minimum_approvals;
    let nobody = draft.approvers.users.is_empty() && draft.approvers.teams.is_empty();
    let only_windows = nobody && minimum == 0 && !draft.terms.windows.is_empty();
    if !only_windows && !(1..=99).contains(&minimum) {
        return Err(Refusal::field(
            "policy.minimum_approvals",
            minimum.to_string(),
            "1 to 99; nothing in a policy that has windows and no approvers",
            "M5",
        ));
    }
    if nobody && !only_windows {
        return Err(Refusal::field(
            "policy.approvers",
            "nobody",
            "at least one user or team; nobody in a policy that has windows and no minimum",
            "M5",
        ));
    }
    check_scopes("policy.scopes", &draft.scopes)?;
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

pub(super) fn check_team(draft: &TeamDraft) -> Result<(), Refusal> {
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

/// Refuses scopes that could match nothing, or leave open what they match (M2).
pub(crate) fn check_scopes(field: &str, scopes: &[Scope]) -> Result<(), Refusal> {
    if scopes.is_empty() || scopes.iter().any(Scope::has_an_empty_side) {
        let allowed = "scopes with ids, tags or `*` on both sides";
        return Err(Refusal::field(
            field,
            "an empty side, or none",
            allowed,
            "M2",
        ));
    }
    Ok(())
}

/// Refuses windows that can never be what they say (W3): the proof at save. `now` is when they are
/// said.
pub(super) fn check_windows(draft: &PolicyDraft, now: Instant) -> Result<(), Refusal> {
    let windows = &draft.terms.windows;
    if windows.is_empty() {
        if draft.terms.on_close.is_some() {
            let found = "a policy without windows";
            return Err(refused("on_close", found, "windows, or nothing here"));
        }
        return Ok(());
    }
    if windows.len() > WINDOWS_LIMIT {
        let allowed = format!("at most {WINDOWS_LIMIT}");
        return Err(refused("windows", &windows.len().to_string(), &allowed));
    }
    for (index, window) in windows.iter().enumerate() {
        check_window(&format!("windows[{index}]"), window, now)?;
    }
    let calendar = calendar_of(std::iter::once(windows.as_slice()));
    match calendar.first_after(now) {
        Found::Period(_) => Ok(()),
        Found::None => {
            let found = format!("windows of which none opens after {now}");
            Err(refused(
                "windows",
                &found,
                "one that opens within ten years",
            ))
        }
        Found::TooMuchWork => {
            let found = "windows that take too long to look through";
            Err(refused("windows", found, "fewer or simpler ones"))
        }
    }
}

fn check_window(field: &str, window: &ChangeWindow, now: Instant) -> Result<(), Refusal> {
    match window {
        ChangeWindow::Once(period) if period.is_too_short() => {
            let found = format!("{} to {}", period.start, period.end);
            let allowed = "an end at least 1 minute after the start";
            Err(refused(&format!("{field}.once"), &found, allowed))
        }
        ChangeWindow::Once(_) => Ok(()),
        ChangeWindow::Recurring(recurrence) => {
            check_recurrence(&format!("{field}.recurring"), recurrence, now)
        }
    }
}

fn check_recurrence(field: &str, recurrence: &Recurrence, now: Instant) -> Result<(), Refusal> {
    if recurrence.never_fires(now) {
        let found = format!("{recurrence}, which never comes");
        return Err(refused(
            field,
            &found,
            "a cron expression that comes within ten years",
        ));
    }
    Ok(())
}

fn refused(field: &str, found: &str, allowed: &str) -> Refusal {
    Refusal::field(format!("policy.{field}"), found, allowed, "W3")
}
