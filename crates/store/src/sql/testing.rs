//! What tests say to a PostgreSQL server, to get a database of their own.

use sea_orm::{DbBackend, Statement};

/// A name nobody has: made by the server, because chance is not to be had here.
pub(crate) fn fresh_name() -> Statement {
    Statement::from_string(
        DbBackend::Postgres,
        "SELECT 'countersign_test_' || replace(CAST(gen_random_uuid() AS text), '-', '')",
    )
}

/// Creates a database of that name.
pub(crate) fn create_database(name: &str) -> String {
    format!("CREATE DATABASE {name} TEMPLATE template0")
}

/// Ends all other connections to this database, as a server does that is restarted.
pub(crate) fn cut_connections() -> Statement {
    Statement::from_string(
        DbBackend::Postgres,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
}

/// The server's processes that have a transaction open in this database.
pub(crate) fn processes_in_transactions() -> Statement {
    Statement::from_string(
        DbBackend::Postgres,
        "SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction'",
    )
}
