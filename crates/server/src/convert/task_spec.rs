//! What an orchestrator says about a task (C1).

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::Refusal;
use countersign_domain::ids::{
    CrPrefix, EnvironmentId, ProjectId, ReleaseId, RunnerName, Tag, TenantId,
};
use countersign_domain::task::{Link, TaskKind, TaskSpec};
use countersign_domain::text::{self, Problem};
use countersign_proto::v1;

use super::fields;
use super::{identity, window};

const TAGS_LIMIT: usize = 64;
const LINKS_LIMIT: usize = 16;
const URL_BYTES_LIMIT: usize = 2_048;
const LABELS_LIMIT: usize = 64;
const LABEL_KEY_BYTES_LIMIT: usize = 64;
const LABEL_VALUE_BYTES_LIMIT: usize = 256;

/// A task as its orchestrator describes it.
pub(crate) fn task_spec(
    message: &v1::TaskSpec,
    prefix: &CrPrefix,
    people_issuer: &str,
) -> Result<TaskSpec, Refusal> {
    let creator = message.creator.as_ref();
    let creator = creator.map(|creator| identity::creator("task.creator", creator, people_issuer));
    Ok(TaskSpec {
        id: identity::new_task_id("task.id", &message.id, prefix)?,
        kind: kind("task.kind", message.kind)?,
        project: fields::id("task.project", &message.project, ProjectId::parse)?,
        environment: fields::id(
            "task.environment",
            &message.environment,
            EnvironmentId::parse,
        )?,
        project_tags: tags("task.project_tags", &message.project_tags)?,
        environment_tags: tags("task.environment_tags", &message.environment_tags)?,
        release: fields::optional_id("task.release", &message.release, ReleaseId::parse)?,
        tenant: fields::optional_id("task.tenant", &message.tenant, TenantId::parse)?,
        artifact_digest: fields::digest("task.artifact_digest", &message.artifact_digest)?,
        runner: fields::optional_id("task.runner", &message.runner, RunnerName::parse)?,
        title: fields::line("task.title", &message.title)?,
        description: fields::paragraph("task.description", &message.description)?,
        links: links(&message.links)?,
        labels: labels("task.labels", &message.labels)?,
        creator: creator.transpose()?,
        window: window::window("task.window", message.window.as_ref())?,
    })
}

/// A kind, which must be given.
pub(crate) fn kind(field: &str, value: i32) -> Result<TaskKind, Refusal> {
    match v1::TaskKind::try_from(value) {
        Ok(v1::TaskKind::Deployment) => Ok(TaskKind::Deployment),
        Ok(v1::TaskKind::RunbookRun) => Ok(TaskKind::RunbookRun),
        Ok(v1::TaskKind::Unspecified) | Err(_) => {
            let allowed = "TASK_KIND_DEPLOYMENT or TASK_KIND_RUNBOOK_RUN";
            Err(fields::bad_enum(field, value, allowed))
        }
    }
}

/// Tags as `set/tag`.
pub(crate) fn tags(field: &str, texts: &[String]) -> Result<BTreeSet<Tag>, Refusal> {
    fields::ids(field, texts, TAGS_LIMIT, Tag::parse)
}

fn links(messages: &[v1::Link]) -> Result<Vec<Link>, Refusal> {
    fields::at_most("task.links", messages.len(), LINKS_LIMIT)?;
    let link = |(place, message): (usize, &v1::Link)| {
        let title = fields::line(&format!("task.links[{place}].title"), &message.title)?;
        let field = format!("task.links[{place}].url");
        url(&message.url).map_err(|problem| fields::refused(&field, problem))?;
        Ok(Link {
            title,
            url: message.url.clone(),
        })
    };
    messages.iter().enumerate().map(link).collect()
}

/// An address that a person may be led to; nothing that runs where it is shown.
fn url(text: &str) -> Result<(), Problem> {
    text::bytes(text, URL_BYTES_LIMIT)?;
    text::visible(text, |_| false)?;
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let good = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if good && !text.contains(char::is_whitespace) {
        return Ok(());
    }
    Err(Problem::new(
        format!("{text:?}"),
        "an http or https URL without white space",
    ))
}

/// Labels: of a task, or asked for.
pub(crate) fn labels(
    field: &str,
    messages: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Refusal> {
    fields::at_most(field, messages.len(), LABELS_LIMIT)?;
    for (key, value) in messages {
        label_key(key).map_err(|problem| fields::refused(field, problem))?;
        let value = text::bytes(value, LABEL_VALUE_BYTES_LIMIT)
            .and_then(|()| text::visible(value, |_| false));
        value.map_err(|problem| fields::refused(&format!("{field}[{key:?}]"), problem))?;
    }
    Ok(messages.clone())
}

fn label_key(key: &str) -> Result<(), Problem> {
    if key.is_empty() {
        let allowed = format!("keys of 1 to {LABEL_KEY_BYTES_LIMIT} bytes");
        return Err(Problem::new("an empty key", allowed));
    }
    text::bytes(key, LABEL_KEY_BYTES_LIMIT)?;
    text::visible(key, |_| false)
}

/// A kind as answers carry it.
pub(crate) fn show_kind(kind: TaskKind) -> i32 {
    let shown = match kind {
        TaskKind::Deployment => v1::TaskKind::Deployment,
        TaskKind::RunbookRun => v1::TaskKind::RunbookRun,
    };
    shown.into()
}

/// A task's description as answers carry it.
pub(crate) fn show_task_spec(spec: &TaskSpec) -> v1::TaskSpec {
    let texts = |tags: &BTreeSet<Tag>| tags.iter().map(ToString::to_string).collect();
    let link = |link: &Link| v1::Link {
        title: link.title.clone(),
        url: link.url.clone(),
    };
    v1::TaskSpec {
        id: spec.id.to_string(),
        kind: show_kind(spec.kind),
        project: spec.project.to_string(),
        environment: spec.environment.to_string(),
        project_tags: texts(&spec.project_tags),
        environment_tags: texts(&spec.environment_tags),
        release: show_optional(spec.release.as_ref()),
        tenant: show_optional(spec.tenant.as_ref()),
        artifact_digest: show_optional(spec.artifact_digest.as_ref()),
        runner: show_optional(spec.runner.as_ref()),
        title: spec.title.clone(),
        description: spec.description.clone(),
        links: spec.links.iter().map(link).collect(),
        labels: spec.labels.clone(),
        creator: spec.creator.as_ref().map(identity::show_creator),
        window: window::show_window(spec.window),
    }
}

/// An id that may be missing, as answers carry it: empty.
pub(crate) fn show_optional(id: Option<&impl ToString>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::fields::tests::field_of;
    use super::*;

    /// A task with every field.
    pub(crate) fn full() -> v1::TaskSpec {
        let person = v1::Person {
            issuer: String::new(),
            subject: "alice".to_owned(),
        };
        let link = v1::Link {
            title: "Build 1.4.2".to_owned(),
            url: "https://ci.example/1".to_owned(),
        };
        v1::TaskSpec {
            id: "deploy-7".to_owned(),
            kind: v1::TaskKind::Deployment.into(),
            project: "web".to_owned(),
            environment: "production".to_owned(),
            project_tags: vec!["tier/critical".to_owned()],
            environment_tags: vec!["region/eu".to_owned()],
            release: "1.4.2".to_owned(),
            tenant: "acme".to_owned(),
            artifact_digest: "sha256:ab".to_owned(),
            runner: "pool-1".to_owned(),
            title: "Deploy web 1.4.2".to_owned(),
            description: "Why,\nand how to go back.".to_owned(),
            links: vec![link],
            labels: BTreeMap::from([("commit".to_owned(), "abc".to_owned())]),
            creator: Some(v1::Creator {
                person: Some(person),
                display_name: "Alice".to_owned(),
                service: false,
            }),
            window: None,
        }
    }

    fn read(message: &v1::TaskSpec) -> Result<TaskSpec, Refusal> {
        task_spec(message, &CrPrefix::parse("CR").unwrap(), "local")
    }

    #[test]
    fn c1_what_is_said_comes_back() {
        let mut expected = full();
        let shown = show_task_spec(&read(&expected).unwrap());
        let person = expected
            .creator
            .as_mut()
            .and_then(|creator| creator.person.as_mut());
        person.unwrap().issuer = "local".to_owned();
        assert_eq!(shown, expected);
    }

    #[test]
    fn c2_the_order_of_tags_makes_no_other_content() {
        let mut one = full();
        one.project_tags = vec!["a/b".to_owned(), "c/d".to_owned()];
        let mut other = full();
        other.project_tags = vec!["c/d".to_owned(), "a/b".to_owned(), "a/b".to_owned()];
        assert_eq!(read(&one).unwrap().digest(), read(&other).unwrap().digest());
    }

    type Spoil = fn(&mut v1::TaskSpec);

    fn check(rows: &[(&str, Spoil)]) {
        for (field, spoil) in rows {
            let mut message = full();
            spoil(&mut message);
            assert_eq!(field_of(read(&message)), *field);
        }
    }

    #[test]
    fn e2_each_bad_text_is_named() {
        check(&[
            ("task.id", |task| task.id = "CR-42".to_owned()),
            ("task.id", |task| task.id = "a\u{0}b".to_owned()),
            ("task.kind", |task| task.kind = 0),
            ("task.kind", |task| task.kind = 99),
            ("task.project", |task| task.project.clear()),
            ("task.environment", |task| {
                task.environment = " prod".to_owned();
            }),
            ("task.release", |task| task.release = "x".repeat(201)),
            ("task.tenant", |task| task.tenant = "e\u{301}".to_owned()),
            ("task.artifact_digest", |task| {
                task.artifact_digest = "a b".to_owned();
            }),
            ("task.runner", |task| task.runner = "a\u{200b}".to_owned()),
            ("task.title", |task| task.title = "two\nlines".to_owned()),
            ("task.description", |task| {
                task.description = "x".repeat(4_097);
            }),
            ("task.creator.person", |task| {
                task.creator = Some(v1::Creator::default());
            }),
        ]);
    }

    #[test]
    fn e2_each_bad_list_is_named() {
        fn label(key: &str, value: &str) -> BTreeMap<String, String> {
            BTreeMap::from([(key.to_owned(), value.to_owned())])
        }
        check(&[
            ("task.project_tags[0]", |task| {
                task.project_tags[0] = "tier".to_owned();
            }),
            ("task.environment_tags", |task| {
                task.environment_tags = (0..65).map(|n| format!("set/{n}")).collect();
            }),
            ("task.links", |task| {
                task.links = vec![task.links[0].clone(); 17];
            }),
            ("task.links[0].url", |task| {
                task.links[0].url = "ftp://x".to_owned();
            }),
            ("task.links[0].title", |task| {
                task.links[0].title = "\u{7}".to_owned();
            }),
            ("task.labels", |task| task.labels = label("", "")),
            ("task.labels", |task| {
                task.labels = label(&"k".repeat(65), "");
            }),
            ("task.labels[\"a\"]", |task| {
                task.labels = label("a", &"x".repeat(257));
            }),
        ]);
    }

    #[test]
    fn limits_hold_at_their_edge() {
        let mut message = full();
        message.project_tags = (0..TAGS_LIMIT).map(|n| format!("set/{n}")).collect();
        message.links = vec![message.links[0].clone(); LINKS_LIMIT];
        message.labels = (0..LABELS_LIMIT)
            .map(|n| (format!("{n:064}"), "x".repeat(256)))
            .collect();
        message.description = "x".repeat(4_096);
        assert!(read(&message).is_ok());
        message.labels.insert("one-more".to_owned(), String::new());
        assert_eq!(field_of(read(&message)), "task.labels");
    }

    #[test]
    fn links_lead_to_pages_only() {
        for (text, good) in [
            ("https://ci.example/1?a=b#c", true),
            ("http://[::1]:80/", true),
            ("HTTPS://ci.example", false),
            ("https://", false),
            ("https:///x", false),
            ("javascript:alert(1)", false),
            ("https://ci example", false),
            ("", false),
        ] {
            assert_eq!(url(text).is_ok(), good, "{text:?}");
        }
    }
}
