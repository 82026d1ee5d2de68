//! What a case keeps of an answer, and where it says it again: `$name`.

use std::collections::BTreeMap;

use serde_json::Value;

/// The values that were kept, by name.
pub(crate) type Kept = BTreeMap<String, Value>;

/// Whether a text names a variable.
pub(crate) fn has_variable(text: &str) -> bool {
    text.contains('$')
}

/// The value with each `$name` replaced. A text that is nothing but one becomes the kept value, of
/// whatever type. An error is the name of a variable that was never kept.
pub(crate) fn fill(value: &Value, kept: &Kept) -> Result<Value, String> {
    match value {
        Value::String(text) => fill_text(text, kept),
        Value::Array(items) => items.iter().map(|item| fill(item, kept)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| Ok((name.clone(), fill(field, kept)?)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
    }
}

fn fill_text(text: &str, kept: &Kept) -> Result<Value, String> {
    let mut parts = text.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part
            .find(|it: char| !it.is_ascii_alphanumeric() && it != '_')
            .unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        let value = kept.get(name).ok_or_else(|| name.to_owned())?;
        if text.len() == name.len() + 1 {
            return Ok(value.clone());
        }
        match value {
            Value::String(value) => filled.push_str(value),
            other => filled.push_str(&other.to_string()),
        }
        filled.push_str(rest);
    }
    Ok(Value::String(filled))
}

/// The field at a path such as `change_request.tasks.0.generation`.
pub(crate) fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut found = value;
    for part in path.split('.') {
        found = match found {
            Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
            Value::Object(fields) => fields.get(part)?,
            _ => return None,
        };
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_replaced_by_what_was_kept() {
        let kept = Kept::from([
            ("cr".to_owned(), json!("CR-42")),
            ("generation".to_owned(), json!(3)),
        ]);
        let rows = [
            (json!("$cr"), json!("CR-42")),
            (json!("$generation"), json!(3)),
            (json!("by $cr: $generation."), json!("by CR-42: 3.")),
            (
                json!({"a": ["$cr"], "b": 1}),
                json!({"a": ["CR-42"], "b": 1}),
            ),
        ];
        for (written, filled) in rows {
            assert_eq!(fill(&written, &kept), Ok(filled));
        }
        assert_eq!(fill(&json!("$other"), &kept), Err("other".to_owned()));
        assert_eq!(fill(&json!("5 $"), &kept), Err(String::new()));
    }

    #[test]
    fn a_path_leads_through_messages_and_lists() {
        let answer = json!({"change_request": {"tasks": [{"generation": 1}]}});
        let found = at_path(&answer, "change_request.tasks.0.generation");
        assert_eq!(found, Some(&json!(1)));
        for path in ["change_request.tasks.1", "change_request.x", "x", ""] {
            assert_eq!(at_path(&answer, path), None, "{path}");
        }
    }
}
