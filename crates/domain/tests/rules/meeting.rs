//! W3, W4, F1: what is worth a second look about windows and freezes when they are saved.

use countersign_domain::policy::Warning;

use crate::harness::Gate;
use crate::harness::people::policy_id;

/// What is warned about times, in short.
fn times(warnings: &[Warning]) -> Vec<String> {
    let said = warnings.iter().filter_map(|warning| {
        assert!(warning.sentence().contains("; "), "{}", warning.sentence());
        match warning {
            Warning::WindowPast { policy, index } => Some(format!("past {policy} {index}")),
            Warning::WindowsNeverMeet { policy, other } => Some(format!("never {policy} {other}")),
            Warning::WindowsInsideFreezes { policy, freezes } => {
                let ids: Vec<String> = freezes.iter().map(ToString::to_string).collect();
                Some(format!("inside {policy} {}", ids.join(",")))
            }
            Warning::MinimumUnreachable { .. }
            | Warning::OwnApproversNotNeeded { .. }
            | Warning::NoPolicyMatched
            | Warning::SharingWithoutExecutionTtl { .. }
            | Warning::ClaimedTeamNotRechecked { .. }
            | Warning::ConfusableNames { .. } => None,
        }
    });
    said.collect()
}

#[test]
fn w3_a_window_that_lies_in_the_past_is_warned_each_by_its_place() {
    let rows: &[(&str, &[&str])] = &[
        ("0..100;200..300", &["past p 0"]),
        ("200..300;0..150;50..150", &["past p 1", "past p 2"]),
        ("0..151;200..300", &[]),
        ("0..100;*/10_*_*_*_*@UTC@3m", &["past p 0"]),
    ];
    for (windows, expected) in rows {
        let mut gate = Gate::new();
        let found = gate.save(&format!("150 adm policy p min=0 windows={windows}"));
        assert_eq!(times(&found), *expected, "{windows}");
    }
}

#[test]
fn w4_windows_that_are_never_open_together_are_warned() {
    // windows of p, windows and other fields of q, whether it is warned
    let rows = [
        ("100..200", "windows=300..400", true),
        ("100..200", "windows=200..300", true),
        ("100..200", "windows=150..300", false),
        ("100..200;300..400", "windows=350..500", false),
        ("0_8_*_*_*@UTC@1h", "windows=0_9_*_*_*@UTC@1h", true),
        ("0_8_*_*_*@UTC@2h", "windows=0_9_*_*_*@UTC@1h", false),
        ("0_8_1_*_1@UTC@1h", "windows=0_8_*_*_*@UTC@1h", false),
        ("100..200", "windows=300..400 envs=dev", false),
        ("100..200", "windows=300..400 envs=*", true),
        ("100..200", "windows=300..400 disabled", false),
        ("100..200", "", false),
    ];
    for (p, q, warned) in rows {
        let mut gate = Gate::new();
        gate.play(&format!("0 adm policy q users=ann {q}"));
        let found = gate.save(&format!("0 adm policy p users=ann windows={p}"));
        let expected: &[&str] = if warned { &["never p q"] } else { &[] };
        assert_eq!(times(&found), expected, "{p} and {q}");
        let found = gate.save(&format!("0 adm edit-policy p windows={p} disabled=yes"));
        assert_eq!(times(&found), [""; 0], "a disabled one matches nothing");
    }
}

#[test]
fn f1_windows_that_lie_inside_recurring_freezes_are_warned() {
    let daily = "0_22_*_*_*@UTC@1h";
    // windows of p, freezes f and g, the freezes that are named
    let rows = [
        (daily, "every=0_21_*_*_*@UTC@3h", "", "f"),
        (daily, "every=0_22_*_*_*@UTC@1h", "", "f"),
        (daily, "every=0_22_*_*_*@UTC@59m", "", ""),
        (
            daily,
            "every=30_22_*_*_*@UTC@1h",
            "every=0_22_*_*_*@UTC@30m",
            "f,g",
        ),
        (daily, "every=0_22_*_*_1-5@UTC@1h", "", ""),
        (daily, "every=0_22_*_*_*@UTC@1h to=999999", "", ""),
        (daily, "to=99999999", "", ""),
        (daily, "every=0_22_*_*_*@UTC@1h envs=dev", "", ""),
        (
            "0_22_*_*_*@Europe/Berlin@1h",
            "every=0_21_*_*_*@Europe/Berlin@3h",
            "",
            "f",
        ),
        ("3600..7200", "every=0_9_*_*_*@UTC@1h", "", "f"),
        ("3600..7200;90000..99999", "every=0_9_*_*_*@UTC@1h", "", ""),
    ];
    for (windows, f, g, named) in rows {
        let mut gate = Gate::new();
        if !g.is_empty() {
            gate.play(&format!("0 adm freeze g {g}"));
        }
        gate.play(&format!("0 adm policy p min=0 windows={windows}"));
        let expected: Vec<String> = [named]
            .into_iter()
            .filter(|named| !named.is_empty())
            .map(|named| format!("inside p {named}"))
            .collect();
        let found = gate.save(&format!("0 adm freeze f {f}"));
        assert_eq!(
            times(&found),
            expected,
            "{windows} under {f} and {g}, saving the freeze"
        );
        let found = gate.save("0 adm edit-policy p name=new");
        assert_eq!(
            times(&found),
            expected,
            "{windows} under {f} and {g}, saving the policy"
        );
        gate.play("0 adm edit-policy p disabled=yes");
        assert!(gate.directory.policy(&policy_id("p")).is_some());
        let found = gate.save("0 adm edit-freeze f reason=new");
        assert_eq!(times(&found), [""; 0], "a disabled one matches nothing");
    }
}
