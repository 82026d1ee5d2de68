//! The creation of a task within a batch: a repeat, a task that joins a change request, or one that
//! opens a fresh one.

use super::Answer;
use super::run::{Stop, case_answer, forget_request, happen, quarantine, settle_only};
use super::session::{Session, broken};
use crate::access::Principal;
use crate::change_request::{CreateTask, create, may_join};
use crate::ids::CrNumber;
use crate::log::Cause;
use crate::refusal::Refusal;

pub(super) fn create_task(
    session: &mut Session<'_>,
    command: &CreateTask,
    caller: &Principal,
    cause: Cause,
) -> Result<Answer, Stop> {
    let spec = &command.spec;
    if !caller.grant.covers(&spec.project, &spec.environment) {
        return Err(Refusal::OutsideGrant.into());
    }
    if let Some(number) = session.set.holders.get(&spec.id).copied() {
        return existing_task(session, number, command, caller);
    }
    if command.directory_revision != session.context.directory.matching_revision() {
        return Err(Stop::Stale);
    }
    let context = session.context;
    let shared = shared_case(session, command)?;
    let next = CrNumber(session.set.head.change_requests_given + 1);
    let [first, created] = create(
        command,
        shared.and_then(|number| session.set.cases.get(&number)),
        next,
        context.settings.require_policy,
        context.now,
    )?;
    let number = shared.unwrap_or(next);
    let mark = session.mark(number);
    // The mark of the call is on the entry of the task, by which a repeat finds both.
    let mut opening = cause.clone();
    forget_request(&mut opening);
    let opened = match shared {
        Some(_) => session.emit(&first, opening).map(|_| ()),
        None => session.open_case(&first, &command.resultant, opening),
    };
    let made = opened
        .map_err(|edge| broken(number, &edge))
        .and_then(|()| happen(session, number, &[created], cause));
    if let Err(violation) = made {
        if shared.is_some() {
            return Err(quarantine(session, number, mark, violation));
        }
        // The number is free again, so nothing is there to be closed.
        session.take_back(number, mark);
        return Err(Stop::Broken(violation));
    }
    case_answer(session, number, Some(spec.id.clone())).ok_or(Stop::Stale)
}

/// The change request that a task joins (S2): the newest one that its key finds, if it may. What is
/// in quarantine is left alone.
fn shared_case(session: &mut Session<'_>, command: &CreateTask) -> Result<Option<CrNumber>, Stop> {
    let key = command.sharing_key.as_ref();
    let found = key.and_then(|key| session.set.shared.get(key).copied());
    let Some(number) = found.filter(|number| !session.set.quarantine.contains(number)) else {
        return Ok(None);
    };
    settle_only(session, number)?;
    let case = session.set.cases.get(&number);
    let joins = case.is_some_and(|case| may_join(case, command));
    Ok(joins.then_some(number))
}

/// A task id that is there already: the same content is a repeat, at any time (C2).
fn existing_task(
    session: &mut Session<'_>,
    number: CrNumber,
    command: &CreateTask,
    caller: &Principal,
) -> Result<Answer, Stop> {
    let id = &command.spec.id;
    let found = session
        .set
        .cases
        .get(&number)
        .and_then(|case| case.tasks.get(id));
    let Some(spec) = found.map(|task| &task.content.spec) else {
        return Err(Refusal::OutsideGrant.into());
    };
    if !caller.grant.covers(&spec.project, &spec.environment) {
        return Err(Refusal::OutsideGrant.into());
    }
    if *spec != command.spec {
        return Err(Refusal::TaskIdTaken { task: id.clone() }.into());
    }
    settle_only(session, number)?;
    case_answer(session, number, Some(id.clone())).ok_or(Stop::Stale)
}
