//! C5: one line for the orchestrator's log.

use countersign_proto::v1::{TaskKind, TaskOutcome, TaskSpec, TaskWindow};

use crate::gate::{Caller, Expect, PolicySpec, deployment};

/// The line of a task, which must be the same wherever it is shown.
async fn line(caller: &Caller, task_id: &str) -> String {
    let task = caller.task(task_id).await.granted();
    let cr = caller.change_request(task_id).await.granted();
    assert_eq!(cr.message, task.message);
    assert_eq!(cr.tasks[0].message, task.message);
    task.message
}

fn runbook_run(id: &str) -> TaskSpec {
    TaskSpec {
        kind: TaskKind::RunbookRun.into(),
        ..deployment(id)
    }
}

on_both_stores! {
    async fn c5_the_line_names_kind_change_request_and_what_is_missing(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob", "dave"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        let orchestrator = gate.orchestrator();
        let created = orchestrator.create(deployment("t1")).await.granted();
        let blocked = "Deployment blocked by change request CR-1: requires approval from";
        assert_eq!(created.message, format!("{blocked} 2 approvers"));
        assert_eq!(created.message, created.task.unwrap().message);
        assert_eq!(created.message, created.change_request.unwrap().message);
        gate.as_("alice").approve("t1").await.granted();
        assert_eq!(line(&orchestrator, "t1").await, format!("{blocked} 1 approver"));
        let again = orchestrator.create(deployment("t1")).await.granted();
        assert_eq!(again.message, format!("{blocked} 1 approver"));
        gate.as_("bob").approve("t1").await.granted();
        let cleared = "Deployment may start: change request CR-1 is approved";
        assert_eq!(line(&orchestrator, "t1").await, cleared);
        gate.as_("alice").revoke("t1").await.granted();
        assert_eq!(line(&orchestrator, "t1").await, format!("{blocked} 1 approver"));
    }

    async fn c5_a_runbook_run_is_called_one(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let orchestrator = gate.orchestrator();
        orchestrator.create(deployment("t0")).await.granted();
        let created = orchestrator.create(runbook_run("t1")).await.granted();
        let text = "Runbook run blocked by change request CR-2: requires approval from 1 approver";
        assert_eq!(created.message, text);
        gate.as_("alice").reject("t1").await.granted();
        let text = "Runbook run terminated by change request CR-2: it was rejected";
        assert_eq!(line(&orchestrator, "t1").await, text);
    }

    async fn c5_everything_that_is_missing_is_named(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let window = TaskWindow { start: gate.at(3_600), end: gate.at(7_200), duration: None };
        let task = TaskSpec { window: Some(window), ..deployment("t1") };
        let created = gate.orchestrator().create(task).await.granted();
        let blocked = "Deployment blocked by change request CR-1:";
        let opens = "its window opens at 2026-11-23T01:00:00";
        let expected = format!("{blocked} requires approval from 1 approver; {opens}");
        assert!(created.message.starts_with(&expected), "{}", created.message);
        gate.as_("alice").approve("t1").await.granted();
        let approved = line(&gate.orchestrator(), "t1").await;
        assert!(approved.starts_with(&format!("{blocked} {opens}")), "{approved}");
        gate.pass(7_200).await;
        let closed = "Deployment terminated by change request CR-1: its window closed";
        assert_eq!(line(&gate.orchestrator(), "t1").await, closed);
    }

    async fn c5_every_state_has_its_line(gate) {
        let orchestrator = gate.orchestrator();
        let created = orchestrator.create(deployment("t1")).await.granted();
        let free = "Deployment may start under change request CR-1: no policy matched";
        assert_eq!(created.message, free);
        gate.runner().start("t1", 1, "c1").await.granted();
        let running = line(&orchestrator, "t1").await;
        let expected = "Deployment running under change request CR-1 since 2026-11-23T00:00:00";
        assert!(running.starts_with(expected), "{running}");
        let runner = gate.runner();
        runner.finish("t1", "c1", TaskOutcome::Succeeded).await.granted();
        let ended = "Deployment succeeded under change request CR-1";
        assert_eq!(line(&orchestrator, "t1").await, ended);
        orchestrator.create(runbook_run("t2")).await.granted();
        runner.start("t2", 1, "c2").await.granted();
        runner.finish("t2", "c2", TaskOutcome::Failed).await.granted();
        let ended = "Runbook run failed under change request CR-2";
        assert_eq!(line(&orchestrator, "t2").await, ended);
        orchestrator.create(deployment("t3")).await.granted();
        orchestrator.withdraw("t3").await.granted();
        let ended = "Deployment terminated by change request CR-3: it was withdrawn";
        assert_eq!(line(&orchestrator, "t3").await, ended);
    }
}
