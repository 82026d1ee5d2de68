//! What things and people of a case are called on the server.
//!
//! Ids get a prefix of the run and the case, so that no two cases meet in one store. People and
//! runners are those of the credentials. Answers are read back, so that a case sees its own words.

use serde_json::{Map, Value};

use crate::Callers;
use crate::callers::is_runner;
use crate::variables::has_variable;

/// The fields that hold ids of things, in all requests.
const IDS: &[&str] = &[
    "aggregate_id",
    "change_request",
    "change_requests",
    "environment",
    "environment_tags",
    "environments",
    "freeze_id",
    "id",
    "ids",
    "policy_id",
    "project",
    "project_tags",
    "projects",
    "release",
    "request_id",
    "tags",
    "task_id",
    "task_ids",
    "team_id",
    "teams",
    "tenant",
    "tenants",
    "token_id",
];

/// The words of one case on one server.
#[derive(Debug, Clone)]
pub(crate) struct Names<'a> {
    prefix: String,
    callers: &'a Callers,
}

impl<'a> Names<'a> {
    /// Of the case with this number in a run.
    pub(crate) fn new(run: &str, number: usize, callers: &'a Callers) -> Self {
        let prefix = format!("{run}-{number}-");
        Self { prefix, callers }
    }

    /// What is sent for a text in this field.
    pub(crate) fn sent(&self, field: &str, text: &str) -> String {
        // What was kept of an answer is already in the server's words.
        let stays = text.is_empty() || text == "*" || has_variable(text);
        if field == "runner" && is_runner(text) {
            let runner = self.callers.get(text).and_then(|it| it.runner.as_deref());
            return runner.unwrap_or(text).to_owned();
        }
        if stays || !IDS.contains(&field) {
            return text.to_owned();
        }
        format!("{}{text}", self.prefix)
    }

    /// The person on the server that a case calls by the name of a caller.
    pub(crate) fn person(&self, person: &mut Map<String, Value>) {
        let name = person.get("subject").and_then(Value::as_str);
        let Some((name, caller)) = name.and_then(|name| Some((name, self.callers.get(name)?)))
        else {
            return;
        };
        let subject = caller.subject.as_deref().unwrap_or(name).to_owned();
        let issuer = caller.issuer.clone();
        person.insert("subject".to_owned(), Value::String(subject));
        person
            .entry("issuer")
            .or_insert_with(|| Value::String(issuer));
    }

    /// An answer in the words of the case.
    pub(crate) fn read(&self, answer: &Value) -> Value {
        match answer {
            Value::String(text) => Value::String(self.read_text(text)),
            Value::Array(items) => items.iter().map(|item| self.read(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| (name.clone(), self.read(field)))
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => answer.clone(),
        }
    }

    fn read_text(&self, text: &str) -> String {
        let is_called = |subject: &Option<String>| subject.as_deref() == Some(text);
        let caller = self
            .callers
            .iter()
            .find(|(_, caller)| is_called(&caller.subject) || is_called(&caller.runner));
        match caller {
            Some((name, _)) => name.to_owned(),
            None => text.replace(&self.prefix, ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::{Kind, MessageDescriptor};
    use serde_json::json;

    use super::*;
    use crate::schema::Schema;

    /// Texts of requests that are nobody's id, each for its reason: people and what they say; what
    /// is compared with nothing else; what the server gave.
    const OTHERS: &[&str] = &[
        "artifact_digest",
        "claim_id",
        "comment",
        "description",
        "display_name",
        "etag",
        "issuer",
        "key",
        "local_end",
        "name",
        "page_token",
        "reason",
        "resume_token",
        "revocation_comment",
        "runner",
        "starts",
        "subject",
        "time_zone",
        "title",
        "url",
        "value",
    ];

    #[test]
    fn ids_are_sent_with_a_prefix_and_read_without() {
        let callers = Callers::insecure_dev();
        let names = Names::new("r7", 3, &callers);
        let rows = [
            ("project", "web", "r7-3-web"),
            ("tags", "tier/critical", "r7-3-tier/critical"),
            ("ids", "*", "*"),
            ("change_request", "$cr", "$cr"),
            ("task_id", "", ""),
            ("comment", "web", "web"),
            ("runner", "web-1", "web-1"),
        ];
        for (field, written, sent) in rows {
            assert_eq!(names.sent(field, written), sent);
            assert_eq!(names.read(&json!([sent])), json!([written]));
        }
        let told = json!("policy r7-3-prod and runner:web-1");
        assert_eq!(names.read(&told), json!("policy prod and runner:web-1"));
        assert_eq!(names.read(&json!("runner:web-1")), json!("web-1"));
    }

    #[test]
    fn people_are_those_of_the_credentials() {
        let callers: String = crate::CALLERS
            .iter()
            .map(|(name, _)| format!("{name}: {{token: x, subject: u-{name}, issuer: sso}}\n"))
            .collect();
        let callers = Callers::read(&callers).unwrap();
        let names = Names::new("r7", 3, &callers);
        let mut alice = Map::from_iter([("subject".to_owned(), json!("alice"))]);
        names.person(&mut alice);
        assert_eq!(json!(alice), json!({"subject": "u-alice", "issuer": "sso"}));
        assert_eq!(names.read(&json!(alice))["subject"], "alice");
        let mut zoe = Map::from_iter([("subject".to_owned(), json!("zoe"))]);
        names.person(&mut zoe);
        assert_eq!(json!(zoe), json!({"subject": "zoe"}));
    }

    #[test]
    fn every_text_of_a_request_is_an_id_or_is_known_to_be_none() {
        let schema = Schema::new().unwrap();
        let mut seen = BTreeSet::new();
        let mut texts = BTreeSet::new();
        for method in ["CreatePolicy", "CreateTeam", "CreateChangeRequest"] {
            collect(
                &schema.method(method).unwrap().input(),
                &mut seen,
                &mut texts,
            );
        }
        let service = schema.method("Approve").unwrap();
        let pool = service.parent_pool().clone();
        let ours = pool
            .services()
            .filter(|it| it.package_name() == "countersign.v1");
        for method in ours.flat_map(|it| it.methods().collect::<Vec<_>>()) {
            collect(&method.input(), &mut seen, &mut texts);
        }
        let unknown: Vec<_> = texts
            .iter()
            .filter(|it| !IDS.contains(&it.as_str()) && !OTHERS.contains(&it.as_str()))
            .collect();
        assert!(
            unknown.is_empty(),
            "say in names.rs what these are: {unknown:?}"
        );
    }

    fn collect(of: &MessageDescriptor, seen: &mut BTreeSet<String>, texts: &mut BTreeSet<String>) {
        let well_known = of.package_name() == "google.protobuf";
        if well_known || !seen.insert(of.full_name().to_owned()) {
            return;
        }
        for field in of.fields() {
            match field.kind() {
                Kind::String => {
                    texts.insert(field.name().to_owned());
                }
                Kind::Message(inner) => collect(&inner, seen, texts),
                _ => {}
            }
        }
    }
}
