//! G3, G4, I-15: minima that must come from a policy's own approvers, and what is shown of them.

use countersign_domain::change_request::deficit;

use crate::harness::Gate;
use crate::harness::facts::states;

#[test]
fn g3_the_minimum_comes_from_the_policys_own_approvers() {
    Gate::played(
        "0 adm policy security   users=sue           min=1 quorum=own
         0 adm policy developers users=dan,dora,dave min=2
         1 orc create t1                      -> PENDING missing=2
         2 dan approve t1                     -> PENDING missing=1
         3 dora approve t1                    -> PENDING missing=1 counted=2
         4 dave approve t1                    -> PENDING missing=1 counted=3
         5 sue approve t1                     -> APPROVED CLEARED missing=0 counted=4
         6 dan revoke t1                      -> APPROVED CLEARED counted=3
         7 dora revoke t1                     -> APPROVED CLEARED counted=2
         8 sue revoke t1                      -> PENDING PAUSED:approval missing=1 counted=1",
    );
}

#[test]
fn g3_people_needed_are_the_highest_minimum_or_the_sum_of_the_own_ones() {
    // minima of the policies p and q, who approves, what is missing then
    let rows: &[(&str, &str, &str, u32)] = &[
        ("min=2 quorum=own", "min=2 quorum=own", "", 4),
        ("min=2 quorum=own", "min=3", "", 3),
        ("min=2 quorum=own", "min=1", "", 2),
        ("min=1 quorum=own", "min=1 quorum=own", "", 2),
        // Whoever fills a place of `p` counts towards the minimum of `q`, too.
        ("min=2 quorum=own", "min=3", "pia pit", 1),
        ("min=2 quorum=own", "min=3", "pia pit qim", 0),
        ("min=2 quorum=own", "min=3", "pia qim qua", 1),
        ("min=2 quorum=own", "min=3", "qim qua quo", 2),
        ("min=2", "min=3", "qim qua quo", 0),
    ];
    for (p, q, names, missing) in rows {
        let mut gate = Gate::new();
        gate.play(&format!("0 adm policy p users=pia,pit {p}"));
        gate.play(&format!("0 adm policy q users=qim,qua,quo {q}"));
        gate.play("1 orc create t1");
        for name in names.split_whitespace() {
            gate.play(&format!("2 {name} approve t1"));
        }
        gate.play(&format!("3 time settle t1 -> missing={missing}"));
    }
}

#[test]
fn g3_one_person_fills_one_place() {
    Gate::played(
        "0 adm team dev members=ann,bob
         0 adm policy p users=ann quorum=own
         0 adm policy q users=ann teams=dev quorum=own
         1 orc create t1                      -> PENDING missing=2
         2 ann approve t1                     -> PENDING missing=1
         3 bob approve t1                     -> APPROVED CLEARED",
    );
}

#[test]
fn g3_people_are_assigned_by_maximum_matching_whatever_the_order() {
    let policies = "0 adm policy p users=ann,bob     quorum=own
                    0 adm policy q users=bob,cat     quorum=own
                    0 adm policy r users=ann,cat,dan quorum=own";
    // Who approves, in each order; whether that is enough.
    let rows = [
        (["ann", "bob", "cat"], "APPROVED"),
        (["ann", "bob", "dan"], "APPROVED"),
        (["bob", "cat", "dan"], "APPROVED"),
        (["ann", "cat", "dan"], "APPROVED"),
        (["ann", "dan", "dan"], "PENDING"),
    ];
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for (names, expected) in rows {
        for order in orders {
            let mut gate = Gate::new();
            gate.play(policies);
            gate.play("1 orc create t1");
            for place in order {
                gate.play(&format!("2 {} approve t1", names[place]));
            }
            let found = states(&gate, "t1");
            assert!(found.starts_with(expected), "{names:?} {order:?}: {found}");
        }
    }
}

#[test]
fn g3_the_assignment_is_recomputed_at_every_decision() {
    // `ann` first stands for `p`, and for `q` once `bob` has come.
    Gate::played(
        "0 adm policy p users=ann,bob quorum=own
         0 adm policy q users=ann,cat quorum=own
         1 orc create t1
         2 ann approve t1                     -> PENDING missing=1
         3 bob approve t1                     -> APPROVED CLEARED
         4 bob revoke t1                      -> PENDING missing=1
         5 cat approve t1                     -> APPROVED CLEARED
         6 ann revoke t1                      -> PENDING missing=1
         7 bob approve t1                     -> APPROVED CLEARED",
    );
}

#[test]
fn g3_a_member_stands_for_the_policies_that_name_the_team() {
    Gate::played(
        "0 adm team sec members=sue
         0 adm team open claimed
         0 adm policy p teams=sec  quorum=own
         0 adm policy q teams=open quorum=own
         0 adm policy r users=ann,sue
         1 orc create t1                      -> PENDING missing=2
         2 ann approve t1                     -> PENDING missing=2
         3 eve approve t1                     -> NotAnApprover
         3 eve+open approve t1                -> PENDING missing=1
         4 sue approve t1                     -> APPROVED",
    );
}

#[test]
fn g3_what_counts_is_how_a_person_was_eligible_when_they_decided() {
    Gate::played(
        "0 adm team sec members=sue
         0 adm policy p teams=sec quorum=own
         0 adm policy r users=ann,sue
         1 orc create t1                      -> PENDING missing=1
         2 adm edit-team sec members=
         3 sue approve t1                     -> PENDING missing=1 counted=1
         4 adm edit-team sec members=sue
         5 sue approve t1                     -> Done PENDING missing=1 entries=0
         6 sue revoke t1
         7 sue approve t1                     -> APPROVED missing=0
         8 adm edit-team sec members=
         9 time settle t1                     -> APPROVED CLEARED",
    );
}

#[test]
fn g3_the_creator_fills_no_place_where_blocked() {
    Gate::played(
        "0 adm policy p users=carl,ann quorum=own
         0 adm policy q users=bob block
         1 orc create t1 creator=carl         -> PENDING missing=1
         2 carl approve t1                    -> CreatorBlocked
         3 bob approve t1                     -> PENDING missing=1
         4 ann approve t1                     -> APPROVED",
    );
}

#[test]
fn i15_adding_a_policy_never_loosens_an_own_part() {
    for other in [
        "users=sue,dan,dora min=1",
        "users=dan,dora min=3 quorum=own",
        "users=dan,dora quorum=own",
        "teams=open",
    ] {
        let mut gate = Gate::new();
        gate.play("0 adm team open claimed\n 0 adm policy p users=sue,sam min=2 quorum=own");
        gate.play(&format!("0 adm policy q {other}"));
        gate.play("1 orc create t1");
        for name in ["dan+open", "dora+open", "sue"] {
            gate.say(&format!("2 {name} approve t1"));
        }
        gate.play("3 time settle t1 -> PENDING");
    }
}

#[test]
fn g4_the_deficit_names_each_group_how_many_and_who_could() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm team dev members=dan,dora
         0 adm team open claimed
         0 adm policy p users=sue,carl min=1 quorum=own
         0 adm policy q teams=dev      min=2 quorum=own
         0 adm policy r users=ann,carl teams=open min=4 block
         1 orc create t1 creator=carl",
    );
    let rows = [
        (
            "2 time settle t1",
            "4 of ann,sue,dev,open: p 1 of sue; q 2 of dev; any 1 of ann,sue,dev,open",
        ),
        (
            "2 dan approve t1",
            "3 of ann,sue,dev,open: p 1 of sue; q 1 of dev; any 1 of ann,sue,dev,open",
        ),
        ("3 ann approve t1", "2 of sue,dev: p 1 of sue; q 1 of dev"),
        (
            "4 eve+open approve t1",
            "2 of sue,dev: p 1 of sue; q 1 of dev",
        ),
        ("5 dora approve t1", "1 of sue: p 1 of sue"),
        ("6 sue approve t1", "0 of :"),
        ("7 dora revoke t1", "1 of dev: q 1 of dev"),
    ];
    for (step, expected) in rows {
        gate.play(step);
        assert_eq!(shown(&gate), expected, "{step}");
    }
}

#[test]
fn g4_the_assignment_shown_can_be_completed_by_those_who_are_left() {
    // Policies, who has approved, the deficit.
    let rows: &[(&str, &str, &str)] = &[
        // `ann` could stand for either: for the one that nobody else is left for.
        ("p=ann,bob q=ann", "ann", "1 of bob: p 1 of bob"),
        ("p=ann q=ann,bob", "ann", "1 of bob: q 1 of bob"),
        // A tie: the first by id is shown, whatever the names of the people.
        ("p=ann,bob q=ann,cat", "ann", "1 of bob,cat: p 1 of bob"),
        ("p=ann,cat q=ann,bob", "ann", "1 of bob,cat: p 1 of cat"),
        ("q=ann,cat p=ann,bob", "ann", "1 of bob,cat: p 1 of bob"),
        // `ann` stands for `r`, because `bob` and `cat` are left for `p` and `q` only.
        (
            "p=ann,bob q=bob,cat r=ann",
            "ann",
            "2 of bob,cat: p 1 of bob; q 1 of bob,cat",
        ),
        // Nobody is left for `q`: as much as can be is shown as such.
        (
            "p=ann,bob q=ann",
            "",
            "2 of ann,bob: p 1 of ann,bob; q 1 of ann",
        ),
        ("p=ann q=ann", "ann", "1 of : q 1 of"),
    ];
    for (policies, names, expected) in rows {
        let mut gate = Gate::new();
        for policy in policies.split_whitespace() {
            let (id, users) = policy.split_once('=').unwrap();
            gate.play(&format!("0 adm policy {id} users={users} quorum=own"));
        }
        gate.play("1 orc create t1");
        for name in names.split_whitespace() {
            gate.play(&format!("2 {name} approve t1"));
        }
        assert_eq!(shown(&gate), *expected, "{policies} with {names}");
    }
}

#[test]
fn g4_somebody_unknown_of_a_claimed_team_can_complete_the_assignment() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm team open claimed
         0 adm policy p users=ann teams=open quorum=own
         0 adm policy q users=ann quorum=own
         1 orc create t1
         2 ann approve t1                     -> PENDING missing=1",
    );
    assert_eq!(shown(&gate), "1 of open: p 1 of open");
}

#[test]
fn g4_those_who_could_help_are_known_by_all_that_they_are_named_through() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm team sec members=sue,ann
         0 adm team all members=ann,bob
         0 adm policy p teams=sec quorum=own
         0 adm policy q users=ann,bob teams=all
         1 orc create t1",
    );
    // Of those that `q` names only `ann` is in the team that `p` needs; `all` holds her too.
    assert_eq!(shown(&gate), "1 of ann,all,sec: p 1 of ann,all,sec");
    gate.play("2 bob approve t1 -> PENDING missing=1");
    assert_eq!(shown(&gate), "1 of ann,all,sec: p 1 of ann,all,sec");
    gate.play("3 ann approve t1 -> APPROVED");
}

/// The deficit of `t1`, as `2 of ann,dev: p 1 of ann; any 1 of ann,dev`.
fn shown(gate: &Gate) -> String {
    let found = deficit(gate.case("t1").unwrap(), &gate.directory);
    let who = |people: &[countersign_domain::person::Person],
               teams: &[countersign_domain::ids::TeamId]| {
        let people = people.iter().map(ToString::to_string);
        let names: Vec<String> = people
            .chain(teams.iter().map(ToString::to_string))
            .collect();
        names.join(",")
    };
    let groups: Vec<String> = found
        .groups
        .iter()
        .map(|group| {
            let policy = group.policy.as_ref().map_or("any", |id| id.as_str());
            let who = who(&group.people, &group.teams);
            format!("{policy} {} of {who}", group.missing)
        })
        .collect();
    let all = who(&found.people, &found.teams);
    let text = format!("{} of {all}: {}", found.missing, groups.join("; "));
    text.trim_end_matches(' ').to_owned()
}
