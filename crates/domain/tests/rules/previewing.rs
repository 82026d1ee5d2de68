//! W3, W5, F1: what a schedule does next.

use countersign_domain::Instant;
use countersign_domain::preview::{
    Preview, Transition, Turn, preview_freeze, preview_task, preview_windows,
};

use crate::harness::Gate;
use crate::harness::people::{at, freeze_id, task_id};
use crate::harness::schedule::windows;

/// Every ten minutes for three.
const EVERY: &str = "*/10_*_*_*_*@UTC@3m";

/// Whether it is open, and its transitions: `true: closes@180 opens@600`.
fn told(preview: &Preview) -> String {
    let turns = preview.transitions.iter().map(|it| {
        let turn = match it.turn {
            Turn::Opens => "opens",
            Turn::Closes => "closes",
            Turn::FreezeBegins => "begins",
            Turn::FreezeEnds => "ends",
        };
        format!(" {turn}@{}", it.at.micros_since(at(0)) / 1_000_000)
    });
    format!("{}:{}", preview.open, turns.collect::<String>())
}

fn local(preview: &Preview) -> Vec<&str> {
    preview
        .transitions
        .iter()
        .map(|it| it.local.as_str())
        .collect()
}

#[test]
fn w3_a_preview_of_windows_names_what_comes_from_an_instant_on() {
    let two = "100..200;300..400";
    let rows = [
        (
            two,
            0,
            10,
            "false: opens@100 closes@200 opens@300 closes@400",
        ),
        (two, 0, 3, "false: opens@100 closes@200 opens@300"),
        (two, 0, 0, "false:"),
        (two, 100, 1, "true: opens@100"),
        (two, 150, 2, "true: closes@200 opens@300"),
        (two, 199, 9, "true: closes@200 opens@300 closes@400"),
        (two, 200, 9, "false: opens@300 closes@400"),
        (two, 400, 9, "false:"),
        ("100..200;200..300", 0, 9, "false: opens@100 closes@300"),
        (EVERY, 0, 3, "true: opens@0 closes@180 opens@600"),
        (EVERY, 1, 3, "true: closes@180 opens@600 closes@780"),
        ("", 5, 9, "true:"),
    ];
    for (text, from, count, expected) in rows {
        let found = preview_windows(&windows(text), at(from), count);
        assert_eq!(told(&found), expected, "{text} from {from}");
        assert!(found.transitions.iter().all(|it| it.freeze.is_none()));
    }
}

#[test]
fn w5_a_preview_says_local_times_over_a_shift_of_the_clocks() {
    // From 06:00 UTC on 27 March: clocks in Berlin are put forward in the night after it.
    let from = at(6_148_800 - 21_600);
    let berlin = preview_windows(&windows("0_10_*_*_*@Europe/Berlin@12:00"), from, 4);
    assert_eq!(
        local(&berlin),
        [
            "2027-03-27T10:00:00+01:00[Europe/Berlin]",
            "2027-03-27T12:00:00+01:00[Europe/Berlin]",
            "2027-03-28T10:00:00+02:00[Europe/Berlin]",
            "2027-03-28T12:00:00+02:00[Europe/Berlin]",
        ]
    );
    let hours = berlin.transitions[2]
        .at
        .micros_since(berlin.transitions[0].at)
        / 3_600_000_000;
    assert_eq!(hours, 23);
    // Each window's own zone, and UTC where it has none.
    let both = "0_10_*_*_*@Europe/Berlin@1h;0_10_*_*_*@America/New_York@1h";
    assert_eq!(
        local(&preview_windows(&windows(both), from, 4)),
        [
            "2027-03-27T10:00:00+01:00[Europe/Berlin]",
            "2027-03-27T11:00:00+01:00[Europe/Berlin]",
            "2027-03-27T10:00:00-04:00[America/New_York]",
            "2027-03-27T11:00:00-04:00[America/New_York]",
        ]
    );
    let once = preview_windows(&windows("100..200"), at(0), 9);
    assert_eq!(
        local(&once),
        ["2027-01-15T08:01:40Z", "2027-01-15T08:03:20Z"]
    );
}

fn of_freeze(gate: &Gate, from: Instant, count: usize) -> Preview {
    let freeze = gate.directory.freeze(&freeze_id("f")).unwrap();
    preview_freeze(&freeze.draft, freeze.lifted, from, count)
}

#[test]
fn f1_a_preview_of_a_freeze_names_when_it_begins_and_ends() {
    let every = format!("every={EVERY}");
    let cut = format!("every={EVERY} from=60 to=650");
    let rows: &[(&str, i64, usize, &str)] = &[
        ("from=100 to=200", 0, 9, "false: begins@100 ends@200"),
        ("from=100 to=200", 100, 9, "true: begins@100 ends@200"),
        ("from=100 to=200", 150, 9, "true: ends@200"),
        ("from=100 to=200", 200, 9, "false:"),
        ("from=100", 0, 9, "false: begins@100"),
        ("from=100", 150, 9, "true:"),
        (
            &every,
            1,
            4,
            "true: ends@180 begins@600 ends@780 begins@1200",
        ),
        (&cut, 0, 9, "false: begins@60 ends@180 begins@600 ends@650"),
    ];
    for (freeze, from, count, expected) in rows {
        let gate = Gate::played(&format!("0 adm freeze f {freeze}"));
        let found = of_freeze(&gate, at(*from), *count);
        assert_eq!(told(&found), *expected, "{freeze} from {from}");
        for turn in &found.transitions {
            assert_eq!(turn.freeze, Some(freeze_id("f")));
            let word = if turn.turn == Turn::FreezeEnds {
                "ends"
            } else {
                "begins"
            };
            assert_eq!(turn.reason, format!("freeze f {word}: peace"));
        }
    }
}

#[test]
fn f3_a_preview_leaves_out_the_time_in_which_a_freeze_was_lifted() {
    let mut gate = Gate::played(&format!(
        "0 adm freeze f every={EVERY}
         20 adm lift-freeze f -> lifted@180"
    ));
    let rows = [
        (10, 3, "true: ends@20 begins@600 ends@780"),
        (20, 3, "false: ends@20 begins@600 ends@780"),
        (21, 3, "false: begins@600 ends@780 begins@1200"),
        (180, 1, "false: begins@600"),
        (600, 2, "true: begins@600 ends@780"),
    ];
    for (from, count, expected) in rows {
        let found = told(&of_freeze(&gate, at(from), count));
        // What has ended before is over: only what lies ahead is told.
        let expected = expected.replace("false: ends@20", "false:");
        let expected = if from == 20 {
            "false: begins@600 ends@780 begins@1200"
        } else {
            &expected
        };
        assert_eq!(found, expected, "from {from}");
    }
    gate.play("30 adm drop-freeze f\n 31 adm freeze g\n 40 adm lift-freeze g -> lifted@never");
    let freeze = gate.directory.freeze(&freeze_id("g")).unwrap();
    let found = preview_freeze(&freeze.draft, freeze.lifted, at(50), 9);
    assert_eq!(told(&found), "false:");
}

fn of_task(gate: &Gate, from: i64, count: usize) -> Preview {
    let case = gate.case("t1").unwrap();
    let freezes: Vec<_> = gate.directory.freezes_after(None).cloned().collect();
    preview_task(
        &case.tasks[&task_id("t1")],
        &case.resultant,
        &freezes,
        at(from),
        count,
    )
}

#[test]
fn w4_a_preview_of_a_task_follows_it_from_period_to_period() {
    // windows and close of p, window of the task, from when, what comes
    let rows = [
        ("", "", "..", 1, "true:"),
        ("", "", "50..90", 1, "false: opens@50 closes@90"),
        ("", "", "50..", 60, "true:"),
        (
            EVERY,
            "",
            "..",
            1,
            "true: closes@180 opens@600 closes@780 opens@1200 closes@1380 opens@1800",
        ),
        (EVERY, "terminate", "..", 1, "true: closes@180"),
        (EVERY, "terminate", "..", 200, "false:"),
        (
            EVERY,
            "",
            "..650",
            1,
            "true: closes@180 opens@600 closes@650",
        ),
        (EVERY, "", "..600", 1, "true: closes@180"),
        (
            EVERY,
            "",
            "100..",
            1,
            "false: opens@100 closes@180 opens@600 closes@780 opens@1200 closes@1380",
        ),
        ("0..1000", "hold", "10..50", 1, "false: opens@10 closes@50"),
        ("0..1000", "hold", "10..50", 20, "true: closes@50"),
        ("0..100;200..300", "hold", "..", 250, "true: closes@300"),
        (
            EVERY,
            "",
            "..",
            650,
            "true: closes@780 opens@1200 closes@1380 opens@1800 closes@1980 opens@2400",
        ),
    ];
    for (windows, close, window, from, expected) in rows {
        let gate = Gate::played(&format!(
            "0 adm policy p users=ann windows={windows} close={close}
             0 orc create t1 window={window}"
        ));
        let found = told(&of_task(&gate, from, 6));
        assert_eq!(found, expected, "{windows} {close} in {window} from {from}");
    }
}

#[test]
fn f1_a_preview_of_a_task_names_the_freezes_that_match_it() {
    let mut gate = Gate::new();
    gate.play(&format!(
        "0 adm policy p users=ann windows={EVERY}
         0 orc create t1
         0 adm freeze f from=60 to=180
         0 adm freeze g from=600 reason=audit
         0 adm freeze h from=61 envs=dev
         0 adm freeze i from=1 to=100"
    ));
    let found = of_task(&gate, 1, 7);
    assert_eq!(
        told(&found),
        "false: begins@1 begins@60 ends@100 closes@180 ends@180 opens@600 begins@600"
    );
    let names = found.transitions.iter().filter_map(|it| it.freeze.clone());
    let names: Vec<String> = names.map(|id| id.to_string()).collect();
    assert_eq!(names, ["i", "f", "i", "f", "g"]);
    let reason = |turn: &Transition| turn.reason.clone();
    assert_eq!(
        reason(&found.transitions[3]),
        "the change window closes (policy p)"
    );
    assert_eq!(reason(&found.transitions[6]), "freeze g begins: audit");
    gate.play("50 adm drop-freeze g -> absent\n 50 adm drop-freeze i -> remains");
    assert_eq!(
        told(&of_task(&gate, 50, 3)),
        "true: begins@60 closes@180 ends@180"
    );
    gate.play("70 adm lift-freeze f -> lifted@180");
    assert_eq!(told(&of_task(&gate, 80, 2)), "true: closes@180 opens@600");
    // What cannot start any more has nothing ahead.
    gate.play("90 orc withdraw t1");
    assert_eq!(told(&of_task(&gate, 90, 9)), "false:");
}
