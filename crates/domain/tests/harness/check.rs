//! What must hold after every run, said a second time and without the code that is tested.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::Instant;
use countersign_domain::batch::{
    Action, Answer, Command, Context, Outcome, Reply, WorkingSet, run,
};
use countersign_domain::change_request::{Case, CrEvent, CrState, Recheck, settle};
use countersign_domain::directory::Directory;
use countersign_domain::ids::CrNumber;
use countersign_domain::invariants;
use countersign_domain::log::{AggregateKey, Event};
use countersign_domain::person::Person;
use countersign_domain::rows::{PolicyRow, TeamRow};
use countersign_domain::task::{Task, TaskEvent, TaskState};

use super::store::{Kept, Store, directory_rows};

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
    let [(command, reply)] = *commands.iter().zip(&outcome.replies).collect::<Vec<_>>() else {
        return;
    };
    if matches!(reply, Reply::Refused(_) | Reply::Stale) && !outcome.entries.is_empty() {
        let number = set.cases.keys().next().unwrap();
        let settling = Command {
            caller: None,
            action: Action::Settle(*number),
            request: None,
        };
        let alone = run(set.clone(), &[settling], context);
        assert_eq!(outcome.entries, alone.entries, "I-10 after {command:?}");
        assert_eq!(outcome.changes, alone.changes, "I-10 after {command:?}");
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
            AggregateKey::Store | AggregateKey::Policy(_) | AggregateKey::Team(_) => None,
        })
        .collect();
    for number in &touched {
        let case = &store.cases[number];
        invariants::check(case).unwrap();
        settled(case, directory, now);
        edges(before.get(number), case);
        for task in case.tasks.values() {
            history(store, case, task);
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

/// Policies and teams taken in one by one are those of the rows.
pub(crate) fn directory(store: &Store, found: &Directory) {
    let (policies, teams) = directory_rows(store);
    let kept: Vec<_> = policies
        .iter()
        .map(|row| PolicyRow::parse(&row.document).unwrap())
        .collect();
    let living: Vec<_> = found
        .policies()
        .map(|policy| policy.as_ref().clone())
        .collect();
    assert_eq!(living, kept);
    let kept: Vec<_> = teams
        .iter()
        .map(|row| TeamRow::parse(&row.document).unwrap())
        .collect();
    let living: Vec<_> = found
        .teams_after(None)
        .map(|team| team.as_ref().clone())
        .collect();
    assert_eq!(living, kept);
}

/// Nothing is left to settle, and the next due instant is exact: not earlier, not later.
fn settled(case: &Case, directory: &Directory, now: Instant) {
    let settle = |at| settle(case, directory, Recheck::AtThreshold, at);
    assert_eq!(settle(now), None, "settled at {now}");
    let tasks = case.tasks.values().filter_map(Task::due_at);
    let due = tasks.chain(case.change_request.due_at()).min();
    let Some(due) = due else {
        let end_of_time = Instant::from_seconds_and_nanos(253_402_300_799, 0).unwrap();
        assert_eq!(
            settle(end_of_time),
            None,
            "nothing is due, so nothing ever happens"
        );
        return;
    };
    assert!(due > now, "due at {due}, settled at {now}");
    let just_before = due.plus_micros(-1).unwrap();
    assert_eq!(settle(just_before), None, "just before {due}");
    assert_ne!(settle(due), None, "at {due}");
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
fn history(store: &Store, case: &Case, task: &Task) {
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
        started(store, case, task, kept);
    }
}

fn started(store: &Store, case: &Case, task: &Task, kept: &Kept) {
    let spec = &task.content.spec;
    let now = kept.stamp.instant;
    assert!(spec.window.start.is_none_or(|start| start <= now), "I-05");
    assert!(spec.window.end.is_none_or(|end| now < end), "I-05");
    let Event::Task(
        _,
        TaskEvent::Started {
            artifact_digest, ..
        },
    ) = kept.body.typed_event().unwrap()
    else {
        panic!("a start is not one");
    };
    assert_eq!(artifact_digest, spec.artifact_digest, "I-06");
    let mut approved: BTreeSet<Person> = BTreeSet::new();
    let decisions = &store.history[&AggregateKey::ChangeRequest(case.number())];
    let earlier = |entry: &&Kept| entry.stamp.sequence < kept.stamp.sequence;
    for entry in decisions.iter().filter(earlier) {
        let Event::ChangeRequest(_, event) = entry.body.typed_event().unwrap() else {
            panic!("a change request's entry is not one");
        };
        match event {
            CrEvent::ApprovalRecorded {
                person,
                artifact_digest,
                ..
            } => {
                assert!(artifact_digest.is_none() || artifact_digest == spec.artifact_digest);
                approved.insert(person);
            }
            CrEvent::ApprovalRevoked { person, .. } | CrEvent::ApprovalLapsed { person } => {
                approved.remove(&person);
            }
            CrEvent::Rejected { .. } | CrEvent::Expired { .. } | CrEvent::Withdrawn => {
                panic!("I-04: a start after the end");
            }
            CrEvent::Created { .. }
            | CrEvent::TaskJoined { .. }
            | CrEvent::QuorumReached
            | CrEvent::QuorumLost
            | CrEvent::TimeToLivePassed => {}
        }
    }
    if let Some(creator) = spec
        .creator
        .as_ref()
        .filter(|_| case.resultant.block_creator)
    {
        assert!(!approved.contains(&creator.person), "I-03");
    }
    assert!(
        approved.len() >= case.resultant.minimum_approvals as usize,
        "I-03"
    );
}
