//! What happens at once is decided in one order: exactly one of two that exclude each other wins.

use countersign_proto::v1::{
    AggregateKind, ChangeRequestState, TaskOutcome, TaskSpec, TaskState, TerminationReason,
};
use futures::future::join_all;

use crate::gate::{Expect, Gate, Refused, deployment, window};

const ROUNDS: usize = 25;

/// What the log says happened to a task.
async fn events(gate: &Gate, id: &str) -> Vec<String> {
    gate.as_("auditor:audit")
        .events(AggregateKind::Task, id)
        .await
}

/// How often a task was started, and how often it was terminated.
async fn started_and_terminated(gate: &Gate, id: &str) -> (usize, usize) {
    let events = events(gate, id).await;
    let count = |name: &str| events.iter().filter(|event| *event == name).count();
    (count("task.started"), count("task.terminated"))
}

/// Lets a few other calls pass, so that rounds meet at different moments.
async fn pass_by(gate: &Gate, round: usize) {
    for _ in 0..round % 5 {
        gate.entries().await;
    }
}

/// Refused with this reason, by whatever rule.
#[track_caller]
fn is_refused_as(refused: &Refused, reason: &str) {
    assert_eq!(refused.reason, reason, "{refused:?}");
}

on_both_stores! {
    async fn d5_of_a_rejection_and_a_start_exactly_one_wins(gate) {
        gate.alice_approves().await;
        let (alice, runner) = (gate.as_("alice"), gate.runner());
        for round in 0..ROUNDS {
            let id = format!("t{round}");
            gate.cleared(deployment(&id)).await;
            let (rejected, started) = tokio::join!(
                async {
                    pass_by(gate, round).await;
                    alice.reject(&id).await
                },
                async {
                    pass_by(gate, ROUNDS - round).await;
                    runner.start(&id, 1, "claim").await
                },
            );
            let state = gate.task(&id).await.state();
            match (rejected, started) {
                (Ok(rejected), Err(started)) => {
                    assert_eq!(rejected.terminated_task_ids, [id.as_str()]);
                    is_refused_as(&started, "START_NEVER");
                    assert_eq!(state, TaskState::Terminated);
                    assert_eq!(started_and_terminated(gate, &id).await, (0, 1));
                }
                (Err(rejected), Ok(_)) => {
                    is_refused_as(&rejected, "NOTHING_CAN_START");
                    assert_eq!(state, TaskState::Running);
                    assert_eq!(started_and_terminated(gate, &id).await, (1, 0));
                }
                both_or_none => panic!("exactly one wins: {both_or_none:?}"),
            }
        }
    }

    async fn d7_of_a_revocation_and_a_start_exactly_one_wins(gate) {
        gate.alice_approves().await;
        let (alice, runner) = (gate.as_("alice"), gate.runner());
        for round in 0..ROUNDS {
            let id = format!("t{round}");
            gate.cleared(deployment(&id)).await;
            let (revoked, started) =
                tokio::join!(alice.revoke(&id), runner.start(&id, 1, "claim"));
            match (revoked, started) {
                (Ok(revoked), Err(started)) => {
                    assert_eq!(revoked.tasks[0].state(), TaskState::Paused);
                    is_refused_as(&started, "START_NOT_NOW");
                }
                (Err(revoked), Ok(_)) => is_refused_as(&revoked, "NOTHING_CAN_START"),
                both_or_none => panic!("exactly one wins: {both_or_none:?}"),
            }
        }
    }

    async fn p7_of_a_withdrawal_and_a_start_exactly_one_wins(gate) {
        gate.alice_approves().await;
        let (orchestrator, runner) = (gate.orchestrator(), gate.runner());
        for round in 0..ROUNDS {
            let id = format!("t{round}");
            gate.cleared(deployment(&id)).await;
            let (withdrawn, started) = tokio::join!(
                async {
                    pass_by(gate, round).await;
                    orchestrator.withdraw(&id).await
                },
                runner.start(&id, 1, "claim"),
            );
            match (withdrawn, started) {
                (Ok(_), Err(started)) => is_refused_as(&started, "START_NEVER"),
                (Err(withdrawn), Ok(_)) => is_refused_as(&withdrawn, "NOT_WITHDRAWABLE"),
                both_or_none => panic!("exactly one wins: {both_or_none:?}"),
            }
            let (started, terminated) = started_and_terminated(gate, &id).await;
            assert_eq!(started + terminated, 1);
        }
    }

    async fn w2_an_approval_against_the_window_end_is_before_it_or_refused(gate) {
        gate.alice_approves().await;
        let alice = gate.as_("alice");
        for round in 0..ROUNDS {
            let id = format!("t{round}");
            let end = gate.at(10);
            gate.waiting(TaskSpec { window: window(None, end), ..deployment(&id) }).await;
            let (approved, ()) = tokio::join!(alice.approve(&id), async {
                pass_by(gate, round).await;
                gate.advance(10);
            });
            gate.pass(0).await;
            let task = gate.task(&id).await;
            assert_eq!(task.termination_reason(), TerminationReason::WindowClosed);
            let cr = gate.orchestrator().change_request(&id).await.granted();
            match approved {
                Ok(_) => {
                    let decided = cr.decisions[0].decided_at.unwrap();
                    assert!(decided.seconds < end.unwrap().seconds, "{cr:?}");
                    assert_eq!(cr.state(), ChangeRequestState::Approved);
                }
                Err(refused) => {
                    is_refused_as(&refused, "CHANGE_REQUEST_ENDED");
                    assert_eq!((cr.state(), cr.decisions.len()), (ChangeRequestState::Expired, 0));
                }
            }
        }
    }

    async fn w2_a_start_against_the_window_end_is_before_it_or_refused(gate) {
        gate.alice_approves().await;
        let runner = gate.runner();
        for round in 0..ROUNDS {
            let id = format!("t{round}");
            let end = gate.at(10);
            gate.cleared(TaskSpec { window: window(None, end), ..deployment(&id) }).await;
            let (started, _) = tokio::join!(runner.start(&id, 1, "claim"), async {
                pass_by(gate, round).await;
                gate.advance(10);
                gate.engine().settle_due(1_000).await.unwrap()
            });
            match started {
                Ok(task) => {
                    let at = task.start.unwrap().started_at.unwrap();
                    assert!(at.seconds < end.unwrap().seconds, "{at:?}");
                    assert_eq!(started_and_terminated(gate, &id).await, (1, 0));
                }
                Err(refused) => {
                    is_refused_as(&refused, "START_NEVER");
                    assert_eq!(started_and_terminated(gate, &id).await, (0, 1));
                }
            }
        }
    }

    async fn p3_of_twenty_runners_exactly_one_gets_the_start(gate) {
        gate.alice_approves().await;
        for round in 0..5 {
            let id = format!("t{round}");
            gate.cleared(deployment(&id)).await;
            let runners: Vec<_> =
                (0..20).map(|number| gate.as_(&format!("runner:r-{number}"))).collect();
            let claims = runners.iter().map(|runner| runner.start(&id, 1, "the same claim id"));
            let mut granted = Vec::new();
            for answer in join_all(claims).await {
                match answer {
                    Ok(task) => granted.push(task.start.unwrap().runner.unwrap().subject),
                    Err(refused) => is_refused_as(&refused, "CLAIM_TAKEN"),
                }
            }
            let [winner] = granted.as_slice() else { panic!("one winner: {granted:?}") };
            let start = gate.task(&id).await.start.unwrap();
            assert_eq!(start.runner.unwrap().subject, *winner);
            assert_eq!(started_and_terminated(gate, &id).await, (1, 0));
        }
    }

    async fn p3_one_claim_sent_twenty_times_at_once_starts_once(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let runner = gate.runner();
        let claims = (0..20).map(|_| runner.start("t1", 1, "claim"));
        for answer in join_all(claims).await {
            assert_eq!(answer.granted().state(), TaskState::Running);
        }
        assert_eq!(started_and_terminated(gate, "t1").await, (1, 0));
    }

    async fn p6_of_two_outcomes_at_once_one_stands(gate) {
        gate.alice_approves().await;
        let (runner, orchestrator) = (gate.runner(), gate.orchestrator());
        for round in 0..ROUNDS {
            let id = format!("t{round}");
            gate.running(deployment(&id), "claim").await;
            let (succeeded, failed) = tokio::join!(
                runner.finish(&id, "claim", TaskOutcome::Succeeded),
                orchestrator.finish(&id, "claim", TaskOutcome::Failed),
            );
            let state = gate.task(&id).await.state();
            match (succeeded, failed) {
                (Ok(_), Err(failed)) => {
                    is_refused_as(&failed, "OUTCOME_DIFFERS");
                    assert_eq!(state, TaskState::Succeeded);
                }
                (Err(succeeded), Ok(_)) => {
                    is_refused_as(&succeeded, "OUTCOME_DIFFERS");
                    assert_eq!(state, TaskState::Failed);
                }
                both_or_none => panic!("one outcome stands: {both_or_none:?}"),
            }
        }
    }
}
