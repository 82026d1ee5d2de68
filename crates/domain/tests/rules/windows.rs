//! W3, W4, M5, M6: the windows of policies, and the period a task is bound to.

use countersign_domain::batch::Reply;
use countersign_domain::ids::PolicyId;
use countersign_domain::policy::NoPeriod;
use countersign_domain::{Instant, Refusal};

use crate::harness::Gate;
use crate::harness::people::{at, task_id};

/// Every ten minutes for three: from second 0, 600, 1200 and so on.
const EVERY: &str = "*/10_*_*_*_*@UTC@3m";

#[test]
fn w3_a_task_may_start_in_any_window_of_a_policy_and_nowhere_else() {
    for (clock, expected) in [
        ("99.999999", "StartNotNow:window"),
        ("100", "RUNNING"),
        ("199.999999", "RUNNING"),
        ("200", "StartNotNow:window period=300..400"),
        ("299.999999", "StartNotNow:window"),
        ("300", "RUNNING"),
        ("400", "StartNever TERMINATED:window_closed"),
    ] {
        let mut gate = Gate::new();
        gate.play(
            "0 adm policy p users=ann windows=100..200;300..400 close=hold
             1 orc create t1       -> period=100..200 blockers=approval:1,window@100 earliest=100
             2 ann approve t1      -> APPROVED PAUSED:window signal=HOLD gen=0 entries=3",
        );
        gate.play(&format!("{clock} run start t1 gen=1 -> {expected}"));
        gate.check_all();
    }
}

/// The first period at second 1, and the one after it.
fn periods(p: &str, q: &str, window: &str) -> String {
    let mut gate = Gate::new();
    gate.play(&format!("0 adm policy p users=ann windows={p} close=hold"));
    let close = if q.is_empty() { "" } else { "close=hold" };
    gate.play(&format!("0 adm policy q users=ann windows={q} {close}"));
    gate.play(&format!("1 orc create t1 window={window}"));
    let first = gate.case("t1").unwrap().tasks[&task_id("t1")]
        .period
        .unwrap();
    gate.say(&seconds(first.end, " time settle t1"));
    let second = gate.case("t1").unwrap().tasks[&task_id("t1")]
        .period
        .unwrap();
    gate.check_all();
    let next = (second != first).then(|| span(second.start, second.end));
    format!(
        "{} {}",
        span(first.start, first.end),
        next.unwrap_or_default()
    )
}

fn seconds(instant: Instant, behind: &str) -> String {
    format!("{}{behind}", instant.micros_since(at(0)) / 1_000_000)
}

fn span(start: Instant, end: Instant) -> String {
    format!("{}..{}", seconds(start, ""), seconds(end, ""))
}

#[test]
fn w3_windows_are_a_union_within_a_policy_and_an_intersection_across() {
    let rows = [
        ("100..200;300..400", "", "..", "100..200 300..400"),
        ("300..400;100..200", "", "..", "100..200 300..400"),
        ("100..200;150..300", "", "..", "100..300 "),
        ("100..200;200..300", "", "..", "100..300 "),
        ("100..500;200..300", "", "..", "100..500 "),
        ("100..200;300..400", "150..350", "..", "150..200 300..350"),
        ("150..350", "100..200;300..400", "..", "150..200 300..350"),
        ("0..1000", EVERY, "..", "0..180 600..780"),
        (
            EVERY,
            "5_*_*_*_*@UTC@6m;100..700",
            "..",
            "100..180 600..700",
        ),
        (EVERY, "120..660", "..", "120..180 600..660"),
        // Cut to the task's window.
        (EVERY, "", "60..", "60..180 600..780"),
        (EVERY, "", "..650", "0..180 600..650"),
        (EVERY, "", "180..", "600..780 1200..1380"),
        (EVERY, "", "200..600", ""),
        ("100..900", "", "200..300", "200..300 "),
        (EVERY, "100..900", "610..640", "610..640 "),
    ];
    for (p, q, window, expected) in rows {
        if expected.is_empty() {
            let mut gate = Gate::new();
            gate.play(&format!("0 adm policy p users=ann windows={p}"));
            gate.play(&format!(
                "1 orc create t1 window={window} -> NoPeriod absent entries=0"
            ));
        } else {
            assert_eq!(periods(p, q, window), expected, "{p} and {q} in {window}");
        }
    }
}

#[test]
fn w3_a_recurring_window_has_a_zone_and_a_length_or_a_local_end() {
    // Second 0 is 09:00 in Berlin and 08:00 in UTC.
    let rows = [
        ("0_10_*_*_*@Europe/Berlin@12:00", "3600..10800"),
        ("0_10_*_*_*@Europe/Berlin@2h", "3600..10800"),
        ("0_10_*_*_*@UTC@12:00", "7200..14400"),
        ("0_22_*_*_*@Europe/Berlin@24:00", "46800..54000"),
        ("0_22_*_*_*@Europe/Berlin@06:00", "46800..75600"),
        ("0_9_*_*_5@Europe/Berlin@1h", "0..3600"),
        ("0_10_*_*_5@Europe/Berlin@10:00", "3600..90000"),
    ];
    for (window, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!("0 adm policy p users=ann windows={window}"));
        gate.play(&format!("1 orc create t1 -> period={expected}"));
    }
}

#[test]
fn w5_a_window_is_read_narrowly_where_clocks_are_shifted() {
    // the window, a second before it on the day of the shift, the period
    let rows = [
        // 02:30 is skipped on 28 March: it opens at 03:30, for as long as it would have.
        (
            "30_2_*_*_*@Europe/Berlin@30m",
            6_163_000,
            "6197400..6199200",
        ),
        // A local end before 03:30 leaves nothing of that day.
        (
            "30_2_*_*_*@Europe/Berlin@03:15",
            6_163_000,
            "6280200..6282900",
        ),
        // 02:30 comes twice on 31 October: it opens at the first, once.
        (
            "30_2_*_*_*@Europe/Berlin@30m",
            24_900_000,
            "24942600..24944400",
        ),
        // An end at 02:30 is the earlier one.
        (
            "0_2_*_*_*@Europe/Berlin@02:30",
            24_900_000,
            "24940800..24942600",
        ),
        // Elapsed is elapsed.
        (
            "0_1_*_*_*@Europe/Berlin@3h",
            24_900_000,
            "24937200..24948000",
        ),
    ];
    for (window, second, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!("0 adm policy p users=ann windows={window}"));
        gate.play(&format!("{second} orc create t1 -> period={expected}"));
    }
}

#[test]
fn w4_without_a_period_the_creation_is_refused_with_the_reason() {
    let never = NoPeriod::NeverOpen;
    let outside = NoPeriod::OutsideTaskWindow { opens_at: at(300) };
    // windows of p and q, when and with what window a task is asked for, which policies, why
    let rows = [
        ("100..200", "300..400", "1", "..", "p, q", never),
        ("100..200", "", "200", "..", "p", never),
        ("100..200", "", "1", "200..", "p", never),
        ("300..400", "", "1", "..300", "p", outside),
        ("300..400", "300..500", "1", "100..250", "p, q", outside),
        ("0..100;300..400", "", "100", "..200", "p", outside),
    ];
    for (p, q, second, window, policies, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!("0 adm policy p users=ann windows={p}"));
        gate.play(&format!("0 adm policy q users=ann windows={q}"));
        let (reply, entries) = gate.say(&format!("{second} orc create t1 window={window}"));
        let Reply::Refused(Refusal::NoPeriod {
            policies: found,
            why,
        }) = &reply
        else {
            panic!("{p} and {q}: {reply:?}");
        };
        let found: Vec<&str> = found.iter().map(PolicyId::as_str).collect();
        assert_eq!(
            (found.join(", ").as_str(), *why, entries),
            (policies, expected, 0)
        );
        // Nothing is left of it: the number is given to the next one.
        gate.play("400 orc create t2 env=dev -> CR-1 period=none");
    }
}

#[test]
fn w4_the_search_goes_ten_years_ahead() {
    let day = 86_400;
    for (days, expected) in [(3_650, "Done"), (3_654, "InvalidField")] {
        let (start, end) = (days * day, days * day + 600);
        let mut gate = Gate::new();
        gate.play(&format!(
            "0 adm policy p users=ann windows={start}..{end} -> {expected}"
        ));
        if expected == "Done" {
            gate.play(&format!("1 orc create t1 -> period={start}..{end}"));
        }
    }
}

#[test]
fn c2_a_repeated_creation_is_told_where_the_task_stands_whatever_the_windows_say() {
    Gate::played(
        "0 adm policy p users=ann windows=100..200
         1 orc create t1                       -> period=100..200
         300 orc create t2                     -> NoPeriod absent
         300 orc create t1                     -> Done EXPIRED TERMINATED:window_closed
         301 orc create t1 title=Other         -> TaskIdTaken
         301 adm drop-policy p
         302 orc create t1                     -> Done EXPIRED entries=0",
    );
}

#[test]
fn w4_a_task_that_is_held_is_bound_to_the_next_period_and_gets_a_new_generation() {
    let mut gate = Gate::new();
    gate.play(&format!("0 adm policy p users=ann windows={EVERY}"));
    gate.play(
        "1 orc create t1                       -> PENDING period=0..180
         2 ann approve t1                      -> CLEARED gen=1 valid=180 signal=PROCEED
         179.999999 time settle t1             -> CLEARED entries=0
         180 run start t1 gen=1                -> StartNotNow:window PAUSED:window entries=1
         180 time settle t1       -> period=600..780 signal=HOLD gen=1 permit=0 entries=0
         599.999999 time settle t1             -> PAUSED:window blockers=window@600 entries=0
         600 run start t1 gen=1                -> StartNotNow:stale CLEARED gen=2 entries=1
         601 run start t1                      -> RUNNING gen=2
         780 time settle t1                    -> RUNNING entries=0 period=600..780
         781 run finish t1                     -> SUCCEEDED",
    );
    gate.check_all();
}

#[test]
fn w4_a_pending_task_is_bound_anew_and_goes_on_waiting_for_approval() {
    let mut gate = Gate::new();
    gate.play(&format!("0 adm policy p users=ann windows={EVERY}"));
    gate.play(
        "1 orc create t1                       -> PENDING period=0..180
         180 time settle t1       -> PENDING PAUSED:approval period=600..780 entries=1
         700 ann approve t1                    -> CLEARED gen=1
         780 time settle t1                    -> PAUSED:window period=1200..1380
         781 ann revoke t1                     -> PENDING PAUSED:approval
         1380 time settle t1                   -> PENDING PAUSED:approval period=1800..1980",
    );
    gate.check_all();
}

#[test]
fn w4_who_sleeps_over_periods_is_bound_to_the_one_that_is_open_or_next() {
    for (second, expected) in [
        (3_010, "CLEARED gen=2 period=3000..3180 entries=2"),
        (3_179, "CLEARED gen=2 period=3000..3180 entries=2"),
        (3_180, "PAUSED:window gen=1 period=3600..3780 entries=1"),
        (3_500, "PAUSED:window gen=1 period=3600..3780 entries=1"),
    ] {
        let mut gate = Gate::new();
        gate.play(&format!("0 adm policy p users=ann windows={EVERY}"));
        gate.play("1 orc create t1\n 2 ann approve t1 -> CLEARED gen=1");
        gate.play(&format!("{second} time settle t1 -> {expected}"));
        gate.check_all();
    }
}

#[test]
fn w4_any_policy_that_terminates_wins_and_unset_depends_on_the_windows() {
    let both = format!("0..180;{EVERY}");
    let ends = "TERMINATED:window_closed period=0..180";
    let holds = "PAUSED:window period=600..780";
    let rows: &[(&str, &str, &str, &str, &str)] = &[
        ("0..180", "", "", "", ends),
        ("0..180;600..780", "", "", "", ends),
        ("0..180;600..780", "hold", "", "", holds),
        ("0..180;600..780", "terminate", "", "", ends),
        (EVERY, "", "", "", holds),
        (EVERY, "hold", "", "", holds),
        (EVERY, "terminate", "", "", ends),
        (&both, "", "", "", holds),
        (EVERY, "", "0..900", "", ends),
        (EVERY, "hold", "0..900", "", ends),
        (EVERY, "", "0..900", "hold", holds),
        (EVERY, "hold", EVERY, "terminate", ends),
        ("0..900", "terminate", EVERY, "hold", ends),
        (EVERY, "", EVERY, "", holds),
    ];
    for (p, p_close, q, q_close, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!(
            "0 adm policy p users=ann windows={p} close={p_close}
             0 adm policy q users=ann windows={q} close={q_close}
             1 orc create t1 -> period=0..180
             2 ann approve t1 -> CLEARED
             180 time settle t1 -> APPROVED {expected}"
        ));
        gate.check_all();
    }
}

#[test]
fn w4_held_without_a_further_period_in_the_task_window_it_ends() {
    // the task's window, its periods, when the last one closes
    let rows = [
        ("..700", "0..180", 700, "600..700"),
        ("..780", "0..180", 780, "600..780"),
        ("..600", "0..180", 180, "0..180"),
        ("..180", "0..180", 180, "0..180"),
        ("..90", "0..90", 90, "0..90"),
        ("60..1210", "60..180", 1_210, "1200..1210"),
    ];
    for (window, first, closes, last) in rows {
        let mut gate = Gate::new();
        gate.play(&format!("0 adm policy p users=ann windows={EVERY}"));
        gate.play(&format!(
            "1 orc create t1 window={window} -> period={first}"
        ));
        let mut late = gate.clone();
        for second in 1..closes {
            gate.play(&format!("{second} time settle t1 -> PENDING"));
        }
        let ends =
            format!("EXPIRED TERMINATED:window_closed cause=window_closed@{closes} period={last}");
        gate.play(&format!("{closes} time settle t1 -> {ends} entries=2"));
        let rebinds = usize::from(first != last);
        late.play(&format!(
            "9999 time settle t1 -> {ends} entries={}",
            2 + rebinds
        ));
        gate.check_all();
        late.check_all();
    }
}

#[test]
fn m5_a_policy_of_windows_alone_has_no_approvers_and_no_minimum() {
    // the policy, and the rule that refuses it
    let rows = [
        ("min=0 windows=0..100", ""),
        ("min=0 windows=0..100 close=hold", ""),
        ("min=0 users=ann windows=0..100", "M5"),
        ("min=0 teams=dev windows=0..100", "M5"),
        ("min=0", "M5"),
        ("min=0 users=ann", "M5"),
        ("min=1 windows=0..100", "M5"),
        ("min=100 windows=0..100", "M5"),
        ("min=1 users=ann windows=0..100", ""),
        ("min=1 users=ann close=hold", "W3"),
        ("min=0 close=hold", "M5"),
        ("min=0 windows=0..100 disabled", ""),
        ("min=0 disabled", "M5"),
        ("min=0 windows=0..100 envs=", "M2"),
    ];
    for (policy, rule) in rows {
        let mut gate = Gate::new();
        gate.play("0 adm team dev members=dan");
        let found = match gate.say(&format!("0 adm policy p {policy}")).0 {
            Reply::Refused(refusal) => refusal.rule(),
            _ => "",
        };
        assert_eq!(found, rule, "{policy}");
    }
}

#[test]
fn m6_a_match_of_windows_alone_satisfies_where_a_policy_is_required() {
    let mut gate = Gate::new();
    gate.settings.require_policy = true;
    gate.play(
        "0 adm policy p min=0 windows=100..200
         1 orc create t1         -> APPROVED PAUSED:window required=false min=0 period=100..200
         1 orc create t2 env=dev -> PolicyRequired
         100 run start t1 gen=1  -> RUNNING",
    );
    // Beside a policy that asks for approvals it adds its windows.
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p min=0 windows=100..200
         0 adm policy q users=ann quorum=own
         1 orc create t1                       -> PENDING required=true min=1 period=100..200
         2 ann approve t1                      -> APPROVED PAUSED:window
         150 time settle t1                    -> CLEARED",
    );
    gate.check_all();
}

#[test]
fn w3_windows_that_cannot_be_are_refused_at_save() {
    let many = |count: i64| {
        let windows = (0..count).map(|it| format!("{}..{}", it * 100, it * 100 + 60));
        windows.collect::<Vec<_>>().join(";")
    };
    let (most, more) = (many(32), many(33));
    let rows = [
        ("100..160", "Done"),
        ("100..159.999999", "InvalidField"),
        ("30..90;100..120", "InvalidField"),
        ("0_0_30_2_*@UTC@1h", "InvalidField"),
        ("100..200;0_0_30_2_*@UTC@1h", "InvalidField"),
        ("0_0_29_2_*@UTC@1h", "Done"),
        ("0..60;100..200", "Done"),
        (&most, "Done"),
        (&more, "InvalidField"),
    ];
    for (windows, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!(
            "0 adm policy p users=ann windows={windows} -> {expected}"
        ));
    }
    // What is past for good is no window of a new policy, but may stay in one that is changed.
    Gate::played(
        "0 adm policy p users=ann windows=0..100
         100 adm policy q users=ann windows=0..100            -> InvalidField
         100 adm edit-policy p users=ann,bob                  -> Done
         100 adm edit-policy p windows=0..90                  -> InvalidField
         100 adm edit-policy p windows=0..90;200..300         -> Done
         100 adm edit-policy p windows=                       -> Done
         100 adm edit-policy p close=hold                     -> InvalidField",
    );
}

#[test]
fn c6_windows_are_frozen_with_their_policies() {
    Gate::played(
        "0 adm policy p users=ann windows=100..200 close=terminate
         1 orc create t1                       -> period=100..200
         2 adm edit-policy p windows=300..400 close=hold
         3 orc create t2                       -> period=300..400
         4 ann approve t1                      -> PAUSED:window
         5 ann approve t2                      -> PAUSED:window
         100 time settle t1                    -> CLEARED
         101 adm drop-policy p
         200 time settle t1                    -> TERMINATED:window_closed
         300 run start t2 gen=1                -> RUNNING",
    );
}

#[test]
fn s5_tasks_that_share_have_each_their_own_period() {
    let mut gate = Gate::new();
    gate.play(&format!(
        "0 adm policy p users=ann share=release ettl=9000 windows={EVERY}"
    ));
    gate.play(
        "1 orc create a release=r1                    -> CR-1 period=0..180
         1 orc create b release=r1 window=650..        -> CR-1 period=650..780
         1 orc create c release=r1 window=..100        -> CR-1 period=0..100
         2 ann approve a                               -> APPROVED CLEARED gen=1
         2 time settle b                               -> PAUSED:window entries=0
         3 run start c                                 -> RUNNING
         200 orc create d release=r1                   -> CR-1 APPROVED PAUSED:window
         200 time settle a                             -> PAUSED:window period=600..780
         600 time settle d                             -> CLEARED gen=1 period=600..780
         600 time settle a                             -> CLEARED gen=2
         600 time settle b                             -> PAUSED:window
         650 run start b gen=1                         -> RUNNING
         600 orc create e release=r1 window=..599      -> WindowPast
         651 orc create e release=r1 window=790..1100  -> NoPeriod absent",
    );
    gate.check_all();
}
