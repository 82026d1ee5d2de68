//! F1, F2, W4, W7: where freezes and periods meet everything else: sharing, revoking, times to
//! live, tasks that nobody has to approve, and lists.

use countersign_proto::v1::{
    ChangeRequestState, ExpiryCause, ListTasksRequest, Scope, Sharing, TaskSpec, TaskState,
    TerminationReason, WaitingFor,
};
use prost_types::Duration;

use crate::gate::{
    Expect, FreezeSpec, Gate, PolicySpec, blocked_by, deployment, hourly, ids, window,
};

/// The ids of the tasks that wait for this.
async fn waiting(gate: &Gate, waiting_for: WaitingFor) -> Vec<String> {
    let request = ListTasksRequest {
        waiting_for: waiting_for.into(),
        ..ListTasksRequest::default()
    };
    let listed = gate.orchestrator().tasks(request).await.granted();
    listed.tasks.into_iter().map(|task| task.id).collect()
}

on_both_stores! {
    async fn f1_tasks_that_share_are_held_each_by_what_matches_it(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]);
        let policy = policy.with(|it| it.sharing = Sharing::PerRelease.into());
        gate.admin().policy(policy).await.granted();
        for tenant in ["acme", "other"] {
            let task = TaskSpec {
                release: "1.0".to_owned(),
                tenant: tenant.to_owned(),
                ..deployment(tenant)
            };
            assert_eq!(gate.orchestrator().opened(task).await.id, "CR-1");
        }
        gate.as_("alice").approve("CR-1").await.granted();
        let scope = Scope {
            projects: ids(&["web"]),
            environments: ids(&["*"]),
            tenants: vec!["acme".to_owned()],
            ..Scope::default()
        };
        gate.frozen(FreezeSpec::new("f").with(|it| it.scopes = vec![scope])).await;
        assert_eq!(gate.task("acme").await.state(), TaskState::Paused);
        assert_eq!(gate.task("other").await.state(), TaskState::Cleared);
        gate.runner().start("other", 1, "c").await.granted();
        let refused = gate.runner().start("acme", 1, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.fact("freezes"), "f");
    }

    async fn f2_what_is_revoked_under_a_freeze_is_pending_after_it(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        gate.frozen(FreezeSpec::new("f").between(None, gate.at(60))).await;
        let revoked = gate.as_("alice").revoke("t1").await.granted();
        assert_eq!(revoked.state(), ChangeRequestState::Pending);
        assert_eq!(waiting(gate, WaitingFor::Approval).await, ["t1"]);
        assert_eq!(waiting(gate, WaitingFor::Freeze).await, Vec::<String>::new());
        gate.pass(60).await;
        assert_eq!(blocked_by(&gate.task("t1").await), ["approval 1"]);
        gate.as_("alice").approve("t1").await.granted();
        gate.runner().start("t1", 2, "c").await.granted();
    }

    async fn w7_a_freeze_stops_no_time_to_live(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]).with(|it| {
            it.approval_ttl = Some(Duration { seconds: 60, nanos: 0 });
            it.execution_ttl = Some(Duration { seconds: 120, nanos: 0 });
        });
        gate.admin().policy(policy).await.granted();
        gate.waiting(deployment("pending")).await;
        gate.cleared(deployment("cleared")).await;
        gate.frozen(FreezeSpec::new("f").between(None, gate.at(3_600))).await;
        gate.pass(60).await;
        assert_eq!(gate.task("pending").await.termination_reason(), TerminationReason::Expired);
        assert_eq!(gate.task("cleared").await.state(), TaskState::Paused);
        gate.pass(60).await;
        assert_eq!(gate.task("cleared").await.termination_reason(), TerminationReason::Expired);
        let cr = gate.orchestrator().change_request("cleared").await.granted();
        assert_eq!(cr.expiry_cause(), ExpiryCause::ExecutionTtl);
        gate.pass(3_480).await;
        gate.runner().start("cleared", 2, "c").await.refused("START_NEVER", "P4");
    }

    async fn f1_a_task_that_nobody_approves_is_held_too(gate) {
        gate.frozen(FreezeSpec::new("f").between(None, gate.at(60))).await;
        let created = gate.orchestrator().create(deployment("t1")).await.granted();
        let task = created.task.unwrap();
        assert_eq!((task.state(), task.generation), (TaskState::Paused, 0));
        assert_eq!(blocked_by(&task), ["freeze f 2026-11-23T00:01:00Z"]);
        assert_eq!(task.earliest_start, gate.at(60));
        let seen = gate.orchestrator().preview(deployment("t2")).await.granted();
        assert_eq!(seen.task.unwrap().state(), TaskState::Paused);
        gate.pass(60).await;
        gate.runner().start("t1", 1, "c").await.granted();
    }

    async fn f5_a_freeze_that_is_moved_lets_go_and_comes_later(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        gate.frozen(FreezeSpec::new("f").between(None, gate.at(3_600))).await;
        let later = FreezeSpec::new("f").between(gate.at(600), None);
        gate.admin().update_freeze(later, &["start"]).await.granted();
        gate.pass(0).await;
        let task = gate.task("t1").await;
        assert_eq!((task.state(), task.generation), (TaskState::Cleared, 2));
        assert_eq!(task.permit.unwrap().valid_until, gate.at(600));
        gate.pass(600).await;
        let task = gate.task("t1").await;
        assert_eq!(blocked_by(&task), ["freeze f 2026-11-23T01:00:00Z"]);
        gate.pass(3_000).await;
        gate.runner().start("t1", 3, "c").await.granted();
    }

    async fn f1_a_freeze_in_days_or_years_holds_when_it_begins(gate) {
        gate.alice_approves().await;
        for id in ["t1", "t2", "t3"] {
            gate.cleared(deployment(id)).await;
        }
        let days = 20 * 86_400;
        let years = 9 * 365 * 86_400;
        gate.frozen(FreezeSpec::new("days").between(gate.at(days), gate.at(days + 60))).await;
        gate.frozen(FreezeSpec::new("years").between(gate.at(years), None)).await;
        gate.pass(days).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        gate.pass(60).await;
        gate.runner().start("t1", 2, "c").await.granted();
        gate.pass(years - days - 61).await;
        gate.runner().start("t2", 2, "c").await.granted();
        gate.pass(1).await;
        assert_eq!(gate.task("t3").await.state(), TaskState::Paused);
        let refused = gate.runner().start("t3", 2, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.fact("freezes"), "years");
    }

    async fn w4_what_waits_for_its_period_waits_for_a_window(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]).recurring(hourly());
        gate.admin().policy(policy).await.granted();
        gate.cleared(deployment("hold")).await;
        let later = TaskSpec { window: window(gate.at(3_660), None), ..deployment("later") };
        gate.approved(later).await;
        gate.waiting(deployment("pending")).await;
        assert_eq!(waiting(gate, WaitingFor::Window).await, ["later"]);
        gate.pass(600).await;
        assert_eq!(waiting(gate, WaitingFor::Window).await, ["hold", "later"]);
        assert_eq!(waiting(gate, WaitingFor::Approval).await, ["pending"]);
        gate.pass(3_000).await;
        assert_eq!(waiting(gate, WaitingFor::Window).await, ["later"]);
        gate.pass(60).await;
        assert_eq!(waiting(gate, WaitingFor::Window).await, Vec::<String>::new());
    }
}
