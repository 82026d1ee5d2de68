//! C2: a task id is one task, for ever.

use std::collections::{BTreeMap, BTreeSet};

use countersign_proto::v1::{
    ChangeRequestState, Link, TaskKind, TaskSpec, TaskState, TaskWindow, TerminationReason,
};
use futures::future::join_all;
use tonic::Code;

use crate::gate::{Expect, PolicySpec, Setup, TokenSpec, deployment, person};

/// Each field of a task, changed alone.
fn others() -> Vec<(&'static str, TaskSpec)> {
    let same = || deployment("t1");
    let text = || "another".to_owned();
    let tag = || vec!["set/tag".to_owned()];
    let link = Link { title: String::new(), url: "https://ci.example/1".to_owned() };
    let labels = BTreeMap::from([(text(), text())]);
    let mut creator = same().creator;
    creator.as_mut().unwrap().display_name = "Carol".to_owned();
    let mut who = same().creator;
    who.as_mut().unwrap().person = Some(person("Carol"));
    let end = Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 });
    let window = Some(TaskWindow { end, ..TaskWindow::default() });
    vec![
        ("kind", TaskSpec { kind: TaskKind::RunbookRun.into(), ..same() }),
        ("project", TaskSpec { project: text(), ..same() }),
        ("environment", TaskSpec { environment: text(), ..same() }),
        ("project_tags", TaskSpec { project_tags: tag(), ..same() }),
        ("environment_tags", TaskSpec { environment_tags: tag(), ..same() }),
        ("release", TaskSpec { release: text(), ..same() }),
        ("tenant", TaskSpec { tenant: text(), ..same() }),
        ("artifact_digest", TaskSpec { artifact_digest: text(), ..same() }),
        ("runner", TaskSpec { runner: text(), ..same() }),
        ("title", TaskSpec { title: text(), ..same() }),
        ("description", TaskSpec { description: text(), ..same() }),
        ("links", TaskSpec { links: vec![link], ..same() }),
        ("labels", TaskSpec { labels, ..same() }),
        ("creator", TaskSpec { creator, ..same() }),
        ("creator.person", TaskSpec { creator: who, ..same() }),
        ("no creator", TaskSpec { creator: None, ..same() }),
        ("window", TaskSpec { window, ..same() }),
    ]
}

/// Two orchestrators: one for the project `web`, one for `api`; and one for everything.
fn limited() -> Vec<TokenSpec> {
    vec![
        TokenSpec::service("web-ci", &["orchestrator"]).projects(&["web"]),
        TokenSpec::service("api-ci", &["orchestrator"]).projects(&["api"]),
        TokenSpec::service("staging-ci", &["orchestrator"]).environments(&["staging"]),
        TokenSpec::service("any-ci", &["orchestrator"]),
    ]
}

on_both_stores! {
    async fn c2_same_id_same_content_has_one_effect(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let orchestrator = gate.orchestrator();
        let mut task = deployment("t1");
        task.project_tags = vec!["a/b".to_owned(), "c/d".to_owned()];
        let first = orchestrator.create(task.clone()).await.granted();
        let before = gate.entries().await;
        gate.pass(60).await;
        assert_eq!(orchestrator.create(task.clone()).await.granted(), first);
        task.project_tags.reverse();
        let who = task.creator.as_mut().unwrap().person.as_mut().unwrap();
        who.issuer = "local".to_owned();
        assert_eq!(orchestrator.create(task.clone()).await.granted(), first);
        assert_eq!(gate.entries().await, before);
        gate.as_("alice").approve("t1").await.granted();
        let now = gate.as_("orchestrator:other").create(task).await.granted();
        assert_eq!(now.change_request.unwrap().state(), ChangeRequestState::Approved);
        assert_eq!(now.task.unwrap().state(), TaskState::Cleared);
    }

    async fn c2_same_id_other_content_is_refused(gate) {
        let orchestrator = gate.orchestrator();
        orchestrator.create(deployment("t1")).await.granted();
        let before = gate.entries().await;
        for (field, other) in others() {
            let Err(refused) = orchestrator.create(other.clone()).await else {
                panic!("another {field} was taken for the same task");
            };
            assert_eq!((refused.code, refused.rule.as_str()), (Code::AlreadyExists, "C2"));
            assert_eq!((refused.reason.as_str(), field), ("TASK_ID_TAKEN", field));
            assert_eq!(refused.metadata["task"], "t1");
            orchestrator.preview(other).await.refused("TASK_ID_TAKEN", "C2");
        }
        assert_eq!(gate.entries().await, before);
    }

    async fn c2_after_a_rejection_it_is_answered_as_it_ended(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let orchestrator = gate.orchestrator();
        orchestrator.create(deployment("t1")).await.granted();
        gate.as_("alice").reject("t1").await.granted();
        let before = gate.entries().await;
        let again = orchestrator.create(deployment("t1")).await.granted();
        let (cr, task) = (again.change_request.unwrap(), again.task.unwrap());
        assert_eq!((cr.id.as_str(), cr.state()), ("CR-1", ChangeRequestState::Rejected));
        assert_eq!(task.state(), TaskState::Terminated);
        assert_eq!(task.termination_reason(), TerminationReason::Rejected);
        assert_eq!(gate.entries().await, before);
        let other = TaskSpec { title: "another".to_owned(), ..deployment("t1") };
        orchestrator.create(other).await.refused("TASK_ID_TAKEN", "C2");
    }

    async fn c2_after_its_window_passed_it_is_no_new_task(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let window = Some(TaskWindow { end: gate.at(60), ..TaskWindow::default() });
        let task = |id: &str| TaskSpec { window, ..deployment(id) };
        let orchestrator = gate.orchestrator();
        orchestrator.create(task("t1")).await.granted();
        orchestrator.create(task("t2")).await.granted();
        gate.pass(60).await;
        let before = gate.entries().await;
        let again = orchestrator.create(task("t1")).await.granted().task.unwrap();
        assert_eq!(again.state(), TaskState::Terminated);
        assert_eq!(again.termination_reason(), TerminationReason::WindowClosed);
        assert_eq!(gate.entries().await, before);
        orchestrator.create(task("t3")).await.refused("WINDOW_PAST", "W1");
    }

    async fn c2_a_repeat_settles_what_time_made_due(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let window = Some(TaskWindow { end: gate.at(60), ..TaskWindow::default() });
        let task = TaskSpec { window, ..deployment("t1") };
        let orchestrator = gate.orchestrator();
        orchestrator.create(task.clone()).await.granted();
        gate.advance(3_600);
        let again = orchestrator.create(task).await.granted();
        assert_eq!(again.task.unwrap().state(), TaskState::Terminated);
        assert_eq!(again.change_request.unwrap().state(), ChangeRequestState::Expired);
    }

    async fn c2_the_id_is_looked_up_before_policies(gate) {
        let orchestrator = gate.orchestrator();
        let task = TaskSpec { creator: None, ..deployment("t1") };
        orchestrator.create(task.clone()).await.granted();
        let policy = PolicySpec::new("prod").users(&["alice"]).block_creator();
        gate.admin().policy(policy).await.granted();
        let again = orchestrator.create(task.clone()).await.granted();
        assert!(!again.change_request.unwrap().approval_required);
        let other = TaskSpec { id: "t2".to_owned(), ..task };
        orchestrator.create(other).await.refused("CREATOR_REQUIRED", "C3");
    }

    async fn c2_sixteen_callers_at_once_make_one_change_request(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let callers: Vec<_> =
            (0..16).map(|n| gate.as_(&format!("orchestrator:{n}"))).collect();
        let before = gate.entries().await;
        for round in 1..=4 {
            let id = format!("t{round}");
            let creates = callers.iter().map(|caller| caller.create(deployment(&id)));
            for created in join_all(creates).await {
                let created = created.granted();
                assert_eq!(created.change_request.unwrap().id, format!("CR-{round}"));
                assert_eq!(created.task.unwrap().id, id);
            }
            assert_eq!(gate.entries().await, before + 2 * round);
        }
    }

    async fn c2_of_two_contents_at_once_one_wins(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let callers: Vec<_> =
            (0..16).map(|n| gate.as_(&format!("orchestrator:{n}"))).collect();
        let creates = callers.iter().enumerate().map(|(n, caller)| {
            let release = format!("1.{}", n % 2);
            caller.create(TaskSpec { release, ..deployment("t1") })
        });
        let mut releases = BTreeSet::new();
        let mut refused = 0;
        for answer in join_all(creates).await {
            match answer {
                Ok(created) => drop(releases.insert(created.change_request.unwrap().release)),
                Err(found) => {
                    assert_eq!(found.reason, "TASK_ID_TAKEN");
                    refused += 1;
                }
            }
        }
        assert_eq!((releases.len(), refused), (1, 8));
    }
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
}
