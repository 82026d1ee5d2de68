//! What is said to a connection itself.

use sea_orm::{DbBackend, Statement};

use super::{Pair, number};

/// Held while the schema is made and while entry 1 is written; every store of one database uses
/// the same key.
pub(crate) const SETUP_LOCK_KEY: i64 = 0x636f_756e_7465_7273;

/// Takes PostgreSQL's write lock until the transaction ends. SQLite takes its own at BEGIN.
pub(crate) fn take_lock(key: i64) -> Statement {
    Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT pg_advisory_xact_lock($1)",
        [key.into()],
    )
}

/// A server that is configured to lose acknowledged commits is overruled; one that waits for
/// standbys is not.
pub(crate) const COMMITS_ARE_DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'";

/// Whether the server follows another one.
pub(crate) const IS_STANDBY: &str = "SELECT pg_is_in_recovery()";

/// The database's clock, in microseconds. SQLite has none of its own.
pub(crate) fn clock() -> Statement {
    Statement::from_string(
        DbBackend::Postgres,
        "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
    )
}

/// The clock, and the newest entry. On PostgreSQL one statement, with a snapshot of its own: it
/// must not be the one that waited for the lock.
pub(crate) fn clock_and_head(backend: DbBackend) -> Statement {
    CLOCK_AND_HEAD.with(backend, [])
}

const CLOCK_AND_HEAD: Pair = Pair {
    sqlite: "
        SELECT NULL, sequence, instant, hash, format, directory_revision, change_requests_given,
            clock_accepted_until
        FROM (SELECT 1) LEFT JOIN
            (SELECT * FROM entries ORDER BY sequence DESC LIMIT 1) ON true",
    postgres: "
        SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint),
            sequence, instant, hash, format, directory_revision, change_requests_given,
            clock_accepted_until
        FROM (SELECT 1) AS now LEFT JOIN
            (SELECT * FROM entries ORDER BY sequence DESC LIMIT 1) AS head ON true",
};

/// The hash of one entry.
pub(crate) fn entry_hash(backend: DbBackend, sequence: u64) -> Statement {
    Pair::both("SELECT hash FROM entries WHERE sequence = $1").with(backend, [number(sequence)])
}
