//! Policies, teams, freezes and tokens.

use countersign_domain::Instant;
use countersign_domain::rows::{FreezeRow, PolicyRow, TeamRow, TokenRow};
use sea_orm::{DbBackend, Statement};

use super::{Pair, number};

/// The row is the head's revision of the directory.
pub(crate) const REVISION: i64 = 0;
/// The row is a policy.
pub(crate) const POLICY: i64 = 1;
/// The row is a team.
pub(crate) const TEAM: i64 = 2;
/// The row is a freeze.
pub(crate) const FREEZE: i64 = 3;
/// The row is a token.
pub(crate) const TOKEN: i64 = 4;

/// All policies, teams, freezes and tokens with the revision they are at: one statement, hence one
/// snapshot.
pub(crate) fn all(backend: DbBackend) -> Statement {
    ALL.with(backend, [])
}

const ALL: Pair = Pair::both(
    "SELECT CAST(0 AS bigint), NULL, NULL, directory_revision FROM
        (SELECT directory_revision FROM entries ORDER BY sequence DESC LIMIT 1) AS head
    UNION ALL
    SELECT 1, id, document, sequence FROM policies
    UNION ALL
    SELECT 2, id, document, sequence FROM teams
    UNION ALL
    SELECT 3, id, document, sequence FROM freezes
    UNION ALL
    SELECT 4, id, document, sequence FROM tokens",
);

/// Writes a policy, unless a newer one is there.
pub(crate) fn put_policy(backend: DbBackend, row: &PolicyRow) -> Statement {
    let values = [
        row.id.as_str().into(),
        row.document.as_str().into(),
        number(row.sequence),
    ];
    Pair::both(
        "INSERT INTO policies (id, document, sequence) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET document = excluded.document, sequence = excluded.sequence
            WHERE policies.sequence < excluded.sequence",
    )
    .with(backend, values)
}

/// Deletes a policy.
pub(crate) fn delete_policy(backend: DbBackend, id: &str) -> Statement {
    Pair::both("DELETE FROM policies WHERE id = $1").with(backend, [id.into()])
}

/// Writes a team, unless a newer one is there.
pub(crate) fn put_team(backend: DbBackend, row: &TeamRow) -> Statement {
    let values = [
        row.id.as_str().into(),
        row.document.as_str().into(),
        number(row.sequence),
    ];
    Pair::both(
        "INSERT INTO teams (id, document, sequence) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET document = excluded.document, sequence = excluded.sequence
            WHERE teams.sequence < excluded.sequence",
    )
    .with(backend, values)
}

/// Deletes a team.
pub(crate) fn delete_team(backend: DbBackend, id: &str) -> Statement {
    Pair::both("DELETE FROM teams WHERE id = $1").with(backend, [id.into()])
}

/// Writes a freeze, unless a newer one is there.
pub(crate) fn put_freeze(backend: DbBackend, row: &FreezeRow) -> Statement {
    let values = [
        row.id.as_str().into(),
        row.document.as_str().into(),
        row.due_at.map(Instant::micros).into(),
        number(row.sequence),
    ];
    Pair::both(
        "INSERT INTO freezes (id, document, due_at, sequence) VALUES ($1, $2, $3, $4)
        ON CONFLICT (id) DO UPDATE SET document = excluded.document, due_at = excluded.due_at,
            sequence = excluded.sequence
            WHERE freezes.sequence < excluded.sequence",
    )
    .with(backend, values)
}

/// Deletes a freeze.
pub(crate) fn delete_freeze(backend: DbBackend, id: &str) -> Statement {
    Pair::both("DELETE FROM freezes WHERE id = $1").with(backend, [id.into()])
}

/// Writes a token, unless a newer one is there. None is ever deleted: its id is not used again.
pub(crate) fn put_token(backend: DbBackend, row: &TokenRow) -> Statement {
    let values = [
        row.id.as_str().into(),
        row.document.as_str().into(),
        number(row.sequence),
    ];
    Pair::both(
        "INSERT INTO tokens (id, document, sequence) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET document = excluded.document, sequence = excluded.sequence
            WHERE tokens.sequence < excluded.sequence",
    )
    .with(backend, values)
}
