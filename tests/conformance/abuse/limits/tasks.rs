//! What an orchestrator says about a task.

use countersign_proto::v1::Link;

use super::super::call::{Call, task};
use super::{Row, at_least, at_most, bytes, many, points};
use crate::gate::person;

fn link(title: String, url: String) -> Vec<Link> {
    vec![Link { title, url }]
}

/// A web address of so many bytes.
fn url(count: usize) -> String {
    format!("{:x<count$}", "https://ci.example/")
}

/// A task that is called by what it tries.
fn try_(
    what: &str,
    count: usize,
    change: impl FnOnce(&mut countersign_proto::v1::TaskSpec),
) -> Call {
    task(&format!("{what} {count}"), change)
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = texts();
    rows.extend(lists());
    rows
}

fn texts() -> Vec<Row> {
    vec![
        at_most("TaskSpec.id", "task.id", 200, |n| {
            task("", |it| it.id = points(n))
        }),
        at_least("TaskSpec.id", "task.id", 1, |n| {
            task("", |it| it.id = points(n))
        }),
        at_most("TaskSpec.title", "task.title", 200, |n| {
            try_("title", n, |it| it.title = points(n))
        }),
        at_most("TaskSpec.description", "task.description", 4_096, |n| {
            try_("description", n, |it| it.description = bytes(n))
        }),
        at_most(
            "TaskSpec.artifact_digest",
            "task.artifact_digest",
            256,
            |n| try_("digest", n, |it| it.artifact_digest = bytes(n)),
        ),
        at_most("Link.title", "task.links[0].title", 200, |n| {
            try_("link title", n, |it| it.links = link(points(n), url(40)))
        }),
        at_most("Link.url", "task.links[0].url", 2_048, |n| {
            try_("url", n, |it| it.links = link(String::new(), url(n)))
        }),
        at_most(
            "Creator.display_name",
            "task.creator.display_name",
            200,
            |n| {
                try_("name", n, |it| {
                    it.creator.as_mut().unwrap().display_name = points(n);
                })
            },
        ),
        at_most("Person.subject", "task.creator.person.subject", 200, |n| {
            try_("who", n, |it| {
                it.creator.as_mut().unwrap().person = Some(person(&points(n)));
            })
        }),
        at_least("Person.subject", "task.creator.person.subject", 1, |n| {
            try_("who", n, |it| {
                it.creator.as_mut().unwrap().person = Some(person(&points(n)));
            })
        }),
    ]
}

fn lists() -> Vec<Row> {
    vec![
        at_most("TaskSpec.project_tags", "task.project_tags", 64, |n| {
            try_("project tags", n, |it| it.project_tags = many("set/", n))
        }),
        at_most(
            "TaskSpec.environment_tags",
            "task.environment_tags",
            64,
            |n| {
                try_("environment tags", n, |it| {
                    it.environment_tags = many("set/", n);
                })
            },
        ),
        at_most("TaskSpec.links", "task.links", 16, |n| {
            try_("links", n, |it| {
                it.links = vec![link(String::new(), url(40)).remove(0); n];
            })
        }),
        at_most("TaskSpec.labels", "task.labels", 64, |n| {
            let labels = many("label-", n).into_iter().map(|key| (key, bytes(256)));
            try_("labels", n, |it| it.labels = labels.collect())
        }),
        at_most("TaskSpec.labels", "task.labels", 64, |n| {
            try_("label key", n, |it| {
                it.labels = [(bytes(n), String::new())].into();
            })
        }),
        at_most("TaskSpec.labels", "task.labels[\"key\"]", 256, |n| {
            try_("label value", n, |it| {
                it.labels = [("key".to_owned(), bytes(n))].into();
            })
        }),
    ]
}
