//! W and P: windows, signals, starts, outcomes, withdrawals.

use countersign_domain::batch::Action;
use countersign_domain::task::{StartTask, permit};

use crate::harness::Gate;
use crate::harness::facts::reply_name;
use crate::harness::people::{at, caller, task_id};

#[test]
fn w1_the_start_belongs_to_the_window_and_the_end_does_not() {
    // window, instant of the start, reply
    let rows = [
        ("10..20", "9.999999", "StartNotNow:window"),
        ("10..20", "10", "Done"),
        ("10..20", "19.999999", "Done"),
        ("10..20", "20", "StartNever"),
        ("10..", "9", "StartNotNow:window"),
        ("10..", "1000000", "Done"),
        ("..20", "1", "Done"),
        ("..20", "20", "StartNever"),
    ];
    for (window, instant, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!("0 orc create t1 window={window}"));
        gate.play(&format!("{instant} run start t1 gen=1 -> {expected}"));
    }
    Gate::played("0 orc create t1\n 1000000 run start t1 gen=1 -> Done");
}

#[test]
fn w1_a_window_that_ends_before_it_begins_is_refused() {
    Gate::played(
        "0 orc create t1 window=20..20               -> InvalidField absent entries=0
         0 orc create t1 window=20..10               -> InvalidField absent entries=0
         0 orc create t1 window=20..20.000001        -> PAUSED:window",
    );
}

#[test]
fn w1_a_window_that_is_past_at_creation_is_refused() {
    Gate::played(
        "20 orc create t1 window=10..19        -> WindowPast absent entries=0
         20 orc create t1 window=10..20        -> WindowPast absent entries=0
         20 orc create t1 window=..20          -> WindowPast absent entries=0
         20 orc create t1 window=..20.000001   -> CLEARED
         20 orc create t2 window=10..21        -> CLEARED
         20 orc create t3 window=10..          -> CLEARED",
    );
}

#[test]
fn w2_approved_but_not_open_is_paused_until_it_opens() {
    Gate::played(
        "0  adm policy p users=ann
         1  orc create t1 window=10..20        -> PENDING PAUSED:approval
         2  ann approve t1                     -> APPROVED PAUSED:window gen=0
         9.999999 time settle t1               -> APPROVED PAUSED:window gen=0 entries=0
         10 time settle t1                     -> APPROVED CLEARED gen=1 entries=1",
    );
}

#[test]
fn w2_a_window_that_closes_before_the_start_terminates() {
    Gate::played(
        "0  adm policy p users=ann
         1  orc create t1 window=10..20        -> PENDING
         1  orc create t2 window=10..20        -> PENDING
         2  ann approve t2                     -> APPROVED PAUSED:window
         10 time settle t1                     -> PENDING PAUSED:approval entries=0
         10 time settle t2                     -> APPROVED CLEARED
         20 time settle t1                     -> EXPIRED TERMINATED:window_closed
         20 time settle t2                     -> APPROVED TERMINATED:window_closed",
    );
}

#[test]
fn w2_a_started_task_is_not_touched_by_its_window() {
    Gate::played(
        "0  orc create t1 window=10..20
         10 run start t1 gen=1                 -> RUNNING
         20 time settle t1                     -> RUNNING entries=0
         21 run start t1                       -> Done RUNNING entries=0
         22 run finish t1                      -> SUCCEEDED",
    );
}

#[test]
fn p1_each_state_has_its_signal() {
    Gate::played(
        "0 adm policy p users=ann
         1 orc create t1 window=10..20         -> PAUSED:approval  signal=HOLD
         2 ann approve t1                      -> PAUSED:window    signal=HOLD
         10 time settle t1                     -> CLEARED          signal=PROCEED   permit=1
         11 run start t1                       -> RUNNING          signal=none      permit=0
         12 run finish t1                      -> SUCCEEDED        signal=none      permit=0
         1 orc create t2                       -> PAUSED:approval  signal=HOLD      permit=0
         2 orc withdraw t2                     -> TERMINATED:withdrawn signal=TERMINATE",
    );
}

#[test]
fn p2_hold_and_terminate_may_follow_proceed_until_the_start() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p users=ann,bob
         1 orc create t1 window=..50
         2 ann approve t1                      -> CLEARED signal=PROCEED permit=1",
    );
    let task = &gate.case("t1").unwrap().tasks[&task_id("t1")];
    assert_eq!(permit(task, None, None).unwrap().valid_until, Some(at(50)));
    gate.play(
        "3 ann revoke t1                       -> PAUSED:approval signal=HOLD permit=0 gen=1
         4 bob approve t1                      -> CLEARED signal=PROCEED permit=2
         50 time settle t1                     -> signal=TERMINATE permit=0",
    );
}

#[test]
fn p3_a_start_is_granted_once_and_repeated_to_the_same_claim_only() {
    Gate::played(
        "0 orc create t1 window=..50 digest=d1
         1 run start t1 gen=1 digest=d1 claim=c1    -> RUNNING entries=1
         2 run start t1 gen=1 digest=d1 claim=c1    -> Done RUNNING entries=0
         2 run start t1 gen=1 digest=d1 claim=c2    -> ClaimTaken RUNNING entries=0
         2 ran start t1 gen=1 digest=d1 claim=c2    -> ClaimTaken RUNNING
         2 ran start t1 gen=1 digest=d1 claim=c1    -> ClaimTaken RUNNING
         99 run start t1 gen=1 digest=d1 claim=c1   -> Done RUNNING entries=0
         99 run finish t1
         99 run start t1 gen=1 digest=d1 claim=c1   -> StartNever SUCCEEDED",
    );
}

#[test]
fn p3_a_repeat_for_another_artifact_or_permit_is_no_repeat() {
    Gate::played(
        "0 adm policy p users=ann
         1 orc create t1 digest=d1
         2 ann approve t1                      -> gen=1
         3 ann revoke t1
         4 ann approve t1                      -> gen=2
         5 run start t1 gen=2 digest=d1        -> RUNNING
         6 run start t1 gen=2 digest=d2        -> DigestMismatch entries=0
         6 run start t1 gen=2 digest=none      -> DigestMismatch entries=0
         6 run start t1 gen=1 digest=d1        -> ClaimTaken entries=0
         6 run start t1 gen=3 digest=d1        -> ClaimTaken entries=0
         6 run start t1 gen=2 digest=d1        -> Done entries=0",
    );
}

#[test]
fn p3_the_digest_is_the_one_of_the_creation() {
    Gate::played(
        "0 orc create t1 digest=d1
         0 orc create t2
         1 run start t1 digest=d2              -> DigestMismatch CLEARED
         1 run start t1 digest=none            -> DigestMismatch CLEARED
         1 run start t2 digest=d1              -> DigestMismatch CLEARED
         1 run start t1 digest=d1              -> RUNNING
         1 run start t2 digest=none            -> RUNNING",
    );
}

#[test]
fn p3_a_start_is_decided_with_the_decisions_of_its_batch() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p users=ann,bob
         1 orc create t1
         1 orc create t2
         2 ann approve t1
         2 ann approve t2",
    );
    let batch = [
        "3 run start t1 gen=1",
        "3 bob reject t1",
        "3 bob reject t2",
        "3 run start t2 gen=1",
    ];
    let commands = batch.map(|line| gate.read(line).0);
    let outcome = gate.run(&commands, at(3));
    let names: Vec<_> = outcome.replies.iter().map(reply_name).collect();
    assert_eq!(names, ["Done", "NothingCanStart", "Done", "StartNever"]);
    gate.play(
        "4 time settle t1                      -> APPROVED RUNNING
         4 time settle t2                      -> REJECTED TERMINATED:rejected",
    );
}

#[test]
fn p4_a_refused_start_says_not_now_or_never() {
    Gate::played(
        "0 adm policy p users=ann,bob
         1 orc create t1 window=10..20
         2 run start t1                        -> StartNotNow:approval
         3 ann approve t1
         4 run start t1                        -> StartNotNow:window
         10 run start t1 gen=0                 -> StartNotNow:stale
         10 run start t1 gen=2                 -> StartNotNow:stale
         11 bob reject t1
         12 run start t1 gen=1                 -> StartNever",
    );
}

#[test]
fn p5_a_runner_acts_on_tasks_that_name_it_or_that_name_none() {
    Gate::played(
        "0 orc create t1 runner=pool
         0 orc create t2 runner=edge
         0 orc create t3
         0 orc create t4
         1 rex start t1                        -> NotFound CLEARED
         1 ann start t1                        -> NotFound CLEARED
         1 run start t2                        -> NotFound CLEARED
         1 run start t9                        -> NotFound
         1 run start t1                        -> RUNNING
         1 rex start t2                        -> RUNNING
         1 rex start t3                        -> RUNNING
         1 run start t4                        -> RUNNING
         2 rex finish t1                       -> NotFound RUNNING
         2 run finish t2                       -> NotFound RUNNING
         2 run finish t3                       -> ClaimTaken RUNNING",
    );
}

#[test]
fn p5_without_its_name_on_the_task_a_runner_acts_within_its_grant() {
    use countersign_domain::access::GrantSide;
    let mut runner = caller("run");
    runner.grant.environments = GrantSide::Only(["prod".to_owned()].into());
    // what the task says, reply
    let rows = [
        ("env=prod", "Done"),
        ("env=dr", "NotFound"),
        ("env=dr runner=edge", "NotFound"),
        ("env=prod runner=edge", "NotFound"),
        ("env=dr runner=pool", "Done"),
    ];
    for (task, expected) in rows {
        let mut gate = Gate::new();
        gate.play(&format!("0 orc create t1 {task}"));
        let claim = StartTask {
            task: task_id("t1"),
            generation: 1,
            artifact_digest: None,
            claim: countersign_domain::ids::ClaimId::parse("c1").unwrap(),
        };
        let reply = gate.step(&runner, Action::Start(claim), at(1));
        assert_eq!(reply_name(&reply), expected, "{task}");
    }
}

#[test]
fn p6_the_holder_or_the_orchestrator_reports_the_outcome() {
    Gate::played(
        "0 orc create t1
         0 orc create t2
         0 orc create t3 runner=pool
         1 run finish t1                                 -> NotRunning CLEARED
         1 run start t1 claim=c1
         2 ran finish t1 claim=c1                        -> ClaimTaken RUNNING
         2 run finish t1 claim=c2                        -> ClaimTaken RUNNING
         2 orc finish t1 claim=c2                        -> ClaimTaken RUNNING
         2 sam finish t1 claim=c1                        -> ClaimTaken RUNNING
         2 far finish t1 claim=c1                        -> NotFound RUNNING
         3 run finish t1 claim=c1 outcome=failed         -> FAILED entries=1
         4 run finish t1 claim=c1 outcome=failed         -> Done FAILED entries=0
         4 orc finish t1 claim=c1 outcome=failed         -> Done FAILED entries=0
         4 run finish t1 claim=c1 outcome=succeeded      -> OutcomeDiffers FAILED entries=0
         4 run finish t1 claim=c2 outcome=failed         -> ClaimTaken FAILED
         5 run start t2 claim=c1
         6 orc finish t2 claim=c1                        -> SUCCEEDED
         7 run finish t2 claim=c1                        -> Done SUCCEEDED entries=0
         8 run start t3 claim=c1
         9 sam finish t3 claim=c1                        -> NotFound RUNNING",
    );
}

#[test]
fn p6_a_dead_runner_leaves_its_task_running() {
    Gate::played(
        "0 orc create t1 window=..10
         1 run start t1                        -> RUNNING
         99999999 time settle t1               -> RUNNING entries=0
         99999999 run finish t1                -> SUCCEEDED",
    );
}

#[test]
fn p7_the_orchestrator_or_the_creator_withdraws() {
    Gate::played(
        "0 adm policy p users=ann,carl
         1 orc create t1 creator=carl
         1 orc create t2 creator=carl
         1 orc create t3 creator=carl
         2 ann withdraw t1                     -> NotTheCreator PENDING entries=0
         2 run withdraw t1                     -> NotTheCreator PENDING
         2 far withdraw t1                     -> NotFound PENDING
         2 carl withdraw t1                    -> WITHDRAWN TERMINATED:withdrawn
         3 carl withdraw t1                    -> Done WITHDRAWN entries=0
         3 orc withdraw t1                     -> Done WITHDRAWN entries=0
         4 ann approve t2                      -> CLEARED
         5 orc withdraw t2                     -> APPROVED TERMINATED:withdrawn
         6 ann approve t3
         7 run start t3                        -> RUNNING
         8 orc withdraw t3                     -> NotWithdrawable RUNNING
         9 run finish t3
         9 carl withdraw t3                    -> NotWithdrawable SUCCEEDED",
    );
}

#[test]
fn p7_a_task_without_a_creator_is_withdrawn_by_the_orchestrator_only() {
    Gate::played(
        "0 orc create t1 creator=none
         1 carl withdraw t1                    -> NotTheCreator
         2 orc withdraw t1                     -> Done",
    );
}
