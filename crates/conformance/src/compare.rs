//! Whether an answer holds what is expected of it, and where it does not.

use std::fmt;

use serde_json::{Map, Value};

/// What a condition may say: a text or list holds this; a field is not this; a list is so long.
const CONDITIONS: &[&str] = &["contains", "not", "length"];
/// How much of a value is shown.
const SHOWN_MAX: usize = 600;

/// Whether a map is a condition on a field instead of a message.
pub(crate) fn is_condition(fields: &Map<String, Value>) -> bool {
    !fields.is_empty() && fields.keys().all(|key| CONDITIONS.contains(&key.as_str()))
}

/// One place where an answer is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    path: String,
    expected: String,
    found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            expected,
            found,
        } = self;
        write!(f, "{path}: expected {expected}, found {found}")
    }
}

/// Where `found` does not hold what is expected. A map is expected in part: fields that it does not
/// name may be anything. A list is expected whole, in its order.
pub(crate) fn differences(expected: &Value, found: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    compare(expected, found, "", &mut differences);
    differences
}

fn compare(expected: &Value, found: &Value, path: &str, differences: &mut Vec<Difference>) {
    match (expected, found) {
        (Value::Object(condition), _) if is_condition(condition) => {
            if !condition
                .iter()
                .all(|(name, value)| holds(name, value, found))
            {
                differences.push(difference(path, expected, found));
            }
        }
        (Value::Object(fields), Value::Object(found)) => {
            for (name, value) in fields {
                let inner = found.get(name).unwrap_or(&Value::Null);
                compare(value, inner, &join(path, name), differences);
            }
        }
        (Value::Array(items), Value::Array(found)) if items.len() == found.len() => {
            for (index, (item, found)) in items.iter().zip(found).enumerate() {
                compare(item, found, &join(path, &index.to_string()), differences);
            }
        }
        _ if expected == found => {}
        _ => differences.push(difference(path, expected, found)),
    }
}

fn holds(condition: &str, value: &Value, found: &Value) -> bool {
    match (condition, value, found) {
        ("contains", Value::String(part), Value::String(found)) => found.contains(part.as_str()),
        ("contains", Value::Array(parts), Value::Array(found)) => parts
            .iter()
            .all(|part| found.iter().any(|it| differences(part, it).is_empty())),
        ("length", _, Value::Array(found)) => value.as_u64() == u64::try_from(found.len()).ok(),
        ("not", _, _) => !differences(value, found).is_empty(),
        _ => false,
    }
}

fn join(path: &str, name: &str) -> String {
    let dot = if path.is_empty() { "" } else { "." };
    format!("{path}{dot}{name}")
}

fn difference(path: &str, expected: &Value, found: &Value) -> Difference {
    let path = if path.is_empty() { "the answer" } else { path };
    Difference {
        path: path.to_owned(),
        expected: show(expected),
        found: show(found),
    }
}

/// A value, cut where it is long.
pub(crate) fn show(value: &Value) -> String {
    let text = match value {
        Value::Null => return "nothing".to_owned(),
        value => value.to_string(),
    };
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_named_must_be_there_and_the_rest_may_be_anything() {
        let found = json!({"state": "PAUSED", "generation": 0, "permit": null,
            "tasks": [{"id": "a"}, {"id": "b"}], "message": "requires 2 approvers"});
        let holds = [
            json!({}),
            json!({"state": "PAUSED", "permit": null, "absent": null}),
            json!({"tasks": [{}, {"id": "b"}]}),
            json!({"tasks": {"length": 2, "contains": [{"id": "b"}]}}),
            json!({"message": {"contains": "2 appr"}, "state": {"not": "CLEARED"}}),
            json!({"state": {"not": null}}),
        ];
        for expected in holds {
            assert_eq!(differences(&expected, &found), [], "{expected}");
        }
        let fails = [
            json!({"state": "CLEARED"}),
            json!({"generation": "0"}),
            json!({"permit": {"generation": 1}}),
            json!({"tasks": [{"id": "a"}]}),
            json!({"tasks": [{"id": "b"}, {"id": "a"}]}),
            json!({"tasks": {"length": 1}}),
            json!({"tasks": {"contains": [{"id": "c"}]}}),
            json!({"message": {"contains": "3"}}),
            json!({"state": {"not": "PAUSED"}}),
            json!({"permit": {"not": null}}),
            json!({"state": {"length": 6}}),
        ];
        for expected in fails {
            assert_ne!(differences(&expected, &found), [], "{expected}");
        }
    }

    #[test]
    fn a_difference_says_where_what_and_what_instead() {
        let expected =
            json!({"task": {"blockers": [{"kind": "WINDOW"}], "permit": {"generation": 1}}});
        let found = json!({"task": {"blockers": [{"kind": "APPROVAL"}], "permit": null}});
        let told: Vec<String> = differences(&expected, &found)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            told,
            [
                "task.blockers.0.kind: expected \"WINDOW\", found \"APPROVAL\"",
                "task.permit: expected {\"generation\":1}, found nothing",
            ]
        );
        let long = show(&json!("é".repeat(2 * SHOWN_MAX)));
        assert_eq!(long.chars().count(), SHOWN_MAX + 1);
    }
}
