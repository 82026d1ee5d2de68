//! Parameters.

use sea_orm::{DbBackend, Value};

/// A number. None of ours comes near the bound; one that does matches nothing.
pub(crate) fn number(value: u64) -> Value {
    Value::from(signed(value))
}

/// As the databases hold numbers.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A set of numbers as one parameter.
pub(crate) fn key_set(backend: DbBackend, keys: impl Iterator<Item = u64>) -> Value {
    let keys: Vec<i64> = keys.map(signed).collect();
    if backend == DbBackend::Postgres {
        Value::from(keys)
    } else {
        json(&keys)
    }
}

/// A set of texts as one parameter.
pub(crate) fn key_texts<'a>(backend: DbBackend, keys: impl Iterator<Item = &'a str>) -> Value {
    if backend == DbBackend::Postgres {
        Value::from(keys.map(str::to_owned).collect::<Vec<String>>())
    } else {
        json(&keys.collect::<Vec<&str>>())
    }
}

/// Rows as one JSON text, for SQLite's `json_each`.
pub(crate) fn json(rows: &impl serde::Serialize) -> Value {
    // Numbers, texts and lists of them always have a JSON text.
    Value::from(serde_json::to_string(rows).unwrap_or_else(|_| "[]".to_owned()))
}
