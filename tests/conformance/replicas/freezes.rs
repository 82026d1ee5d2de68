//! Freezes and two servers: what is declared on one binds the other, and both sweep.

use countersign_proto::v1::{FreezeState, OnClose, Signal, TaskState};

use super::{Other, count};
use crate::gate::{Expect, FreezeSpec, Gate, PolicySpec, deployment, hourly, period};

/// Both servers settle what is due, at the same time, until nothing is left.
async fn both_sweep(gate: &Gate, other: &Other) {
    loop {
        let (here, there) = tokio::join!(
            gate.engine().settle_due(1_000),
            other.engine.settle_due(1_000)
        );
        if here.unwrap() + there.unwrap() == 0 {
            return;
        }
    }
}

on_two_replicas! {
    async fn f2_a_freeze_declared_here_binds_a_start_there_at_once(gate, other) {
        gate.alice_approves().await;
        for round in 0..20 {
            let (task, freeze) = (format!("t{round}"), format!("f{round}"));
            gate.cleared(deployment(&task)).await;
            gate.admin().freeze(FreezeSpec::new(&freeze)).await.granted();
            let start = other.as_("runner:web-1").start(&task, 1, "c").await;
            let refused = start.refused("START_NOT_NOW", "P4");
            assert_eq!(refused.fact("waiting_for"), "freeze");
            assert_eq!(refused.fact("freezes"), freeze);
            let shown = other.as_("bob").get_freeze(&freeze).await.granted();
            assert_eq!(shown.state(), FreezeState::InForce);
            // And lifted there, it lets go here.
            other.as_("operator:op").lift(&freeze).await.granted();
            gate.runner().start(&task, 2, "c").await.granted();
        }
    }

    async fn f2_of_a_freeze_here_and_a_start_there_one_comes_first(gate, other) {
        gate.alice_approves().await;
        for round in 0..20 {
            let (task, freeze) = (format!("t{round}"), format!("f{round}"));
            gate.cleared(deployment(&task)).await;
            let (admin, runner) = (gate.admin(), other.as_("runner:web-1"));
            let (declared, started) =
                tokio::join!(admin.freeze(FreezeSpec::new(&freeze)), runner.start(&task, 1, "c"));
            declared.granted();
            match started {
                Ok(task) => assert_eq!(task.state(), TaskState::Running),
                Err(refused) => assert_eq!(refused.fact("freezes"), freeze, "{refused:?}"),
            }
            // Whoever comes later than the answer is held in any case.
            let late = gate.runner().start(&task, 1, "late").await.unwrap_err();
            assert!(["START_NOT_NOW", "CLAIM_TAKEN"].contains(&late.reason.as_str()), "{late:?}");
            gate.admin().delete_freeze(&freeze).await.granted();
        }
    }

    async fn f2_both_sweep_and_each_task_is_held_and_let_go_once(gate, other) {
        gate.alice_approves().await;
        let ids: Vec<String> = (0..30).map(|number| format!("t{number}")).collect();
        for id in &ids {
            gate.cleared(deployment(id)).await;
        }
        let spec = FreezeSpec::new("f").between(gate.at(60), gate.at(120));
        gate.admin().freeze(spec).await.granted();
        for (event, times) in [("task.held", 1), ("task.cleared", 2)] {
            gate.advance(60);
            both_sweep(gate, other).await;
            for id in &ids {
                assert_eq!(count(gate, id, event).await, times, "{id}: {event}");
            }
        }
        assert!(!other.as_("bob").get_freeze("f").await.granted().settling);
    }

    async fn f3_a_freeze_lifted_here_while_there_is_swept_lets_all_go(gate, other) {
        gate.alice_approves().await;
        let ids: Vec<String> = (0..30).map(|number| format!("t{number}")).collect();
        for id in &ids {
            gate.cleared(deployment(id)).await;
        }
        gate.admin().freeze(FreezeSpec::new("f")).await.granted();
        let admin = gate.admin();
        let (swept, lifted) = tokio::join!(other.engine.settle_due(1_000), admin.lift("f"));
        swept.unwrap();
        lifted.granted();
        both_sweep(gate, other).await;
        for id in &ids {
            let task = gate.task(id).await;
            assert_eq!(task.state(), TaskState::Cleared, "{id}");
            assert_eq!(task.signal(), Signal::Proceed, "{id}");
        }
    }

    async fn w4_both_settle_a_closing_period_and_bind_once(gate, other) {
        let policy = PolicySpec::new("prod").users(&["alice"]).recurring(hourly());
        gate.admin().policy(policy.on_close(OnClose::Hold)).await.granted();
        let ids: Vec<String> = (0..30).map(|number| format!("t{number}")).collect();
        for id in &ids {
            gate.cleared(deployment(id)).await;
        }
        gate.advance(600);
        both_sweep(gate, other).await;
        for id in &ids {
            assert_eq!(count(gate, id, "task.bound").await, 1, "{id}");
            let task = other.as_("bob").task(id).await.granted();
            assert_eq!(task.period, period("2026-11-23T01:00:00Z", "2026-11-23T01:10:00Z"));
        }
    }
}
