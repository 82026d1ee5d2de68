//! Following change requests: by id, by project and environment, until done, and over a cut.

use countersign_proto::v1::{
    ChangeRequestState, Task, TaskOutcome, TaskSpec, TaskState, WatchStatusRequest,
};

use super::{quick_heartbeats, shown, states_of};
use crate::gate::{Expect, deployment};

fn named(ids: &[&str]) -> WatchStatusRequest {
    WatchStatusRequest {
        change_requests: ids.iter().map(|&id| id.to_owned()).collect(),
        ..WatchStatusRequest::default()
    }
}

fn scope(project: &str, environment: &str) -> WatchStatusRequest {
    WatchStatusRequest {
        project: project.to_owned(),
        environment: environment.to_owned(),
        ..WatchStatusRequest::default()
    }
}

fn placed(id: &str, project: &str, environment: &str) -> TaskSpec {
    TaskSpec {
        project: project.to_owned(),
        environment: environment.to_owned(),
        ..deployment(id)
    }
}

on_both_stores! {
    async fn i44_named_change_requests_come_as_they_are_then_what_is_newer(gate) {
        gate.alice_approves().await;
        for id in ["t1", "t2", "unnamed"] {
            gate.waiting(deployment(id)).await;
        }
        // By number, by task, and the same one twice.
        let mut stream = gate.as_("bob").status(named(&["CR-1", "t2", "t1"])).await.granted();
        let (present, mark) = stream.synced().await;
        assert_eq!(shown(&present), ["t1", "t2"]);
        // The present may be newer than the mark, never older.
        assert!(mark.sequence <= gate.entries().await);
        gate.as_("alice").approve("unnamed").await.granted();
        let approved = gate.as_("alice").approve("t1").await.granted();
        let newer = stream.next().await;
        assert_eq!(newer.change_requests, [approved]);
        gate.runner().start("t1", 1, "claim").await.granted();
        let newer = stream.next().await;
        let [running] = newer.change_requests.as_slice() else { panic!("one: {newer:?}") };
        assert_eq!(running.state(), ChangeRequestState::Approved);
        assert_eq!(running.tasks[0].state(), TaskState::Running);
        assert_eq!(running.sequence, gate.entries().await);
    }

    async fn i44_a_project_or_an_environment_is_followed(gate) {
        gate.alice_approves().await;
        gate.waiting(placed("web-prod", "web", "production")).await;
        gate.waiting(placed("web-test", "web", "test")).await;
        gate.waiting(placed("api-prod", "api", "production")).await;
        let alice = gate.as_("alice");
        let mut web = alice.status(scope("web", "")).await.granted();
        let mut production = alice.status(scope("", "production")).await.granted();
        let mut both = alice.status(scope("web", "production")).await.granted();
        let mut nothing = alice.status(scope("we", "production")).await.granted();
        assert_eq!(shown(&web.synced().await.0), ["web-prod", "web-test"]);
        assert_eq!(shown(&production.synced().await.0), ["api-prod", "web-prod"]);
        assert_eq!(shown(&both.synced().await.0), ["web-prod"]);
        assert!(shown(&nothing.synced().await.0).is_empty());
        for id in ["web-test", "api-prod", "web-prod"] {
            alice.approve(id).await.granted();
        }
        gate.waiting(placed("web-new", "web", "production")).await;
        let ends = |messages: &[_]| shown(messages).contains(&"web-new");
        let mut found = Vec::new();
        for stream in [&mut web, &mut both] {
            found.push(stream.until(|message| ends(std::slice::from_ref(message))).await);
        }
        assert_eq!(shown(&found[0]), ["web-new", "web-prod", "web-test"]);
        assert_eq!(shown(&found[1]), ["web-new", "web-prod"]);
        let found = production.until(|message| ends(std::slice::from_ref(message))).await;
        assert_eq!(shown(&found), ["api-prod", "web-new", "web-prod"]);
    }

    async fn i44_named_ones_are_narrowed_by_the_other_conditions(gate) {
        gate.alice_approves().await;
        gate.waiting(placed("t1", "web", "production")).await;
        gate.waiting(placed("t2", "api", "production")).await;
        let request = WatchStatusRequest { project: "web".to_owned(), ..named(&["t1", "t2"]) };
        let mut stream = gate.as_("alice").status(request).await.granted();
        assert_eq!(shown(&stream.synced().await.0), ["t1"]);
    }

    async fn i44_a_watch_ends_when_all_it_names_is_done(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        gate.waiting(deployment("t2")).await;
        let request = WatchStatusRequest { end_when_done: true, ..named(&["t1", "t2"]) };
        let mut stream = gate.as_("alice").status(request.clone()).await.granted();
        stream.synced().await;
        gate.as_("alice").reject("t2").await.granted();
        gate.runner().start("t1", 1, "claim").await.granted();
        gate.runner().finish("t1", "claim", TaskOutcome::Failed).await.granted();
        let (messages, ended) = stream.end().await;
        ended.granted();
        let last = |id: &str| {
            let mut tasks = states_of(&messages).into_iter().flat_map(|cr| &cr.tasks).rev();
            tasks.find(|task| task.id == id).map(Task::state)
        };
        assert_eq!(last("t1"), Some(TaskState::Failed));
        assert_eq!(last("t2"), Some(TaskState::Terminated));
        // What is done already is told, marked, and that is all.
        let mut again = gate.as_("alice").status(request).await.granted();
        let (messages, ended) = again.end().await;
        ended.granted();
        assert_eq!(shown(&messages), ["t1", "t2"]);
        assert!(messages.last().unwrap().mark.is_some());
    }
}

on_both_stores! {
    with quick_heartbeats();

    async fn i44_after_a_cut_what_changed_comes_again_and_what_is_named(gate) {
        gate.alice_approves().await;
        for id in ["changed", "unchanged"] {
            gate.waiting(deployment(id)).await;
        }
        let mut stream = gate.as_("alice").status(scope("web", "")).await.granted();
        let token = stream.marked(gate.entries().await).await.1.resume_token;
        drop(stream);
        gate.cleared(deployment("new")).await;
        gate.runner().start("new", 1, "claim").await.granted();
        gate.orchestrator().withdraw("changed").await.granted();
        let resumed = WatchStatusRequest { resume_token: token.clone(), ..scope("web", "") };
        let mut stream = gate.as_("alice").status(resumed).await.granted();
        assert_eq!(shown(&stream.synced().await.0), ["changed", "new"]);
        let ids = named(&["changed", "unchanged"]);
        let resumed = WatchStatusRequest { resume_token: token, ..ids };
        let mut stream = gate.as_("alice").status(resumed).await.granted();
        assert_eq!(shown(&stream.synced().await.0), ["changed", "unchanged"]);
    }

    async fn i41_a_mark_of_a_watch_means_everything_up_to_it_was_sent(gate) {
        gate.alice_approves().await;
        let mut stream = gate.as_("bob").status(scope("web", "")).await.granted();
        stream.synced().await;
        for number in 0..20 {
            gate.cleared(deployment(&format!("t{number}"))).await;
        }
        let entries = gate.entries().await;
        let (messages, _) = stream.marked(entries).await;
        let mut newest = std::collections::BTreeMap::new();
        for cr in states_of(&messages) {
            let older = newest.insert(cr.id.clone(), cr.sequence);
            assert!(older.is_none_or(|older| older <= cr.sequence), "in order: {cr:?}");
        }
        assert_eq!(newest.len(), 20);
        assert_eq!(newest.values().max(), Some(&entries));
    }
}
