//! C2, E1: what a grant does not cover cannot be told from what is not there.

use countersign_proto::v1::{ApproveRequest, TaskSpec};
use tonic::Code;

use crate::gate::{Expect, PolicySpec, Setup, TokenSpec, deployment};

/// Orchestrators with and without limits, and one person with two credentials.
fn limited() -> Vec<TokenSpec> {
    vec![
        TokenSpec::service("web-ci", &["orchestrator"]).projects(&["web"]),
        TokenSpec::service("api-ci", &["orchestrator"]).projects(&["api"]),
        TokenSpec::service("staging-ci", &["orchestrator"]).environments(&["staging"]),
        TokenSpec::service("any-ci", &["orchestrator"]),
        TokenSpec::person("admin", "root").roles(&["policy_admin"]),
        TokenSpec::person("alice", "alice"),
        TokenSpec::person("alice-of-api", "alice").projects(&["api"]),
    ]
}

on_both_stores! { with Setup::with_tokens(limited);
    async fn c2_whoever_a_task_is_not_open_to_learns_nothing(gate) {
        gate.with_token("web-ci").create(deployment("t1")).await.granted();
        let before = gate.entries().await;
        let api = TaskSpec { project: "api".to_owned(), ..deployment("t1") };
        let stranger = gate.with_token("api-ci");
        let taken = stranger.create(api).await.refused("OUTSIDE_GRANT", "C2");
        let same = stranger.create(deployment("t1")).await.refused("OUTSIDE_GRANT", "C2");
        let free = stranger.create(deployment("free")).await.refused("OUTSIDE_GRANT", "C2");
        for refused in [&taken, &same] {
            assert_eq!(refused.code, Code::PermissionDenied);
            assert_eq!(refused.message, free.message);
            assert_eq!(refused.metadata, free.metadata);
        }
        stranger.preview(deployment("t1")).await.refused("OUTSIDE_GRANT", "C2");
        for caller in [&stranger, &gate.with_token("staging-ci")] {
            let there = caller.task("t1").await.refused("NOT_FOUND", "E1");
            let absent = caller.task("t0").await.refused("NOT_FOUND", "E1");
            assert_eq!(there.message.replace("t1", "t0"), absent.message);
            caller.change_request("CR-1").await.refused("NOT_FOUND", "E1");
            caller.change_request("CR-9").await.refused("NOT_FOUND", "E1");
            caller.withdraw("t1").await.refused("NOT_FOUND", "E1");
        }
        assert_eq!(gate.entries().await, before);
    }

    async fn c2_a_grant_covers_ids_exactly(gate) {
        for (project, environment) in [("web2", "production"), ("we", "production")] {
            let task = TaskSpec {
                project: project.to_owned(),
                environment: environment.to_owned(),
                ..deployment("t1")
            };
            gate.with_token("web-ci").create(task.clone()).await.refused("OUTSIDE_GRANT", "C2");
            gate.with_token("staging-ci").create(task).await.refused("OUTSIDE_GRANT", "C2");
        }
        let staging = TaskSpec { environment: "staging".to_owned(), ..deployment("t1") };
        gate.with_token("staging-ci").create(staging.clone()).await.granted();
        assert_eq!(gate.with_token("web-ci").opened(staging.clone()).await.id, "CR-1");
        assert_eq!(gate.with_token("any-ci").opened(staging).await.id, "CR-1");
    }

    async fn e1_a_grant_limits_who_may_decide(gate) {
        gate.with_token("admin").policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        gate.with_token("any-ci").create(deployment("t1")).await.granted();
        let before = gate.entries().await;
        let limited = gate.with_token("alice-of-api");
        for target in ["t1", "CR-1"] {
            limited.approve(target).await.refused("NOT_FOUND", "E1");
            limited.reject(target).await.refused("NOT_FOUND", "E1");
            limited.revoke(target).await.refused("NOT_FOUND", "E1");
        }
        assert_eq!(gate.entries().await, before);
        gate.with_token("alice").approve("t1").await.granted();
    }

    async fn e1_a_request_id_opens_nothing_that_the_grant_does_not_cover(gate) {
        gate.with_token("admin").policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        gate.with_token("any-ci").create(deployment("t1")).await.granted();
        let approval = ApproveRequest {
            change_request: "CR-1".to_owned(),
            request_id: "r1".to_owned(),
            ..ApproveRequest::default()
        };
        let alice = gate.with_token("alice");
        let first = alice.approve_with(approval.clone()).await.granted();
        let again = gate.with_token("alice-of-api").approve_with(approval.clone()).await;
        again.refused("NOT_FOUND", "E1");
        assert_eq!(alice.approve_with(approval).await.granted(), first);
    }
}
