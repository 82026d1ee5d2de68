//! Streams that are narrowed by what never changes, and that end when all has ended.

use std::collections::BTreeMap;

use countersign_proto::v1::{Creator, TaskSpec, WatchSignalsRequest, WatchStatusRequest};

use super::{quick_heartbeats, shown, signals_of};
use crate::gate::{Expect, Gate, deployment, person};

/// A task of this runner, creator and label `team`.
fn task(id: &str, runner: &str, creator: &str, team: &str) -> TaskSpec {
    TaskSpec {
        runner: runner.to_owned(),
        creator: Some(Creator {
            person: Some(person(creator)),
            ..Creator::default()
        }),
        labels: labels(&[("team", team), ("number", id)]),
        ..deployment(id)
    }
}

fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = labels.iter();
    owned
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn rows() -> Vec<(&'static str, WatchStatusRequest, Vec<&'static str>)> {
    let any = WatchStatusRequest::default;
    let of = |runner: &str| WatchStatusRequest {
        runner: runner.to_owned(),
        ..any()
    };
    let by = |subject: &str| WatchStatusRequest {
        creator: Some(person(subject)),
        ..any()
    };
    let with = |wanted: &[(&str, &str)]| WatchStatusRequest {
        labels: labels(wanted),
        ..any()
    };
    let both = WatchStatusRequest {
        runner: "a".to_owned(),
        ..by("dave")
    };
    let all = WatchStatusRequest {
        project: "web".to_owned(),
        environment: "production".to_owned(),
        labels: labels(&[("team", "red")]),
        ..both.clone()
    };
    let elsewhere = WatchStatusRequest {
        project: "api".to_owned(),
        ..of("a")
    };
    let named = WatchStatusRequest {
        change_requests: vec!["t1".to_owned(), "t2".to_owned(), "t3".to_owned()],
        ..by("carol")
    };
    vec![
        ("runner", of("a"), vec!["t1", "t2"]),
        ("a longer name", of("aa"), vec![]),
        ("creator", by("carol"), vec!["t1", "t3"]),
        (
            "a service of that name",
            by("orchestrator:deployer"),
            vec![],
        ),
        ("label", with(&[("team", "red")]), vec!["t2", "t3"]),
        (
            "two labels",
            with(&[("team", "red"), ("number", "t3")]),
            vec!["t3"],
        ),
        ("label of another value", with(&[("team", "re")]), vec![]),
        ("runner and creator", both, vec!["t2"]),
        ("everything", all, vec!["t2"]),
        ("elsewhere", elsewhere, vec![]),
        ("named", named, vec!["t1", "t3"]),
    ]
}

async fn three(gate: &Gate) {
    gate.alice_approves().await;
    gate.waiting(task("t1", "a", "carol", "blue")).await;
    gate.waiting(task("t2", "a", "dave", "red")).await;
    gate.waiting(task("t3", "b", "carol", "red")).await;
}

on_both_stores! {
    async fn i44_the_first_states_are_narrowed_by_every_condition(gate) {
        three(gate).await;
        for (what, request, expected) in rows() {
            let mut stream = gate.as_("bob").status(request).await.granted();
            assert_eq!(shown(&stream.synced().await.0), expected, "{what}");
        }
    }

    async fn i44_signals_are_narrowed_as_well(gate) {
        three(gate).await;
        let runner = gate.as_("runner:a");
        let any = WatchSignalsRequest::default;
        let project = |project: &str| WatchSignalsRequest { project: project.to_owned(), ..any() };
        let named = WatchSignalsRequest {
            task_ids: vec!["t1".to_owned(), "t2".to_owned()],
            labels: labels(&[("team", "red")]),
            ..any()
        };
        let rows = [
            (project("web"), vec!["t1", "t2"]),
            (project("we"), vec![]),
            (WatchSignalsRequest { environment: "test".to_owned(), ..any() }, vec![]),
            (WatchSignalsRequest { labels: labels(&[("team", "red")]), ..any() }, vec!["t2"]),
            (named, vec!["t2"]),
        ];
        for (request, expected) in rows {
            let mut stream = runner.signals_with(request.clone()).await.granted();
            let present = stream.synced().await.0;
            let told = signals_of(&present).into_iter().map(|signal| signal.task_id.as_str());
            assert_eq!(told.collect::<Vec<_>>(), expected, "{request:?}");
        }
    }
}

on_both_stores! {
    with quick_heartbeats();

    async fn i44_what_comes_later_is_narrowed_by_every_condition(gate) {
        gate.alice_approves().await;
        let rows = rows().into_iter().filter(|(what, ..)| *what != "named");
        let mut streams = Vec::new();
        for (what, request, expected) in rows {
            let mut stream = gate.as_("bob").status(request).await.granted();
            assert!(shown(&stream.synced().await.0).is_empty());
            streams.push((what, stream, expected));
        }
        for (id, runner, creator, team) in
            [("t1", "a", "carol", "blue"), ("t2", "a", "dave", "red"), ("t3", "b", "carol", "red")]
        {
            gate.waiting(task(id, runner, creator, team)).await;
        }
        let entries = gate.entries().await;
        for (what, mut stream, expected) in streams {
            let (messages, _) = stream.marked(entries).await;
            let mut told = shown(&messages);
            told.dedup();
            assert_eq!(told, expected, "{what}");
        }
    }

    async fn i44_what_has_ended_is_left_out_unless_it_ended_since(gate) {
        three(gate).await;
        gate.orchestrator().withdraw("t1").await.granted();
        let request = WatchStatusRequest {
            project: "web".to_owned(),
            open_only: true,
            ..WatchStatusRequest::default()
        };
        let mut stream = gate.as_("bob").status(request.clone()).await.granted();
        assert_eq!(shown(&stream.synced().await.0), ["t2", "t3"]);
        let token = stream.marked(gate.entries().await).await.1.resume_token;
        drop(stream);
        gate.orchestrator().withdraw("t2").await.granted();
        let resumed = WatchStatusRequest { resume_token: token, ..request.clone() };
        let mut stream = gate.as_("bob").status(resumed).await.granted();
        assert_eq!(shown(&stream.synced().await.0), ["t2", "t3"]);
        let mut anew = gate.as_("bob").status(request).await.granted();
        assert_eq!(shown(&anew.synced().await.0), ["t3"]);
    }

    async fn i44_a_watch_of_a_project_ends_when_nothing_open_is_left(gate) {
        three(gate).await;
        gate.waiting(TaskSpec { project: "api".to_owned(), ..deployment("other") }).await;
        let request = WatchStatusRequest {
            project: "web".to_owned(),
            end_when_done: true,
            ..WatchStatusRequest::default()
        };
        let mut stream = gate.as_("bob").status(request.clone()).await.granted();
        let token = stream.marked(gate.entries().await).await.1.resume_token;
        // One that is created before the last has ended is waited for too.
        gate.orchestrator().withdraw("t1").await.granted();
        gate.waiting(deployment("later")).await;
        gate.orchestrator().withdraw("t2").await.granted();
        gate.orchestrator().withdraw("t3").await.granted();
        stream.marked(gate.entries().await).await;
        // Resumed when all that changed has ended already, it still waits for what is open.
        let past = gate.entries().await;
        let resumed = WatchStatusRequest { resume_token: token, ..request.clone() };
        let mut resumed = gate.as_("bob").status(resumed).await.granted();
        assert_eq!(shown(&resumed.marked(past).await.0), ["later", "t1", "t2", "t3"]);
        gate.orchestrator().withdraw("later").await.granted();
        for stream in [&mut stream, &mut resumed] {
            let (messages, ended) = stream.end().await;
            ended.granted();
            assert_eq!(shown(&messages).last(), Some(&"later"));
        }
        // With nothing open it says what is there, marks it, and ends.
        let mut over = gate.as_("bob").status(request).await.granted();
        let (messages, ended) = over.end().await;
        ended.granted();
        assert_eq!(shown(&messages), ["later", "t1", "t2", "t3"]);
        assert!(messages.last().unwrap().mark.is_some());
    }
}
