//! W7, T2, T4: times to live.

use countersign_domain::log::AggregateKey;

use crate::harness::Gate;
use crate::harness::facts::{line, states};
use crate::harness::people::{at, task_id};

#[test]
fn w7_a_change_request_expires_that_is_pending_for_too_long() {
    let gate = Gate::played(
        "0 adm policy p users=ann,bob min=2 attl=60
         1 orc create t1                      -> PENDING due=61 expires=61
         10 ann approve t1                    -> PENDING due=61
         60.999999 time settle t1             -> PENDING entries=0
         61 bob approve t1     -> ChangeRequestEnded EXPIRED TERMINATED:expired entries=2
         62 time settle t1                    -> cause=approval_ttl@61 signal=TERMINATE due=none
         62 run start t1                      -> StartNever
         62 orc withdraw t1                   -> NotWithdrawable",
    );
    let said = "Deployment terminated by change request CR-1: its approvals did not come in time";
    assert_eq!(line(&gate, "t1"), said);
}

#[test]
fn w7_the_approval_ttl_counts_from_the_instant_it_last_became_pending() {
    Gate::played(
        "0 adm policy p users=ann,bob attl=60
         1 orc create t1                      -> PENDING due=61
         50 ann approve t1                    -> APPROVED due=none
         100 time settle t1                   -> APPROVED CLEARED entries=0
         200 ann revoke t1                    -> PENDING due=260
         250 bob approve t1                   -> APPROVED
         251 bob revoke t1                    -> PENDING due=311
         311 time settle t1                   -> EXPIRED cause=approval_ttl@311",
    );
}

#[test]
fn w7_a_lapse_makes_it_pending_anew() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm policy p users=bob teams=dev attl=60 recheck=yes
         1 orc create t1
         2 ann approve t1                     -> APPROVED
         3 adm edit-team dev members=
         100 run start t1                     -> StartNotNow:approval PENDING due=160
         160 time settle t1                   -> EXPIRED cause=approval_ttl@160",
    );
}

#[test]
fn w7_an_approval_is_good_for_so_long_from_the_newest_one() {
    let gate = Gate::played(
        "0 adm policy p users=ann,bob,cat ettl=60
         1 orc create t1                      -> PENDING due=none
         10 ann approve t1                    -> APPROVED CLEARED due=70 expires=70
         20 ann approve t1                    -> Done entries=0 due=70
         30 bob approve t1                    -> APPROVED CLEARED due=90 gen=1
         89.999999 time settle t1             -> APPROVED CLEARED entries=0
         90 run start t1                      -> StartNever EXPIRED TERMINATED:expired entries=2
         91 time settle t1                    -> cause=execution_ttl@90
         91 cat approve t1                    -> ChangeRequestEnded",
    );
    let said = "Deployment terminated by change request CR-1: it did not start in time after its \
                approval";
    assert_eq!(line(&gate, "t1"), said);
}

#[test]
fn w7_the_last_instant_before_it_passes_is_good_for_a_start() {
    Gate::played(
        "0 adm policy p users=ann ettl=60
         1 orc create t1
         10 ann approve t1
         69.999999 run start t1               -> RUNNING
         70 time settle t1                    -> APPROVED RUNNING entries=1",
    );
}

#[test]
fn w7_revoking_the_newest_approval_shortens_it() {
    Gate::played(
        "0 adm policy p users=ann,bob ettl=60
         1 orc create t1
         10 ann approve t1                    -> due=70
         40 bob approve t1                    -> due=100
         50 bob revoke t1                     -> APPROVED CLEARED due=70
         51 bob approve t1                    -> due=111
         80 bob revoke t1                     -> EXPIRED TERMINATED:expired cause=execution_ttl@70",
    );
}

#[test]
fn w7_a_lapse_of_the_newest_approval_shortens_it() {
    Gate::played(
        "0 adm team dev members=bob
         0 adm policy p users=ann teams=dev ettl=60 recheck=yes
         1 orc create t1
         10 ann approve t1                    -> due=70
         40 bob approve t1                    -> due=100
         50 adm edit-team dev members=
         80 run start t1                      -> StartNever EXPIRED cause=execution_ttl@70",
    );
}

#[test]
fn w7_an_approval_that_does_not_suffice_starts_nothing() {
    Gate::played(
        "0 adm policy p users=ann,bob min=2 ettl=60
         1 orc create t1
         10 ann approve t1                    -> PENDING due=none
         100 bob approve t1                   -> APPROVED due=160
         110 bob revoke t1                    -> PENDING due=none
         500 time settle t1                   -> PENDING entries=0",
    );
}

#[test]
fn w7_the_shortest_of_all_policies_counts() {
    Gate::played(
        "0 adm policy p users=ann attl=60 ettl=30
         0 adm policy q users=ann attl=40 ettl=50
         0 adm policy r users=ann
         1 orc create t1                      -> due=41
         2 ann approve t1                     -> due=32",
    );
}

#[test]
fn w7_joining_extends_neither() {
    Gate::played(
        "0 adm policy p users=ann share=release attl=60 ettl=30
         1 orc create t1 release=r1           -> due=61
         50 orc create t2 release=r1          -> CR-1 due=61
         60 ann approve t1                    -> due=90
         89 orc create t3 release=r1          -> CR-1 APPROVED CLEARED due=90
         90 time settle t3                    -> EXPIRED TERMINATED:expired entries=4
         90 time settle t1                    -> TERMINATED:expired",
    );
}

#[test]
fn w7_started_tasks_are_untouched() {
    Gate::played(
        "0 adm policy p users=ann share=release ettl=30
         1 orc create t1 release=r1
         1 orc create t2 release=r1
         1 orc create t3 release=r1
         2 ann approve t1                     -> due=32
         3 run start t1
         3 run start t2
         4 run finish t2                      -> SUCCEEDED
         32 time settle t3                    -> EXPIRED TERMINATED:expired
         33 run start t1                      -> Done RUNNING entries=0
         34 run finish t1                     -> EXPIRED SUCCEEDED
         34 time settle t2                    -> SUCCEEDED entries=0",
    );
}

#[test]
fn w7_a_shared_approved_one_expires_though_nothing_waits() {
    Gate::played(
        "0 adm policy p users=ann share=release ettl=30
         1 orc create t1 release=r1
         2 ann approve t1                     -> due=32
         3 run start t1                       -> RUNNING expires=32
         32 orc create t2 release=r1          -> CR-2 PENDING
         33 time settle t1                    -> EXPIRED RUNNING cause=execution_ttl@32 entries=0",
    );
}

#[test]
fn t2_an_approved_one_under_which_nothing_can_start_keeps_its_state() {
    // how its only task went
    for (steps, state) in [
        ("3 run start t1", "RUNNING"),
        ("3 run start t1\n 4 run finish t1", "SUCCEEDED"),
        ("3 orc withdraw t1", "TERMINATED:withdrawn"),
        ("20 time settle t1", "TERMINATED:window_closed"),
    ] {
        let mut gate = Gate::new();
        gate.play("0 adm policy p users=ann,bob ettl=30\n 1 orc create t1 window=..20");
        gate.play("2 ann approve t1");
        gate.play(steps);
        let play = [
            format!("21 time settle t1    -> APPROVED {state} due=32 expires=none"),
            format!("31 time settle t1    -> APPROVED {state} entries=0"),
            format!("40 time settle t1    -> APPROVED {state} entries=1 due=none"),
            // Once, and not due for ever; a newer approval counts, and has its own.
            format!("41 time settle t1    -> APPROVED {state} entries=0"),
            format!("42 bob approve t1    -> APPROVED {state} entries=1 due=72"),
            format!("72 time settle t1    -> APPROVED {state} entries=1 due=none"),
            format!("90 ann approve t1    -> APPROVED {state} entries=0 due=none"),
        ];
        gate.play(&play.join("\n"));
        gate.check_all();
    }
}

#[test]
fn t4_a_tie_goes_to_the_window() {
    // terms, window, what is left of the task and the change request at that instant
    let rows = [
        (
            "attl=20",
            "..21",
            "EXPIRED TERMINATED:window_closed cause=window_closed@21",
        ),
        (
            "attl=20",
            "..22",
            "EXPIRED TERMINATED:expired cause=approval_ttl@21",
        ),
        (
            "attl=20",
            "..20",
            "EXPIRED TERMINATED:window_closed cause=window_closed@20",
        ),
        ("ettl=19", "..21", "APPROVED TERMINATED:window_closed"),
        (
            "ettl=19",
            "..22",
            "EXPIRED TERMINATED:expired cause=execution_ttl@21",
        ),
        (
            "ettl=19 share=release",
            "..21",
            "EXPIRED TERMINATED:window_closed cause=execution_ttl@21",
        ),
    ];
    for (terms, window, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!("0 adm policy p users=ann {terms}"));
        gate.play(&format!("1 orc create t1 release=r1 window={window}"));
        if terms.starts_with("ettl") {
            gate.play("2 ann approve t1 -> APPROVED CLEARED");
        }
        gate.play(&format!("21 time settle t1 -> {expected}"));
    }
}

#[test]
fn t4_a_late_settling_gives_the_reasons_of_a_punctual_one() {
    let tasks = "1 orc create t1 release=r1 window=..10
                 1 orc create t2 release=r1 window=..20
                 1 orc create t3 release=r1 window=..30
                 1 orc create t4 release=r1
                 1 orc create t5 release=r1 window=15..20";
    for terms in [
        "attl=5", "attl=19", "attl=29", "attl=90", "ettl=3", "ettl=18", "ettl=28", "",
    ] {
        for share in ["task", "release"] {
            for decisions in ["", "2 ann approve t1\n 2 ann approve t2\n 2 ann approve t5"] {
                let mut late = Gate::new();
                late.play(&format!("0 adm policy p users=ann share={share} {terms}"));
                late.play(tasks);
                late.play(decisions);
                let mut punctual = late.clone();
                for second in 3..=40 {
                    settle_all(&mut punctual, second);
                }
                settle_all(&mut late, 40);
                assert_eq!(ends(&late), ends(&punctual), "{share} {terms} {decisions}");
                late.check_all();
            }
        }
    }
}

#[test]
fn t4_the_entries_keep_both_instants() {
    let gate = Gate::played(
        "0 adm policy p users=ann attl=20
         1 orc create t1
         50 time settle t1                    -> EXPIRED TERMINATED:expired cause=approval_ttl@21",
    );
    let task = AggregateKey::Task(task_id("t1"));
    let change_request = AggregateKey::ChangeRequest(gate.case("t1").unwrap().number());
    for key in [task, change_request] {
        let last = gate.store.history[&key].last().unwrap();
        let cause = format!("{:?}", last.body.cause);
        let due = format!("Time {{ due_at: Some({:?}) }}", at(21));
        assert_eq!((cause, last.stamp.instant), (due, at(50)), "{key:?}");
    }
}

fn settle_all(gate: &mut Gate, second: i64) {
    for task in 1..=5 {
        gate.play(&format!("{second} time settle t{task}"));
    }
}

/// How everything stands, and since when each end was due, whenever it was written.
fn ends(gate: &Gate) -> Vec<String> {
    (1..=5)
        .map(|task| {
            let id = format!("t{task}");
            let key = AggregateKey::Task(task_id(&id));
            let last = gate.store.history[&key].last().unwrap();
            let case = gate.case(&id).unwrap();
            let ended = case.change_request.state.has_ended();
            let key = AggregateKey::ChangeRequest(case.number());
            let change_request = gate.store.history[&key].last().filter(|_| ended);
            let cause = change_request.map(|kept| kept.body.cause.clone());
            format!("{} {:?} {cause:?}", states(gate, &id), last.body.cause)
        })
        .collect()
}
