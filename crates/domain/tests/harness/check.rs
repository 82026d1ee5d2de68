//! What must hold after every run, said a second time and without the code that is tested.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::access::CredentialKind;
use countersign_domain::batch::{
    Action, Answer, Changes, Command, Context, Outcome, Reply, WorkingSet,
};
use countersign_domain::change_request::{
    self, Approve, Case, CrState, Recheck, Reject, Revoke, settle,
};
use countersign_domain::directory::Directory;
use countersign_domain::ids::{CrNumber, CrRef};
use countersign_domain::invariants;
use countersign_domain::log::{AggregateKey, Body, Cause, Event, Stamp};
use countersign_domain::rows::{CrRow, FreezeRow, PolicyRow, TaskRow, TeamRow, TokenRow};
use countersign_domain::task::{self, FinishTask, StartTask, Task, TaskState, WithdrawTask};
use countersign_domain::{Instant, Refusal};

use super::started::started;
use super::store::{DirectoryRows, Store};

/// I-10: a refused command leaves nothing but what settling alone would have left.
pub(crate) fn replies(
    set: &WorkingSet,
    commands: &[Command],
    context: Context<'_>,
    outcome: &Outcome,
) {
    assert_eq!(outcome.replies.len(), commands.len());
    assert!(outcome.quarantine.is_empty(), "{:?}", outcome.quarantine);
    for reply in &outcome.replies {
        assert!(!matches!(reply, Reply::Broken(_)), "{reply:?}");
    }
    for (command, reply) in commands.iter().zip(&outcome.replies) {
        credential(command, reply, context);
    }
    let [(command, reply)] = *commands.iter().zip(&outcome.replies).collect::<Vec<_>>() else {
        return;
    };
    if *reply == Reply::Refused(Refusal::CredentialEnded) {
        assert_eq!(outcome.entries, [], "not even time passes for {command:?}");
        assert_eq!(outcome.changes, Changes::default());
    }
    if matches!(reply, Reply::Refused(_) | Reply::Stale) && !outcome.entries.is_empty() {
        let number = settles(set, &command.action).unwrap();
        left_by_settling(set, number, &command.action, context, outcome);
    }
}

/// A credential that has ended gets no other answer than that, and no other credential gets it.
fn credential(command: &Command, reply: &Reply, context: Context<'_>) {
    let Some(caller) = &command.caller else {
        return;
    };
    let mut over = caller.expires_at.is_some_and(|end| end <= context.now);
    if caller.credential.kind == CredentialKind::ApiToken {
        let mut tokens = context.directory.tokens_after(None);
        let token = tokens.find(|token| token.draft.id.as_str() == caller.credential.id);
        over |= token
            .is_none_or(|token| token.revoked.is_some() || token.draft.expires_at <= context.now);
    }
    let told = *reply == Reply::Refused(Refusal::CredentialEnded);
    assert!(
        told == over || *reply == Reply::Deferred,
        "{reply:?} for {command:?}"
    );
}

/// Which change request a command settles, whatever is then decided.
fn settles(set: &WorkingSet, action: &Action) -> Option<CrNumber> {
    let of_task = |id| set.holders.get(id).copied();
    match action {
        Action::Create(create) => of_task(&create.spec.id)
            .or_else(|| set.shared.get(create.sharing_key.as_ref()?).copied()),
        Action::Approve(Approve { target, .. })
        | Action::Reject(Reject { target, .. })
        | Action::Revoke(Revoke { target, .. }) => match target {
            CrRef::Number(number) => Some(*number),
            CrRef::Task(id) => of_task(id),
        },
        Action::Withdraw(WithdrawTask { task, .. })
        | Action::Start(StartTask { task, .. })
        | Action::Finish(FinishTask { task, .. }) => of_task(task),
        Action::Settle { number, .. } => Some(*number),
        Action::Directory(_) | Action::AcceptClock { .. } | Action::Sweep(_) => None,
    }
}

/// Settles a case step by step, as a start does where one was refused, and compares what it left.
fn left_by_settling(
    set: &WorkingSet,
    number: CrNumber,
    action: &Action,
    context: Context<'_>,
    outcome: &Outcome,
) {
    let mut phases = vec![Recheck::AtThreshold];
    phases.extend(matches!(action, Action::Start(_)).then_some(Recheck::AtStart));
    let mut case = set.cases[&number].clone();
    let mut events = Vec::new();
    for recheck in phases {
        loop {
            let steps = settle(&case, context.directory, recheck, context.now);
            if steps.is_empty() {
                break;
            }
            for step in steps {
                let stamp = Stamp {
                    sequence: set.head.sequence + events.len() as u64 + 1,
                    instant: context.now,
                };
                make_happen(&mut case, &step.event, stamp);
                events.push(step.event);
            }
        }
    }
    let bodies: Vec<Body> = outcome
        .entries
        .iter()
        .map(|entry| Body::parse(&entry.body).unwrap())
        .collect();
    let found: Vec<Event> = bodies
        .iter()
        .map(|body| body.typed_event().unwrap())
        .collect();
    assert_eq!(found, events, "I-10 after {action:?}");
    for body in &bodies {
        assert!(matches!(body.cause, Cause::Time { .. }), "I-10: {body:?}");
    }
    let changed = |stamp: Stamp| stamp.sequence > set.head.sequence;
    let tasks = case.tasks.values().filter(|task| changed(task.stamp));
    let expected = Changes {
        change_requests: Some(CrRow::new(&case.change_request))
            .filter(|_| changed(case.change_request.stamp))
            .into_iter()
            .collect(),
        tasks: tasks.map(TaskRow::new).collect(),
        ..Changes::default()
    };
    assert_eq!(outcome.changes, expected, "I-10 after {action:?}");
}

fn make_happen(case: &mut Case, event: &Event, stamp: Stamp) {
    match event {
        Event::ChangeRequest(_, event) => {
            let next = change_request::apply(Some(&case.change_request), event, stamp);
            case.change_request = next.unwrap();
        }
        Event::Task(id, event) => {
            let next = task::apply(case.tasks.get(id), event, stamp).unwrap();
            case.tasks.insert(id.clone(), next);
        }
        Event::Store(_)
        | Event::Policy(..)
        | Event::Team(..)
        | Event::Freeze(..)
        | Event::Token(..) => panic!("{event:?}"),
    }
}

/// Everything about the change requests that a run touched.
pub(crate) fn touched(
    before: &BTreeMap<CrNumber, Case>,
    store: &Store,
    outcome: &Outcome,
    directory: &Directory,
    now: Instant,
) {
    let touched: BTreeSet<CrNumber> = outcome
        .entries
        .iter()
        .filter_map(|entry| match &entry.aggregate {
            AggregateKey::ChangeRequest(number) => Some(*number),
            AggregateKey::Task(id) => store.holders.get(id).copied(),
            AggregateKey::Store
            | AggregateKey::Policy(_)
            | AggregateKey::Team(_)
            | AggregateKey::Freeze(_)
            | AggregateKey::Token(_) => None,
        })
        .collect();
    for number in &touched {
        let case = &store.cases[number];
        invariants::check(case).unwrap();
        settled(case, directory, now);
        edges(before.get(number), case);
        let began_at = store.head.sequence - outcome.entries.len() as u64;
        for task in case.tasks.values() {
            history(store, case, task, (began_at, directory));
        }
    }
    for reply in &outcome.replies {
        if let (Reply::Done(Answer::Case { case, .. }), 1) = (reply, outcome.replies.len()) {
            assert_eq!(
                **case,
                store.cases[&case.number()],
                "answered is what is kept"
            );
        }
    }
    let given = store
        .cases
        .keys()
        .map(|number| number.0)
        .collect::<Vec<_>>();
    assert!(
        given
            .iter()
            .copied()
            .eq(1..=store.head.change_requests_given),
        "C4: {given:?}"
    );
}

/// Policies, teams, freezes and tokens taken in one by one are those of the rows.
pub(crate) fn directory(store: &Store, found: &Directory) {
    let rows = DirectoryRows::of(store);
    let kept: Vec<_> = rows
        .policies
        .iter()
        .map(|row| PolicyRow::parse(&row.document).unwrap())
        .collect();
    let living: Vec<_> = found
        .policies()
        .map(|policy| policy.as_ref().clone())
        .collect();
    assert_eq!(living, kept);
    let kept: Vec<_> = rows
        .teams
        .iter()
        .map(|row| TeamRow::parse(&row.document).unwrap())
        .collect();
    let living: Vec<_> = found
        .teams_after(None)
        .map(|team| team.as_ref().clone())
        .collect();
    assert_eq!(living, kept);
    let mut kept = Vec::new();
    for row in &rows.freezes {
        let freeze = FreezeRow::parse(&row.document).unwrap();
        assert_eq!(
            (row.due_at, row.sequence),
            (freeze.due_at, freeze.stamp.sequence)
        );
        assert_eq!(found.freeze_or_remains(&freeze.draft.id), Some(&freeze));
        kept.extend((!freeze.deleted).then_some(freeze));
    }
    let living: Vec<_> = found
        .freezes_after(None)
        .map(|freeze| freeze.as_ref().clone())
        .collect();
    assert_eq!(living, kept);
    let kept = rows.tokens.iter().map(|row| {
        let token = TokenRow::parse(&row.document).unwrap();
        assert_eq!(TokenRow::new(&token), *row);
        token
    });
    let known = found.tokens_after(None).map(|token| token.as_ref().clone());
    assert!(known.eq(kept), "a token is kept as it is known");
}

/// Nothing is left to settle, and the next due instant is exact: not earlier, not later. A freeze
/// that begins or ends has a due instant of its own.
fn settled(case: &Case, directory: &Directory, now: Instant) {
    let settle = |at| settle(case, directory, Recheck::AtThreshold, at);
    assert_eq!(settle(now), [], "settled at {now}");
    let tasks = case.tasks.values().filter_map(Task::due_at);
    let due = tasks.chain(case.change_request.due_at()).min();
    let turn = next_turn(directory, now);
    assert!(
        due.is_none_or(|due| due > now),
        "due at {due:?}, settled at {now}"
    );
    let Some(next) = due.into_iter().chain(turn).min() else {
        let end_of_time = Instant::from_seconds_and_nanos(253_402_300_799, 0).unwrap();
        assert_eq!(
            settle(end_of_time),
            [],
            "nothing is due, so nothing ever happens"
        );
        return;
    };
    let just_before = next.plus_micros(-1).unwrap();
    assert_eq!(settle(just_before), [], "just before {next}");
    if let Some(due) = due {
        assert_ne!(settle(due), [], "at {due}");
    }
}

/// When a freeze next begins or ends to hold, whatever it holds.
fn next_turn(directory: &Directory, now: Instant) -> Option<Instant> {
    let turns = directory.freezes_after(None).flat_map(|freeze| {
        let lifted = freeze.lifted.map(|lifted| lifted.until);
        let calendar = freeze.draft.calendar();
        let periods: Vec<_> = calendar.periods_after(now).take(1).collect();
        let ends = periods.into_iter().flat_map(|it| [it.start, it.end]);
        ends.chain(lifted).collect::<Vec<_>>()
    });
    turns
        .filter(|&turn| turn > now && turn < Instant::LAST)
        .min()
}

/// I-01, I-02, T1: what may have become of each state within one run.
fn edges(before: Option<&Case>, after: &Case) {
    let Some(before) = before else {
        return;
    };
    assert_eq!(before.resultant, after.resultant, "C6");
    let (old, new) = (&before.change_request, &after.change_request);
    assert_eq!(old.content, new.content, "no call changes a change request");
    if !matches!(
        old.state,
        CrState::Pending { .. } | CrState::Approved { .. }
    ) {
        assert_eq!(old, new, "ends are absorbing");
    }
    for (id, old) in &before.tasks {
        let new = &after.tasks[id];
        assert_eq!(old.content, new.content, "no call changes a task");
        assert!(new.generation >= old.generation, "the fencing number grows");
        match (&old.state, &new.state) {
            (TaskState::Paused { .. } | TaskState::Cleared { .. }, _) => {}
            (TaskState::Running { start }, TaskState::Running { start: same })
            | (TaskState::Running { start }, TaskState::Finished { start: same, .. }) => {
                assert_eq!(start, same, "a task starts at most once");
            }
            _ => assert_eq!(old, new, "ends are absorbing"),
        }
    }
}

/// Counts what the log says of one task, and judges its start by the log alone.
fn history(store: &Store, case: &Case, task: &Task, run: (u64, &Directory)) {
    let entries = &store.history[&AggregateKey::Task(task.id().clone())];
    let count = |event: &str| entries.iter().filter(|kept| kept.event == event).count() as u64;
    assert_eq!(count("task.created"), 1);
    assert!(
        count("task.started") + count("task.terminated") <= 1,
        "I-01"
    );
    assert!(count("task.finished") <= count("task.started"), "I-01");
    assert_eq!(task.generation, count("task.cleared"));
    for kept in entries.iter().filter(|kept| kept.event == "task.started") {
        let (began_at, directory) = run;
        let now = (kept.stamp.sequence > began_at).then_some(directory);
        started(store, case, task, kept, now);
    }
}
