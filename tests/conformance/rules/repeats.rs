//! C2: a task id is one task, for ever.

use std::collections::BTreeSet;

use countersign_proto::v1::{
    ChangeRequestState, CreateChangeRequestResponse, Creator, Link, TaskKind, TaskSpec, TaskState,
    TerminationReason,
};
use futures::future::join_all;
use prost_types::Timestamp;
use tonic::Code;

use crate::gate::{Expect, PolicySpec, at_any_time, deployment, person, window};

/// A field, and how it is changed.
type Other = (&'static str, fn(&mut TaskSpec));

fn link() -> Link {
    let url = "https://ci.example/1".to_owned();
    Link {
        url,
        ..Link::default()
    }
}

fn creator(task: &mut TaskSpec) -> &mut Creator {
    task.creator.as_mut().unwrap()
}

fn far_away() -> Option<Timestamp> {
    let (seconds, nanos) = (4_000_000_000, 0);
    Some(Timestamp { seconds, nanos })
}

on_both_stores! {
    async fn c2_same_id_same_content_has_one_effect(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let orchestrator = gate.orchestrator();
        let mut task = deployment("t1");
        task.project_tags = vec!["a/b".to_owned(), "c/d".to_owned()];
        let kept = |answer: CreateChangeRequestResponse| {
            (at_any_time(answer.change_request.unwrap()), answer.message)
        };
        let first = kept(orchestrator.create(task.clone()).await.granted());
        let before = gate.entries().await;
        gate.pass(60).await;
        assert_eq!(kept(orchestrator.create(task.clone()).await.granted()), first);
        task.project_tags.reverse();
        let who = task.creator.as_mut().unwrap().person.as_mut().unwrap();
        who.issuer = "local".to_owned();
        assert_eq!(kept(orchestrator.create(task.clone()).await.granted()), first);
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
        let others: [Other; 17] = [
            ("kind", |task| task.kind = TaskKind::RunbookRun.into()),
            ("project", |task| task.project = "api".to_owned()),
            ("environment", |task| task.environment = "dr".to_owned()),
            ("project_tags", |task| task.project_tags.push("set/tag".to_owned())),
            ("environment_tags", |task| task.environment_tags.push("set/tag".to_owned())),
            ("release", |task| task.release = "1.0".to_owned()),
            ("tenant", |task| task.tenant = "acme".to_owned()),
            ("artifact_digest", |task| task.artifact_digest = "sha256:aa".to_owned()),
            ("runner", |task| task.runner = "web-1".to_owned()),
            ("title", |task| task.title = "Another".to_owned()),
            ("description", |task| task.description = "Another".to_owned()),
            ("links", |task| task.links.push(link())),
            ("labels", |task| drop(task.labels.insert("commit".to_owned(), String::new()))),
            ("creator", |task| creator(task).display_name = "C.".to_owned()),
            ("creator.person", |task| creator(task).person = Some(person("Carol"))),
            ("no creator", |task| task.creator = None),
            ("window", |task| task.window = window(None, far_away())),
        ];
        for (field, change) in others {
            let mut other = deployment("t1");
            change(&mut other);
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
        let window = window(None, gate.at(60));
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
        let window = window(None, gate.at(60));
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
        let callers: Vec<_> = (0..16).map(|n| gate.as_(&format!("orchestrator:{n}"))).collect();
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
        let callers: Vec<_> = (0..16).map(|n| gate.as_(&format!("orchestrator:{n}"))).collect();
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
