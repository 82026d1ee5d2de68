//! The short forms of a case, spelled out as proto3 JSON; and whether a text fits its message.
//!
//! | in a case | in proto3 JSON |
//! |---|---|
//! | `state: PAUSED` | `"TASK_STATE_PAUSED"` |
//! | `users: [alice]` | `[{"subject": "alice"}]` |
//! | `start: +5s` | the instant five seconds after the case began |
//! | `approval_ttl: 2h` | `"7200s"` |
//! | `update_mask: minimum_approvals` | `"minimumApprovals"` |
//!
//! Where an answer is expected, a field may also hold a condition: `{contains: ..}`, `{not: ..}`,
//! `{length: ..}`.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use crate::compare::is_condition;
use crate::names::Names;
use crate::variables::has_variable;

/// Where a text does not fit its message, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    path: String,
    why: String,
}

impl Misfit {
    fn new(why: String) -> Self {
        let path = String::new();
        Self { path, why }
    }

    fn inside(mut self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.path = format!("{name}{dot}{}", self.path);
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

type Spelled = Result<Value, Misfit>;

/// What a text means in one case.
pub(crate) struct Speller<'a> {
    /// When the case began.
    pub(crate) begun: Timestamp,
    /// How things are called on the server; `None` where an answer is expected, which is read back
    /// into the words of the case.
    pub(crate) names: Option<&'a Names<'a>>,
}

impl Speller<'_> {
    /// Spells a message out.
    pub(crate) fn message(&self, of: &MessageDescriptor, value: &Value) -> Spelled {
        let Value::Object(fields) = value else {
            let what = of.name();
            return Err(Misfit::new(format!(
                "found {value}; allowed: a {what}, as a map"
            )));
        };
        let mut spelled = Map::new();
        for (name, value) in fields {
            let field = of.get_field_by_name(name).ok_or_else(|| {
                Misfit::new(format!("{} has no such field", of.name())).inside(name)
            })?;
            let value = self
                .field(&field, value)
                .map_err(|misfit| misfit.inside(name))?;
            spelled.insert(name.clone(), value);
        }
        if let (Some(names), "Person") = (self.names, of.name()) {
            names.person(&mut spelled);
        }
        Ok(Value::Object(spelled))
    }

    fn field(&self, field: &FieldDescriptor, value: &Value) -> Spelled {
        match value {
            Value::Null => Ok(Value::Null),
            Value::Object(labels) if field.is_map() => Ok(Value::Object(labels.clone())),
            Value::Array(items) if field.is_list() => items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    self.single(field, item)
                        .map_err(|misfit| misfit.inside(&index.to_string()))
                })
                .collect(),
            Value::Object(condition) if self.names.is_none() && is_condition(condition) => {
                self.condition(field, condition)
            }
            _ if field.is_list() => Err(Misfit::new(format!("found {value}; allowed: a list"))),
            _ => self.single(field, value),
        }
    }

    fn condition(&self, field: &FieldDescriptor, condition: &Map<String, Value>) -> Spelled {
        let inner = |(name, value): (&String, &Value)| {
            let value = match (name.as_str(), value) {
                ("length", _) | (_, Value::Null) => value.clone(),
                _ => self.field(field, value)?,
            };
            Ok((name.clone(), value))
        };
        condition.iter().map(inner).collect()
    }

    fn single(&self, field: &FieldDescriptor, value: &Value) -> Spelled {
        let kind = field.kind();
        match (&kind, value) {
            (_, Value::String(text)) if has_variable(text) => Ok(value.clone()),
            (Kind::Message(of), Value::String(text)) => self.text(of, text),
            (Kind::Message(of), _) => self.message(of, value),
            (Kind::Enum(of), Value::String(text)) => {
                let unspecified = of.default_value();
                let prefix = unspecified.name().trim_end_matches("UNSPECIFIED");
                let known = [text.clone(), format!("{prefix}{text}")];
                let found = known.iter().find(|it| of.get_value_by_name(it).is_some());
                let why = || Misfit::new(format!("{} has no value {text}", of.name()));
                found.map(|it| Value::String(it.clone())).ok_or_else(why)
            }
            (Kind::String, Value::String(text)) => Ok(Value::String(match self.names {
                Some(names) => names.sent(field.name(), text),
                None => text.clone(),
            })),
            (Kind::Bool, Value::Bool(_)) => Ok(value.clone()),
            (Kind::Uint32 | Kind::Uint64 | Kind::Int32 | Kind::Int64, Value::Number(_)) => {
                Ok(value.clone())
            }
            _ => Err(Misfit::new(format!("found {value}; allowed: {kind:?}"))),
        }
    }

    /// A message that has a form as text.
    fn text(&self, of: &MessageDescriptor, text: &str) -> Spelled {
        let spelled = match of.full_name() {
            "countersign.v1.Person" => {
                let subject = Value::String(text.to_owned());
                let person = Map::from_iter([("subject".to_owned(), subject)]);
                return self.message(of, &Value::Object(person));
            }
            "google.protobuf.Timestamp" => instant(self.begun, text).map(show),
            "google.protobuf.Duration" => span(text).map(|it| {
                let span = prost_types::Duration {
                    seconds: it.as_secs(),
                    nanos: it.subsec_nanos(),
                };
                span.to_string()
            }),
            "google.protobuf.FieldMask" => Some(camel_case(text)),
            _ => None,
        };
        let why = || Misfit::new(format!("found {text:?}, which is no {}", of.name()));
        spelled.map(Value::String).ok_or_else(why)
    }
}

/// An instant: RFC 3339, or a span after or before the case began, with its sign.
fn instant(begun: Timestamp, text: &str) -> Option<Timestamp> {
    match text.split_at_checked(1)? {
        ("+", after) => begun.checked_add(span(after)?).ok(),
        ("-", before) => begun.checked_sub(span(before)?).ok(),
        _ => text.parse().ok(),
    }
}

/// An instant as the API shows it.
fn show(instant: Timestamp) -> String {
    let shown = prost_types::Timestamp {
        seconds: instant.as_second(),
        nanos: instant.subsec_nanosecond(),
    };
    shown.to_string()
}

/// A span such as `5s`, `90m` or `1h 30m`.
pub(crate) fn span(text: &str) -> Option<SignedDuration> {
    let span: SignedDuration = text.parse().ok()?;
    (!span.is_negative()).then_some(span)
}

/// The paths of a field mask, as proto3 JSON has them.
fn camel_case(text: &str) -> String {
    let mut shown = String::new();
    let mut upper = false;
    for letter in text.chars().filter(|it| *it != ' ') {
        match letter {
            '_' => upper = true,
            _ if upper => {
                shown.push(letter.to_ascii_uppercase());
                upper = false;
            }
            _ => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Callers;
    use crate::schema::{Schema, from_json};

    fn begun() -> Timestamp {
        "2026-11-23T00:00:00.250Z".parse().unwrap()
    }

    fn sent(message: &str, value: &Value) -> Spelled {
        let callers = Callers::insecure_dev();
        let names = Names::new("r7", 1, &callers);
        let of = Schema::new().unwrap().message(message).unwrap();
        let begun = begun();
        let spelled = Speller {
            begun,
            names: Some(&names),
        }
        .message(&of, value)?;
        from_json(of, &spelled).map_err(|error| Misfit::new(error.to_string()))?;
        Ok(spelled)
    }

    fn expected(message: &str, value: &Value) -> Spelled {
        let of = Schema::new().unwrap().message(message).unwrap();
        Speller {
            begun: begun(),
            names: None,
        }
        .message(&of, value)
    }

    #[test]
    fn short_forms_are_spelled_out() {
        let policy = json!({"id": "prod", "approvers": {"users": ["alice"]}, "quorum": "OWN",
            "approval_ttl": "2h", "scopes": [{"projects": {"ids": ["web", "*"]}}]});
        let spelled = json!({"id": "r7-1-prod", "quorum": "QUORUM_OWN", "approval_ttl": "7200s",
            "approvers": {"users": [{"subject": "alice", "issuer": ""}]},
            "scopes": [{"projects": {"ids": ["r7-1-web", "*"]}}]});
        assert_eq!(sent("Policy", &policy), Ok(spelled));
        let window = json!({"start": "+5s", "end": "2026-11-23T01:00:00Z", "duration": "1m 30s"});
        let spelled = json!({"start": "2026-11-23T00:00:05.250Z", "duration": "90s",
            "end": "2026-11-23T01:00:00Z"});
        assert_eq!(sent("TaskWindow", &window), Ok(spelled));
        let update = json!({"update_mask": "minimum_approvals,approvers"});
        let spelled = json!({"update_mask": "minimumApprovals,approvers"});
        assert_eq!(sent("UpdatePolicyRequest", &update), Ok(spelled));
    }

    #[test]
    fn an_expected_answer_may_hold_conditions() {
        let task = json!({"state": {"not": "PAUSED"}, "message": {"contains": "CR"},
            "blockers": {"length": 1}, "permit": {"valid_until": "+1s"}, "id": "deploy-1"});
        let spelled = json!({"state": {"not": "TASK_STATE_PAUSED"}, "message": {"contains": "CR"},
            "blockers": {"length": 1}, "id": "deploy-1",
            "permit": {"valid_until": "2026-11-23T00:00:01.250Z"}});
        assert_eq!(expected("Task", &task), Ok(spelled));
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_path() {
        let rows = [
            (json!({"sate": "PAUSED"}), "sate: Task has no such field"),
            (
                json!({"state": "WAITING"}),
                "state: TaskState has no value WAITING",
            ),
            (
                json!({"spec": {"window": {"start": "soon"}}}),
                "spec.window.start: found \"soon\"",
            ),
            (
                json!({"blockers": {"message": "x"}}),
                "blockers: found {\"message\":\"x\"}",
            ),
            (json!({"generation": "1"}), "generation: found \"1\""),
            (
                json!({"blockers": [{"kin": "WINDOW"}]}),
                "blockers.0.kin: Blocker has no such field",
            ),
        ];
        for (value, told) in rows {
            let misfit = expected("Task", &value).unwrap_err().to_string();
            assert!(misfit.starts_with(told), "{misfit}");
        }
        let condition = sent("ApproveRequest", &json!({"comment": {"not": "x"}}));
        assert!(condition.is_err(), "{condition:?}");
    }
}
