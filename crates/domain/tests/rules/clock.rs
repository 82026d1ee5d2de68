//! K: the clock.

use countersign_domain::log::{AggregateKey, Cause};

use crate::harness::Gate;
use crate::harness::people::at;

#[test]
fn k1_log_time_never_runs_back_and_every_rule_is_judged_by_it() {
    let gate = Gate::played(
        "30 adm policy p users=ann
         30 orc create t1 window=..40          -> PENDING
         41 orc create t2                      -> PENDING
         35 ann approve t1                     -> ChangeRequestEnded EXPIRED
         35 orc create t3 window=..41          -> WindowPast absent
         35 orc create t4 window=40..          -> PENDING
         35 ann approve t4                     -> CLEARED",
    );
    assert_eq!(gate.store.head.instant, at(41));
}

#[test]
fn k2_while_the_clock_is_behind_nothing_starts() {
    // clock when the head is at second 100, reply
    let rows = [
        ("100", "Done"),
        ("99", "Done"),
        ("95", "Done"),
        ("94.999999", "ClockBehind"),
        ("10", "ClockBehind"),
    ];
    for (clock, expected) in rows {
        let mut gate = Gate::new();
        gate.play("100 orc create t1");
        gate.play(&format!("{clock} run start t1 -> {expected}"));
    }
}

#[test]
fn k2_only_new_starts_wait_for_the_clock() {
    Gate::played(
        "0   adm policy p users=ann,bob min=2
         100 orc create t1                     -> PENDING
         50  ann approve t1                    -> Done
         50  bob approve t1                    -> CLEARED
         50  run start t1                      -> ClockBehind CLEARED entries=0
         50  rex start t1 gen=9                -> StartNotNow:stale
         96  run start t1                      -> RUNNING
         50  run start t1                      -> Done RUNNING entries=0
         50  run finish t1                     -> SUCCEEDED
         50  orc create t2                     -> PENDING
         50  ann reject t2                     -> REJECTED",
    );
}

#[test]
fn k2_an_operator_accepts_the_clock_until_the_head_of_that_moment() {
    let gate = Gate::played(
        "1000 orc create t1
         10   run start t1                     -> ClockBehind
         11   ops accept-clock - comment=jump  -> Done entries=1
         12   run start t1                     -> RUNNING
         13   orc create t2
         2000 orc create t3
         14   run start t2                     -> ClockBehind
         15   ops accept-clock -
         16   run start t2                     -> RUNNING",
    );
    let log = &gate.store.history[&AggregateKey::Store];
    assert_eq!(log.len(), 3);
    assert!(
        log[1..]
            .iter()
            .all(|kept| kept.event == "store.clock_accepted")
    );
    let Cause::Call { person, .. } = &log[1].body.cause else {
        panic!("nobody accepted the clock");
    };
    assert_eq!(person.subject, "ops");
}
