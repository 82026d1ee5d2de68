//! An error is no start: whatever cannot be answered leaves everything where it stood, and what it
//! left undecided is decided afterwards as if nobody had asked.

use countersign_proto::v1::{AggregateKind, ChangeRequestState, TaskState};
use tonic::Code;

use super::stage::times;
use crate::gate::{Caller, Expect, Gate, Refused, deployment};

/// `pending` waits for alice, `cleared` waits for its runner.
async fn stage(gate: &Gate) {
    gate.alice_approves().await;
    gate.waiting(deployment("pending")).await;
    gate.cleared(deployment("cleared")).await;
}

/// Whoever could bring a task further tries to; how each of them is refused.
async fn all_try(alice: &Caller, runner: &Caller) -> Vec<Refused> {
    let answers = [
        alice.approve("pending").await.map(drop),
        runner.start("cleared", 1, "claim").await.map(drop),
        runner.start("pending", 1, "claim").await.map(drop),
    ];
    answers
        .map(|answer| answer.expect_err("it was answered"))
        .into()
}

/// Nothing has happened, and from here on everything does as it should.
async fn goes_on(gate: &Gate) {
    for (id, state) in [
        ("pending", TaskState::Paused),
        ("cleared", TaskState::Cleared),
    ] {
        assert_eq!(gate.task(id).await.state(), state, "{id}");
        assert_eq!(
            times(gate, AggregateKind::Task, id, "task.started").await,
            0
        );
    }
    let pending = gate
        .orchestrator()
        .change_request("pending")
        .await
        .granted();
    assert_eq!(
        (pending.state(), pending.decisions.len()),
        (ChangeRequestState::Pending, 0)
    );
    gate.runner()
        .start("pending", 1, "claim")
        .await
        .refused("START_NOT_NOW", "P4");
    gate.as_("alice").approve("pending").await.granted();
    for id in ["pending", "cleared"] {
        gate.runner().start(id, 1, "claim").await.granted();
    }
}

on_both_stores! {
    async fn abuse_a_server_that_is_gone_starts_nothing(gate) {
        stage(gate).await;
        let (alice, runner) = (gate.as_("alice"), gate.runner());
        let entries = gate.entries().await;
        gate.shut_down().await;
        for refused in all_try(&alice, &runner).await {
            assert_eq!(refused.code, Code::Unavailable, "{refused:?}");
        }
        gate.start_again().await;
        assert_eq!(gate.entries().await, entries);
        goes_on(gate).await;
    }

    async fn abuse_a_server_that_is_full_starts_nothing(gate) {
        stage(gate).await;
        let configure = gate.setup.configure;
        gate.setup.configure = |config| config.lane_capacity = 0;
        gate.restart().await;
        let entries = gate.entries().await;
        for refused in all_try(&gate.as_("alice"), &gate.runner()).await {
            assert_eq!((refused.code, refused.reason.as_str()),
                (Code::ResourceExhausted, "LANE_FULL"), "{refused:?}");
        }
        assert_eq!(gate.entries().await, entries);
        gate.setup.configure = configure;
        gate.restart().await;
        goes_on(gate).await;
    }

    async fn abuse_a_clock_that_is_behind_starts_nothing(gate) {
        stage(gate).await;
        gate.advance(60);
        gate.waiting(deployment("ahead")).await;
        gate.advance(-60);
        let entries = gate.entries().await;
        let refused = gate.runner().start("cleared", 1, "claim").await;
        assert_eq!(refused.refused("CLOCK_BEHIND", "K2").code, Code::Unavailable);
        assert_eq!(gate.entries().await, entries);
        gate.advance(60);
        goes_on(gate).await;
    }

    async fn abuse_a_bad_claim_starts_nothing(gate) {
        stage(gate).await;
        let entries = gate.entries().await;
        let runner = gate.runner();
        runner.start("cleared", 0, "claim").await.bad_field("generation", "P3");
        runner.start("cleared", 1, "").await.bad_field("claim_id", "E1");
        runner.start("", 1, "claim").await.bad_field("task_id", "E1");
        runner.start("absent", 1, "claim").await.refused("NOT_FOUND", "E1");
        for generation in [2, 7, u64::MAX] {
            let refused = runner.start("cleared", generation, "claim").await;
            let refused = refused.refused("START_NOT_NOW", "P4");
            assert_eq!(refused.fact("found"), "STALE_GENERATION");
        }
        assert_eq!(gate.entries().await, entries);
        goes_on(gate).await;
    }
}
