//! What is worth a second look about the windows of policies: the part of the proof at save that
//! depends on other policies and on freezes (W3, W4, F1).

use std::sync::Arc;

use super::{Policy, PolicyDraft, Warning, calendar_of, scopes_may_overlap};
use crate::Instant;
use crate::calendar::{Calendar, Found, Period, Source};
use crate::freeze::{Freeze, FreezeDraft};
use crate::ids::FreezeId;

/// How many other policies are looked at; each may take milliseconds.
const POLICIES_LIMIT: usize = 200;
/// How many of their periods, in all.
const PERIODS_LIMIT: usize = 20_000;
/// By how many of a policy's periods the freezes are found that a warning names.
const NAMED_BY: usize = 8;
/// How far ahead windows are compared with freezes.
const YEAR_MICROS: i64 = 366 * 86_400 * 1_000_000;

/// The warnings about the windows of a policy that is being saved, among these policies and
/// freezes.
pub fn window_warnings(
    policy: &PolicyDraft,
    others: &[Arc<Policy>],
    freezes: &[Arc<Freeze>],
    now: Instant,
) -> Vec<Warning> {
    let windows = policy.terms.windows.as_slice();
    let past = windows.iter().enumerate().filter(|(_, it)| it.is_past(now));
    let mut found: Vec<Warning> = past
        .map(|(index, _)| Warning::WindowPast {
            policy: policy.id.clone(),
            index,
        })
        .collect();
    if windows.is_empty() || policy.disabled {
        return found;
    }
    let meeting = others
        .iter()
        .map(|other| &other.draft)
        .filter(|other| other.id != policy.id && has_windows(other))
        .filter(|other| scopes_may_overlap(&policy.scopes, &other.scopes));
    for other in meeting.take(POLICIES_LIMIT) {
        let both = [windows, other.terms.windows.as_slice()];
        // What takes too long to look through is refused as well when a task is created.
        if !matches!(
            calendar_of(both.into_iter()).first_after(now),
            Found::Period(_)
        ) {
            found.push(Warning::WindowsNeverMeet {
                policy: policy.id.clone(),
                other: other.id.clone(),
            });
        }
    }
    let freezes: Vec<&FreezeDraft> = freezes.iter().map(|freeze| &freeze.draft).collect();
    let mut left = PERIODS_LIMIT;
    found.extend(inside_freezes(policy, &freezes, now, &mut left));
    found
}

/// The warnings about a freeze that is being saved, among these policies and the other freezes.
pub fn freeze_warnings(
    freeze: &FreezeDraft,
    policies: &[Arc<Policy>],
    freezes: &[Arc<Freeze>],
    now: Instant,
) -> Vec<Warning> {
    let others = freezes.iter().map(|other| &other.draft);
    let others = others.filter(|other| other.id != freeze.id);
    let all: Vec<&FreezeDraft> = others.chain([freeze]).collect();
    let concerned = policies
        .iter()
        .map(|policy| &policy.draft)
        .filter(|policy| has_windows(policy) && holds(freeze, policy));
    let mut left = PERIODS_LIMIT;
    concerned
        .take(POLICIES_LIMIT)
        .filter_map(|policy| inside_freezes(policy, &all, now, &mut left))
        .collect()
}

fn has_windows(policy: &PolicyDraft) -> bool {
    !policy.disabled && !policy.terms.windows.is_empty()
}

/// Whether a freeze recurs and may hold tasks that a policy matches.
fn holds(freeze: &FreezeDraft, policy: &PolicyDraft) -> bool {
    freeze.recurrence.is_some() && scopes_may_overlap(&freeze.scopes, &policy.scopes)
}

/// Warns where every period within the next year lies inside recurring freezes. Not where there are
/// more periods than are left to be looked at.
fn inside_freezes(
    policy: &PolicyDraft,
    freezes: &[&FreezeDraft],
    now: Instant,
    left: &mut usize,
) -> Option<Warning> {
    let holding: Vec<&&FreezeDraft> = freezes.iter().filter(|it| holds(it, policy)).collect();
    let sources: Vec<Source> = holding.iter().filter_map(|it| it.source()).collect();
    if sources.is_empty() {
        return None;
    }
    let frozen = Calendar::new(vec![sources]);
    let until = now.plus_micros(YEAR_MICROS).unwrap_or(Instant::LAST);
    let windows = calendar_of(std::iter::once(policy.terms.windows.as_slice()));
    let mut holding_on = frozen.periods_after(now);
    let mut held = holding_on.next()?;
    let mut any = false;
    for period in windows.periods_after(now).take_while(|it| it.start < until) {
        any = true;
        while held.end <= period.start {
            held = holding_on.next()?;
        }
        *left = left.checked_sub(1)?;
        if period.start < held.start || held.end < period.end {
            return None;
        }
    }
    any.then(|| Warning::WindowsInsideFreezes {
        policy: policy.id.clone(),
        freezes: those_that_hold(&holding, &windows, now),
    })
}

/// The freezes that are in force in one of the first periods, by id.
fn those_that_hold(freezes: &[&&FreezeDraft], windows: &Calendar, now: Instant) -> Vec<FreezeId> {
    let first = windows.periods_after(now).take(NAMED_BY);
    let first: Vec<Period> = first.collect();
    let in_force = |calendar: &Calendar, period: &Period| match calendar.first_after(period.start) {
        Found::Period(found) => found.start < period.end,
        Found::None | Found::TooMuchWork => false,
    };
    let holds = |freeze: &&&&FreezeDraft| {
        let calendar = freeze.calendar();
        first.iter().any(|period| in_force(&calendar, period))
    };
    let mut ids: Vec<FreezeId> = freezes
        .iter()
        .filter(holds)
        .map(|it| it.id.clone())
        .collect();
    ids.sort();
    ids
}
