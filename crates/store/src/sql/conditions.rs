//! Conditions that are only sometimes there.

use countersign_domain::access::{Grant, GrantSide};
use sea_orm::{DbBackend, Statement, Value};

use super::key_texts;

/// Conditions of one statement with their parameters. Texts are ours; what callers say is always
/// a parameter.
#[derive(Debug)]
pub(crate) struct Conditions {
    backend: DbBackend,
    all: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    pub(crate) fn new(backend: DbBackend) -> Self {
        Self {
            backend,
            all: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Adds a parameter, and answers with its name.
    pub(crate) fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// Adds a condition without parameters.
    pub(crate) fn and_plain(&mut self, condition: &str) {
        self.all.push(condition.to_owned());
    }

    /// Adds a condition on one parameter, written as `?` wherever it stands.
    pub(crate) fn and(&mut self, condition: &str, value: Value) {
        let name = self.value(value);
        self.all.push(condition.replace('?', &name));
    }

    /// Adds a condition where there is a value for it.
    pub(crate) fn and_some(&mut self, condition: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.and(condition, value.into());
        }
    }

    /// Adds the condition that a column is one of these texts.
    pub(crate) fn and_any<'a>(&mut self, column: &str, texts: impl Iterator<Item = &'a str>) {
        let condition = self.any(column, texts);
        self.all.push(condition);
    }

    /// The condition that a column is one of these texts, to be used within another one.
    pub(crate) fn any<'a>(&mut self, column: &str, texts: impl Iterator<Item = &'a str>) -> String {
        let name = self.value(key_texts(self.backend, texts));
        if self.backend == DbBackend::Postgres {
            format!("{column} = ANY({name})")
        } else {
            format!("{column} IN (SELECT value FROM json_each({name}))")
        }
    }

    /// Adds the condition that a grant covers a project and an environment.
    pub(crate) fn and_granted(&mut self, grant: &Grant, project: &str, environment: &str) {
        for (side, column) in [
            (&grant.projects, project),
            (&grant.environments, environment),
        ] {
            match side {
                GrantSide::Any => {}
                GrantSide::Only(ids) => self.and_any(column, ids.iter().map(String::as_str)),
            }
        }
    }

    /// All conditions as a WHERE clause; empty without any.
    pub(crate) fn found(&self) -> String {
        if self.all.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", self.all.join(" AND "))
        }
    }

    /// The statement, with the parameters in it.
    pub(crate) fn statement(self, text: String) -> Statement {
        Statement::from_sql_and_values(self.backend, text, self.values)
    }
}
