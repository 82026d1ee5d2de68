//! Bad tasks: each field of a creation, at its limits and beyond.

use std::collections::BTreeMap;

use countersign_proto::v1::{CreateChangeRequestRequest, Creator, Link, Person, TaskSpec};

use super::{bad_comments, bad_names, good_names};
use crate::gate::{Expect, Gate, deployment, person};

/// A task that is spoilt by a test.
type Spoilt = (&'static str, TaskSpec);

/// A deployment with one change.
fn with(change: impl FnOnce(&mut TaskSpec)) -> TaskSpec {
    let mut task = deployment("t1");
    change(&mut task);
    task
}

/// Each is refused by its field and rule, also when it is only asked about; nothing is written.
async fn all_refused(gate: &Gate, rule: &str, tasks: Vec<Spoilt>) {
    let entries = gate.entries().await;
    for (field, task) in tasks {
        gate.orchestrator()
            .create(task.clone())
            .await
            .bad_field(field, rule);
        gate.orchestrator()
            .preview(task)
            .await
            .bad_field(field, rule);
    }
    assert_eq!(gate.entries().await, entries);
}

/// Each is taken, under an id of its own where it has none.
async fn all_taken(gate: &Gate, tasks: Vec<TaskSpec>) {
    for (number, mut task) in tasks.into_iter().enumerate() {
        if task.id == "t1" {
            task.id = format!("taken-{number}");
        }
        gate.orchestrator().preview(task.clone()).await.granted();
        gate.orchestrator().create(task).await.granted();
    }
}

/// One task for each name field and each bad text in it.
fn misnamed() -> Vec<Spoilt> {
    let mut tasks = Vec::new();
    for name in bad_names() {
        tasks.extend([
            ("task.id", with(|task| task.id.clone_from(&name))),
            ("task.project", with(|task| task.project.clone_from(&name))),
            (
                "task.environment",
                with(|task| task.environment.clone_from(&name)),
            ),
            ("task.release", with(|task| task.release.clone_from(&name))),
            ("task.tenant", with(|task| task.tenant.clone_from(&name))),
            ("task.runner", with(|task| task.runner.clone_from(&name))),
        ]);
    }
    tasks
}

fn tags(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("set/{number}")).collect()
}

fn link(title: &str, url: &str) -> Link {
    Link {
        title: title.to_owned(),
        url: url.to_owned(),
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn creator(issuer: &str, subject: &str, display_name: &str) -> Option<Creator> {
    let person = Person {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
    };
    Some(Creator {
        person: Some(person),
        display_name: display_name.to_owned(),
        service: false,
    })
}

/// An URL of this many bytes.
fn url(bytes: usize) -> String {
    format!("{:x<bytes$}", "https://ci.example/")
}

on_both_stores! {
    async fn e1_a_task_is_required(gate) {
        let entries = gate.entries().await;
        let mut client = gate.orchestrator().0.change_requests();
        for validate_only in [false, true] {
            let request = CreateChangeRequestRequest { task: None, validate_only };
            let answer = client.create_change_request(request).await;
            let answer = answer.map(|_| ()).map_err(crate::gate::Refused::from);
            answer.bad_field("task", "E1");
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn e1_names_are_what_they_look_like(gate) {
        all_refused(gate, "E1", misnamed()).await;
        all_refused(gate, "E1", vec![
            ("task.id", with(|task| task.id.clear())),
            ("task.project", with(|task| task.project.clear())),
            ("task.environment", with(|task| task.environment.clear())),
        ]).await;
        let odd = good_names().into_iter().map(|name| TaskSpec {
            id: name.clone(),
            project: name.clone(),
            environment: name.clone(),
            release: name.clone(),
            tenant: name.clone(),
            runner: name,
            ..deployment("t1")
        });
        all_taken(gate, odd.collect()).await;
    }

    async fn c1_a_task_id_that_reads_as_a_change_request_is_refused(gate) {
        let ids = ["CR-1", "CR-0", "CR-007", "CR-99999999999999999999"];
        let tasks = ids.map(|id| ("task.id", with(|task| task.id = id.to_owned())));
        all_refused(gate, "C1", tasks.to_vec()).await;
        let ids = ["CR", "CR-", "CR-1a", "cr-1", "OCT-1", "CR-1 2", "XCR-1"];
        all_taken(gate, ids.map(|id| with(|task| task.id = id.to_owned())).to_vec()).await;
    }

    async fn e1_kinds_are_known_ones(gate) {
        let kinds = [0, 3, -1, i32::MAX, i32::MIN];
        let tasks = kinds.map(|kind| ("task.kind", with(|task| task.kind = kind)));
        all_refused(gate, "E1", tasks.to_vec()).await;
    }

    async fn e1_tags_name_their_set_and_are_at_most_64(gate) {
        let mut tasks = Vec::new();
        let bad =
            ["tier", "/critical", "tier/", "a/b/c", "", " tier/x", "tier/x\u{202e}", "a/e\u{301}"];
        for bad in bad {
            let first = vec![bad.to_owned()];
            tasks.push(("task.project_tags[0]", with(|task| task.project_tags = first)));
            let second = vec!["set/tag".to_owned(), bad.to_owned()];
            tasks.push(("task.environment_tags[1]", with(|task| task.environment_tags = second)));
        }
        tasks.push(("task.project_tags", with(|task| task.project_tags = tags(65))));
        tasks.push(("task.environment_tags", with(|task| task.environment_tags = tags(65))));
        all_refused(gate, "E1", tasks).await;
        let most = with(|task| {
            task.project_tags = tags(64);
            task.environment_tags = vec![format!("{}/{}", "é".repeat(200), "é".repeat(200))];
        });
        all_taken(gate, vec![most]).await;
    }

    async fn e1_digests_are_one_word_of_at_most_256_bytes(gate) {
        let bad = ["a b", " ", "sha256:\u{0}", "sha256:a\n", &"x".repeat(257), &"é".repeat(129)];
        let digest = |digest: &str| with(|task| task.artifact_digest = digest.to_owned());
        let tasks = bad.map(|text| ("task.artifact_digest", digest(text)));
        all_refused(gate, "E1", tasks.to_vec()).await;
        all_taken(gate, vec![digest("x"), digest(&"x".repeat(256))]).await;
    }

    async fn e1_texts_for_people_have_their_limits(gate) {
        let mut tasks = Vec::new();
        for title in ["two\nlines", "e\u{301}", "\u{7}", &"x".repeat(201)] {
            tasks.push(("task.title", with(|task| task.title = title.to_owned())));
        }
        for text in bad_comments() {
            tasks.push(("task.description", with(|task| task.description = text)));
        }
        all_refused(gate, "E1", tasks).await;
        all_taken(gate, vec![
            with(|task| task.title = "é".repeat(200)),
            with(|task| task.description = "x".repeat(4_096)),
            with(|task| task.description = "why,\r\n\tand how to go back: e\u{301}".to_owned()),
        ]).await;
    }

    async fn e1_links_lead_to_pages_and_are_at_most_16(gate) {
        let mut tasks = Vec::new();
        let long = url(2_049);
        let bad = [
            "", "ci.example", "ftp://ci.example", "javascript:alert(1)", "https://", "https:///x",
            "https://ci example", "https://ci.example/\u{202e}", "https://ci.example/\n", &long,
        ];
        for text in bad {
            let spoilt = with(|task| task.links = vec![link("Build", text)]);
            tasks.push(("task.links[0].url", spoilt));
        }
        let good = link("Build", "https://ci.example/1");
        let titled = vec![good.clone(), link("\u{1b}[31m", "https://ci.example/1")];
        tasks.push(("task.links[1].title", with(|task| task.links = titled)));
        let long = vec![link(&"x".repeat(201), "https://ci.example/1")];
        tasks.push(("task.links[0].title", with(|task| task.links = long)));
        tasks.push(("task.links", with(|task| task.links = vec![good.clone(); 17])));
        all_refused(gate, "E1", tasks).await;
        all_taken(gate, vec![
            with(|task| task.links = vec![good; 16]),
            with(|task| task.links = vec![link("", "http://[::1]:80/?a=b#c")]),
            with(|task| task.links = vec![link(&"é".repeat(200), &url(2_048))]),
        ]).await;
    }

    async fn e1_labels_have_their_limits(gate) {
        let label = |key: &str, value: &str| with(|task| task.labels = labels(&[(key, value)]));
        let many = |count: usize| {
            with(|task| task.labels = (0..count).map(|n| (n.to_string(), String::new())).collect())
        };
        all_refused(gate, "E1", vec![
            ("task.labels", label("", "x")),
            ("task.labels", label(&"k".repeat(65), "x")),
            ("task.labels", label("a\u{0}", "x")),
            ("task.labels", label("a\u{202e}", "x")),
            ("task.labels[\"a\"]", label("a", &"x".repeat(257))),
            ("task.labels[\"a\"]", label("a", "x\n")),
            ("task.labels", many(65)),
        ]).await;
        let longest = label(&"k".repeat(64), &"x".repeat(256));
        all_taken(gate, vec![longest, label("a", ""), many(64)]).await;
    }

    async fn e1_creators_are_named_in_full(gate) {
        let nobody = Some(Creator::default());
        let service = Some(Creator { service: true, ..Creator::default() });
        all_refused(gate, "E1", vec![
            ("task.creator.person", with(|task| task.creator = nobody)),
            ("task.creator.person", with(|task| task.creator = service)),
            ("task.creator.person.subject", with(|task| task.creator = creator("", "", ""))),
            ("task.creator.person.subject", with(|task| task.creator = creator("local", "", ""))),
            (
                "task.creator.person.subject",
                with(|task| task.creator = creator("", &"x".repeat(201), "")),
            ),
            ("task.creator.person.subject", with(|task| task.creator = creator("", "a\u{0}", ""))),
            (
                "task.creator.person.subject",
                with(|task| task.creator = creator("", "a\u{202e}b", "")),
            ),
            (
                "task.creator.display_name",
                with(|task| task.creator = creator("", "carol", &"x".repeat(201))),
            ),
            (
                "task.creator.display_name",
                with(|task| task.creator = creator("", "carol", "Carol\u{200b}")),
            ),
        ]).await;
        let issuers = ["Local", "local ", "https://accounts.example", &"x".repeat(10_000)];
        let foreign = issuers
            .map(|issuer| with(|task| task.creator = creator(issuer, "carol", "")))
            .map(|task| ("task.creator.person.issuer", task));
        all_refused(gate, "C3", foreign.to_vec()).await;
        all_taken(gate, vec![
            with(|task| task.creator = creator("local", &"é".repeat(200), &"é".repeat(200))),
            with(|task| task.creator = creator("", " e\u{301} ", "")),
            with(|task| task.creator.as_mut().unwrap().person = Some(person("carol"))),
            with(|task| task.creator = None),
        ]).await;
    }
}
