//! What breaks an invariant is taken back, and its change request grants nothing any more. Nothing
//! that the gate does leads there: the rows are damaged by hand.

use std::sync::Arc;

use countersign_domain::Instant;
use countersign_domain::batch::{Command, Context, Outcome, Reply, Wanted, WorkingSet, run};
use countersign_domain::calendar::Period;
use countersign_domain::change_request::{Case, CrState};
use countersign_domain::ids::{CrNumber, ProjectId};
use countersign_domain::invariants;
use countersign_domain::task::{Task, TaskState, TerminationReason, WaitingFor};

use crate::harness::Gate;
use crate::harness::facts::reply_name;
use crate::harness::people::{at, creator, task_id};

type Damage = fn(&mut Case);

/// What may have happened to an approved case with a cleared task, and which invariant says so.
const DAMAGES: &[(&str, Damage)] = &[
    (
        "I-03 cleared only under an approved change request",
        rejected,
    ),
    (
        "I-03 approved only with a quorum while a task could start",
        without_decisions,
    ),
    (
        "I-03 the creator's approval does not count where blocked",
        approved_by_its_creator,
    ),
    (
        "I-04 nothing could start under an ended change request",
        withdrawn,
    ),
    ("I-07 one decision per person", decided_twice),
    (
        "T2 a pending change request has a task that waits",
        without_tasks,
    ),
    ("S2 tasks that share are alike", of_another_project),
    (
        "D11 the etag is a later one exactly where tasks have joined",
        joined_by_nobody,
    ),
    (
        "W4 a task has a period, in its window, exactly where policies have windows",
        bound_without_windows,
    ),
    (
        "W7 a task expires only with its change request",
        expired_alone,
    ),
    (
        "W7 a time to live passes without an end only where nothing could start",
        passed_over_a_task,
    ),
];

fn rejected(case: &mut Case) {
    case.change_request.state = CrState::Rejected {
        by: creator("ann").person,
        at: at(3),
        stopped: Vec::new(),
    };
}

fn without_decisions(case: &mut Case) {
    case.change_request.decisions.clear();
}

fn approved_by_its_creator(case: &mut Case) {
    let task = case.tasks.get_mut(&task_id("t1")).unwrap();
    Arc::make_mut(&mut task.content).spec.creator = Some(creator("ann"));
}

fn withdrawn(case: &mut Case) {
    case.change_request.state = CrState::Withdrawn { at: at(3) };
    case.tasks.get_mut(&task_id("t1")).unwrap().state = TaskState::Paused {
        waiting_for: WaitingFor::Approval,
    };
}

fn decided_twice(case: &mut Case) {
    let again = case.change_request.decisions[0].clone();
    case.change_request.decisions.push(again);
}

fn without_tasks(case: &mut Case) {
    case.change_request.state = CrState::Pending { since: at(3) };
    case.tasks.clear();
}

fn of_another_project(case: &mut Case) {
    let task = case.tasks.get_mut(&task_id("t1")).unwrap();
    Arc::make_mut(&mut task.content).spec.project = ProjectId::parse("api").unwrap();
}

fn joined_by_nobody(case: &mut Case) {
    case.change_request.joined_etag = Some(String::new());
}

fn bound_without_windows(case: &mut Case) {
    let task = case.tasks.get_mut(&task_id("t1")).unwrap();
    task.period = Period::new(at(1), at(9));
}

fn expired_alone(case: &mut Case) {
    case.tasks.get_mut(&task_id("t1")).unwrap().state = TaskState::Terminated {
        reason: TerminationReason::Expired,
        at: at(3),
    };
}

fn passed_over_a_task(case: &mut Case) {
    case.change_request.state = CrState::Approved {
        since: at(2),
        ttl_passed: true,
    };
}

#[test]
fn i02_each_invariant_sees_its_damage() {
    let gate = gate();
    let whole = gate.case("t1").unwrap();
    assert_eq!(invariants::check(whole), Ok(()));
    for (name, damage) in DAMAGES {
        let mut case = whole.clone();
        damage(&mut case);
        assert_eq!(invariants::check(&case).unwrap_err().name, *name);
    }
}

#[test]
fn w4_a_period_that_does_not_fit_is_seen() {
    let gate = Gate::played(
        "0 adm policy p users=ann windows=0..100
         1 orc create t1 window=10..90",
    );
    let whole = gate.case("t1").unwrap();
    assert_eq!(
        whole.tasks[&task_id("t1")].period,
        Period::new(at(10), at(90))
    );
    let upside_down = Period {
        start: at(20),
        end: at(20),
    };
    for (period, fits) in [
        (Period::new(at(10), at(90)), true),
        (Period::new(at(20), at(30)), true),
        (Period::new(at(9), at(90)), false),
        (Period::new(at(10), at(91)), false),
        (Some(upside_down), false),
        (None, false),
    ] {
        let mut case = whole.clone();
        case.tasks.get_mut(&task_id("t1")).unwrap().period = period;
        assert_eq!(invariants::periods_fit(&case), fits, "{period:?}");
        assert_eq!(invariants::check(&case).is_ok(), fits, "{period:?}");
    }
}

#[test]
fn i05_a_start_outside_its_window_or_period_or_under_a_freeze_is_seen() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p users=ann windows=0..100
         1 orc create t1 window=10..90
         1 adm freeze f from=40 to=400
         1 adm freeze g envs=dev",
    );
    let task = gate.case("t1").unwrap().tasks[&task_id("t1")].clone();
    let may = |task: &Task, second| invariants::may_start_at(task, &gate.directory, at(second));
    let found = [9, 10, 39, 40, 90].map(|second| may(&task, second));
    assert_eq!(found, [false, true, true, false, false]);
    // A period that is larger than the window opens nothing, nor does one that has closed.
    let bound = |start, end| Task {
        period: Period::new(at(start), at(end)),
        ..task.clone()
    };
    assert_eq!(
        [9, 10].map(|second| may(&bound(0, 100), second)),
        [false, true]
    );
    assert_eq!(
        [19, 20, 30].map(|second| may(&bound(20, 30), second)),
        [false, true, false]
    );
}

#[test]
fn a_broken_change_request_grants_nothing_and_leaves_nothing() {
    for damage in [decided_twice, approved_by_its_creator] {
        let gate = gate();
        let lines = [
            "4 run start t1",
            "4 bob approve t1 request=r1",
            "4 ann reject t1",
            "4 orc withdraw t1",
            "4 time settle t1",
            "4 run start t2",
        ];
        let outcome = run_damaged(&gate, damage, &lines);
        let (on_broken, on_other) = outcome.replies.split_at(5);
        assert!(
            on_broken
                .iter()
                .all(|reply| matches!(reply, Reply::Broken(_)))
        );
        assert_eq!(
            reply_name(&on_other[0]),
            "Done",
            "the other change request goes on"
        );
        assert_eq!(outcome.quarantine, [CrNumber(1)].into());
        let touched: Vec<String> = outcome.entries.iter().map(|e| e.aggregate.id()).collect();
        assert_eq!(touched, ["t2"]);
        assert_eq!(outcome.changes.tasks.len(), 1);
        assert!(outcome.changes.change_requests.is_empty());
    }
}

/// The window has closed: settling ends the task, and only then finds what is broken.
#[test]
fn what_a_broken_command_did_is_taken_back() {
    let gate = gate();
    let lines = ["9 time settle t1", "9 carl reject t2 request=r1"];
    let outcome = run_damaged(&gate, decided_twice, &lines);
    assert!(matches!(
        outcome.replies[..],
        [Reply::Broken(_), Reply::Done(_)]
    ));
    let touched: Vec<String> = outcome.entries.iter().map(|e| e.aggregate.id()).collect();
    assert_eq!(touched, ["2", "t2"]);
    assert_eq!(
        outcome.entries[0].head.sequence,
        gate.store.head.sequence + 1
    );
    assert_eq!(outcome.entries[0].previous, gate.store.head.hash);
    assert_eq!(outcome.changes.tasks.len(), 1);
}

#[test]
fn a_quarantine_that_was_loaded_holds() {
    let gate = gate();
    let (command, _) = gate.read("4 run start t1");
    let mut set = gate.store.load(&Wanted::by(std::iter::once(&command)));
    set.quarantine.insert(CrNumber(1));
    let outcome = run_set(&gate, set, &[command], at(4));
    assert!(matches!(outcome.replies[..], [Reply::Broken(_)]));
    assert_eq!(outcome.entries, []);
}

fn gate() -> Gate {
    Gate::played(
        "0 adm policy p users=ann,bob,dan block
         1 orc create t1 creator=carl window=..9
         1 orc create t2 creator=carl
         2 ann approve t1                      -> CLEARED
         2 ann approve t2                      -> CLEARED",
    )
}

fn run_damaged(gate: &Gate, damage: Damage, lines: &[&str]) -> Outcome {
    let commands: Vec<Command> = lines.iter().map(|line| gate.read(line).0).collect();
    let mut set = gate.store.load(&Wanted::by(commands.iter()));
    damage(set.cases.get_mut(&CrNumber(1)).unwrap());
    let now = gate.read(lines[0]).1;
    run_set(gate, set, &commands, now)
}

fn run_set(gate: &Gate, set: WorkingSet, commands: &[Command], now: Instant) -> Outcome {
    let context = Context {
        now,
        clock: now,
        directory: &gate.directory,
        settings: &gate.settings,
    };
    run(set, commands, context)
}
