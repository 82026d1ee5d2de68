//! P6: the outcome of a started task.

use countersign_proto::v1::{FinishTaskRequest, TaskOutcome, TaskSpec, TaskState};
use tonic::Code;

use crate::gate::{Expect, deployment, window};

on_both_stores! {
    async fn p6_the_holder_of_the_claim_reports(gate) {
        gate.alice_approves().await;
        let rows = [
            ("t1", TaskOutcome::Succeeded, TaskState::Succeeded),
            ("t2", TaskOutcome::Failed, TaskState::Failed),
        ];
        for (id, outcome, state) in rows {
            gate.running(deployment(id), "claim").await;
            let done = gate.runner().finish(id, "claim", outcome).await.granted();
            assert_eq!(done.state(), state);
            assert!(done.ended_at.is_some() && done.start.is_some());
        }
    }

    async fn p6_the_orchestrator_may_report_for_a_dead_runner(gate) {
        gate.alice_approves().await;
        let task = TaskSpec { runner: "web-1".to_owned(), ..deployment("t1") };
        gate.running(task, "claim").await;
        let orchestrator = gate.orchestrator();
        let failed = TaskOutcome::Failed;
        let other = orchestrator.finish("t1", "other", failed).await;
        other.refused("CLAIM_TAKEN", "P3");
        let done = orchestrator.finish("t1", "claim", failed).await.granted();
        assert_eq!(done.state(), TaskState::Failed);
        // The runner comes back to life, and is told what stands.
        let late = gate.runner().finish("t1", "claim", TaskOutcome::Succeeded).await;
        late.refused("OUTCOME_DIFFERS", "P6");
        gate.runner().finish("t1", "claim", failed).await.granted();
    }

    async fn p6_others_may_not_report(gate) {
        gate.alice_approves().await;
        gate.running(deployment("t1"), "claim").await;
        let entries = gate.entries().await;
        let outcome = TaskOutcome::Succeeded;
        let other_claim = gate.runner().finish("t1", "other", outcome).await;
        let refused = other_claim.refused("CLAIM_TAKEN", "P3");
        assert_eq!(refused.code, Code::AlreadyExists);
        let other_runner = gate.as_("runner:web-2").finish("t1", "claim", outcome).await;
        other_runner.refused("CLAIM_TAKEN", "P3");
        for bearer in ["alice", "carol", "admin:root", "operator:op"] {
            let refused = gate.as_(bearer).finish("t1", "claim", outcome).await;
            let refused = refused.refused("ROLE_REQUIRED", "E1");
            assert_eq!(refused.fact("allowed"), "runner, orchestrator");
        }
        assert_eq!(gate.entries().await, entries);
        assert_eq!(gate.task("t1").await.state(), TaskState::Running);
    }

    async fn p6_the_same_report_again_is_ok_and_another_outcome_is_refused(gate) {
        gate.alice_approves().await;
        gate.running(deployment("t1"), "claim").await;
        let runner = gate.runner();
        let done = runner.finish("t1", "claim", TaskOutcome::Succeeded).await.granted();
        let entries = gate.entries().await;
        gate.advance(1_000);
        let again = runner.finish("t1", "claim", TaskOutcome::Succeeded).await.granted();
        assert_eq!(again, done);
        let refused = runner.finish("t1", "claim", TaskOutcome::Failed).await;
        let refused = refused.refused("OUTCOME_DIFFERS", "P6");
        assert_eq!(refused.code, Code::FailedPrecondition);
        assert_eq!(refused.fact("found"), "SUCCEEDED");
        assert_eq!(gate.entries().await, entries);
    }

    async fn p6_what_has_not_started_has_no_outcome(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("paused")).await;
        gate.cleared(deployment("cleared")).await;
        gate.waiting(deployment("stopped")).await;
        gate.as_("alice").reject("stopped").await.granted();
        let entries = gate.entries().await;
        let rows =
            [("paused", "PAUSED"), ("cleared", "CLEARED"), ("stopped", "TERMINATED")];
        for (id, state) in rows {
            for bearer in ["runner:web-1", "orchestrator:deployer"] {
                let refused = gate.as_(bearer).finish(id, "claim", TaskOutcome::Failed).await;
                let refused = refused.refused("NOT_RUNNING", "P6");
                assert_eq!(refused.code, Code::FailedPrecondition);
                assert_eq!((refused.fact("found"), refused.fact("allowed")), (state, "RUNNING"));
            }
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn p6_there_is_no_time_out(gate) {
        gate.alice_approves().await;
        let task = TaskSpec { window: window(None, gate.at(10)), ..deployment("t1") };
        gate.running(task, "claim").await;
        gate.pass(10 * 366 * 24 * 3_600).await;
        gate.restart().await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Running);
        gate.runner().finish("t1", "claim", TaskOutcome::Succeeded).await.granted();
    }

    async fn p6_a_report_may_say_more_for_people(gate) {
        gate.alice_approves().await;
        gate.running(deployment("t1"), "claim").await;
        let request = FinishTaskRequest {
            task_id: "t1".to_owned(),
            claim_id: "claim".to_owned(),
            outcome: TaskOutcome::Failed.into(),
            comment: "exit code 7\nsee the build".to_owned(),
        };
        gate.runner().finish_with(request).await.granted();
        let bodies = gate.as_("auditor:audit").bodies("t1").await;
        let finished = &bodies.last().unwrap()["event"]["finished"];
        assert_eq!(finished["comment"], "exit code 7\nsee the build");
    }
}
