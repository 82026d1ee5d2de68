//! T: the states, and what time does to them.

use countersign_domain::Instant;
use countersign_domain::rows::CrRow;

use crate::harness::Gate;
use crate::harness::facts::task_word;
use crate::harness::people::{at, task_id};

#[test]
fn t1_an_approved_change_request_may_be_pending_again_any_number_of_times() {
    Gate::played(
        "0 adm policy p users=ann,bob
         1 orc create t1                       -> PENDING  PAUSED:approval
         2 ann approve t1                      -> APPROVED CLEARED gen=1
         3 ann revoke t1                       -> PENDING  PAUSED:approval gen=1
         4 bob approve t1                      -> APPROVED CLEARED gen=2
         5 bob revoke t1                       -> PENDING  PAUSED:approval gen=2
         6 ann approve t1                      -> APPROVED CLEARED gen=3
         7 run start t1                        -> APPROVED RUNNING gen=3",
    );
}

#[test]
fn t2_a_pending_change_request_ends_with_its_last_waiting_task() {
    Gate::played(
        "0 adm policy p users=ann
         1 orc create t1 window=..10
         1 orc create t2 window=..10
         1 orc create t3 window=..10
         1 orc create t4 window=..10
         2 orc withdraw t1                     -> WITHDRAWN TERMINATED:withdrawn
         3 ann approve t3
         3 ann approve t4
         4 orc withdraw t3                     -> APPROVED TERMINATED:withdrawn
         10 time settle t2                     -> EXPIRED TERMINATED:window_closed
         10 time settle t4                     -> APPROVED TERMINATED:window_closed",
    );
}

#[test]
fn t3_the_state_column_tells_what_needs_approval() {
    let gate = Gate::played(
        "0 adm policy p users=ann
         1 orc create t1
         1 orc create t2
         2 ann approve t2
         1 orc create t3
         2 ann reject t3",
    );
    for (id, state, ended) in [
        ("t1", "PENDING", false),
        ("t2", "APPROVED", false),
        ("t3", "REJECTED", true),
    ] {
        let change_request = &gate.case(id).unwrap().change_request;
        assert_eq!(CrRow::new(change_request).state, state);
        assert_eq!(change_request.state.has_ended(), ended);
    }
}

#[test]
fn t4_holds_and_clears_reflect_only_now() {
    let mut gate = Gate::new();
    gate.play("0 orc create t1 window=10..20");
    let (_, entries) = gate.say("20 time settle t1");
    assert_eq!(entries, 1, "it was open, but nobody may start it any more");
    let task = &gate.case("t1").unwrap().tasks[&task_id("t1")];
    assert_eq!(
        (task.generation, task_word(task).as_str()),
        (0, "TERMINATED:window_closed")
    );
}

#[test]
fn t4_entries_keep_the_due_instant_and_the_log_instant() {
    let mut gate = Gate::new();
    gate.play("0 orc create t1 window=10..20\n 12.5 time settle t1 -> CLEARED");
    gate.play("33 time settle t1 -> TERMINATED:window_closed");
    let key = countersign_domain::log::AggregateKey::Task(task_id("t1"));
    let found: Vec<_> = gate.store.history[&key]
        .iter()
        .map(|kept| (kept.event, due(&kept.body.cause), kept.stamp.instant))
        .collect();
    let half_past = at(12).plus_micros(500_000).unwrap();
    let expected = [
        ("task.created", None, at(0)),
        ("task.held", None, at(0)),
        ("task.cleared", Some(at(10)), half_past),
        ("task.terminated", Some(at(20)), at(33)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn t4_tasks_end_in_the_order_of_their_due_instants() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p users=ann share=release
         1 orc create a release=r1 window=..30
         1 orc create b release=r1 window=..10
         1 orc create c release=r1 window=..20
         1 orc create d release=r1 window=..10",
    );
    let before = gate.store.log.len();
    gate.play("40 time settle a -> EXPIRED TERMINATED:window_closed");
    let found: Vec<_> = gate.store.log[before..]
        .iter()
        .map(|entry| {
            let body = countersign_domain::log::Body::parse(&entry.body).unwrap();
            (entry.aggregate.id(), entry.event, due(&body.cause))
        })
        .collect();
    let expected = [
        ("b", "task.terminated", Some(at(10))),
        ("d", "task.terminated", Some(at(10))),
        ("c", "task.terminated", Some(at(20))),
        ("a", "task.terminated", Some(at(30))),
        ("1", "change_request.expired", Some(at(30))),
    ];
    assert_eq!(
        found,
        expected.map(|(id, event, due)| (id.to_owned(), event, due))
    );
}

#[test]
fn d5_a_rejection_stops_what_could_start_and_nothing_else() {
    Gate::played(
        "0 adm policy p users=ann share=release
         1 orc create a release=r1
         1 orc create b release=r1
         1 orc create c release=r1 window=50..
         2 ann approve a                       -> CLEARED
         3 run start b                         -> RUNNING
         4 ann reject c                        -> REJECTED TERMINATED:rejected entries=3
         5 time settle a                       -> TERMINATED:rejected
         5 time settle b                       -> REJECTED RUNNING",
    );
}

#[test]
fn d7_a_lost_quorum_holds_what_could_start_and_nothing_else() {
    // The window of the waiting one closes: the change request ends, the started one runs on.
    Gate::played(
        "0 adm policy p users=ann share=release
         1 orc create a release=r1 window=..90
         1 orc create b release=r1 window=..90
         2 ann approve a                       -> CLEARED
         3 run start b                         -> RUNNING
         4 ann revoke a                        -> PENDING PAUSED:approval
         5 time settle b                       -> PENDING RUNNING
         90 time settle a                      -> EXPIRED TERMINATED:window_closed
         90 time settle b                      -> EXPIRED RUNNING",
    );
}

fn due(cause: &countersign_domain::log::Cause) -> Option<Instant> {
    use countersign_domain::log::Cause;
    match cause {
        Cause::Time { due_at } => *due_at,
        Cause::Call { .. } | Cause::Program => None,
    }
}
