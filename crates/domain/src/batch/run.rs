//! Runs a batch: settle, decide, settle, apply, command by command.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::create::create_task;
use super::directory::{accept_clock, change_directory, remember_sweep};
use super::session::{Mark, Session, broken, number_of};
use super::{Action, Answer, Changes, Command, Context, Reply, WorkingSet};
use crate::Instant;
use crate::access::{CredentialKind, Principal};
use crate::change_request::{Case, Recheck, approve, reject, revoke};
use crate::ids::{CrNumber, CrRef, FreezeId, TaskId, TokenId};
use crate::invariants::{self, Violation};
use crate::log::{AggregateKey, Cause, Entry, Event, Head};
use crate::refusal::Refusal;
use crate::task::{FinishTask, StartTask, TaskEvent, WithdrawTask, finish, start, withdraw};

/// What a batch leaves: entries and rows to write, an answer per command, and the new head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// To append, in order.
    pub entries: Vec<Entry>,
    /// To write.
    pub changes: Changes,
    /// One for each command, in order.
    pub replies: Vec<Reply>,
    /// The newest entry after the batch.
    pub head: Head,
    /// Change requests that nothing is decided on any more.
    pub quarantine: BTreeSet<CrNumber>,
}

/// How many entries a batch may leave before the commands that are left are deferred. One command
/// on a change request that many tasks share can leave thousands, and all of them are made while
/// the store's write lock is held.
const ENTRIES_LIMIT: usize = 4_096;

/// Runs commands against a working set that holds what [`super::Wanted`] asked for.
pub fn run(set: WorkingSet, commands: &[Command], context: Context<'_>) -> Outcome {
    let mut session = Session::new(set, context);
    let replies = commands
        .iter()
        .map(|command| {
            if session.entries.len() < ENTRIES_LIMIT {
                one(&mut session, command)
            } else {
                Reply::Deferred
            }
        })
        .collect();
    let quarantine = session.set.quarantine.clone();
    let (entries, changes, head) = session.finish();
    Outcome {
        entries,
        changes,
        replies,
        head,
        quarantine,
    }
}

/// How deciding one command can end other than with an answer.
pub(super) enum Stop {
    Refused(Refusal),
    Stale,
    Broken(Violation),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn one(session: &mut Session<'_>, command: &Command) -> Reply {
    if let Some(caller) = &command.caller
        && let Err(refusal) = check_credential(session, caller)
    {
        return Reply::Refused(refusal);
    }
    let answered = match repeated(session, command) {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => decide(session, command),
        Err(refusal) => Err(Stop::Refused(refusal)),
    };
    match answered {
        Ok(answer) => Reply::Done(answer),
        Err(Stop::Refused(refusal)) => Reply::Refused(refusal),
        Err(Stop::Stale) => Reply::Stale,
        Err(Stop::Broken(violation)) => Reply::Broken(violation),
    }
}

/// Refuses a caller whose credential has ended since it was looked at. Under the lock no token is
/// good any more once its revocation was answered, on whichever replica.
fn check_credential(session: &Session<'_>, caller: &Principal) -> Result<(), Refusal> {
    let Context {
        now,
        clock,
        directory,
        ..
    } = session.context;
    let revoked = match caller.credential.kind {
        CredentialKind::ApiToken => {
            let id = TokenId::from_stored(caller.credential.id.clone());
            directory.token(&id).is_none_or(|token| !token.is_live(now))
        }
        CredentialKind::InsecureDev | CredentialKind::Oidc | CredentialKind::Mtls => false,
    };
    // The end of what others vouch for is told by the clock itself: after a false jump forward the
    // log is ahead of it for a while, and people must get in all the same (K2).
    if revoked || caller.expires_at.is_some_and(|end| end <= clock.min(now)) {
        return Err(Refusal::CredentialEnded);
    }
    Ok(())
}

/// The answer to a call that was made before, if this is one (I-22).
fn repeated(session: &mut Session<'_>, command: &Command) -> Result<Option<Answer>, Refusal> {
    let (Some(caller), Some(mark)) = (&command.caller, &command.request) else {
        return Ok(None);
    };
    let key = (caller.person.clone(), mark.id.clone());
    let Some(known) = session.set.requests.get(&key).cloned() else {
        return Ok(None);
    };
    if known.digest != mark.digest {
        return Err(Refusal::RequestIdReused {
            request: mark.id.clone(),
        });
    }
    let directory = session.context.directory;
    let answer = match &known.aggregate {
        AggregateKey::ChangeRequest(_) | AggregateKey::Task(_) => {
            let task = match &known.aggregate {
                AggregateKey::Task(id) => Some(id.clone()),
                AggregateKey::ChangeRequest(_)
                | AggregateKey::Store
                | AggregateKey::Policy(_)
                | AggregateKey::Team(_)
                | AggregateKey::Freeze(_)
                | AggregateKey::Token(_) => None,
            };
            // Another credential of the same person may cover less: it goes on, and is refused.
            let case = number_of(&session.set, &known.aggregate)
                .and_then(|number| session.set.cases.get(&number))
                .filter(|case| case.is_covered_by(caller));
            case.and_then(|case| case_answer(session, case.number(), task))
        }
        // The same here: what the credential does not reach is not shown by a repeat either.
        AggregateKey::Policy(id) => match directory.policy(id) {
            None => Some(Answer::PolicyDeleted),
            Some(policy) => Some(policy)
                .filter(|it| caller.grant.touches_scopes(&it.draft.scopes))
                .map(|it| Answer::Policy(Arc::clone(it))),
        },
        AggregateKey::Freeze(id) => match directory.freeze(id) {
            None => Some(Answer::FreezeDeleted),
            Some(freeze) => Some(freeze)
                .filter(|it| caller.grant.touches_scopes(&it.draft.scopes))
                .map(|it| Answer::Freeze(Arc::clone(it))),
        },
        AggregateKey::Team(id) => Some(directory.team(id).map_or_else(
            || Answer::TeamDeleted {
                id: id.clone(),
                incarnation: 0,
            },
            |team| Answer::Team(Arc::clone(team)),
        )),
        AggregateKey::Token(id) => directory
            .token(id)
            .map(|token| Answer::Token(Arc::clone(token))),
        AggregateKey::Store => Some(Answer::ClockAccepted {
            until: session.set.head.clock_accepted_until,
        }),
    };
    Ok(answer)
}

/// The one place where a command is decided.
fn decide(session: &mut Session<'_>, command: &Command) -> Result<Answer, Stop> {
    let caller = match (&command.action, &command.caller) {
        (Action::Settle { number, due_at }, _) => return settle_due(session, *number, *due_at),
        (Action::Sweep(sweep), _) => return remember_sweep(session, sweep),
        (Action::Directory(change), None) if change.needs_no_caller() => {
            return change_directory(session, change, None, Cause::Program);
        }
        (_, Some(caller)) => caller,
        (_, None) => return Err(Refusal::CannotDecide.into()),
    };
    let cause = Cause::call(caller, command.request.clone());
    match &command.action {
        Action::Create(create) => create_task(session, create, caller, cause),
        Action::Approve(approval) => {
            let number = visible_case(session, &approval.target, caller)?;
            on_case(session, number, None, cause, |case, context| {
                let event = approve(case, approval, caller, context.directory, context.now)?;
                Ok(event
                    .map(|event| Event::ChangeRequest(number, event))
                    .into_iter()
                    .collect())
            })
        }
        Action::Reject(rejection) => {
            let number = visible_case(session, &rejection.target, caller)?;
            on_case(session, number, None, cause, |case, context| {
                Ok(reject(case, rejection, caller, context.directory)?)
            })
        }
        Action::Revoke(revocation) => {
            let number = visible_case(session, &revocation.target, caller)?;
            on_case(session, number, None, cause, |case, _| {
                let event = revoke(case, revocation, caller)?;
                Ok(event
                    .map(|event| Event::ChangeRequest(number, event))
                    .into_iter()
                    .collect())
            })
        }
        Action::Withdraw(withdrawal) => withdraw_task(session, withdrawal, caller, cause),
        Action::Start(claim) => start_task(session, claim, caller, cause),
        Action::Finish(report) => finish_task(session, report, caller, cause),
        Action::Directory(change) => change_directory(session, change, Some(caller), cause),
        Action::AcceptClock { comment } => accept_clock(session, comment, cause),
        Action::Settle { number, due_at } => settle_due(session, *number, *due_at),
        Action::Sweep(sweep) => remember_sweep(session, sweep),
    }
}

pub(super) fn settle_only(session: &mut Session<'_>, number: CrNumber) -> Result<Answer, Stop> {
    settle_due(session, number, None)
}

fn settle_due(
    session: &mut Session<'_>,
    number: CrNumber,
    due_at: Option<Instant>,
) -> Result<Answer, Stop> {
    settle_with(session, number, Recheck::AtThreshold, due_at)
}

fn settle_with(
    session: &mut Session<'_>,
    number: CrNumber,
    recheck: Recheck,
    due_at: Option<Instant>,
) -> Result<Answer, Stop> {
    check_open(session, number)?;
    let mark = session.mark(number);
    match session.settle(number, recheck, &Cause::Time { due_at }) {
        Ok(()) => Ok(Answer::Settled),
        Err(violation) => Err(quarantine(session, number, mark, violation)),
    }
}

/// Refuses what concerns a change request in quarantine.
fn check_open(session: &Session<'_>, number: CrNumber) -> Result<(), Stop> {
    if session.set.quarantine.contains(&number) {
        return Err(Stop::Broken(Violation::quarantined(number)));
    }
    Ok(())
}

/// Takes back what broke an invariant, and closes its change request: no grant ever.
pub(super) fn quarantine(
    session: &mut Session<'_>,
    number: CrNumber,
    mark: Mark,
    violation: Violation,
) -> Stop {
    session.take_back(number, mark);
    session.set.quarantine.insert(number);
    Stop::Broken(violation)
}

/// Settles, decides, makes the events happen, settles again. What settling did before a refusal
/// stays; what breaks an invariant is taken back.
fn on_case(
    session: &mut Session<'_>,
    number: CrNumber,
    task: Option<TaskId>,
    cause: Cause,
    verb: impl Fn(&Case, &Context<'_>) -> Result<Vec<Event>, Stop>,
) -> Result<Answer, Stop> {
    settle_only(session, number)?;
    let Some(case) = session.set.cases.get(&number) else {
        return Err(Refusal::not_found("change request", &number.0.to_string()).into());
    };
    let decided = verb(case, &session.context);
    let mark = session.mark(number);
    let events = match decided {
        Err(Stop::Broken(violation)) => return Err(quarantine(session, number, mark, violation)),
        other => other?,
    };
    if let Err(violation) = happen(session, number, &events, cause) {
        return Err(quarantine(session, number, mark, violation));
    }
    case_answer(session, number, task)
        .ok_or_else(|| Refusal::not_found("change request", &number.0.to_string()).into())
}

/// Makes the events of one call happen, and settles. The mark of the call is on the first entry.
pub(super) fn happen(
    session: &mut Session<'_>,
    number: CrNumber,
    events: &[Event],
    mut cause: Cause,
) -> Result<(), Violation> {
    for event in events {
        session
            .emit(event, cause.clone())
            .map_err(|edge| broken(number, &edge))?;
        forget_request(&mut cause);
    }
    forget_request(&mut cause);
    session.settle(number, Recheck::AtThreshold, &cause)
}

pub(super) fn forget_request(cause: &mut Cause) {
    if let Cause::Call { request, .. } = cause {
        *request = None;
    }
}

fn withdraw_task(
    session: &mut Session<'_>,
    command: &WithdrawTask,
    caller: &Principal,
    cause: Cause,
) -> Result<Answer, Stop> {
    on_task(session, &command.task, caller, cause, |case, _| {
        let task = task_of(case, &command.task)?;
        Ok(withdraw(task, command, caller)?)
    })
}

fn start_task(
    session: &mut Session<'_>,
    command: &StartTask,
    caller: &Principal,
    cause: Cause,
) -> Result<Answer, Stop> {
    let behind = session.set.head.clock_behind_micros(session.context.clock);
    let number = visible_task(session, &command.task, caller)?;
    let case = session.set.cases.get(&number);
    if case.is_some_and(|case| case.resultant.recheck_approvers()) {
        settle_only(session, number)?;
        settle_with(session, number, Recheck::AtStart, None)?;
    }
    on_task(session, &command.task, caller, cause, |case, context| {
        let task = task_of(case, &command.task)?;
        let holding = context
            .directory
            .freezes_on(&task.content.spec, context.now);
        let freezes: Vec<FreezeId> = holding.map(|freeze| freeze.draft.id.clone()).collect();
        let granted = start(task, command, caller, behind, &freezes)?;
        if granted.is_some() && !invariants::may_start_at(task, context.directory, context.now) {
            let name = "I-05 a start lies in its window and under no freeze";
            return Err(Stop::Broken(Violation {
                name,
                subject: format!("task {}", task.id()),
            }));
        }
        Ok(granted)
    })
}

fn finish_task(
    session: &mut Session<'_>,
    command: &FinishTask,
    caller: &Principal,
    cause: Cause,
) -> Result<Answer, Stop> {
    on_task(session, &command.task, caller, cause, |case, _| {
        let task = task_of(case, &command.task)?;
        Ok(finish(task, command, caller)?)
    })
}

/// Decides a verb on one task, within its change request.
fn on_task(
    session: &mut Session<'_>,
    id: &TaskId,
    caller: &Principal,
    cause: Cause,
    verb: impl Fn(&Case, &Context<'_>) -> Result<Option<TaskEvent>, Stop>,
) -> Result<Answer, Stop> {
    let number = visible_task(session, id, caller)?;
    on_case(session, number, Some(id.clone()), cause, |case, context| {
        let event = verb(case, context)?;
        Ok(event
            .map(|event| Event::Task(id.clone(), event))
            .into_iter()
            .collect())
    })
}

pub(super) fn case_answer(
    session: &Session<'_>,
    number: CrNumber,
    task: Option<TaskId>,
) -> Option<Answer> {
    let case = session.set.cases.get(&number)?;
    Some(Answer::Case {
        case: Arc::new(case.clone()),
        task,
        now: session.context.now,
    })
}

/// The change request a caller names, if it exists and their grant covers it.
fn visible_case(
    session: &Session<'_>,
    target: &CrRef,
    caller: &Principal,
) -> Result<CrNumber, Refusal> {
    let set = &session.set;
    let (number, refusal) = match target {
        CrRef::Number(number) => (
            Some(*number),
            Refusal::not_found("change request", &number.0.to_string()),
        ),
        CrRef::Task(id) => (set.holders.get(id).copied(), Refusal::task_not_found(id)),
    };
    let case = number
        .and_then(|number| set.cases.get(&number))
        .filter(|case| case.is_covered_by(caller));
    case.map(Case::number).ok_or(refusal)
}

/// The change request of the task a caller names, if it exists and is open to them: their grant
/// covers it, or the task names the runner they speak for (P5).
fn visible_task(
    session: &Session<'_>,
    id: &TaskId,
    caller: &Principal,
) -> Result<CrNumber, Refusal> {
    let number = session.set.holders.get(id).copied();
    let case = number.and_then(|number| session.set.cases.get(&number));
    let named = case
        .and_then(|case| case.tasks.get(id))
        .is_some_and(|task| task.names(caller));
    case.filter(|case| named || case.is_covered_by(caller))
        .map(Case::number)
        .ok_or_else(|| Refusal::task_not_found(id))
}

fn task_of<'a>(case: &'a Case, id: &TaskId) -> Result<&'a crate::task::Task, Refusal> {
    case.tasks
        .get(id)
        .ok_or_else(|| Refusal::task_not_found(id))
}
