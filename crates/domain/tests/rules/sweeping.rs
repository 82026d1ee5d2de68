//! F2: how a freeze finds the tasks that it holds or lets go, in steps that anything may interrupt.

use countersign_domain::batch::{Action, Answer, Command, Reply};
use countersign_domain::freeze::{SweepFreeze, is_misplaced};
use countersign_domain::ids::CrNumber;

use crate::harness::Gate;
use crate::harness::people::{at, freeze_id, task_id};

/// Three cleared tasks, and a freeze that holds them from second 600 to 780, 1200 to 1380 and so
/// on.
fn gate() -> Gate {
    let mut gate = Gate::new();
    gate.play(
        "300 orc create t1                     -> CLEARED
         300 orc create t2                     -> CLEARED
         300 orc create t3                     -> CLEARED
         300 adm freeze f every=*/10_*_*_*_*@UTC@3m -> upcoming@600 look=600",
    );
    gate
}

/// Says that tasks were looked at; answers how many entries that left.
fn swept(gate: &mut Gate, seen: u64, revision: u64, through: Option<u64>, second: i64) -> usize {
    let command = Command {
        caller: None,
        action: Action::Sweep(SweepFreeze {
            id: freeze_id("f"),
            seen,
            directory_revision: revision,
            through: through.map(CrNumber),
        }),
        request: None,
    };
    let outcome = gate.run(&[command], at(second));
    assert_eq!(outcome.replies, [Reply::Done(Answer::Settled)]);
    outcome.entries.len()
}

/// The freeze's newest entry, and the revision of the directory.
fn newest(gate: &Gate) -> (u64, u64) {
    let freeze = gate.directory.freeze_or_remains(&freeze_id("f")).unwrap();
    (freeze.stamp.sequence, gate.directory.revision())
}

#[test]
fn f2_a_sweep_holds_at_the_beginning_and_lets_go_at_the_end() {
    let mut gate = gate();
    for (second, entries, look, state) in [
        (599, 0, 600, "CLEARED gen=1"),
        (600, 6, 780, "PAUSED:freeze gen=1"),
        (601, 0, 780, "PAUSED:freeze gen=1"),
        (779, 0, 780, "PAUSED:freeze gen=1"),
        (780, 6, 1_200, "CLEARED gen=2"),
        (1_300, 6, 1_380, "PAUSED:freeze gen=2"),
        // The server slept over an end and another beginning: there is nothing to do.
        (1_900, 3, 1_980, "PAUSED:freeze gen=2"),
    ] {
        gate.play(&format!(
            "{second} time sweep f -> look={look} entries={entries}"
        ));
        for task in ["t1", "t2", "t3"] {
            gate.play(&format!("{second} time settle {task} -> {state} entries=0"));
        }
    }
    gate.check_all();
}

#[test]
fn f2_a_sweep_over_pages_remembers_how_far_it_came() {
    let mut gate = gate();
    let id = freeze_id("f");
    for (page, states) in [
        (Some(CrNumber(1)), ["PAUSED:freeze", "CLEARED", "CLEARED"]),
        (
            Some(CrNumber(2)),
            ["PAUSED:freeze", "PAUSED:freeze", "CLEARED"],
        ),
        (None, ["PAUSED:freeze", "PAUSED:freeze", "PAUSED:freeze"]),
    ] {
        assert_eq!(gate.sweep_page(&id, at(600), 1), page);
        let freeze = gate.directory.freeze(&id).unwrap();
        assert_eq!(freeze.sweep.map(|sweep| sweep.through), page);
        assert_eq!(
            freeze.due_at,
            Some(at(if page.is_some() { 600 } else { 780 }))
        );
        for (task, state) in ["t1", "t2", "t3"].into_iter().zip(states) {
            let found = crate::harness::facts::states(&gate, task);
            assert_eq!(found, format!("APPROVED {state}"));
        }
        gate.check_all();
    }
    assert_eq!(gate.sweep_page(&id, at(600), 1), None);
}

#[test]
fn f2_a_sweep_over_which_the_freeze_turned_runs_again() {
    let mut gate = gate();
    let id = freeze_id("f");
    assert_eq!(gate.sweep_page(&id, at(600), 1), Some(CrNumber(1)));
    // It ends before the rest is looked at: those were never held, the first one still is.
    assert_eq!(gate.sweep_page(&id, at(780), 9), None);
    let freeze = gate.directory.freeze(&id).unwrap();
    assert_eq!((freeze.due_at, freeze.sweep), (Some(at(780)), None));
    gate.play(
        "780 time sweep f                      -> look=1200
         780 time settle t1                    -> CLEARED gen=2 entries=0
         780 time settle t2                    -> CLEARED gen=1 entries=0",
    );
    gate.check_all();
}

#[test]
fn f2_a_change_while_a_sweep_is_under_way_begins_it_anew() {
    let mut gate = gate();
    let id = freeze_id("f");
    assert_eq!(gate.sweep_page(&id, at(600), 1), Some(CrNumber(1)));
    gate.play("601 adm edit-freeze f envs=dev        -> in_force@780 look=601 through=0");
    gate.play(
        "601 time sweep f                      -> look=780
         601 time settle t1                    -> CLEARED gen=2 entries=0",
    );
    assert_eq!(gate.sweep_page(&id, at(601), 1), None);
    gate.check_all();
}

#[test]
fn f2_a_sweep_of_what_the_freeze_or_the_directory_was_is_ignored() {
    let mut gate = gate();
    let (seen, revision) = newest(&gate);
    assert_eq!(
        swept(&mut gate, seen, revision, None, 599),
        0,
        "not yet due"
    );
    assert_eq!(swept(&mut gate, seen - 1, revision, None, 600), 0, "older");
    assert_eq!(swept(&mut gate, seen + 1, revision, None, 600), 0, "newer");
    gate.play("600 adm edit-freeze f reason=new -> look=600");
    assert_eq!(
        swept(&mut gate, seen, revision + 1, None, 600),
        0,
        "changed since"
    );
    let (seen, revision) = newest(&gate);
    gate.play("600 adm freeze g envs=dev");
    assert_eq!(
        swept(&mut gate, seen, revision, None, 600),
        0,
        "judged without g"
    );
    let (seen, revision) = newest(&gate);
    assert_eq!(swept(&mut gate, seen, revision, Some(1), 600), 1);
    assert_eq!(
        swept(&mut gate, seen, revision + 1, Some(2), 600),
        0,
        "another one was"
    );
    let (seen, revision) = newest(&gate);
    assert_eq!(swept(&mut gate, seen, revision, None, 600), 1);
    let (seen, revision) = newest(&gate);
    assert_eq!(swept(&mut gate, seen, revision, None, 600), 0, "done");
    gate.check_all();
}

#[test]
fn f2_a_sweep_began_when_it_said_that_it_had_come_to_nothing() {
    for (begins, due) in [(600, 780), (779, 780), (780, 1_200), (1_200, 1_380)] {
        let mut gate = gate();
        let (seen, revision) = newest(&gate);
        assert_eq!(swept(&mut gate, seen, revision, Some(0), begins), 1);
        let (seen, revision) = newest(&gate);
        assert_eq!(swept(&mut gate, seen, revision, None, 1_300), 1);
        let found = gate.directory.freeze(&freeze_id("f")).unwrap().due_at;
        assert_eq!(found, Some(at(due)), "begun at {begins}");
    }
}

#[test]
fn f2_a_sweep_of_an_unknown_freeze_leaves_nothing() {
    let mut gate = Gate::new();
    assert_eq!(swept(&mut gate, 1, 0, None, 1), 0);
}

#[test]
fn d11_the_etag_of_a_freeze_changes_with_what_people_say_and_with_nothing_else() {
    let mut gate = gate();
    let etag = |gate: &Gate| gate.directory.freeze(&freeze_id("f")).unwrap().etag();
    let first = etag(&gate);
    gate.play("600 time sweep f -> look=780\n 780 time sweep f -> look=1200");
    assert_eq!(etag(&gate), first);
    gate.play(&format!(
        "781 adm edit-freeze f reason=new etag={first} -> Done rev=2"
    ));
    assert_ne!(etag(&gate), first);
    gate.play(&format!(
        "1200 adm lift-freeze f etag={first} -> EtagMismatch rev=2
         1200 adm drop-freeze f etag={first} -> EtagMismatch rev=2"
    ));
    let second = etag(&gate);
    gate.play(&format!(
        "1200 adm lift-freeze f etag={second} -> Done rev=3"
    ));
    gate.play(&format!(
        "1201 adm lift-freeze f etag={second} -> EtagMismatch rev=3"
    ));
    let third = etag(&gate);
    assert_ne!(third, second);
    gate.play(&format!("1201 adm drop-freeze f etag={third} -> remains"));
}

#[test]
fn f2_what_turned_last_is_looked_at_first() {
    let mut gate = gate();
    let due = |gate: &Gate, second: i64| {
        let found = gate.directory.due_freeze(at(second));
        let named = found.map(|(due, freeze)| {
            let due = due.micros_since(at(0)) / 1_000_000;
            format!("{}@{due}", freeze.draft.id)
        });
        named.unwrap_or_default()
    };
    assert_eq!([due(&gate, 599), due(&gate, 600)], ["", "f@600"]);
    gate.play("301 adm freeze g from=500 to=900");
    assert_eq!(
        [499, 500, 599, 600].map(|it| due(&gate, it)),
        ["", "g@500", "g@500", "f@600"]
    );
    gate.play("302 adm freeze h envs=dev");
    assert_eq!(gate.directory.next_due_freeze(), Some(at(302)));
    assert_eq!(
        [302, 550, 700].map(|it| due(&gate, it)),
        ["h@302", "g@500", "f@600"]
    );
    gate.play("303 time sweep h -> look=none\n 304 adm drop-freeze g -> absent");
    assert_eq!(gate.directory.next_due_freeze(), Some(at(600)));
    // Remains are due, too.
    gate.play("650 adm drop-freeze f -> remains");
    assert_eq!([649, 650].map(|it| due(&gate, it)), ["", "f@650"]);
    gate.play("650 time sweep f -> absent");
    assert_eq!(gate.directory.next_due_freeze(), None);
}

#[test]
fn f2_a_task_is_misplaced_where_the_freezes_do_not_put_it() {
    let mut gate = gate();
    let misplaced = |gate: &Gate, second: i64| {
        let task = &gate.case("t1").unwrap().tasks[&task_id("t1")];
        is_misplaced(task, &gate.directory, at(second))
    };
    assert_eq!(
        [599, 600, 779, 780].map(|it| misplaced(&gate, it)),
        [false, true, true, false]
    );
    gate.play("600 time settle t1 -> PAUSED:freeze");
    assert_eq!(
        [600, 779, 780, 1_200].map(|it| misplaced(&gate, it)),
        [false, false, true, false]
    );
    gate.play("780 run start t1 gen=2 -> RUNNING");
    assert_eq!([780, 1_200].map(|it| misplaced(&gate, it)), [false, false]);
}

#[test]
fn f1_an_update_may_widen_move_and_begin_a_freeze() {
    Gate::played(
        "0 orc create t1                                     -> CLEARED
         0 adm freeze f envs=dev from=100 to=900             -> upcoming@100 look=100
         1 adm edit-freeze f envs=prod                       -> upcoming@100 look=100
         1 run start t1 claim=c2 gen=0                       -> StartNotNow:stale
         2 adm edit-freeze f from=                           -> in_force@900 look=2
         2 time sweep f                                      -> in_force@900 look=900
         2 time settle t1                                    -> PAUSED:freeze entries=0
         3 adm edit-freeze f from=500                        -> upcoming@500 look=3
         3 time sweep f                                      -> upcoming@500 look=500
         3 time settle t1                                    -> CLEARED gen=2 entries=0
         4 adm edit-freeze f from=0 every=*/10_*_*_*_*@UTC@3m to=  -> in_force@180 look=4
         5 adm edit-freeze f every=                          -> in_force@never look=5",
    );
}
