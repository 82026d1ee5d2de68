//! M5, M6: policies that only say when, and name no approvers.

use countersign_proto::v1::{ChangeRequestState, OnClose, TaskState};

use crate::gate::{Expect, PolicySpec, Setup, deployment, hourly, period};

fn only_when(id: &str) -> PolicySpec {
    PolicySpec::new(id).recurring(hourly()).says_only_when()
}

fn requiring() -> Setup {
    Setup {
        require_policy: true,
        ..Setup::default()
    }
}

on_both_stores! {
    async fn m5_a_policy_that_only_says_when_needs_nobody(gate) {
        let kept = gate.admin().policy(only_when("when")).await.granted();
        assert_eq!(kept.warnings, []);
        let kept = kept.policy.unwrap();
        assert_eq!((kept.minimum_approvals, kept.windows.len()), (0, 1));
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        assert_eq!((cr.state(), cr.approval_required), (ChangeRequestState::Approved, false));
        assert_eq!(cr.warnings, []);
        let resultant = cr.resultant_policy.unwrap();
        assert_eq!((resultant.minimum_approvals, resultant.approvals_needed), (0, 0));
        assert_eq!((resultant.approvers, resultant.policies.len()), (vec![], 1));
        // It says when, though: the next task comes too late for the first period.
        assert_eq!(gate.task("t1").await.state(), TaskState::Cleared);
        gate.pass(600).await;
        gate.orchestrator().create(deployment("t2")).await.granted();
        let waiting = gate.task("t2").await;
        assert_eq!(waiting.state(), TaskState::Paused);
        assert_eq!(waiting.period, period("2026-11-23T01:00:00Z", "2026-11-23T01:10:00Z"));
        gate.pass(3_000).await;
        gate.runner().start("t2", 1, "c").await.granted();
    }

    async fn m5_half_of_it_is_refused(gate) {
        let admin = gate.admin();
        let entries = gate.entries().await;
        let minimum = only_when("p").minimum(1);
        admin.policy(minimum).await.bad_field("policy.approvers", "M5");
        let approvers = only_when("p").users(&["alice"]);
        admin.policy(approvers).await.bad_field("policy.minimum_approvals", "M5");
        let nothing = PolicySpec::new("p").says_only_when();
        admin.policy(nothing).await.bad_field("policy.minimum_approvals", "M5");
        assert_eq!(gate.entries().await, entries);
        admin.policy(only_when("p")).await.granted();
        // Nor can the windows be taken from one that has nothing else.
        let bare = PolicySpec::new("p").says_only_when();
        admin.update_policy(bare, &["windows"]).await.bad_field("policy.minimum_approvals", "M5");
        let with_people = PolicySpec::new("p").users(&["alice"]);
        let paths = ["windows", "approvers", "minimum_approvals"];
        admin.update_policy(with_people, &paths).await.granted();
    }

    async fn m5_it_loosens_nothing_that_others_ask_for(gate) {
        let admin = gate.admin();
        admin.policy(only_when("when")).await.granted();
        let people = PolicySpec::new("people").users(&["alice"]).with(|it| it.on_close = 0);
        admin.policy(people).await.granted();
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        assert_eq!((cr.state(), cr.approval_required), (ChangeRequestState::Pending, true));
        assert_eq!(cr.resultant_policy.unwrap().minimum_approvals, 1);
        assert_eq!(cr.tasks[0].period, period("2026-11-23T00:00:00Z", "2026-11-23T00:10:00Z"));
    }

    async fn w3_on_close_needs_windows(gate) {
        let policy = PolicySpec::new("p").users(&["alice"]).on_close(OnClose::Hold);
        gate.admin().policy(policy).await.bad_field("policy.on_close", "W3");
        let with = PolicySpec::new("p").users(&["alice"]).recurring(hourly());
        gate.admin().policy(with.on_close(OnClose::Hold)).await.granted();
        let without = PolicySpec::new("p");
        let updated = gate.admin().update_policy(without.clone(), &["windows"]).await;
        updated.bad_field("policy.on_close", "W3");
        gate.admin().update_policy(without, &["windows", "on_close"]).await.granted();
    }
}

on_both_stores! { with requiring();
    async fn m6_a_policy_that_only_says_when_is_a_match(gate) {
        gate.orchestrator().create(deployment("t1")).await.refused("POLICY_REQUIRED", "M6");
        let when = only_when("when").only(&["web"], &["production"]);
        gate.admin().policy(when).await.granted();
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        assert_eq!(cr.state(), ChangeRequestState::Approved);
        assert_eq!(cr.warnings, []);
        assert!(!cr.message.contains("no policy matched"), "{cr:?}");
        gate.runner().start("t1", 1, "c").await.granted();
    }
}
