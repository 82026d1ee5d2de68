//! All SQL of the store. Functions here make statements; they run nothing.
//!
//! Statements that differ by dialect stand in pairs. What they share: parameters are `$1`, `$2`, …
//! on both; a set of keys is one parameter, an array on PostgreSQL and a JSON text on SQLite, so
//! that a statement has one text for any number of keys and is prepared once.

pub(crate) mod cases;
pub(crate) mod change_requests;
pub(crate) mod conditions;
pub(crate) mod connection;
pub(crate) mod directory;
pub(crate) mod log;
pub(crate) mod save_postgres;
pub(crate) mod save_sqlite;
pub(crate) mod tasks;
pub(crate) mod testing;
mod values;
pub(crate) mod verify;

use sea_orm::{DbBackend, Statement, Value};
pub(crate) use values::{key_set, key_texts, number};

/// One statement in both dialects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

impl Pair {
    /// A text that means the same in both.
    pub(crate) const fn both(text: &'static str) -> Self {
        Self {
            sqlite: text,
            postgres: text,
        }
    }

    /// The statement with its parameters.
    pub(crate) fn with<const N: usize>(self, backend: DbBackend, values: [Value; N]) -> Statement {
        let text = if backend == DbBackend::Postgres {
            self.postgres
        } else {
            self.sqlite
        };
        Statement::from_sql_and_values(backend, text, values)
    }
}
