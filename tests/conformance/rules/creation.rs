//! C1, C3 and C4: who creates, who is the creator, and numbers.

use std::collections::{BTreeMap, BTreeSet};

use countersign_proto::v1::{
    AggregateKind, ChangeRequestState, Creator, Link, Person, TaskKind, TaskSpec,
};
use futures::future::join_all;
use tonic::Code;

use crate::gate::{Expect, PolicySpec, Setup, deployment, person};

/// A task with every field but a window.
fn full() -> TaskSpec {
    TaskSpec {
        id: "deploy-7".to_owned(),
        kind: TaskKind::RunbookRun.into(),
        project: "web".to_owned(),
        environment: "production".to_owned(),
        project_tags: vec!["tier/critical".to_owned()],
        environment_tags: vec!["region/eu".to_owned()],
        release: "1.4.2".to_owned(),
        tenant: "acme".to_owned(),
        artifact_digest: "sha256:ab".to_owned(),
        runner: "web-1".to_owned(),
        title: "Deploy web 1.4.2".to_owned(),
        description: "Why,\nand how to go back.".to_owned(),
        links: vec![Link {
            title: "Build".to_owned(),
            url: "https://ci.example/1".to_owned(),
        }],
        labels: BTreeMap::from([("commit".to_owned(), "abc".to_owned())]),
        creator: created_by("carol"),
        window: None,
    }
}

fn created_by(subject: &str) -> Option<Creator> {
    let mut who = person(subject);
    who.issuer = "local".to_owned();
    let display_name = "Carol from accounting".to_owned();
    Some(Creator {
        person: Some(who),
        display_name,
        service: false,
    })
}

on_both_stores! {
    async fn c1_only_orchestrators_create(gate) {
        let before = gate.entries().await;
        for bearer in ["alice", "runner:web-1", "admin:root", "auditor:audit", "root:x"] {
            let caller = gate.as_(bearer);
            let refused = caller.create(deployment("t1")).await.refused("ROLE_REQUIRED", "E1");
            assert_eq!(refused.code, Code::PermissionDenied, "{bearer}");
            assert_eq!(refused.metadata["allowed"], "orchestrator");
            caller.preview(deployment("t1")).await.refused("ROLE_REQUIRED", "E1");
        }
        assert_eq!(gate.entries().await, before);
        gate.as_("orchestrator:any").create(deployment("t1")).await.granted();
    }

    async fn c1_what_is_said_about_a_task_is_kept(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let created = gate.orchestrator().create(full()).await.granted();
        let (cr, task) = (created.change_request.unwrap(), created.task.unwrap());
        assert_eq!(task.spec, Some(full()));
        assert_eq!(task.change_request, cr.id);
        assert_eq!((cr.kind(), cr.project.as_str()), (TaskKind::RunbookRun, "web"));
        assert_eq!((cr.environment.as_str(), cr.release.as_str()), ("production", "1.4.2"));
        assert_eq!((cr.tenant.as_str(), cr.artifact_digest.as_str()), ("acme", "sha256:ab"));
        assert_eq!((cr.creator.as_ref(), cr.tasks.len()), (full().creator.as_ref(), 1));
        assert_eq!(cr.created_at, gate.at(0));
        let shown = gate.as_("alice").task("deploy-7").await.granted();
        assert_eq!(shown, task);
        assert_eq!(gate.as_("alice").change_request(&cr.id).await.granted(), cr);
        assert_eq!(gate.as_("alice").change_request("deploy-7").await.granted(), cr);
    }

    async fn c1_a_preview_changes_nothing(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let orchestrator = gate.orchestrator();
        let before = gate.entries().await;
        let preview = orchestrator.preview(full()).await.granted();
        let seen = preview.change_request.unwrap();
        assert_eq!(seen.state(), ChangeRequestState::Pending);
        assert_eq!((seen.id.as_str(), seen.approvals_missing), ("", 1));
        let missing = "requires approval from 1 approver";
        let line = format!("Runbook run blocked by change request CR-?: {missing}");
        assert_eq!(preview.message, line);
        assert_eq!(gate.entries().await, before);
        orchestrator.task("deploy-7").await.refused("NOT_FOUND", "E1");
        assert_eq!(orchestrator.opened(full()).await.id, "CR-1");
        let after = gate.entries().await;
        let again = orchestrator.preview(full()).await.granted();
        assert_eq!(again.change_request.unwrap().id, "CR-1");
        assert_eq!(gate.entries().await, after);
    }

    async fn c1_a_task_id_does_not_look_like_a_number(gate) {
        let before = gate.entries().await;
        for id in ["CR-1", "CR-42", "CR-007"] {
            let refused = gate.orchestrator().create(deployment(id)).await;
            let refused = refused.refused("INVALID_FIELD", "C1");
            assert_eq!(refused.metadata["field"], "task.id");
        }
        assert_eq!(gate.entries().await, before);
        for id in ["CR", "CR-", "CR-x", "cr-1", "OCT-1"] {
            gate.orchestrator().create(deployment(id)).await.granted();
        }
    }

    async fn c3_a_blocked_creator_must_be_named(gate) {
        let orchestrator = gate.orchestrator();
        let nobody = |id: &str| TaskSpec { creator: None, ..deployment(id) };
        let admin = gate.admin();
        admin.policy(PolicySpec::new("any").users(&["alice"])).await.granted();
        let cr = orchestrator.opened(nobody("t1")).await;
        assert_eq!(cr.creator, None);
        for id in ["block-1", "block-2"] {
            admin.policy(PolicySpec::new(id).users(&["bob"]).block_creator()).await.granted();
        }
        let before = gate.entries().await;
        let refused = orchestrator.create(nobody("t2")).await.refused("CREATOR_REQUIRED", "C3");
        assert_eq!(refused.code, Code::InvalidArgument);
        assert_eq!(refused.metadata["policies"], "block-1, block-2");
        assert_eq!(refused.metadata["field"], "task.creator");
        orchestrator.preview(nobody("t2")).await.refused("CREATOR_REQUIRED", "C3");
        assert_eq!(gate.entries().await, before);
        let cr = orchestrator.opened(deployment("t2")).await;
        assert_eq!((cr.id.as_str(), cr.creator.is_some()), ("CR-2", true));
    }

    async fn c3_a_service_may_be_creator_and_is_shown_as_one(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "orchestrator:nightly"]);
        gate.admin().policy(policy.block_creator()).await.granted();
        let nightly = Creator {
            person: Some(person("orchestrator:nightly")),
            display_name: "Nightly schedule".to_owned(),
            service: true,
        };
        let task = TaskSpec { creator: Some(nightly), ..deployment("t1") };
        let cr = gate.orchestrator().opened(task).await;
        let creator = cr.creator.unwrap();
        assert!(creator.service);
        assert_eq!(creator.display_name, "Nightly schedule");
        let service = gate.as_("orchestrator:nightly");
        service.approve("t1").await.refused("CANNOT_DECIDE", "D1");
        let approved = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn c3_a_creator_of_a_foreign_issuer_is_refused(gate) {
        let before = gate.entries().await;
        for (issuer, subject, field, rule) in [
            ("elsewhere", "carol", "task.creator.person.issuer", "C3"),
            ("Local", "carol", "task.creator.person.issuer", "C3"),
            ("local", "", "task.creator.person.subject", "E1"),
        ] {
            let mut task = deployment("t1");
            let who = Person { issuer: issuer.to_owned(), subject: subject.to_owned() };
            task.creator.as_mut().unwrap().person = Some(who);
            let refused = gate.orchestrator().create(task).await.refused("INVALID_FIELD", rule);
            assert_eq!(refused.metadata["field"], field);
        }
        let mut unnamed = deployment("t1");
        unnamed.creator = Some(Creator::default());
        gate.orchestrator().create(unnamed).await.refused("INVALID_FIELD", "E1");
        assert_eq!(gate.entries().await, before);
    }

    async fn c3_the_display_name_decides_nothing(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "carol"]).block_creator();
        gate.admin().policy(policy).await.granted();
        let mut task = deployment("t1");
        task.creator.as_mut().unwrap().display_name = "alice".to_owned();
        gate.orchestrator().create(task).await.granted();
        gate.as_("carol").approve("t1").await.refused("CREATOR_BLOCKED", "D1");
        gate.as_("alice").approve("t1").await.granted();
    }

    async fn c4_numbers_are_gapless_under_32_concurrent_creates(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let callers: Vec<_> = (0..4).map(|n| gate.as_(&format!("orchestrator:{n}"))).collect();
        let creates = (0..32).map(|n| callers[n % 4].create(deployment(&format!("t{n}"))));
        let created = join_all(creates).await;
        let ids = created.into_iter().map(|it| it.granted().change_request.unwrap().id);
        let ids: BTreeSet<String> = ids.collect();
        let expected: BTreeSet<String> = (1..=32).map(|n| format!("CR-{n}")).collect();
        assert_eq!(ids, expected);
        let events = gate.as_("auditor:audit").events(AggregateKind::ChangeRequest, "32").await;
        assert_eq!(events, ["change_request.created"]);
    }

    async fn c4_what_is_refused_or_repeated_takes_no_number(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]).block_creator();
        gate.admin().policy(policy).await.granted();
        let orchestrator = gate.orchestrator();
        let create = |n: usize| {
            let mut task = deployment(&format!("t{}", n % 8));
            if n % 8 < 4 {
                task.creator = None;
            }
            orchestrator.create(task)
        };
        let mut granted = BTreeSet::new();
        for answer in join_all((0..24).map(create)).await {
            match answer {
                Ok(created) => drop(granted.insert(created.change_request.unwrap().id)),
                Err(refused) => assert_eq!(refused.reason, "CREATOR_REQUIRED"),
            }
        }
        assert_eq!(granted, (1..=4).map(|n| format!("CR-{n}")).collect());
        assert_eq!(orchestrator.opened(deployment("t9")).await.id, "CR-5");
    }
}

on_both_stores! { with Setup { prefix: "OCT", ..Setup::default() };
    async fn c4_the_prefix_is_fixed_when_the_store_is_created(gate) {
        let created = gate.orchestrator().create(deployment("CR-1")).await.granted();
        assert_eq!(created.change_request.unwrap().id, "OCT-1");
        assert!(created.message.contains("change request OCT-1"), "{}", created.message);
        gate.setup.prefix = "NEW";
        gate.restart().await;
        let orchestrator = gate.orchestrator();
        assert_eq!(orchestrator.opened(deployment("t2")).await.id, "OCT-2");
        assert_eq!(orchestrator.change_request("OCT-1").await.granted().tasks[0].id, "CR-1");
        orchestrator.change_request("NEW-1").await.refused("NOT_FOUND", "E1");
        orchestrator.create(deployment("OCT-3")).await.refused("INVALID_FIELD", "C1");
    }
}
