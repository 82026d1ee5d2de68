//! C6: policies are frozen into a change request.

use countersign_proto::v1::{ChangeRequest, ChangeRequestState};

use crate::gate::{Caller, Expect, PolicySpec, deployment};

async fn shown(caller: &Caller, target: &str) -> ChangeRequest {
    caller.change_request(target).await.granted()
}

on_both_stores! {
    async fn c6_an_edited_policy_changes_no_waiting_change_request(gate) {
        let admin = gate.admin();
        let policy = PolicySpec::new("prod").users(&["alice", "carol"]);
        admin.policy(policy.clone()).await.granted();
        let orchestrator = gate.orchestrator();
        orchestrator.create(deployment("t1")).await.granted();
        let before = shown(&orchestrator, "t1").await;
        let stricter = PolicySpec::new("prod").users(&["bob", "dave"]).minimum(2);
        let stricter = stricter.block_creator().only(&["api"], &["*"]);
        let paths = ["approvers", "minimum_approvals", "block_creator", "scopes"];
        let saved = admin.update_policy(stricter, &paths).await.granted();
        assert_eq!(saved.open_change_requests, 1);
        assert_eq!(saved.policy.unwrap().revision, 2);
        assert_eq!(shown(&orchestrator, "t1").await, before);
        gate.as_("bob").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        let approved = gate.as_("carol").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
        assert_eq!(approved.resultant_policy, before.resultant_policy);
    }

    async fn c6_a_deleted_policy_still_binds_what_waits(gate) {
        let admin = gate.admin();
        admin.policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let orchestrator = gate.orchestrator();
        orchestrator.create(deployment("t1")).await.granted();
        orchestrator.create(deployment("t2")).await.granted();
        let before = shown(&orchestrator, "t1").await;
        assert_eq!(admin.delete_policy("prod").await.granted(), 2);
        admin.get_policy("prod").await.refused("NOT_FOUND", "E1");
        assert_eq!(shown(&orchestrator, "t1").await, before);
        assert!(!orchestrator.opened(deployment("t3")).await.approval_required);
        admin.policy(PolicySpec::new("prod").users(&["bob"])).await.granted();
        gate.as_("bob").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        let approved = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn c6_only_what_could_still_start_is_counted(gate) {
        let admin = gate.admin();
        let policy = PolicySpec::new("prod").users(&["alice"]).only(&["web"], &["*"]);
        admin.policy(policy).await.granted();
        let other = PolicySpec::new("other").users(&["alice"]).only(&["api"], &["*"]);
        admin.policy(other).await.granted();
        let orchestrator = gate.orchestrator();
        for id in ["pending", "cleared", "started", "rejected", "withdrawn"] {
            orchestrator.create(deployment(id)).await.granted();
        }
        let mut api = deployment("api");
        api.project = "api".to_owned();
        orchestrator.create(api).await.granted();
        let alice = gate.as_("alice");
        alice.approve("cleared").await.granted();
        alice.approve("started").await.granted();
        alice.reject("rejected").await.granted();
        orchestrator.withdraw("withdrawn").await.granted();
        gate.runner().start("started", 1, "c1").await.granted();
        let renamed = PolicySpec::new("prod").with(|policy| policy.name = "New".to_owned());
        let saved = admin.update_policy(renamed, &["name"]).await.granted();
        assert_eq!(saved.open_change_requests, 2);
        assert_eq!(admin.delete_policy("prod").await.granted(), 2);
        assert_eq!(admin.delete_policy("other").await.granted(), 1);
    }

    async fn c6_what_was_made_under_former_revisions_is_counted(gate) {
        let admin = gate.admin();
        let orchestrator = gate.orchestrator();
        admin.policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        for round in 1..=3u64 {
            let cr = orchestrator.opened(deployment(&format!("t{round}"))).await;
            assert_eq!(cr.resultant_policy.unwrap().policies[0].revision, round);
            let name = format!("Revision {round}");
            let renamed = PolicySpec::new("prod").with(|policy| policy.name = name);
            let saved = admin.update_policy(renamed, &["name"]).await.granted();
            assert_eq!(saved.open_change_requests, round);
        }
    }

    async fn c6_each_task_meets_the_policies_of_its_own_instant(gate) {
        let admin = gate.admin();
        let orchestrator = gate.orchestrator();
        let free = orchestrator.opened(deployment("t1")).await;
        assert_eq!(free.state(), ChangeRequestState::Approved);
        admin.policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let one = orchestrator.opened(deployment("t2")).await;
        admin.policy(PolicySpec::new("more").users(&["bob"]).minimum(2)).await.granted();
        let two = orchestrator.opened(deployment("t3")).await;
        assert_eq!((one.approvals_missing, two.approvals_missing), (1, 2));
        assert_eq!(shown(&orchestrator, "t1").await.state(), ChangeRequestState::Approved);
        assert_eq!(shown(&orchestrator, "t2").await.approvals_missing, 1);
    }
}
