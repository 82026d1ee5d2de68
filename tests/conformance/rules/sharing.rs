//! S1 to S5, with D11 and D12: which tasks share a change request.

use countersign_proto::v1::{
    ApproveRequest, ChangeRequestState, CreateChangeRequestResponse, Creator, Policy, Sharing,
    Signal, Task, TaskSpec, TaskState, WarningKind,
};

use crate::gate::{Caller, Expect, Gate, PolicySpec, deployment, person, window};

fn shares(sharing: Sharing) -> impl FnOnce(&mut Policy) {
    move |policy| policy.sharing = sharing.into()
}

/// One policy for everything, which alice and bob may meet, shared like this.
async fn shared(gate: &Gate, sharing: Sharing) {
    let policy = PolicySpec::new("prod").users(&["alice", "bob"]);
    gate.admin()
        .policy(policy.with(shares(sharing)))
        .await
        .granted();
}

fn release(id: &str, release: &str) -> TaskSpec {
    TaskSpec {
        release: release.to_owned(),
        ..deployment(id)
    }
}

fn tenant(id: &str, tenant: &str) -> TaskSpec {
    TaskSpec {
        tenant: tenant.to_owned(),
        ..release(id, "1.0")
    }
}

/// Creates a task; answers with the number of its change request.
async fn holder(gate: &Gate, spec: TaskSpec) -> String {
    created(&gate.orchestrator(), spec).await.0
}

async fn created(orchestrator: &Caller, spec: TaskSpec) -> (String, Task) {
    let CreateChangeRequestResponse { task, .. } = orchestrator.create(spec).await.granted();
    let task = task.unwrap();
    (task.change_request.clone(), task)
}

on_both_stores! {
    async fn s1_s2_tasks_of_one_release_share_one_change_request(gate) {
        shared(gate, Sharing::PerRelease).await;
        assert_eq!(holder(gate, release("t1", "1.0")).await, "CR-1");
        assert_eq!(holder(gate, release("t2", "1.0")).await, "CR-1");
        assert_eq!(holder(gate, tenant("t3", "acme")).await, "CR-1");
        assert_eq!(holder(gate, release("other-release", "1.1")).await, "CR-2");
        assert_eq!(holder(gate, deployment("no-release")).await, "CR-3");
        assert_eq!(holder(gate, deployment("no-release-2")).await, "CR-4");
        let cr = gate.orchestrator().change_request("CR-1").await.granted();
        assert_eq!((cr.task_count, cr.tasks.len(), cr.tenant.as_str()), (3, 3, ""));
        let approved = gate.as_("alice").approve("t2").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
        for id in ["t1", "t2", "t3"] {
            assert_eq!(gate.task(id).await.state(), TaskState::Cleared, "{id}");
        }
        // A task that joins what is approved is cleared at once.
        let (number, task) = created(&gate.orchestrator(), release("t4", "1.0")).await;
        assert_eq!((number.as_str(), task.state()), ("CR-1", TaskState::Cleared));
        let again = gate.orchestrator().create(release("t4", "1.0")).await.granted();
        assert_eq!(again.change_request.unwrap().task_count, 4, "a repeat joins nothing");
    }

    async fn s2_digest_kind_project_and_environment_must_be_the_same(gate) {
        shared(gate, Sharing::PerRelease).await;
        let digest = |id: &str, digest: &str| TaskSpec {
            artifact_digest: digest.to_owned(),
            ..release(id, "1.0")
        };
        assert_eq!(holder(gate, digest("a", "sha256:1")).await, "CR-1");
        assert_eq!(holder(gate, digest("b", "sha256:2")).await, "CR-2");
        assert_eq!(holder(gate, digest("c", "")).await, "CR-3", "none equals only none");
        assert_eq!(holder(gate, digest("d", "sha256:1")).await, "CR-1");
        assert_eq!(holder(gate, digest("e", "")).await, "CR-3");
        let elsewhere = |id: &str, project: &str, environment: &str| TaskSpec {
            project: project.to_owned(),
            environment: environment.to_owned(),
            ..release(id, "1.0")
        };
        assert_eq!(holder(gate, elsewhere("f", "api", "production")).await, "CR-4");
        assert_eq!(holder(gate, elsewhere("g", "web", "staging")).await, "CR-5");
        let runbook = TaskSpec {
            kind: countersign_proto::v1::TaskKind::RunbookRun.into(),
            ..release("h", "1.0")
        };
        assert_eq!(holder(gate, runbook).await, "CR-6");
    }

    async fn s1_per_tenant_keeps_tenants_apart_and_the_most_restrictive_wins(gate) {
        shared(gate, Sharing::PerRelease).await;
        let tenants = PolicySpec::new("tenants").users(&["alice"]);
        let tenants = tenants.with(shares(Sharing::PerReleaseAndTenant));
        gate.admin().policy(tenants).await.granted();
        let neutral = PolicySpec::new("neutral").users(&["alice"]);
        gate.admin().policy(neutral).await.granted();
        assert_eq!(holder(gate, tenant("a1", "acme")).await, "CR-1");
        assert_eq!(holder(gate, tenant("b1", "bolt")).await, "CR-2");
        assert_eq!(holder(gate, release("none", "1.0")).await, "CR-3");
        assert_eq!(holder(gate, tenant("a2", "acme")).await, "CR-1");
        assert_eq!(holder(gate, release("none-2", "1.0")).await, "CR-3");
        let cr = gate.orchestrator().change_request("CR-1").await.granted();
        assert_eq!(cr.tenant, "acme");
        let resultant = cr.resultant_policy.unwrap();
        assert_eq!(resultant.sharing(), Sharing::PerReleaseAndTenant);
    }

    async fn s1_unset_and_per_task_share_nothing(gate) {
        let neutral = PolicySpec::new("neutral").users(&["alice"]);
        gate.admin().policy(neutral).await.granted();
        assert_eq!(holder(gate, release("t1", "1.0")).await, "CR-1");
        assert_eq!(holder(gate, release("t2", "1.0")).await, "CR-2");
        shared(gate, Sharing::PerTask).await;
        assert_eq!(holder(gate, release("t3", "1.0")).await, "CR-3");
        assert_eq!(holder(gate, release("t4", "1.0")).await, "CR-4");
    }

    async fn s2_d6_only_the_newest_open_one_is_joined_and_never_one_that_ended(gate) {
        shared(gate, Sharing::PerRelease).await;
        assert_eq!(holder(gate, release("t1", "1.0")).await, "CR-1");
        let rejected = gate.as_("bob").reject("t1").await.granted();
        assert_eq!(rejected.terminated_task_ids, ["t1"]);
        assert_eq!(holder(gate, release("t2", "1.0")).await, "CR-2");
        gate.orchestrator().withdraw("t2").await.granted();
        assert_eq!(holder(gate, release("t3", "1.0")).await, "CR-3");
        assert_eq!(holder(gate, release("t4", "1.0")).await, "CR-3");
    }

    async fn s3_another_revision_of_a_policy_opens_a_fresh_one(gate) {
        shared(gate, Sharing::PerRelease).await;
        assert_eq!(holder(gate, release("t1", "1.0")).await, "CR-1");
        gate.as_("alice").approve("t1").await.granted();
        let described = PolicySpec::new("prod").with(|policy| policy.description = "new".into());
        let updated = gate.admin().update_policy(described, &["description"]).await.granted();
        assert_eq!(updated.open_change_requests, 1);
        let (number, task) = created(&gate.orchestrator(), release("t2", "1.0")).await;
        assert_eq!((number.as_str(), task.state()), ("CR-2", TaskState::Paused));
        assert_eq!(holder(gate, release("t3", "1.0")).await, "CR-2");
    }

    async fn s4_every_creator_is_barred_and_an_approver_s_own_task_does_not_join(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob", "carol", "dave"]);
        let policy = policy.minimum(2).block_creator().with(shares(Sharing::PerRelease));
        gate.admin().policy(policy).await.granted();
        let by = |id: &str, subject: &str| TaskSpec {
            creator: Some(Creator { person: Some(person(subject)), ..Creator::default() }),
            ..release(id, "1.0")
        };
        assert_eq!(holder(gate, by("t1", "carol")).await, "CR-1");
        assert_eq!(holder(gate, by("t2", "dave")).await, "CR-1");
        for creator in ["carol", "dave"] {
            gate.as_(creator).approve("t1").await.refused("CREATOR_BLOCKED", "D1");
        }
        gate.as_("alice").approve("t1").await.granted();
        assert_eq!(holder(gate, by("t3", "alice")).await, "CR-2", "alice has approved CR-1");
        assert_eq!(holder(gate, by("t4", "bob")).await, "CR-2", "the newest open one");
        gate.as_("alice").approve("t4").await.refused("CREATOR_BLOCKED", "D1");
    }

    async fn s5_each_task_keeps_its_window_signal_and_generation(gate) {
        shared(gate, Sharing::PerRelease).await;
        let later = TaskSpec {
            window: window(gate.at(60), gate.at(120)),
            ..release("later", "1.0")
        };
        holder(gate, release("now", "1.0")).await;
        holder(gate, later).await;
        gate.as_("alice").approve("now").await.granted();
        gate.runner().start("now", 1, "c1").await.granted();
        let task = gate.task("later").await;
        assert_eq!((task.signal(), task.generation), (Signal::Hold, 0));
        gate.pass(60).await;
        assert_eq!(gate.task("later").await.signal(), Signal::Proceed);
        gate.pass(60).await;
        assert_eq!(gate.task("later").await.signal(), Signal::Terminate);
        assert_eq!(gate.task("now").await.state(), TaskState::Running);
        let cr = gate.orchestrator().change_request("CR-1").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Approved, "it keeps its state (T2)");
    }

    async fn d11_a_task_that_joins_changes_the_etag(gate) {
        shared(gate, Sharing::PerRelease).await;
        let first = gate.orchestrator().opened(release("t1", "1.0")).await;
        let second = gate.orchestrator().opened(release("t2", "1.0")).await;
        assert_ne!(first.etag, second.etag);
        let seen = |etag: &str| ApproveRequest {
            change_request: "CR-1".to_owned(),
            etag: etag.to_owned(),
            ..ApproveRequest::default()
        };
        let refused = gate.as_("alice").approve_with(seen(&first.etag)).await;
        assert_eq!(refused.refused("ETAG_MISMATCH", "D11").fact("found"), second.etag);
        gate.as_("alice").approve_with(seen(&second.etag)).await.granted();
    }

    async fn d12_an_approved_one_that_might_be_joined_can_still_be_stopped(gate) {
        shared(gate, Sharing::PerRelease).await;
        holder(gate, release("t1", "1.0")).await;
        gate.as_("alice").approve("t1").await.granted();
        gate.runner().start("t1", 1, "c1").await.granted();
        // Nothing waits any more, but the next task of the release would start under it.
        let rejected = gate.as_("bob").reject("CR-1").await.granted();
        assert!(rejected.terminated_task_ids.is_empty());
        assert_eq!(rejected.change_request.unwrap().state(), ChangeRequestState::Rejected);
        assert_eq!(gate.task("t1").await.state(), TaskState::Running);
        assert_eq!(holder(gate, release("t2", "1.0")).await, "CR-2");
    }

    async fn d12_d7_an_approval_taken_back_when_nothing_waits_ends_it(gate) {
        shared(gate, Sharing::PerRelease).await;
        holder(gate, release("t1", "1.0")).await;
        gate.as_("alice").approve("t1").await.granted();
        gate.runner().start("t1", 1, "c1").await.granted();
        let revoked = gate.as_("alice").revoke("CR-1").await.granted();
        assert_eq!(revoked.state(), ChangeRequestState::Withdrawn);
        let (number, task) = created(&gate.orchestrator(), release("t2", "1.0")).await;
        assert_eq!((number.as_str(), task.state()), ("CR-2", TaskState::Paused));
        // Where each task has its own, nothing could start, and it is too late.
        let own = PolicySpec::new("prod").with(shares(Sharing::PerTask));
        gate.admin().update_policy(own, &["sharing"]).await.granted();
        holder(gate, release("t3", "1.0")).await;
        gate.as_("alice").approve("t3").await.granted();
        gate.runner().start("t3", 1, "c3").await.granted();
        gate.as_("alice").revoke("t3").await.refused("NOTHING_CAN_START", "D12");
    }

    async fn s2_a_preview_says_what_would_be_joined(gate) {
        shared(gate, Sharing::PerRelease).await;
        let preview = |spec| {
            let orchestrator = gate.orchestrator();
            async move { orchestrator.preview(spec).await.granted().change_request.unwrap() }
        };
        assert_eq!(preview(release("t1", "1.0")).await.id, "");
        gate.orchestrator().create(release("t1", "1.0")).await.granted();
        let would = preview(release("t2", "1.0")).await;
        assert_eq!((would.id.as_str(), would.task_count), ("CR-1", 2));
        assert_eq!(preview(release("t2", "1.1")).await.id, "");
        let kept = gate.orchestrator().change_request("CR-1").await.granted();
        assert_eq!(kept.task_count, 1, "a preview changes nothing");
    }

    async fn w7_sharing_without_an_end_is_warned_about(gate) {
        let forever = PolicySpec::new("p").users(&["alice"]).with(shares(Sharing::PerRelease));
        let warned = gate.admin().policy(forever).await.granted().warnings;
        let kinds: Vec<_> = warned.iter().map(|it| (it.kind(), it.policy.as_str())).collect();
        assert_eq!(kinds, [(WarningKind::SharingWithoutExecutionTtl, "p")]);
    }
}
