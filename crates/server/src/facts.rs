//! The facts of a fault, for machines: the metadata of its `ErrorInfo`. What each key means stands
//! with its reason in the proto files.

use std::fmt::Display;

use countersign_domain::ids::{CrNumber, CrPrefix, FreezeId, PolicyId, TaskId};
use countersign_domain::policy::NoPeriod;
use countersign_domain::refusal::NotNow;
use countersign_domain::{Instant, Refusal};
use countersign_engine::Failure;

use crate::fault::{Fault, names};

/// The states in which a task has neither started nor ended.
const OPEN_TASKS: &str = "PAUSED, CLEARED";

/// Keys and values.
pub(crate) type Facts = Vec<(&'static str, String)>;

/// All facts of a fault but the rule.
pub(crate) fn facts(fault: &Fault, prefix: &CrPrefix) -> Facts {
    match fault {
        Fault::Failed(failure) => failure_facts(failure, prefix),
        Fault::RoleRequired { allowed, found } => {
            let (allowed, found) = (names(allowed.iter()), names(found.iter()));
            let found = if found.is_empty() { "none" } else { &found };
            of(&[("allowed", &allowed), ("found", &found)])
        }
        Fault::UnknownMethod { method } => of(&[("method", method)]),
        Fault::MessageTooLarge { limit }
        | Fault::TooManyStreams { limit }
        | Fault::TooManyCalls { limit } => of(&[("limit", limit)]),
        Fault::TooManyCallsOfCaller { limit } => of(&[("limit", limit)]),
        Fault::Unauthenticated
        | Fault::TooManyBadLogins
        | Fault::IdentityProviderUnavailable
        | Fault::SecurityLogUnavailable
        | Fault::MalformedRequest
        | Fault::DeadlineExceeded => Vec::new(),
    }
}

fn failure_facts(failure: &Failure, prefix: &CrPrefix) -> Facts {
    match failure {
        Failure::Refused(refusal) => refusal_facts(refusal, prefix),
        Failure::LaneFull { lane, limit } => of(&[("lane", lane), ("limit", limit)]),
        Failure::TooManyMatches { limit } | Failure::ReaderTooSlow { limit } => {
            of(&[("limit", limit)])
        }
        Failure::SequenceOutOfRange { found, limit } => of(&[("found", found), ("limit", limit)]),
        Failure::TokenOfRestoredStore { found, head } => of(&[("found", found), ("head", head)]),
        Failure::StoreUnavailable
        | Failure::ShuttingDown
        | Failure::TokenMalformed
        | Failure::TokenOfAnotherStore
        | Failure::Internal => Vec::new(),
    }
}

fn refusal_facts(refusal: &Refusal, prefix: &CrPrefix) -> Facts {
    let cr = |number: &CrNumber| ("change_request", prefix.format(*number));
    match refusal {
        Refusal::OutsideGrant
        | Refusal::ScopeOutsideGrant { .. }
        | Refusal::CredentialEnded
        | Refusal::CannotDecide => Vec::new(),
        Refusal::AuthenticationTooOld { .. } => login_facts(refusal, prefix),
        Refusal::TokenIdTaken { token } => of(&[("token", token)]),
        Refusal::NotAnApprover { change_request }
        | Refusal::CreatorBlocked { change_request }
        | Refusal::NothingToRevoke { change_request } => vec![cr(change_request)],
        Refusal::ChangeRequestEnded {
            change_request,
            found,
        } => ended_facts(cr(change_request), found),
        Refusal::NothingCanStart { change_request } => {
            with(cr(change_request), &[("allowed", &OPEN_TASKS)])
        }
        Refusal::NotFound { what, id } => of(&[("kind", &what.replace(' ', "_")), ("id", id)]),
        Refusal::InvalidField {
            field,
            found,
            allowed,
            rule: _,
        } => of(&[("field", field), ("found", found), ("allowed", allowed)]),
        Refusal::WindowPast { end, now } => {
            of(&[("field", &"task.window.end"), ("end", end), ("now", now)])
        }
        Refusal::PolicyRequired {
            project,
            environment,
        } => of(&[("project", project), ("environment", environment)]),
        Refusal::CreatorRequired { policies } => {
            of(&[("field", &"task.creator"), ("policies", &list(policies))])
        }
        Refusal::TaskIdTaken { task }
        | Refusal::NotTheCreator { task }
        | Refusal::ClaimTaken { task } => of(&[("task", task)]),
        Refusal::PolicyIdTaken { policy } => of(&[("policy", policy)]),
        Refusal::TeamIdTaken { team } => of(&[("team", team)]),
        Refusal::FreezeIdTaken { freeze } => of(&[("freeze", freeze)]),
        Refusal::NoPeriod { policies, why } => no_period_facts(policies, why),
        Refusal::FreezeNotInForce { freeze, begins_at } => not_in_force_facts(freeze, begins_at),
        Refusal::RequestIdReused { request } => of(&[("request_id", request)]),
        Refusal::EtagMismatch {
            named,
            current: found,
        }
        | Refusal::DigestMismatch {
            named,
            expected: found,
        } => of(&[("named", named), ("found", found)]),
        Refusal::StartNotNow { task, cause } => start_facts(task, cause),
        Refusal::StartNever { task, found } | Refusal::OutcomeDiffers { task, found } => {
            of(&[("task", task), ("found", found)])
        }
        Refusal::NotWithdrawable { task, found } => {
            of(&[("task", task), ("found", found), ("allowed", &OPEN_TASKS)])
        }
        Refusal::NotRunning { task, found } => {
            of(&[("task", task), ("found", found), ("allowed", &"RUNNING")])
        }
        Refusal::TeamInUse { team, policies } => {
            of(&[("team", team), ("policies", &list(policies))])
        }
        Refusal::TooManyPolicies { found, limit } => of(&[("found", found), ("limit", limit)]),
        Refusal::ClockBehind { by_micros } => of(&[("behind_ms", &(by_micros / 1_000))]),
    }
}

fn start_facts(task: &TaskId, cause: &NotNow) -> Facts {
    match cause {
        NotNow::Held {
            waiting_for,
            freezes,
        } => {
            let waiting_for = waiting_for.name();
            let mut facts = of(&[
                ("task", task),
                ("found", &"HELD"),
                ("waiting_for", &waiting_for),
            ]);
            facts.extend((!freezes.is_empty()).then(|| ("freezes", list(freezes))));
            facts
        }
        NotNow::StaleGeneration { named, current } => of(&[
            ("task", task),
            ("found", &"STALE_GENERATION"),
            ("named_generation", named),
            ("generation", current),
        ]),
    }
}

fn not_in_force_facts(freeze: &FreezeId, begins_at: &Option<Instant>) -> Facts {
    let mut facts = of(&[("freeze", freeze)]);
    facts.extend(begins_at.map(|at| ("next_begins_at", at.to_string())));
    facts
}

fn ended_facts(change_request: (&'static str, String), found: &str) -> Facts {
    let allowed = "PENDING, APPROVED";
    with(change_request, &[("found", &found), ("allowed", &allowed)])
}

fn login_facts(refusal: &Refusal, prefix: &CrPrefix) -> Facts {
    let Refusal::AuthenticationTooOld {
        change_request,
        policy,
        auth_time,
        limit_micros,
    } = refusal
    else {
        return Vec::new();
    };
    let change_request = ("change_request", prefix.format(*change_request));
    let limit = limit_micros / 1_000_000;
    let mut facts = with(change_request, &[("policy", policy), ("limit", &limit)]);
    facts.extend(auth_time.map(|at| ("found", at.to_string())));
    facts
}

fn no_period_facts(policies: &[PolicyId], why: &NoPeriod) -> Facts {
    let (why, opens_at) = match why {
        NoPeriod::NeverOpen => ("NEVER_OPEN", None),
        NoPeriod::OutsideTaskWindow { opens_at } => ("OUTSIDE_TASK_WINDOW", Some(opens_at)),
        NoPeriod::TooMuchWork => ("TOO_MUCH_WORK", None),
    };
    let mut facts = of(&[("policies", &list(policies)), ("why", &why)]);
    facts.extend(opens_at.map(|at| ("next_opens_at", at.to_string())));
    facts
}

fn of(facts: &[(&'static str, &dyn Display)]) -> Facts {
    facts
        .iter()
        .map(|(key, value)| (*key, value.to_string()))
        .collect()
}

fn with(first: (&'static str, String), others: &[(&'static str, &dyn Display)]) -> Facts {
    let mut facts = vec![first];
    facts.extend(of(others));
    facts
}

fn list(ids: &[impl ToString]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}
