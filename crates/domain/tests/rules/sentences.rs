//! C5: the one line for an orchestrator's log, and the blockers behind it.

use countersign_domain::change_request::{approvers_phrase, deficit};
use countersign_domain::task::{Blocker, blockers};

use crate::harness::Gate;
use crate::harness::facts::{line, outlook_of};
use crate::harness::people::{at, task_id};

#[test]
fn c5_the_line_names_kind_change_request_and_what_is_missing() {
    // steps behind the creation, the line
    let rows: &[(&str, &str)] = &[
        (
            "",
            "Deployment blocked by change request CR-1: requires approval from 2 approvers",
        ),
        (
            "2 ann approve t1",
            "Deployment blocked by change request CR-1: requires approval from 1 approver",
        ),
        (
            "2 ann approve t1
             3 bob approve t1",
            "Deployment may start: change request CR-1 is approved",
        ),
        (
            "2 ann approve t1
             3 bob approve t1
             4 run start t1",
            "Deployment running under change request CR-1 since 2027-01-15T08:00:04Z",
        ),
        (
            "2 ann approve t1
             3 bob approve t1
             4 run start t1
             5 run finish t1",
            "Deployment succeeded under change request CR-1",
        ),
        (
            "2 ann approve t1
             3 bob approve t1
             4 run start t1
             5 run finish t1 outcome=failed",
            "Deployment failed under change request CR-1",
        ),
        (
            "2 ann reject t1",
            "Deployment terminated by change request CR-1: it was rejected",
        ),
        (
            "2 orc withdraw t1",
            "Deployment terminated by change request CR-1: it was withdrawn",
        ),
        (
            "99 time settle t1",
            "Deployment terminated by change request CR-1: its window closed",
        ),
    ];
    for (steps, expected) in rows {
        let mut gate = Gate::new();
        gate.play("0 adm policy p users=ann,bob min=2\n 1 orc create t1 window=..99");
        gate.play(steps);
        assert_eq!(line(&gate, "t1"), *expected, "{steps}");
    }
}

#[test]
fn c5_every_kind_and_number_has_its_words() {
    let gate = Gate::played(
        "0 adm policy p users=ann
         1 orc create t1
         1 orc create t2 kind=runbook",
    );
    assert_eq!(
        line(&gate, "t2"),
        "Runbook run blocked by change request CR-2: requires approval from 1 approver"
    );
    assert_eq!(approvers_phrase(1), "1 approver");
    for more in [0, 2, 21, 99] {
        assert_eq!(approvers_phrase(more), format!("{more} approvers"));
    }
}

#[test]
fn c5_a_window_that_has_not_opened_is_named_too() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann min=2\n 1 orc create t1 window=3600..");
    assert_eq!(
        line(&gate, "t1"),
        "Deployment blocked by change request CR-1: requires approval from 2 approvers; \
         its window opens at 2027-01-15T09:00:00Z"
    );
    gate.play("2 orc create t2 env=dev window=3600..");
    assert_eq!(
        line(&gate, "t2"),
        "Deployment blocked by change request CR-2: its window opens at 2027-01-15T09:00:00Z"
    );
}

#[test]
fn c5_the_approval_is_the_first_blocker() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann,bob\n 1 orc create t1 window=10..20");
    let approval = |gate: &Gate| {
        let missing = deficit(gate.case("t1").unwrap(), &gate.directory);
        assert_eq!(missing.missing, 1);
        Blocker::Approval(missing)
    };
    let window = Blocker::Window { opens_at: at(10) };
    assert_eq!(found(&gate, 1), [approval(&gate), window.clone()]);
    assert_eq!(found(&gate, 9), [approval(&gate), window.clone()]);
    assert_eq!(found(&gate, 10), [approval(&gate)]);
    gate.play("2 ann approve t1");
    assert_eq!(found(&gate, 2), [window]);
    // The window opened and nobody has settled yet.
    assert_eq!(found(&gate, 10), [Blocker::Settling]);
    gate.play("10 time settle t1 -> CLEARED");
    assert_eq!(found(&gate, 10), []);
    gate.play("11 run start t1 -> RUNNING");
    assert_eq!(found(&gate, 11), []);
    gate.play("12 run finish t1 -> SUCCEEDED");
    assert_eq!(found(&gate, 12), []);
}

#[test]
fn c5_every_blocker_has_words() {
    let settling = Blocker::Settling.phrase();
    assert_eq!(
        settling,
        "nothing is missing any more, it is about to be cleared"
    );
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann min=2\n 1 orc create t1 window=10..");
    let phrases: Vec<String> = found(&gate, 1).iter().map(Blocker::phrase).collect();
    let expected = [
        "requires approval from 2 approvers",
        "its window opens at 2027-01-15T08:00:10Z",
    ];
    assert_eq!(phrases, expected);
}

fn found(gate: &Gate, second: i64) -> Vec<Blocker> {
    let case = gate.case("t1").unwrap();
    let deficit = deficit(case, &gate.directory);
    let outlook = outlook_of(gate, "t1", at(second));
    blockers(&case.tasks[&task_id("t1")], &deficit, &outlook, at(second))
}
