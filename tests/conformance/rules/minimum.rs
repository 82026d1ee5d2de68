//! M5 and M6: how many must approve, and what no policy matches.

use countersign_proto::v1::{ChangeRequestState, Signal, TaskSpec, TaskState, WarningKind};
use tonic::Code;

use crate::gate::{Expect, PolicySpec, Setup, deployment};

on_both_stores! {
    async fn m5_a_minimum_is_1_to_99(gate) {
        let admin = gate.admin();
        let before = gate.entries().await;
        for minimum in [0, 100, u32::MAX] {
            let policy = PolicySpec::new("prod").users(&["alice"]).minimum(minimum);
            let refused = admin.policy(policy).await.refused("INVALID_FIELD", "M5");
            assert_eq!(refused.metadata["field"], "policy.minimum_approvals");
            assert_eq!(refused.metadata["found"], minimum.to_string());
            assert!(refused.metadata["allowed"].starts_with("1 to 99"), "{refused:?}");
        }
        assert_eq!(gate.entries().await, before);
        for (id, minimum) in [("one", 1), ("most", 99)] {
            let policy = PolicySpec::new(id).users(&["alice"]).minimum(minimum);
            admin.policy(policy).await.granted();
        }
        let lowered = PolicySpec::new("one").minimum(0);
        admin.update_policy(lowered, &["minimum_approvals"]).await.refused("INVALID_FIELD", "M5");
        assert_eq!(admin.get_policy("one").await.granted().minimum_approvals, 1);
    }

    async fn m5_nobody_is_no_approver(gate) {
        let admin = gate.admin();
        let before = gate.entries().await;
        admin.policy(PolicySpec::new("prod")).await.refused("INVALID_FIELD", "M5");
        let left_out = PolicySpec::new("prod").with(|policy| policy.approvers = None);
        admin.policy(left_out).await.refused("INVALID_FIELD", "M5");
        let unknown = PolicySpec::new("prod").teams(&["security"]);
        let refused = admin.policy(unknown).await.refused("INVALID_FIELD", "M1");
        assert_eq!(refused.metadata["field"], "policy.approvers.teams");
        assert_eq!(gate.entries().await, before);
        admin.policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let emptied = PolicySpec::new("prod");
        admin.update_policy(emptied, &["approvers"]).await.refused("INVALID_FIELD", "M5");
        assert_eq!(admin.get_policy("prod").await.granted().revision, 1);
    }

    async fn m6_without_a_policy_it_is_born_approved_with_a_warning(gate) {
        let created = gate.orchestrator().create(deployment("t1")).await.granted();
        let (cr, task) = (created.change_request.unwrap(), created.task.unwrap());
        assert_eq!(cr.state(), ChangeRequestState::Approved);
        assert!(!cr.approval_required);
        assert_eq!((cr.approvals_counted, cr.approvals_missing), (0, 0));
        assert_eq!(cr.resultant_policy.unwrap().minimum_approvals, 0);
        assert_eq!(cr.warnings.len(), 1);
        assert_eq!(cr.warnings[0].kind(), WarningKind::NoPolicyMatched);
        assert!(cr.warnings[0].message.contains("no policy matched"), "{:?}", cr.warnings);
        assert!(created.message.ends_with("no policy matched"), "{}", created.message);
        assert_eq!((task.state(), task.signal()), (TaskState::Cleared, Signal::Proceed));
        let started = gate.runner().start("t1", task.generation, "c1").await.granted();
        assert_eq!(started.state(), TaskState::Running);
    }

    async fn m6_one_policy_that_matches_is_enough_to_have_no_warning(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        assert!(cr.approval_required);
        assert_eq!(cr.warnings, []);
    }
}

on_both_stores! { with Setup { require_policy: true, ..Setup::default() };
    async fn m6_require_policy_refuses_what_no_policy_matches(gate) {
        let off = PolicySpec::new("off").users(&["alice"]).with(|policy| policy.disabled = true);
        gate.admin().policy(off).await.granted();
        let staging = PolicySpec::new("staging").users(&["alice"]).only(&["*"], &["staging"]);
        gate.admin().policy(staging).await.granted();
        let before = gate.entries().await;
        let orchestrator = gate.orchestrator();
        let refused = orchestrator.create(deployment("t1")).await.refused("POLICY_REQUIRED", "M6");
        assert_eq!(refused.code, Code::FailedPrecondition);
        assert_eq!(refused.metadata["project"], "web");
        assert_eq!(refused.metadata["environment"], "production");
        orchestrator.preview(deployment("t1")).await.refused("POLICY_REQUIRED", "M6");
        assert_eq!(gate.entries().await, before);
        orchestrator.task("t1").await.refused("NOT_FOUND", "E1");
        let staging = TaskSpec { environment: "staging".to_owned(), ..deployment("t1") };
        let cr = orchestrator.opened(staging).await;
        assert_eq!((cr.id.as_str(), cr.state()), ("CR-1", ChangeRequestState::Pending));
    }
}
