//! T4: whoever settles late leaves what somebody who settles at every due instant leaves.
//! Generations aside: a punctual settling clears in each period, a late one only if one is open
//! now.

use countersign_domain::Instant;
use countersign_domain::log::{AggregateKey, Cause};
use countersign_domain::task::{Task, TaskState, TerminationReason};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::harness::Gate;
use crate::harness::facts::states;
use crate::harness::people::{at, task_id};

const TASKS: [&str; 3] = ["t1", "t2", "t3"];
const WINDOWS: [&str; 9] = [
    "",
    "0..300",
    "0..100;200..400;1000..1200",
    "300..700",
    "*/10_*_*_*_*@UTC@3m",
    "*/5_*_*_*_*@UTC@1m",
    "*/20_*_*_*_*@UTC@9m;100..250",
    "7_*_*_*_*@UTC@20m",
    "*/10_*_*_*_*@UTC@10m",
];
const TASK_WINDOWS: [&str; 8] = [
    "..",
    "..",
    "..90",
    "..650",
    "150..",
    "200..1210",
    "30..40",
    "..2000",
];

/// A policy in the words of a step.
fn policy() -> impl Strategy<Value = String> {
    let close = select(&["", "hold", "hold", "terminate"][..]);
    let ttl = || select(&["", "", "61", "180", "400", "700", "1800"][..]);
    let words = (select(&WINDOWS[..]), close, ttl(), ttl(), any::<bool>());
    words.prop_map(|(windows, close, attl, ettl, share)| {
        let close = if windows.is_empty() { "" } else { close };
        let share = if share { "release" } else { "task" };
        format!("users=ann windows={windows} close={close} attl={attl} ettl={ettl} share={share}")
    })
}

/// When the next of all tasks and change requests is due.
fn due(gate: &Gate) -> Option<Instant> {
    let cases = gate.store.cases.values();
    let all = cases.flat_map(|case| {
        let tasks = case.tasks.values().filter_map(Task::due_at);
        tasks
            .chain(case.change_request.due_at())
            .collect::<Vec<_>>()
    });
    all.min()
}

fn settle(gate: &mut Gate, micros: i64) {
    let second = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    for task in TASKS {
        gate.say(&format!("{second} time settle {task}"));
    }
}

/// How everything stands, and since when that was due, whenever it was written.
fn left(gate: &Gate) -> Vec<String> {
    let tasks = TASKS.iter().filter_map(|id| Some((id, gate.case(id)?)));
    let told = tasks.map(|(id, case)| {
        let last = |key: &AggregateKey| {
            let kept = gate.store.history[key].last().unwrap();
            match (kept.event, &kept.body.cause) {
                // A task may be held or cleared again and again in between.
                ("task.held" | "task.cleared", _) => String::new(),
                ("task.bound", _) => String::new(),
                (event, Cause::Time { due_at }) => format!("{event} {due_at:?}"),
                (event, _) => event.to_owned(),
            }
        };
        let task = &case.tasks[&task_id(id)];
        let of_task = last(&AggregateKey::Task(task_id(id)));
        let of_case = last(&AggregateKey::ChangeRequest(case.number()));
        // A time to live that passed while nobody looked leaves the period of before.
        let expired = matches!(
            task.state,
            TaskState::Terminated {
                reason: TerminationReason::Expired,
                ..
            }
        );
        let period = task.period.filter(|_| !expired);
        format!("{} {period:?} {of_task} {of_case}", states(gate, id))
    });
    told.collect()
}

proptest! {
    #![proptest_config(super::cases(3_000))]

    #[test]
    fn t4_a_late_settling_leaves_what_a_punctual_one_leaves(
        policies in vec(policy(), 1..3),
        windows in vec(select(&TASK_WINDOWS[..]), 3),
        approves in vec(any::<bool>(), 3),
        until in 5i64..3_000,
    ) {
        let mut late = Gate::new();
        for (id, policy) in ["p", "q"].iter().zip(&policies) {
            late.play(&format!("0 adm policy {id} {policy}"));
        }
        for (id, window) in TASKS.iter().zip(&windows) {
            late.say(&format!("1 orc create {id} release=r1 window={window}"));
        }
        for (id, approves) in TASKS.iter().zip(&approves) {
            if *approves {
                late.say(&format!("2 ann approve {id}"));
            }
        }
        let mut punctual = late.clone();
        let end = at(until);
        while let Some(due) = due(&punctual).filter(|&due| due <= end) {
            settle(&mut punctual, due.micros_since(at(0)));
        }
        settle(&mut punctual, until * 1_000_000);
        settle(&mut late, until * 1_000_000);
        let played = format!("{policies:?} {windows:?} {approves:?}");
        prop_assert_eq!(left(&late), left(&punctual), "{}", played);
        late.check_all();
        punctual.check_all();
    }
}
