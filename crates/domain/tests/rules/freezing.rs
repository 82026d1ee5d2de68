//! F: freezes. Where a step sweeps nothing, no time has been told to anybody: the start alone
//! decides.

use countersign_domain::Refusal;
use countersign_domain::batch::Reply;

use crate::harness::Gate;
use crate::harness::facts::{line, variant};
use crate::harness::people::freeze_id;

#[test]
fn f1_a_freeze_holds_what_its_scopes_match_of_what_the_task_was_created_with() {
    // the freeze, the task, whether it holds
    let rows = [
        ("", "", true),
        ("projects=*", "project=api", true),
        ("projects=api", "", false),
        ("projects=api,web", "", true),
        ("projects=we", "", false),
        ("envs=*", "env=dev", true),
        ("envs=dev", "", false),
        ("kinds=runbook", "", false),
        ("kinds=runbook", "kind=runbook", true),
        ("tenants=x", "", false),
        ("tenants=x", "tenant=y", false),
        ("tenants=x", "tenant=x", true),
        ("projects=tier/a", "", false),
        ("projects=tier/a", "ptags=tier/a,zone/b", true),
        ("projects=tier/a,tier/c", "ptags=tier/c", true),
        ("projects=tier/a,zone/b", "ptags=tier/a", false),
        ("projects=* envs=tier/a", "etags=tier/a env=dev", true),
        ("projects=* envs=tier/a", "ptags=tier/a env=dev", false),
    ];
    for (freeze, task, holds) in rows {
        let expected = if holds { "PAUSED:freeze" } else { "CLEARED" };
        let reply = if holds { "StartNotNow:freeze" } else { "Done" };
        let mut before = Gate::new();
        before.play(&format!(
            "0 adm freeze f {freeze}
             1 orc create t1 {task} -> APPROVED {expected}
             2 run start t1 -> {reply}"
        ));
        let mut after = Gate::new();
        after.play(&format!(
            "1 orc create t1 {task} -> APPROVED CLEARED
             2 adm freeze f {freeze}
             2 run start t1 -> {reply}"
        ));
        before.check_all();
        after.check_all();
    }
}

#[test]
fn f1_a_freeze_holds_from_its_start_to_before_its_end() {
    let every = "every=*/10_*_*_*_*@UTC@3m";
    let cut = format!("{every} from=60 to=650");
    let rows: &[(&str, &str, bool)] = &[
        ("", "9999999", true),
        ("from=100 to=200", "99.999999", false),
        ("from=100 to=200", "100", true),
        ("from=100 to=200", "199.999999", true),
        ("from=100 to=200", "200", false),
        ("from=100", "99", false),
        ("from=100", "100", true),
        ("to=200", "199", true),
        ("to=200", "200", false),
        (every, "179.999999", true),
        (every, "180", false),
        (every, "599.999999", false),
        (every, "600", true),
        (every, "86400", true),
        (every, "86580", false),
        (&cut, "59", false),
        (&cut, "60", true),
        (&cut, "180", false),
        (&cut, "649", true),
        (&cut, "650", false),
        (&cut, "1200", false),
    ];
    for (freeze, second, holds) in rows {
        let mut gate = Gate::new();
        gate.play(&format!(
            "0 orc create t1 -> CLEARED\n 0 adm freeze f {freeze}"
        ));
        let reply = if *holds {
            "StartNotNow:freeze"
        } else {
            "RUNNING"
        };
        gate.play(&format!("{second} run start t1 -> {reply}"));
        gate.check_all();
    }
}

#[test]
fn w5_a_freeze_is_read_widely_where_clocks_are_shifted() {
    // a freeze that recurs in Berlin, the instant, where it stands
    let rows = [
        // 02:30 is skipped on 28 March: it begins with the shift, at 01:00 UTC.
        (
            "30_2_*_*_*@Europe/Berlin@30m",
            6_195_599,
            "upcoming@6195600",
        ),
        (
            "30_2_*_*_*@Europe/Berlin@30m",
            6_195_600,
            "in_force@6199200",
        ),
        (
            "30_2_*_*_*@Europe/Berlin@03:15",
            6_195_600,
            "in_force@6196500",
        ),
        // An end that is skipped is the later one.
        (
            "0_1_*_*_*@Europe/Berlin@02:30",
            6_195_600,
            "in_force@6197400",
        ),
        // 02:30 comes twice on 31 October, and so does the freeze.
        (
            "30_2_*_*_*@Europe/Berlin@30m",
            24_942_600,
            "in_force@24944400",
        ),
        (
            "30_2_*_*_*@Europe/Berlin@30m",
            24_944_400,
            "upcoming@24946200",
        ),
        (
            "30_2_*_*_*@Europe/Berlin@30m",
            24_946_200,
            "in_force@24948000",
        ),
        (
            "0_2_*_*_*@Europe/Berlin@02:30",
            24_940_800,
            "in_force@24946200",
        ),
    ];
    for (every, second, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!(
            "{} adm freeze f every={every} reason=old
             {second} adm edit-freeze f reason=new -> {expected}",
            second - 7_200
        ));
    }
}

#[test]
fn f1_a_freeze_neither_consumes_nor_extends_a_window_and_may_outlast_it() {
    Gate::played(
        "0 adm policy p users=ann windows=0..200
         1 orc create t1
         1 orc create t2
         1 orc create t3 window=..150
         2 ann approve t1                      -> CLEARED
         2 ann approve t2                      -> CLEARED
         2 ann approve t3                      -> CLEARED
         50 adm freeze f to=160
         50 time sweep f
         50 time settle t1                     -> PAUSED:freeze period=0..200 earliest=160
         50 time settle t3                     -> PAUSED:freeze earliest=none
         150 time settle t3                    -> APPROVED TERMINATED:window_closed
         160 run start t1 gen=2                -> RUNNING period=0..200
         170 adm freeze g
         199 time settle t2                    -> PAUSED:freeze
         200 time settle t2                    -> APPROVED TERMINATED:window_closed",
    );
}

#[test]
fn f1_a_task_whose_periods_recur_outlives_a_freeze() {
    let gate = Gate::played(
        "0 adm policy p users=ann windows=*/10_*_*_*_*@UTC@3m
         0 orc create t1
         1 ann approve t1                      -> CLEARED
         2 adm freeze f to=700
         2 time sweep f
         2 time settle t1                      -> PAUSED:freeze earliest=700
         180 time settle t1                    -> PAUSED:window period=600..780 entries=1
         600 time settle t1                    -> PAUSED:freeze entries=1 earliest=700
         700 time sweep f
         700 run start t1                      -> RUNNING gen=2",
    );
    assert!(line(&gate, "t1").starts_with("Deployment running"));
}

#[test]
fn f1_times_that_hold_nothing_are_refused() {
    let rows = [
        ("", "Done"),
        ("to=61", "Done"),
        ("to=60.999999", "F1"),
        ("to=1", "F1"),
        ("from=0 to=1", "F1"),
        ("from=0 to=60", "Done"),
        ("from=100 to=160", "Done"),
        ("from=100 to=159.999999", "F1"),
        ("from=200 to=100", "F1"),
        ("from=0", "Done"),
        ("every=0_0_30_2_*@UTC@1h", "F1"),
        ("every=0_0_1_6_*@UTC@1h to=1000", "F1"),
        ("every=0_0_1_6_*@UTC@1h", "Done"),
        ("projects=", "M2"),
        ("envs=", "M2"),
    ];
    for (freeze, expected) in rows {
        let refused = |step: &str, gate: &mut Gate| match gate.say(step).0 {
            Reply::Refused(refusal) => refusal.rule().to_owned(),
            _ => "Done".to_owned(),
        };
        let mut gate = Gate::new();
        let found = refused(&format!("1 adm freeze f {freeze}"), &mut gate);
        assert_eq!(found, expected, "{freeze}");
        gate.play("1 adm freeze g reason=other from=1 to=99");
        let found = refused(&format!("1 adm edit-freeze g {freeze}"), &mut gate);
        // The end at 99 stays where none is named: nothing comes before it then.
        let changes = ["from=100", "every=0_0_1_6_*@UTC@1h"];
        let expected = if changes.contains(&freeze) {
            "F1"
        } else {
            expected
        };
        assert_eq!(found, expected, "{freeze}, as a change");
        gate.check_all();
    }
    Gate::played(
        "0 adm freeze f
         1 adm freeze f projects=api           -> FreezeIdTaken rev=1
         1 adm edit-freeze g reason=x          -> NotFound absent
         1 adm lift-freeze g                   -> NotFound
         1 adm drop-freeze g                   -> NotFound
         1 adm edit-freeze f reason=x etag=no  -> EtagMismatch
         1 adm lift-freeze f etag=no           -> EtagMismatch
         1 adm drop-freeze f etag=no           -> EtagMismatch
         1 adm edit-freeze f reason=peace      -> Done entries=0 rev=1",
    );
}

#[test]
fn f2_a_cleared_task_is_held_again_and_goes_on_with_a_new_generation() {
    let gate = Gate::played(
        "0 adm policy p users=ann
         1 orc create t1
         2 ann approve t1                      -> CLEARED gen=1 signal=PROCEED
         3 adm freeze f reason=quarter-end     -> in_force@never look=3
         3 time settle t1       -> PAUSED:freeze signal=HOLD gen=1 permit=0 blockers=freeze:f@none
         4 time sweep f                        -> look=none entries=2
         5 run start t1 gen=1                  -> StartNotNow:freeze entries=0
         6 adm lift-freeze f                   -> lifted@never look=6
         6 time sweep f                        -> look=none entries=3
         6 time settle t1                      -> CLEARED gen=2 signal=PROCEED entries=0
         7 run start t1 gen=1                  -> StartNotNow:stale
         7 run start t1                        -> RUNNING gen=2",
    );
    gate.check_all();
}

#[test]
fn f2_a_start_between_the_freeze_and_its_sweep_is_refused_and_names_it() {
    let mut gate = Gate::new();
    gate.play(
        "0 orc create t1                       -> CLEARED gen=1
         1 adm freeze g
         1 adm freeze f",
    );
    let Reply::Refused(refusal) = gate.say("1 run start t1").0 else {
        panic!("not refused");
    };
    assert_eq!(
        refusal.to_string(),
        "the task is held by freezes: f, g; do not start, wait for the next signal"
    );
    assert_eq!(refusal.rule(), "P4");
    assert!(line(&gate, "t1").ends_with(
        "freeze f holds it until it is lifted (peace); freeze g holds it until it is lifted (peace)"
    ));
    gate.check_all();
}

#[test]
fn f2_overlapping_freezes_are_each_a_blocker_and_the_last_one_lets_go() {
    Gate::played(
        "0 adm policy p users=ann
         1 orc create t1
         2 ann approve t1                      -> CLEARED
         3 adm freeze f to=100
         3 adm freeze g to=200
         3 adm freeze h from=150
         3 time sweep f
         3 time sweep g
         3 time settle t1        -> PAUSED:freeze blockers=freeze:f@100,freeze:g@200 earliest=none
         100 time sweep f
         100 time settle t1                    -> PAUSED:freeze blockers=freeze:g@200 entries=0
         160 time settle t1      -> PAUSED:freeze blockers=freeze:g@200,freeze:h@none entries=0
         200 time sweep g
         200 time settle t1                    -> PAUSED:freeze blockers=freeze:h@none entries=0
         210 adm drop-freeze h                 -> remains
         210 time settle t1                    -> CLEARED gen=2 entries=1",
    );
}

#[test]
fn f2_things_continue_where_they_stood() {
    Gate::played(
        "0 adm policy p users=ann,bob min=2
         1 orc create t1 window=50..
         2 ann approve t1                      -> PENDING PAUSED:approval
         3 adm freeze f to=500
         3 time sweep f
         3 time settle t1     -> PENDING PAUSED:approval blockers=approval:1,window@50,freeze:f@500
         4 bob approve t1                      -> APPROVED PAUSED:window
         50 time settle t1                     -> APPROVED PAUSED:freeze gen=0
         60 bob revoke t1                      -> PENDING PAUSED:approval
         70 bob approve t1                     -> APPROVED PAUSED:freeze
         80 orc create t2                      -> PENDING
         90 ann reject t2                      -> REJECTED TERMINATED:rejected
         95 orc create t3
         96 orc withdraw t3                    -> WITHDRAWN TERMINATED:withdrawn
         500 time sweep f
         500 run start t1                      -> RUNNING gen=1",
    );
}

#[test]
fn f3_lifting_ends_the_present_occurrence_and_a_recurring_freeze_returns() {
    Gate::played(
        "0 orc create t1                                     -> CLEARED gen=1
         0 adm freeze f every=*/10_*_*_*_*@UTC@3m            -> in_force@180 next=600
         10 run start t1                                     -> StartNotNow:freeze
         20 adm lift-freeze f                                -> lifted@180 next=600 entries=1
         20 adm lift-freeze f                                -> Done lifted@180 entries=0
         179 adm lift-freeze f                               -> Done lifted@180 entries=0
         21 time settle t1                                   -> CLEARED gen=2
         180 adm lift-freeze f         -> FreezeNotInForce upcoming@600 entries=0
         600 run start t1                                    -> StartNotNow:freeze
         610 adm lift-freeze f                               -> lifted@780 next=1200 rev=3
         611 run start t1 gen=3                              -> RUNNING
         1200 adm edit-freeze f reason=again                 -> in_force@1380",
    );
}

#[test]
fn f3_what_is_not_in_force_cannot_be_lifted() {
    let mut gate = Gate::new();
    gate.play("0 adm freeze f from=100 to=200\n 0 adm freeze g to=90");
    for (step, text) in [
        (
            "10 adm lift-freeze f",
            "freeze f is not in force, it begins at 2027-01-15T08:01:40Z; only one that is can be \
             lifted, change or delete it instead",
        ),
        (
            "99 adm lift-freeze g",
            "freeze g is not in force; only one that is can be lifted, change or delete it instead",
        ),
    ] {
        let Reply::Refused(refusal) = gate.say(step).0 else {
            panic!("{step} is not refused");
        };
        assert_eq!(refusal.to_string(), text);
        assert_eq!(
            (variant(&refusal).as_str(), refusal.rule()),
            ("FreezeNotInForce", "F3")
        );
        assert!(matches!(refusal, Refusal::FreezeNotInForce { .. }));
    }
    gate.play("100 adm lift-freeze f -> lifted@200\n 200 adm lift-freeze f -> FreezeNotInForce");
}

#[test]
fn f3_a_lifting_survives_a_change_of_words_and_scopes_but_not_of_times() {
    Gate::played(
        "0 orc create t1                                     -> CLEARED
         0 adm freeze f to=900
         10 adm lift-freeze f                                -> lifted@900
         20 adm edit-freeze f reason=new                     -> lifted@900
         30 adm edit-freeze f envs=*                         -> lifted@900
         30 run start t1                                     -> RUNNING
         40 adm edit-freeze f to=800                         -> in_force@800",
    );
}

#[test]
fn f3_deleting_ends_all_and_what_is_left_of_it_goes_with_its_sweep() {
    let mut gate = Gate::new();
    gate.play(
        "0 orc create t1                                     -> CLEARED
         0 adm freeze f every=*/10_*_*_*_*@UTC@3m
         0 time sweep f                                      -> in_force@180 look=180
         10 adm drop-freeze f                                -> remains look=10
         10 adm drop-freeze f                                -> NotFound remains entries=0
         10 adm lift-freeze f                                -> NotFound
         10 adm edit-freeze f reason=x                       -> NotFound",
    );
    assert!(gate.directory.freeze(&freeze_id("f")).is_none());
    gate.check_all();
    gate.play(
        "11 time sweep f                                     -> absent
         11 time settle t1                                   -> CLEARED gen=2 entries=0
         600 run start t1                                    -> RUNNING",
    );
    gate.check_all();
    // One that holds nothing leaves nothing.
    gate.play(
        "601 adm freeze g from=900
         602 adm drop-freeze g                               -> absent",
    );
    gate.check_all();
}

#[test]
fn f3_an_id_is_free_again_over_the_remains_and_what_was_held_is_still_let_go() {
    Gate::played(
        "0 orc create t1                                     -> CLEARED
         0 adm freeze f
         0 time sweep f
         0 time settle t1                                    -> PAUSED:freeze
         10 adm drop-freeze f                                -> remains
         11 adm freeze f envs=dev                            -> in_force@never look=11 rev=1
         12 time sweep f                                     -> look=none
         12 time settle t1                                   -> CLEARED gen=2 entries=0
         20 adm drop-freeze f                                -> remains
         21 adm freeze f from=100 to=200                     -> upcoming@100 look=21
         21 time sweep f                                     -> upcoming@100 look=100
         100 time sweep f                                    -> in_force@200 look=200
         100 time settle t1                                  -> PAUSED:freeze entries=0",
    );
}

#[test]
fn f4_a_started_task_is_never_touched() {
    for end in [
        "finish t1 -> SUCCEEDED",
        "finish t1 outcome=failed -> FAILED",
    ] {
        let mut gate = Gate::new();
        gate.play(&format!(
            "0 adm policy p users=ann windows=0..100
             0 orc create t1
             1 ann approve t1
             2 run start t1                    -> RUNNING
             3 adm freeze f
             3 time sweep f                    -> entries=2
             3 time settle t1                  -> APPROVED RUNNING signal=none entries=0
             4 run start t1 gen=1              -> RUNNING entries=0
             5 ann revoke t1                   -> NothingCanStart RUNNING
             5 ann reject t1                   -> NothingCanStart RUNNING
             100 time settle t1                -> RUNNING entries=0
             200 run {end}
             201 adm lift-freeze f
             201 time sweep f                  -> entries=2
             201 time settle t1                -> entries=0"
        ));
        gate.check_all();
    }
}

#[test]
fn f5_only_lifting_or_narrowing_passes_a_freeze() {
    Gate::played(
        "0 adm policy p users=ann,bob,cat
         1 orc create t1
         1 orc create t2 project=web env=prod tenant=x
         1 adm freeze f projects=* envs=*
         2 ann approve t1                      -> APPROVED PAUSED:freeze
         2 ann approve t2                      -> APPROVED PAUSED:freeze
         3 bob approve t1                      -> APPROVED PAUSED:freeze
         3 cat approve t1                      -> APPROVED PAUSED:freeze
         4 run start t1                        -> StartNotNow:freeze
         4 adm edit-policy p disabled=yes
         4 run start t1                        -> StartNotNow:freeze
         5 adm edit-freeze f tenants=x projects=* envs=*     -> in_force@never look=5
         5 run start t1 gen=1                  -> RUNNING
         5 run start t2                        -> StartNotNow:freeze
         6 time sweep f                        -> look=none
         7 adm lift-freeze f
         7 run start t2 gen=1                  -> RUNNING",
    );
}
