//! G: what several policies ask for together.

use countersign_domain::change_request::{Deficit, GroupDeficit, deficit};
use countersign_domain::policy::{Approver, Warning, change_request_warnings};

use crate::harness::Gate;
use crate::harness::people::{person, policy_id, team_id};

#[test]
fn g1_approvers_are_a_union_and_the_highest_minimum_counts() {
    Gate::played(
        "0 adm policy one   users=ann        min=1
         0 adm policy three users=bob,cat    min=3
         0 adm policy two   users=dan        min=2 envs=*
         1 orc create t1                     -> PENDING min=3
         2 ann approve t1                    -> PENDING counted=1
         3 dan approve t1                    -> PENDING counted=2
         4 bob approve t1                    -> APPROVED CLEARED counted=3
         5 orc create t2 env=other           -> PENDING min=2",
    );
}

#[test]
fn g1_one_creator_block_among_the_policies_is_enough() {
    Gate::played(
        "0 adm policy one users=carl,ann
         0 adm policy two users=bob block
         1 orc create t1 creator=carl        -> PENDING
         2 carl approve t1                   -> CreatorBlocked PENDING
         3 ann approve t1                    -> APPROVED",
    );
}

#[test]
fn g1_at_most_64_policies_bind_one_task() {
    let mut gate = Gate::new();
    for number in 0..64 {
        gate.play(&format!("0 adm policy p{number} users=ann"));
    }
    gate.play("1 orc create t1                      -> PENDING CR-1");
    gate.play("1 adm policy one-more users=ann");
    gate.play(
        "2 orc create t2                     -> TooManyPolicies absent entries=0
         2 orc create t1                     -> Done PENDING CR-1 entries=0
         3 adm edit-policy p0 disabled
         4 orc create t2                     -> PENDING CR-2",
    );
}

#[test]
fn g1_the_order_of_policies_makes_no_difference() {
    let policies = [
        "adm policy a users=ann teams=dev min=1 age=60",
        "adm policy b users=bob min=3 block",
        "adm policy c teams=dev,ops min=2 envs=* age=30",
    ];
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    let merged = orders.map(|order| {
        let mut gate = Gate::new();
        gate.play("0 adm team dev members=cat\n 0 adm team ops members=dan");
        for place in order {
            gate.play(&format!("0 {}", policies[place]));
        }
        gate.play("1 orc create t1");
        let mut resultant = gate.case("t1").unwrap().resultant.as_ref().clone();
        for policy in &mut resultant.policies {
            policy.sequence = 0;
        }
        resultant
    });
    assert!(
        merged.iter().all(|other| *other == merged[0]),
        "{merged:#?}"
    );
}

#[test]
fn g2_pooled_approvals_count_for_every_policy_and_it_says_so() {
    let mut gate = Gate::new();
    gate.play("0 adm policy security users=sue min=1");
    let warnings = gate.save("0 adm policy developers users=dan,dora min=2");
    let alone = Warning::OwnApproversNotNeeded {
        policy: policy_id("security"),
    };
    assert_eq!(warnings, std::slice::from_ref(&alone));
    assert_eq!(
        alone.sentence(),
        "policy security can be met without its own approvers"
    );
    gate.play("1 orc create t1 -> PENDING min=2");
    assert_eq!(warnings_of(&gate, "t1"), [alone]);
    gate.play(
        "2 dan approve t1  -> PENDING
         3 dora approve t1 -> APPROVED CLEARED",
    );
}

#[test]
fn g2_says_so_only_where_it_is_true() {
    // approvers and minimum of two policies, and which of them can be met without its own
    let rows: &[(&str, &str, &[&str])] = &[
        ("users=ann min=1", "users=bob min=1", &["p", "q"]),
        ("users=ann min=2", "users=bob min=1", &[]),
        ("users=ann,bob min=2", "users=bob,cat min=2", &[]),
        ("users=ann min=1", "users=ann min=1", &[]),
        ("users=ann,bob,cat min=2", "users=ann min=1", &["q"]),
        ("teams=open min=2", "users=ann,bob min=1", &["p", "q"]),
        ("teams=two min=2", "users=cat min=1", &["q"]),
        ("users=ann", "users=bob envs=other", &[]),
        ("users=ann", "users=bob disabled", &[]),
    ];
    for (p, q, expected) in rows {
        let mut gate = Gate::new();
        gate.play("0 adm team open claimed\n 0 adm team two members=ann,bob");
        gate.play(&format!("0 adm policy p {p}"));
        let warnings = gate.save(&format!("0 adm policy q {q}"));
        gate.play("1 orc create t1");
        for (place, found) in [("save", warnings), ("CR", warnings_of(&gate, "t1"))] {
            let named: Vec<String> = found.iter().filter_map(not_needed).collect();
            assert_eq!(named, *expected, "{p} and {q}, at the {place}");
        }
    }
}

#[test]
fn g4_the_deficit_names_how_many_and_who_could() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm team dev members=dan
         0 adm team idle
         0 adm team open claimed
         0 adm policy p users=ann,carl teams=dev,idle,open min=3 block
         1 orc create t1 creator=carl",
    );
    let rows = [
        ("2 time settle t1", 3, "ann", "dev open"),
        ("3 ann approve t1", 2, "", "dev open"),
        ("4 dan approve t1", 1, "", "open"),
        ("5 ann revoke t1", 2, "ann", "open"),
        ("6 adm edit-team dev members=dan,eve", 2, "ann", "dev open"),
        ("7 adm edit-team idle members=carl", 2, "ann", "dev open"),
        ("8 ann approve t1", 1, "", "dev open"),
        ("9 eve approve t1", 0, "", ""),
    ];
    for (step, missing, people, teams) in rows {
        gate.play(step);
        let people: Vec<_> = people.split_whitespace().map(person).collect();
        let teams: Vec<_> = teams.split_whitespace().map(team_id).collect();
        let anyone = GroupDeficit {
            policy: None,
            missing,
            people: people.clone(),
            teams: teams.clone(),
        };
        let expected = Deficit {
            missing,
            people,
            teams,
            groups: (missing > 0).then_some(anyone).into_iter().collect(),
        };
        let found = deficit(gate.case("t1").unwrap(), &gate.directory);
        assert_eq!(found, expected, "{step}");
    }
}

#[test]
fn g5_every_part_says_which_policy_and_revision_it_came_from() {
    let gate = Gate::played(
        "0 adm policy p users=ann,bob min=2
         0 adm policy q users=bob block
         0 adm edit-policy p min=3
         1 orc create t1",
    );
    let resultant = &gate.case("t1").unwrap().resultant;
    let policies = resultant.policies.iter();
    let found: Vec<_> = policies
        .map(|p| {
            (
                p.id.as_str(),
                p.revision,
                p.minimum_approvals,
                p.block_creator,
            )
        })
        .collect();
    assert_eq!(found, [("p", 2, 3, false), ("q", 1, 1, true)]);
    let brought = |name: &str| {
        let approver = Approver::User(person(name));
        let found = resultant
            .approvers
            .iter()
            .find(|a| a.approver == approver)
            .unwrap();
        found
            .policies
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(brought("ann"), ["p"]);
    assert_eq!(brought("bob"), ["p", "q"]);
}

#[test]
fn g6_a_minimum_nobody_can_reach_is_warned_and_never_met() {
    // a policy, how many could approve a task of carl's, whether saving warns as well
    let rows = [
        ("users=ann min=2", Some(1), true),
        ("users=ann,bob min=2", None, false),
        ("users=ann,carl min=2 block", Some(1), true),
        ("users=ann,bob min=2 block", None, true),
        ("teams=dev,devs users=dan min=2", Some(1), true),
        ("teams=open min=9", None, false),
        ("teams=idle", Some(0), true),
    ];
    for (policy, reach, at_save) in rows {
        let mut gate = Gate::new();
        gate.play(
            "0 adm team dev members=dan
             0 adm team devs members=dan
             0 adm team idle
             0 adm team open claimed",
        );
        let warnings = gate.save(&format!("0 adm policy p {policy}"));
        let unreachable =
            |warning: &&Warning| matches!(warning, Warning::MinimumUnreachable { .. });
        assert_eq!(
            warnings.iter().any(|w| unreachable(&w)),
            at_save,
            "{policy}"
        );
        gate.play("1 orc create t1 creator=carl -> PENDING PAUSED:approval required=true");
        let found = warnings_of(&gate, "t1");
        let eligible = found.iter().find(unreachable).map(|warning| match warning {
            Warning::MinimumUnreachable { eligible, .. } => *eligible,
            other => panic!("{other:?}"),
        });
        assert_eq!(eligible, reach, "{policy}");
        assert!(found.iter().all(|warning| !warning.sentence().is_empty()));
    }
}

#[test]
fn g6_no_approver_at_all_is_never_zero_of_zero() {
    Gate::played(
        "0 adm team gone members=ann
         0 adm policy p teams=gone
         1 orc create t1                    -> PENDING missing=1
         2 adm edit-team gone               -> Done
         3 ann approve t1                   -> NotAnApprover PENDING
         4 time settle t1                   -> PENDING missing=1",
    );
}

fn warnings_of(gate: &Gate, id: &str) -> Vec<Warning> {
    let case = gate.case(id).unwrap();
    change_request_warnings(&case.resultant, &case.creators(), &gate.directory)
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
