//! G2, G6, W7, D9: what is worth a second look where policies need their own approvers, share
//! change requests or have approvals checked again.

use countersign_domain::policy::{Warning, change_request_warnings};

use crate::harness::Gate;
use crate::harness::people::team_id;

const TEAMS: &str = "0 adm team open claimed
                     0 adm team dev members=dan,dora
                     0 adm team idle";

#[test]
fn g6_an_own_minimum_that_nobody_can_reach_is_warned_by_matching() {
    // policies p and q, the warnings of a task of carl's
    let rows = [
        ("users=ann quorum=own", "users=bob quorum=own", ""),
        (
            "users=ann quorum=own",
            "users=ann quorum=own",
            "2 of 1 in all",
        ),
        (
            "users=ann,bob min=2 quorum=own",
            "users=ann,cat min=1 quorum=own",
            "",
        ),
        // Enough people in all, but two of the three places are for ann alone.
        ("users=ann quorum=own", "users=ann,bob,cat min=3", ""),
        ("users=ann min=2 quorum=own", "users=bob,cat", "2 of 1 in p"),
        (
            "users=ann quorum=own",
            "users=ann,bob min=2 quorum=own",
            "3 of 2 in all",
        ),
        ("teams=idle quorum=own", "users=ann,bob", "1 of 0 in p"),
        (
            "users=carl quorum=own",
            "users=ann,bob block",
            "1 of 0 in p",
        ),
        ("users=carl quorum=own", "users=ann,bob", ""),
        // Somebody unknown may be in a claimed team, but stands only for what names the team.
        ("users=ann min=2 quorum=own", "teams=open", "2 of 1 in p"),
        ("teams=open min=9 quorum=own", "users=ann", ""),
        (
            "teams=open users=ann min=2 quorum=own",
            "users=ann quorum=own",
            "",
        ),
        (
            "teams=idle quorum=own",
            "teams=open,idle quorum=own",
            "1 of 0 in p",
        ),
    ];
    for (p, q, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!(
            "{TEAMS}\n 0 adm policy p {p}\n 0 adm policy q {q}"
        ));
        gate.play("1 orc create t1 creator=carl -> PENDING");
        let found: Vec<String> = warnings_of(&gate).iter().filter_map(unreachable).collect();
        assert_eq!(found.join("; "), expected, "{p} and {q}");
    }
}

#[test]
fn g6_the_creators_of_all_tasks_that_share_are_counted_out() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p users=ann,bob min=1 block share=release ettl=60
         1 orc create t1 release=r1 creator=ann",
    );
    assert_eq!(warnings_of(&gate), []);
    gate.play("2 orc create t2 release=r1 creator=bob -> CR-1");
    let found: Vec<String> = warnings_of(&gate).iter().filter_map(unreachable).collect();
    assert_eq!(found, ["1 of 0 in all"]);
}

#[test]
fn g2_no_policy_that_needs_its_own_approvers_can_be_met_without_them() {
    // policies p and q, and which of them can be met without its own approvers
    let rows: &[(&str, &str, &[&str])] = &[
        ("users=ann", "users=bob", &["p", "q"]),
        ("users=ann quorum=own", "users=bob", &["q"]),
        ("users=ann quorum=own", "users=bob quorum=own", &[]),
        ("users=ann min=2 quorum=own", "teams=open", &[]),
        ("users=ann", "teams=open quorum=own", &["p"]),
    ];
    for (p, q, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!("{TEAMS}\n 0 adm policy p {p}"));
        let saved = gate.save(&format!("0 adm policy q {q}"));
        gate.play("1 orc create t1");
        let on_it: Vec<String> = warnings_of(&gate).iter().filter_map(not_needed).collect();
        assert_eq!(on_it, *expected, "{p} and {q}, on the change request");
        // Saving looks at minima alone: what `p` cannot reach at all is not known to be met by `q`.
        if !p.contains("min=2") {
            let at_save: Vec<String> = saved.iter().filter_map(not_needed).collect();
            assert_eq!(at_save, *expected, "{p} and {q}, at saving");
        }
    }
}

#[test]
fn g2_a_pooled_policy_whose_approvers_an_own_one_needs_is_not_met_without_them() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p users=ann
         0 adm policy q users=ann quorum=own
         0 adm policy r users=bob,cat
         1 orc create t1",
    );
    let found: Vec<String> = warnings_of(&gate).iter().filter_map(not_needed).collect();
    assert_eq!(found, ["r"], "ann has to approve in any case");
}

#[test]
fn w7_sharing_without_an_execution_ttl_is_warned_at_saving() {
    for (terms, expected) in [
        ("", false),
        ("share=task", false),
        ("share=release", true),
        ("share=tenant", true),
        ("share=tenant attl=60", true),
        ("share=release ettl=60", false),
    ] {
        let mut gate = Gate::new();
        let saved = gate.save(&format!("0 adm policy p users=ann {terms}"));
        let warned = saved
            .iter()
            .any(|it| matches!(it, Warning::SharingWithoutExecutionTtl { .. }));
        assert_eq!(warned, expected, "{terms}");
        assert!(saved.iter().all(|it| it.sentence().contains("policy p")));
    }
}

#[test]
fn d9_a_claimed_team_that_cannot_be_checked_again_is_warned_at_saving() {
    for (policy, expected) in [
        ("teams=open recheck=yes", true),
        ("teams=open", false),
        ("teams=dev recheck=yes", false),
        ("users=ann teams=dev,open recheck=yes", true),
    ] {
        let mut gate = Gate::new();
        gate.play(TEAMS);
        let saved = gate.save(&format!("0 adm policy p {policy}"));
        let open = team_id("open");
        let warned = |it: &Warning| match it {
            Warning::ClaimedTeamNotRechecked { team, .. } => *team == open,
            _ => false,
        };
        assert_eq!(saved.iter().any(warned), expected, "{policy}");
    }
}

fn warnings_of(gate: &Gate) -> Vec<Warning> {
    let case = gate.case("t1").unwrap();
    let creators = case.creators();
    let mut found = change_request_warnings(&case.resultant, &creators, &gate.directory);
    found.retain(|it| !it.sentence().is_empty());
    found
}

fn unreachable(warning: &Warning) -> Option<String> {
    match warning {
        Warning::MinimumUnreachable {
            minimum,
            eligible,
            policy,
            ..
        } => {
            let of = policy.as_ref().map_or("all", |id| id.as_str());
            Some(format!("{minimum} of {eligible} in {of}"))
        }
        Warning::OwnApproversNotNeeded { .. }
        | Warning::NoPolicyMatched
        | Warning::SharingWithoutExecutionTtl { .. }
        | Warning::ClaimedTeamNotRechecked { .. }
        | Warning::WindowPast { .. }
        | Warning::WindowsNeverMeet { .. }
        | Warning::WindowsInsideFreezes { .. }
        | Warning::ConfusableNames { .. } => None,
    }
}

fn not_needed(warning: &Warning) -> Option<String> {
    match warning {
        Warning::OwnApproversNotNeeded { policy } => Some(policy.to_string()),
        Warning::MinimumUnreachable { .. }
        | Warning::NoPolicyMatched
        | Warning::SharingWithoutExecutionTtl { .. }
        | Warning::ClaimedTeamNotRechecked { .. }
        | Warning::WindowPast { .. }
        | Warning::WindowsNeverMeet { .. }
        | Warning::WindowsInsideFreezes { .. }
        | Warning::ConfusableNames { .. } => None,
    }
}
