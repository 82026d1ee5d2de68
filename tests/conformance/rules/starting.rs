//! P3, P4, P5, P8: who may start what, and what a refused start says.

use countersign_proto::v1::{
    AggregateKind, StartTaskRequest, Task, TaskOutcome, TaskSpec, TaskState,
};
use tonic::Code;

use crate::gate::{Expect, Gate, Refused, deployment, window};

/// A task that is to run this artifact.
fn with_digest(id: &str, digest: &str) -> TaskSpec {
    TaskSpec {
        artifact_digest: digest.to_owned(),
        ..deployment(id)
    }
}

/// A task for one runner.
fn for_runner(id: &str, runner: &str) -> TaskSpec {
    TaskSpec {
        runner: runner.to_owned(),
        ..deployment(id)
    }
}

/// A claim that names a digest.
async fn claim(gate: &Gate, id: &str, digest: &str, claim: &str) -> Result<Task, Refused> {
    let request = StartTaskRequest {
        task_id: id.to_owned(),
        generation: 1,
        artifact_digest: digest.to_owned(),
        claim_id: claim.to_owned(),
    };
    gate.runner().start_with(request).await
}

/// How often the log says that a task was started.
async fn starts(gate: &Gate, id: &str) -> usize {
    let events = gate
        .as_("auditor:audit")
        .events(AggregateKind::Task, id)
        .await;
    events
        .iter()
        .filter(|event| *event == "task.started")
        .count()
}

on_both_stores! {
    async fn p3_a_task_starts_at_most_once(gate) {
        gate.alice_approves().await;
        gate.running(deployment("t1"), "first").await;
        let entries = gate.entries().await;
        for runner in ["runner:web-1", "runner:web-2"] {
            let refused = gate.as_(runner).start("t1", 1, "second").await;
            let refused = refused.refused("CLAIM_TAKEN", "P3");
            assert_eq!((refused.code, refused.fact("task")), (Code::AlreadyExists, "t1"));
        }
        assert_eq!(gate.task("t1").await.start.unwrap().claim_id, "first");
        assert_eq!(gate.entries().await, entries);
    }

    async fn p3_the_same_claim_again_is_ok_while_running_whatever_the_time(gate) {
        gate.alice_approves().await;
        let end = gate.at(20);
        let task = TaskSpec { window: window(None, end), ..deployment("t1") };
        let first = gate.running(task, "claim").await;
        let entries = gate.entries().await;
        for seconds in [0, 1, 19, 1_000_000] {
            gate.pass(seconds).await;
            let again = gate.runner().start("t1", 1, "claim").await.granted();
            assert_eq!((again.state(), &again.start), (TaskState::Running, &first.start));
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn p3_the_same_claim_again_survives_a_restart(gate) {
        gate.alice_approves().await;
        let first = gate.running(deployment("t1"), "claim").await;
        gate.restart().await;
        let again = gate.runner().start("t1", 1, "claim").await.granted();
        assert_eq!(again.start, first.start);
        gate.runner().start("t1", 1, "other").await.refused("CLAIM_TAKEN", "P3");
    }

    async fn p3_a_claim_belongs_to_the_runner_that_made_it(gate) {
        gate.alice_approves().await;
        gate.running(deployment("t1"), "claim").await;
        let other = gate.as_("runner:web-2");
        other.start("t1", 1, "claim").await.refused("CLAIM_TAKEN", "P3");
    }

    async fn p3_a_repeat_says_all_that_the_grant_was_given_for(gate) {
        gate.alice_approves().await;
        gate.cleared(with_digest("t1", "sha256:aa")).await;
        claim(gate, "t1", "sha256:aa", "claim").await.granted();
        claim(gate, "t1", "sha256:aa", "claim").await.granted();
        claim(gate, "t1", "sha256:bb", "claim").await.refused("DIGEST_MISMATCH", "D11");
        claim(gate, "t1", "", "claim").await.refused("DIGEST_MISMATCH", "D11");
        let other = gate.runner().start("t1", 2, "claim").await;
        other.refused("CLAIM_TAKEN", "P3");
    }

    async fn p3_an_old_generation_is_refused(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let alice = gate.as_("alice");
        alice.revoke("t1").await.granted();
        alice.approve("t1").await.granted();
        let entries = gate.entries().await;
        for named in [1, 3, u64::MAX] {
            let refused = gate.runner().start("t1", named, "claim").await;
            let refused = refused.refused("START_NOT_NOW", "P4");
            assert_eq!(refused.code, Code::FailedPrecondition);
            assert_eq!(refused.fact("found"), "STALE_GENERATION");
            assert_eq!(refused.fact("named_generation"), named.to_string());
            assert_eq!(refused.fact("generation"), "2");
        }
        assert_eq!(gate.entries().await, entries);
        let started = gate.runner().start("t1", 2, "claim").await.granted();
        assert_eq!(started.start.unwrap().generation, 2);
    }

    async fn p3_a_start_names_the_digest_the_task_was_created_with(gate) {
        gate.alice_approves().await;
        gate.cleared(with_digest("t1", "sha256:aa")).await;
        let entries = gate.entries().await;
        for digest in ["sha256:bb", "sha256:AA", ""] {
            let named = if digest.is_empty() { "no artifact digest" } else { digest };
            let refused = claim(gate, "t1", digest, "claim").await;
            let refused = refused.refused("DIGEST_MISMATCH", "D11");
            assert_eq!(refused.code, Code::Aborted);
            assert!(refused.fact("found").contains("sha256:aa"), "{refused:?}");
            assert!(refused.fact("named").contains(named), "{refused:?}");
        }
        assert_eq!(gate.entries().await, entries);
        assert_eq!(gate.task("t1").await.state(), TaskState::Cleared);
        claim(gate, "t1", "sha256:aa", "claim").await.granted();
    }

    async fn p3_a_digest_is_refused_where_the_task_has_none(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        claim(gate, "t1", "sha256:aa", "claim").await.refused("DIGEST_MISMATCH", "D11");
        claim(gate, "t1", "", "claim").await.granted();
    }

    async fn p4_not_now_says_what_the_task_waits_for(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("approval")).await;
        let opening = TaskSpec { window: window(gate.at(10), None), ..deployment("window") };
        gate.approved(opening).await;
        for id in ["approval", "window"] {
            let refused = gate.runner().start(id, 1, "claim").await;
            let refused = refused.refused("START_NOT_NOW", "P4");
            assert_eq!(refused.code, Code::FailedPrecondition);
            assert_eq!((refused.fact("found"), refused.fact("waiting_for")), ("HELD", id));
            assert_eq!(refused.fact("task"), id);
        }
    }

    async fn p4_not_now_may_be_granted_later(gate) {
        gate.alice_approves().await;
        let opening = TaskSpec { window: window(gate.at(10), None), ..deployment("t1") };
        gate.waiting(opening).await;
        let runner = gate.runner();
        runner.start("t1", 1, "claim").await.refused("START_NOT_NOW", "P4");
        gate.as_("alice").approve("t1").await.granted();
        runner.start("t1", 1, "claim").await.refused("START_NOT_NOW", "P4");
        gate.pass(10).await;
        runner.start("t1", 1, "claim").await.granted();
    }

    async fn p4_never_says_how_the_task_ended(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("rejected")).await;
        gate.as_("alice").reject("rejected").await.granted();
        gate.cleared(deployment("withdrawn")).await;
        gate.orchestrator().withdraw("withdrawn").await.granted();
        let closing = TaskSpec { window: window(None, gate.at(10)), ..deployment("closed") };
        gate.cleared(closing).await;
        for (id, outcome) in [("done", TaskOutcome::Succeeded), ("broken", TaskOutcome::Failed)] {
            gate.running(deployment(id), "claim").await;
            gate.runner().finish(id, "claim", outcome).await.granted();
        }
        gate.pass(10).await;
        let rows = [
            ("rejected", "TERMINATED"),
            ("withdrawn", "TERMINATED"),
            ("closed", "TERMINATED"),
            ("done", "SUCCEEDED"),
            ("broken", "FAILED"),
        ];
        for (id, state) in rows {
            // Also for the claim that the start was once granted to.
            for claim in ["claim", "other"] {
                let refused = gate.runner().start(id, 1, claim).await;
                let refused = refused.refused("START_NEVER", "P4");
                assert_eq!(refused.code, Code::FailedPrecondition);
                assert_eq!((refused.fact("task"), refused.fact("found")), (id, state));
            }
        }
    }

    async fn p5_a_task_of_another_runner_looks_absent(gate) {
        gate.alice_approves().await;
        gate.cleared(for_runner("theirs", "web-2")).await;
        let runner = gate.runner();
        let theirs = runner.start("theirs", 1, "claim").await.refused("NOT_FOUND", "E1");
        let absent = runner.start("absent", 1, "claim").await.refused("NOT_FOUND", "E1");
        assert_eq!((theirs.code, absent.code), (Code::NotFound, Code::NotFound));
        assert_eq!((theirs.fact("kind"), absent.fact("kind")), ("task", "task"));
        assert_eq!(theirs.message.replace("theirs", "absent"), absent.message);
        assert_eq!(theirs.metadata.len(), absent.metadata.len());
        // Whatever it does, it learns no more.
        runner.start("theirs", 9, "").await.bad_field("claim_id", "E1");
        let outcome = TaskOutcome::Succeeded;
        runner.finish("theirs", "claim", outcome).await.refused("NOT_FOUND", "E1");
        gate.as_("runner:web-2").start("theirs", 1, "claim").await.granted();
        runner.start("theirs", 1, "claim").await.refused("NOT_FOUND", "E1");
        runner.finish("theirs", "claim", outcome).await.refused("NOT_FOUND", "E1");
    }

    async fn p5_runners_match_exactly(gate) {
        gate.alice_approves().await;
        gate.cleared(for_runner("t1", "web-1")).await;
        for other in ["runner:web-", "runner:web-11", "runner:WEB-1", "runner:web-1:x"] {
            gate.as_(other).start("t1", 1, "claim").await.refused("NOT_FOUND", "E1");
        }
        gate.runner().start("t1", 1, "claim").await.granted();
    }

    async fn p5_a_task_without_a_runner_is_for_any(gate) {
        gate.alice_approves().await;
        for (id, runner) in [("t1", "runner:web-1"), ("t2", "runner:db-7")] {
            gate.cleared(deployment(id)).await;
            let started = gate.as_(runner).start(id, 1, "claim").await.granted();
            assert_eq!(started.start.unwrap().runner.unwrap().subject, runner);
        }
    }

    async fn p5_only_runners_start(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        for bearer in ["alice", "carol", "orchestrator:deployer", "admin:root", "operator:op"] {
            let refused = gate.as_(bearer).start("t1", 1, "claim").await;
            let refused = refused.refused("ROLE_REQUIRED", "E1");
            assert_eq!((refused.code, refused.fact("allowed")), (Code::PermissionDenied, "runner"));
        }
        assert_eq!(starts(gate, "t1").await, 0);
    }

    async fn p8_a_refused_start_changes_nothing(gate) {
        gate.alice_approves().await;
        gate.cleared(with_digest("t1", "sha256:aa")).await;
        let before = gate.task("t1").await;
        claim(gate, "t1", "sha256:bb", "a").await.refused("DIGEST_MISMATCH", "D11");
        gate.runner().start("t1", 7, "b").await.refused("START_NOT_NOW", "P4");
        gate.runner().start("t1", 1, "").await.bad_field("claim_id", "E1");
        gate.runner().start("t1", 0, "c").await.bad_field("generation", "P3");
        gate.as_("alice").start("t1", 1, "d").await.refused("ROLE_REQUIRED", "E1");
        assert_eq!(gate.task("t1").await, before);
        claim(gate, "t1", "sha256:aa", "e").await.granted();
        assert_eq!(starts(gate, "t1").await, 1);
    }

    async fn p8_a_call_whose_answer_is_lost_is_repeated_with_the_same_claim(gate) {
        gate.alice_approves().await;
        for round in 0..20 {
            let id = format!("t{round}");
            gate.cleared(deployment(&id)).await;
            let runner = gate.runner();
            let name = id.clone();
            let call = tokio::spawn(async move { runner.start(&name, 1, "claim").await });
            tokio::task::yield_now().await;
            // The caller gives up; whether the start was granted, only a repeat can tell.
            call.abort();
            let repeat = gate.runner().start(&id, 1, "claim").await.granted();
            assert_eq!(repeat.state(), TaskState::Running);
            assert_eq!(starts(gate, &id).await, 1);
        }
    }
}
