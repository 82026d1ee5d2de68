//! W1, W2, W6, W7, T4, P2: what windows, periods, freezes and times to live do together.

use countersign_domain::log::{AggregateKey, Cause};

use crate::harness::Gate;
use crate::harness::people::{at, task_id};

/// Every ten minutes for three.
const EVERY: &str = "*/10_*_*_*_*@UTC@3m";

#[test]
fn w6_a_task_may_start_exactly_if_all_four_hold() {
    for number in 0..16 {
        let holds = |bit: usize| number & 1 << bit == 0;
        let [approved, in_window, in_period, free] = [0, 1, 2, 3].map(holds);
        let window = if in_window { "..90" } else { "60..90" };
        let windows = if in_period { "0..120" } else { "70..130" };
        let mut gate = Gate::new();
        gate.play(&format!(
            "0 adm policy p users=ann windows={windows}
             0 orc create t1 window={window}"
        ));
        if approved {
            gate.play("1 ann approve t1 -> APPROVED");
        }
        if !free {
            gate.play("2 adm freeze f");
        }
        let runnable = approved && in_window && in_period && free;
        let expected = match (approved, in_window && in_period) {
            _ if runnable => "RUNNING",
            (false, _) => "StartNotNow:approval",
            (true, false) => "StartNotNow:window",
            (true, true) => "StartNotNow:freeze",
        };
        gate.play(&format!("30 run start t1 -> {expected}"));
        gate.check_all();
    }
}

#[test]
fn w1_a_window_and_a_period_are_half_open() {
    for (second, expected) in [
        ("9.999999", "StartNotNow:window"),
        ("10", "RUNNING"),
        ("49.999999", "RUNNING"),
        ("50", "StartNever TERMINATED:window_closed"),
    ] {
        let mut gate = Gate::new();
        gate.play(
            "0 adm policy p min=0 windows=0..120
             1 orc create t1 window=10..50     -> APPROVED PAUSED:window period=10..50",
        );
        gate.play(&format!("{second} run start t1 gen=1 -> {expected}"));
        gate.check_all();
    }
}

#[test]
fn w2_a_task_that_waits_for_a_freeze_or_a_period_ends_with_its_window() {
    Gate::played(
        "0 adm policy p users=ann windows=0..200
         0 adm freeze f envs=prod
         1 orc create t1 window=..100          -> period=0..100
         1 orc create t2
         2 ann approve t1                      -> APPROVED PAUSED:freeze
         99.999999 time settle t1              -> PAUSED:freeze entries=0
         100 time settle t1                    -> APPROVED TERMINATED:window_closed entries=1
         200 time settle t2                    -> EXPIRED cause=window_closed@200",
    );
}

#[test]
fn p2_a_permit_is_valid_until_the_first_that_ends_it() {
    // window, windows of p, terms, a freeze; until when
    let rows = [
        ("..", "", "", "", "none"),
        ("..70", "", "", "", "70"),
        ("..70", "0..200", "", "", "70"),
        ("..270", "0..200", "", "", "200"),
        ("..", EVERY, "", "", "180"),
        ("..270", "0..200", "ettl=100", "", "102"),
        ("..70", "0..200", "ettl=100", "", "70"),
        ("..270", "0..200", "ettl=100", "from=90", "90"),
        ("..", "", "", "from=90 to=150", "90"),
        ("..", "", "", "every=5_*_*_*_*@UTC@5m", "300"),
        ("..270", "0..200", "", "from=250", "200"),
        ("..", "", "", "from=90 envs=dev", "none"),
    ];
    for (window, windows, terms, freeze, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!(
            "0 adm policy p users=ann windows={windows} {terms}"
        ));
        if !freeze.is_empty() {
            gate.play(&format!("0 adm freeze f {freeze}"));
        }
        gate.play(&format!(
            "1 orc create t1 window={window}
             2 ann approve t1 -> CLEARED permit=1 valid={expected}"
        ));
    }
}

/// Terms, whether it is approved at second 2, the task's window, and what is left at second 5000.
fn ends_by_time() -> [(String, bool, &'static str, &'static str); 11] {
    let once = |terms: &str| format!("windows=0..180 {terms}");
    let every = |terms: &str| format!("windows={EVERY} {terms}");
    [
        (
            once("attl=178"),
            false,
            "..",
            "EXPIRED TERMINATED:expired cause=approval_ttl@179",
        ),
        (
            once("attl=179"),
            false,
            "..",
            "EXPIRED TERMINATED:window_closed cause=window_closed@180",
        ),
        (
            once("ettl=177"),
            true,
            "..",
            "EXPIRED TERMINATED:expired cause=execution_ttl@179",
        ),
        (once("ettl=178"), true, "..", "TERMINATED:window_closed"),
        (
            every("attl=900"),
            false,
            "..",
            "EXPIRED TERMINATED:expired cause=approval_ttl@901",
        ),
        (
            every("attl=600"),
            false,
            "..700",
            "EXPIRED TERMINATED:expired cause=approval_ttl@601",
        ),
        (
            every("attl=699"),
            false,
            "..700",
            "EXPIRED TERMINATED:window_closed cause=window_closed@700",
        ),
        (
            every("attl=700"),
            false,
            "..700",
            "EXPIRED TERMINATED:window_closed cause=window_closed@700",
        ),
        (
            every("ettl=600"),
            true,
            "..",
            "EXPIRED TERMINATED:expired cause=execution_ttl@602",
        ),
        (
            every("ettl=698"),
            true,
            "..700",
            "APPROVED TERMINATED:window_closed",
        ),
        (
            every("ettl=697"),
            true,
            "..700",
            "EXPIRED TERMINATED:expired cause=execution_ttl@699",
        ),
    ]
}

#[test]
fn t4_a_time_to_live_and_a_closing_end_in_the_order_of_their_instants() {
    for (terms, approved, window, expected) in ends_by_time() {
        let mut late = Gate::new();
        late.play(&format!("0 adm policy p users=ann {terms}"));
        late.play(&format!("1 orc create t1 window={window}"));
        if approved {
            late.play("2 ann approve t1 -> CLEARED");
        }
        let mut punctual = late.clone();
        for second in (3..=1_300).chain([5_000]) {
            punctual.say(&format!("{second} time settle t1"));
        }
        late.play(&format!("5000 time settle t1 -> {expected}"));
        punctual.play(&format!("5000 time settle t1 -> entries=0 {expected}"));
        late.check_all();
    }
}

#[test]
fn t4_entries_of_a_late_settling_keep_the_due_instants() {
    let mut gate = Gate::new();
    gate.play(&format!("0 adm policy p users=ann windows={EVERY}"));
    gate.play(
        "1 orc create t1 window=..1250
         2 ann approve t1                      -> CLEARED
         9000 time settle t1                   -> TERMINATED:window_closed period=1200..1250",
    );
    let history = &gate.store.history[&AggregateKey::Task(task_id("t1"))];
    let found: Vec<_> = history
        .iter()
        .map(|kept| match kept.body.cause {
            Cause::Time { due_at } => (kept.event, due_at),
            Cause::Call { .. } | Cause::Program => (kept.event, None),
        })
        .collect();
    let expected = [
        ("task.created", None),
        ("task.cleared", None),
        ("task.bound", Some(at(180))),
        ("task.terminated", Some(at(1_250))),
    ];
    assert_eq!(found, expected);
}

#[test]
fn t4_what_opens_and_what_a_freeze_holds_say_when_that_was_due() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p min=0 windows=100..900
         0 adm freeze f from=200 to=300
         1 orc create t1                       -> PAUSED:window
         150 time settle t1                    -> CLEARED
         250 time sweep f
         250 time settle t1                    -> PAUSED:freeze entries=0
         350 time sweep f
         350 time settle t1                    -> CLEARED gen=2 entries=0",
    );
    let history = &gate.store.history[&AggregateKey::Task(task_id("t1"))];
    let due = history.iter().map(|kept| match kept.body.cause {
        Cause::Time { due_at } => (kept.event, due_at),
        Cause::Call { .. } | Cause::Program => (kept.event, None),
    });
    let expected = [
        ("task.created", None),
        ("task.held", None),
        ("task.cleared", Some(at(100))),
        ("task.held", Some(at(200))),
        ("task.cleared", Some(at(300))),
    ];
    assert_eq!(due.collect::<Vec<_>>(), expected);
}

#[test]
fn w7_neither_windows_nor_freezes_stop_a_time_to_live() {
    Gate::played(
        "0 adm policy p users=ann attl=100 ettl=100 windows=500..900
         1 orc create t1                       -> due=101
         1 orc create t2
         2 adm freeze f
         50 ann approve t2                     -> APPROVED PAUSED:window due=150
         101 time settle t1                    -> EXPIRED cause=approval_ttl@101
         140 adm lift-freeze f
         150 time settle t2                    -> EXPIRED cause=execution_ttl@150",
    );
}
