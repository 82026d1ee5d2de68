//! S, D11, D12: tasks that share a change request.

use countersign_domain::batch::{Answer, Command, Reply};
use countersign_domain::change_request::TASKS_LIMIT;

use crate::harness::Gate;
use crate::harness::facts::{reply_name, states};
use crate::harness::people::{at, task_id};

#[test]
fn s1_sharing_is_what_the_policies_say_merged_to_the_most_restrictive() {
    // policies p and q; the change requests of four tasks: two of one tenant, one of another one,
    // one without
    let rows = [
        ("", "", "1 2 3 4"),
        ("share=task", "", "1 2 3 4"),
        ("share=release", "", "1 1 1 1"),
        ("share=tenant", "", "1 1 2 3"),
        ("share=release", "share=tenant", "1 1 2 3"),
        ("share=tenant", "share=release", "1 1 2 3"),
        ("share=release", "share=task", "1 2 3 4"),
        ("share=release", "share=release", "1 1 1 1"),
    ];
    for (p, q, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!(
            "0 adm policy p users=ann {p}\n 0 adm policy q users=ann {q}"
        ));
        gate.play(
            "1 orc create t1 release=r1 tenant=x
             1 orc create t2 release=r1 tenant=x
             1 orc create t3 release=r1 tenant=y
             1 orc create t4 release=r1",
        );
        assert_eq!(numbers(&gate, "t1 t2 t3 t4"), expected, "{p} and {q}");
    }
}

#[test]
fn s2_it_joins_only_what_is_the_same() {
    let policy = "0 adm policy p users=ann share=release projects=* envs=*";
    // what the second task differs in, whether it joins
    let rows = [
        ("", true),
        ("title=Other", true),
        ("window=5..9", true),
        ("runner=edge", true),
        ("creator=dan", true),
        ("label=x", true),
        ("tenant=x", true),
        ("kind=runbook", false),
        ("project=api", false),
        ("env=dev", false),
        ("release=r2", false),
        ("digest=d2", false),
        ("digest=none", false),
    ];
    for (other, joins) in rows {
        let mut gate = Gate::new();
        gate.play(policy);
        gate.play("1 orc create t1 release=r1 digest=d1 -> CR-1");
        let mut words: Vec<&str> = vec!["release=r1", "digest=d1"];
        let key = other.split('=').next().unwrap();
        words.retain(|word| key.is_empty() || !word.starts_with(key));
        let expected = if joins {
            "CR-1 tasks=2"
        } else {
            "CR-2 tasks=1"
        };
        let words = words.join(" ");
        gate.play(&format!("1 orc create t2 {words} {other} -> {expected}"));
    }
}

#[test]
fn s2_none_equals_only_none_and_without_a_release_nothing_is_shared() {
    Gate::played(
        "0 adm policy p users=ann share=tenant
         1 orc create t1 release=r1                   -> CR-1
         1 orc create t2 release=r1 tenant=x          -> CR-2
         1 orc create t3 release=r1                   -> CR-1 tasks=2
         1 orc create t4 release=r1 digest=d1         -> CR-3
         1 orc create t5 release=r1 tenant=x          -> CR-2 tasks=2
         1 orc create t6                              -> CR-4
         1 orc create t7                              -> CR-5 tasks=1",
    );
}

#[test]
fn s2_it_joins_what_is_pending_or_approved_and_nothing_that_has_ended() {
    // how the first change request stands, whether the second task joins it
    let rows = [
        ("", true),
        ("2 ann approve t1", true),
        ("2 ann approve t1\n 3 run start t1", true),
        ("2 ann approve t1\n 3 run start t1\n 4 run finish t1", true),
        ("2 ann approve t1\n 3 orc withdraw t1", true),
        ("2 ann approve t1\n 9 time settle t1", true),
        ("2 ann approve t1\n 3 ann revoke t1", true),
        ("2 ann approve t1\n 3 run start t1\n 4 ann revoke t1", false),
        ("2 ann reject t1", false),
        ("2 ann approve t1\n 3 ann reject t1", false),
        ("2 orc withdraw t1", false),
        ("9 time settle t1", false),
        ("49 time settle t1", false),
    ];
    for (steps, joins) in rows {
        let mut gate = Gate::new();
        gate.play("0 adm policy p users=ann share=release attl=40 ettl=40");
        gate.play("1 orc create t1 release=r1 window=..9");
        gate.play(steps);
        let now = gate.store.head.instant.micros_since(at(0)) / 1_000_000;
        let expected = if joins {
            "CR-1 tasks=2"
        } else {
            "CR-2 tasks=1"
        };
        gate.play(&format!("{now} orc create t2 release=r1 -> {expected}"));
        gate.check_all();
    }
}

#[test]
fn s2_what_time_has_ended_is_not_joined_though_nobody_looked() {
    Gate::played(
        "0 adm policy p users=ann share=release attl=40 ettl=20
         1 orc create t1 release=r1           -> PENDING CR-1
         2 ann approve t1                     -> APPROVED expires=22
         22 orc create t2 release=r1          -> PENDING CR-2 entries=4
         23 time settle t1                    -> EXPIRED TERMINATED:expired entries=0",
    );
}

#[test]
fn s2_a_task_that_joins_an_approved_change_request_is_cleared_at_once() {
    Gate::played(
        "0 adm policy p users=ann share=release
         1 orc create t1 release=r1
         2 ann approve t1                     -> APPROVED CLEARED gen=1
         3 orc create t2 release=r1           -> APPROVED CLEARED gen=1 CR-1 entries=3
         4 orc create t3 release=r1 window=8.. -> APPROVED PAUSED:window gen=0 CR-1
         8 run start t3 gen=1                 -> RUNNING
         9 run start t1                       -> RUNNING",
    );
}

#[test]
fn s2_the_newest_one_is_joined_and_only_while_it_is_open() {
    // carl approved the first one, so the second task of his has its own.
    let steps = "0 adm policy p users=ann,carl block share=release
                 1 orc create t1 release=r1 creator=dan   -> CR-1
                 2 carl approve t1                        -> APPROVED
                 3 orc create t2 release=r1 creator=carl  -> CR-2 PENDING
                 4 orc create t3 release=r1 creator=dan   -> CR-2 PENDING
                 5 ann reject t2                          -> REJECTED";
    let mut gate = Gate::played(steps);
    gate.play("6 orc create t4 release=r1 creator=dan     -> CR-3 PENDING");
    // The same in one batch; and one that also looks at the older change request.
    let create = "6 orc create t4 release=r1 creator=dan";
    for (first, expected) in [("6 ann reject t2", "3"), ("6 ann approve t1", "2")] {
        let mut gate = Gate::played(&steps[..steps.rfind('5').unwrap()]);
        let commands: Vec<Command> = [first, create]
            .iter()
            .map(|line| gate.read(line).0)
            .collect();
        gate.run(&commands, at(6));
        assert_eq!(numbers(&gate, "t4"), expected, "{first}");
    }
}

#[test]
fn s3_it_joins_only_under_the_very_policies_that_match_now() {
    // what happens to the policies between the first task and the second one
    let rows = [
        ("2 adm team other members=ann", true),
        ("2 adm edit-team dev members=ann", true),
        ("2 adm policy q users=ann envs=dev", true),
        ("2 adm edit-policy p min=2", false),
        ("2 adm edit-policy p name=Other", false),
        (
            "2 adm edit-policy p min=2\n 2 adm edit-policy p min=1",
            false,
        ),
        ("2 adm policy q users=ann", false),
        (
            "2 adm edit-policy p disabled\n 2 adm policy q users=ann share=release",
            false,
        ),
        (
            "2 adm drop-policy p\n 2 adm policy p users=ann teams=dev share=release",
            false,
        ),
    ];
    for (steps, joins) in rows {
        for approved in ["", "1 ann approve t1"] {
            let mut gate = Gate::new();
            gate.play(
                "0 adm team dev
                 0 adm policy p users=ann teams=dev share=release
                 1 orc create t1 release=r1",
            );
            gate.play(approved);
            gate.play(steps);
            let expected = if joins { "CR-1" } else { "CR-2 PENDING" };
            gate.play(&format!("3 orc create t2 release=r1 -> {expected}"));
        }
    }
}

#[test]
fn s3_after_a_change_the_next_tasks_join_the_fresh_one() {
    Gate::played(
        "0 adm policy p users=ann,bob share=release
         1 orc create t1 release=r1           -> CR-1
         2 adm edit-policy p min=2
         3 orc create t2 release=r1           -> CR-2 min=2
         4 orc create t3 release=r1           -> CR-2 tasks=2
         5 ann approve t1                     -> APPROVED
         5 ann approve t2                     -> PENDING missing=1",
    );
}

#[test]
fn s4_creators_of_all_joined_tasks_are_barred() {
    Gate::played(
        "0 adm team dev members=dan,eve
         0 adm policy p users=ann,carl teams=dev block share=release min=2
         1 orc create t1 release=r1 creator=carl -> CR-1
         2 orc create t2 release=r1 creator=dan  -> CR-1
         3 carl approve t1                       -> CreatorBlocked
         3 carl approve t2                       -> CreatorBlocked
         3 dan approve t1                        -> CreatorBlocked
         4 orc withdraw t2                       -> TERMINATED:withdrawn
         5 dan approve t1                        -> CreatorBlocked
         6 eve approve t1                        -> Done
         7 dan reject t1                         -> REJECTED",
    );
}

#[test]
fn s4_a_task_whose_creator_has_a_counting_approval_does_not_join() {
    Gate::played(
        "0 adm policy p users=ann,dan block share=release
         1 orc create t1 release=r1 creator=carl -> CR-1
         2 dan approve t1                        -> APPROVED
         3 orc create t2 release=r1 creator=dan  -> CR-2 PENDING
         4 ann approve t1                        -> APPROVED
         5 dan revoke t1                         -> APPROVED
         5 orc withdraw t2                       -> WITHDRAWN
         6 dan approve t2                        -> CreatorBlocked
         7 orc create t3 release=r1 creator=eve  -> CR-3 PENDING",
    );
    Gate::played(
        "0 adm policy p users=ann,dan block share=release min=2
         1 orc create t1 release=r1 creator=carl -> CR-1
         2 dan approve t1                        -> PENDING counted=1
         3 dan revoke t1                         -> PENDING counted=0
         4 orc create t2 release=r1 creator=dan  -> CR-1 PENDING
         5 dan approve t1                        -> CreatorBlocked
         5 dan revoke t1                         -> Done entries=0",
    );
    // Without the block nobody is barred.
    Gate::played(
        "0 adm policy p users=ann,dan share=release
         1 orc create t1 release=r1 creator=carl -> CR-1
         2 dan approve t1                        -> APPROVED
         3 orc create t2 release=r1 creator=dan  -> CR-1 APPROVED CLEARED",
    );
}

#[test]
fn s5_each_task_keeps_its_own_window_runner_signal_and_generation() {
    Gate::played(
        "0 adm policy p users=ann,bob share=release
         1 orc create t1 release=r1 runner=pool               -> CR-1 signal=HOLD
         1 orc create t2 release=r1 runner=edge window=20..30 -> CR-1 signal=HOLD
         2 ann approve t1                     -> CLEARED gen=1 signal=PROCEED permit=1
         2 time settle t2                     -> PAUSED:window gen=0 signal=HOLD permit=0
         3 ann revoke t1                      -> PAUSED:approval gen=1
         3 time settle t2                     -> PAUSED:approval gen=0
         4 bob approve t2                     -> PAUSED:window gen=0
         4 rex start t1                       -> NotFound
         4 rex start t2                       -> StartNotNow:window
         20 rex start t2 gen=1                -> RUNNING gen=1 signal=none
         21 run start t1 gen=1                -> StartNotNow:stale
         21 run start t1                      -> RUNNING gen=2
         22 run finish t1 outcome=failed      -> FAILED
         22 time settle t2                    -> RUNNING
         30 time settle t2                    -> RUNNING entries=0",
    );
}

#[test]
fn s5_a_withdrawal_takes_back_one_task() {
    Gate::played(
        "0 adm policy p users=ann share=release
         1 orc create t1 release=r1 creator=carl
         1 orc create t2 release=r1 creator=dan
         2 dan withdraw t1                    -> NotTheCreator
         2 dan withdraw t2                    -> PENDING TERMINATED:withdrawn
         3 time settle t1                     -> PENDING PAUSED:approval
         4 ann approve t2                     -> APPROVED TERMINATED:withdrawn
         4 time settle t1                     -> APPROVED CLEARED",
    );
}

#[test]
fn d11_a_task_that_joins_changes_the_etag() {
    Gate::played(
        "0 adm policy p users=ann,bob share=release min=2
         1 orc create t1 release=r1
         2 ann approve t1 etag=first          -> Done counted=1
         3 orc create t2 release=r1           -> CR-1
         4 bob approve t1 etag=first          -> EtagMismatch counted=1
         4 bob reject t1 etag=first           -> EtagMismatch PENDING
         5 ann approve t1 etag=first          -> EtagMismatch
         5 ann approve t1 etag=seen           -> Done entries=0
         6 bob approve t1 etag=seen           -> APPROVED
         7 orc create t1 release=r1           -> Done entries=0
         8 bob approve t2 etag=seen           -> Done entries=0",
    );
}

#[test]
fn d12_nothing_joins_after_a_rejection_and_an_approved_one_may_be_rejected_without_tasks() {
    Gate::played(
        "0 adm policy p users=ann share=release
         1 orc create t1 release=r1
         2 ann approve t1
         3 run start t1                       -> APPROVED RUNNING
         4 carl reject t1                     -> REJECTED RUNNING entries=1
         5 orc create t2 release=r1           -> CR-2 PENDING
         6 run finish t1                      -> REJECTED SUCCEEDED",
    );
    // A change request that nobody shares is decided once its task has started.
    Gate::played(
        "0 adm policy p users=ann share=release
         1 orc create t1
         2 ann approve t1
         3 run start t1                       -> APPROVED RUNNING
         4 carl reject t1                     -> NothingCanStart APPROVED
         4 ann revoke t1                      -> NothingCanStart APPROVED",
    );
}

#[test]
fn d12_an_approval_may_be_taken_back_while_a_task_might_still_join() {
    Gate::played(
        "0 adm policy p users=ann share=release
         1 orc create t1 release=r1
         2 ann approve t1
         3 run start t1                       -> APPROVED RUNNING
         4 ann revoke t1                      -> WITHDRAWN RUNNING
         5 orc create t2 release=r1           -> CR-2 PENDING
         6 run finish t1                      -> WITHDRAWN SUCCEEDED",
    );
}

#[test]
fn t2_a_pending_one_that_is_shared_ends_with_its_last_waiting_task() {
    // what becomes of the tasks, whose windows end at 10 and 20; how it ends
    let rows = [
        ("10 time settle t1", "PENDING cause=none"),
        ("20 time settle t1", "EXPIRED cause=window_closed@20"),
        (
            "5 orc withdraw t2\n 10 time settle t1",
            "EXPIRED cause=window_closed@10",
        ),
        ("15 orc withdraw t2", "WITHDRAWN cause=none"),
        ("5 orc withdraw t1\n 6 orc withdraw t2", "WITHDRAWN"),
        (
            "5 orc withdraw t1\n 30 time settle t2",
            "EXPIRED cause=window_closed@20",
        ),
    ];
    for (steps, expected) in rows {
        let mut gate = Gate::new();
        gate.play(
            "0 adm policy p users=ann share=release
             1 orc create t1 release=r1 window=..10
             1 orc create t2 release=r1 window=..20",
        );
        gate.play(steps);
        let now = steps.split('\n').next_back().unwrap().trim();
        let now = now.split(' ').next().unwrap();
        gate.play(&format!("{now} time settle t1 -> entries=0 {expected}"));
        gate.check_all();
    }
}

#[test]
fn t2_a_revocation_that_leaves_nothing_waiting_ends_it_by_will() {
    // what becomes of the task, whose window ends at 10, before the approval is taken back
    for steps in [
        "3 run start t1",
        "3 run start t1\n 4 run finish t1",
        "3 orc withdraw t1",
        "10 time settle t1",
        "",
    ] {
        let mut gate = Gate::new();
        gate.play(
            "0 adm policy p users=ann share=release
             1 orc create t1 release=r1 window=..10
             2 ann approve t1                 -> APPROVED CLEARED",
        );
        gate.play(steps);
        gate.play("12 ann revoke t1           -> WITHDRAWN cause=none");
        gate.play("13 orc create t2 release=r1 -> CR-2");
        gate.check_all();
    }
}

#[test]
fn d12_at_most_a_thousand_tasks_share_and_the_next_gets_a_fresh_one() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann,bob share=release ettl=50\n 1 orc create t0 release=r1");
    gate.play("2 ann approve t0");
    let create = |number: usize| format!("3 orc create t{number} release=r1 window=..9");
    let lines: Vec<String> = (1..=TASKS_LIMIT).map(create).collect();
    let commands: Vec<Command> = lines.iter().map(|line| gate.read(line).0).collect();
    let replies = gate.run(&commands, at(3)).replies;
    assert!(replies.iter().all(|reply| reply_name(reply) == "Done"));
    gate.play(&format!(
        "4 time settle t999   -> CR-1 tasks={TASKS_LIMIT} CLEARED"
    ));
    gate.play("4 time settle t1000  -> CR-2 tasks=1 PENDING");
    // Full, and all started or ended: nothing could start, so nothing is decided or expires.
    gate.play(
        "4 run start t0       -> RUNNING
         9 time settle t0     -> APPROVED RUNNING expires=none due=52
         9 ann reject t0      -> NothingCanStart
         9 ann revoke t0      -> NothingCanStart
         52 time settle t0    -> APPROVED RUNNING entries=1 due=none",
    );
    assert_eq!(states(&gate, "t999"), "APPROVED TERMINATED:window_closed");
}

#[test]
fn s2_a_repeated_creation_that_joined_is_answered_as_the_first() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann share=release\n 1 orc create t1 release=r1 request=r1");
    for (id, request, entries) in [("t2", "r2", 2), ("t2", "r2", 0), ("t1", "r1", 0)] {
        let (reply, left) = gate.say(&format!("2 orc create {id} release=r1 request={request}"));
        let Reply::Done(Answer::Case { task, .. }) = reply else {
            panic!("{reply:?}");
        };
        assert_eq!(task, Some(task_id(id)), "{id}");
        assert_eq!(left, entries, "{id}");
    }
    gate.play("3 orc create t3 release=r1 request=r2 -> RequestIdReused absent");
}

/// The numbers of the change requests that hold tasks.
fn numbers(gate: &Gate, tasks: &str) -> String {
    let numbers = tasks
        .split_whitespace()
        .map(|id| gate.case(id).unwrap().number().0.to_string());
    numbers.collect::<Vec<_>>().join(" ")
}
