//! Reading rows for proving them: by key, and page by page.

use sea_orm::{DbBackend, Statement};

use super::log::entry_columns;
use super::{Pair, key_set, key_texts, number};

/// Stored change requests, with all their columns.
pub(crate) fn change_requests(backend: DbBackend, keys: impl Iterator<Item = u64>) -> Statement {
    CHANGE_REQUESTS.with(backend, [key_set(backend, keys)])
}

const CHANGE_REQUESTS: Pair = Pair {
    sqlite: "SELECT number, state, kind, project, environment, release, approval_required,
            resultant, sharing_key, frozen, live, due_at, sequence
        FROM change_requests WHERE number IN (SELECT value FROM json_each($1))",
    postgres: "SELECT number, state, kind, project, environment, release, approval_required,
            resultant, sharing_key, frozen, live, due_at, sequence
        FROM change_requests WHERE number = ANY($1)",
};

/// Stored tasks, with all their columns.
pub(crate) fn tasks<'a>(backend: DbBackend, keys: impl Iterator<Item = &'a str>) -> Statement {
    TASKS.with(backend, [key_texts(backend, keys)])
}

const TASKS: Pair = Pair {
    sqlite: "SELECT id, change_request, state, waiting_for, project, environment, release,
            runner, frozen, live, due_at, sequence
        FROM tasks WHERE id IN (SELECT value FROM json_each($1))",
    postgres: "SELECT id, change_request, state, waiting_for, project, environment, release,
            runner, frozen, live, due_at, sequence
        FROM tasks WHERE id = ANY($1)",
};

/// Stored policies.
pub(crate) fn policies<'a>(backend: DbBackend, keys: impl Iterator<Item = &'a str>) -> Statement {
    POLICIES.with(backend, [key_texts(backend, keys)])
}

const POLICIES: Pair = Pair {
    sqlite: "SELECT id, document, sequence FROM policies
        WHERE id IN (SELECT value FROM json_each($1))",
    postgres: "SELECT id, document, sequence FROM policies WHERE id = ANY($1)",
};

/// Stored teams.
pub(crate) fn teams<'a>(backend: DbBackend, keys: impl Iterator<Item = &'a str>) -> Statement {
    TEAMS.with(backend, [key_texts(backend, keys)])
}

const TEAMS: Pair = Pair {
    sqlite: "SELECT id, document, sequence FROM teams
        WHERE id IN (SELECT value FROM json_each($1))",
    postgres: "SELECT id, document, sequence FROM teams WHERE id = ANY($1)",
};

/// Stored freezes, with all their columns.
pub(crate) fn freezes<'a>(backend: DbBackend, keys: impl Iterator<Item = &'a str>) -> Statement {
    FREEZES.with(backend, [key_texts(backend, keys)])
}

const FREEZES: Pair = Pair {
    sqlite: "SELECT id, document, due_at, sequence FROM freezes
        WHERE id IN (SELECT value FROM json_each($1))",
    postgres: "SELECT id, document, due_at, sequence FROM freezes WHERE id = ANY($1)",
};

/// Stored tokens.
pub(crate) fn tokens<'a>(backend: DbBackend, keys: impl Iterator<Item = &'a str>) -> Statement {
    TOKENS.with(backend, [key_texts(backend, keys)])
}

const TOKENS: Pair = Pair {
    sqlite: "SELECT id, document, sequence FROM tokens
        WHERE id IN (SELECT value FROM json_each($1))",
    postgres: "SELECT id, document, sequence FROM tokens WHERE id = ANY($1)",
};

/// The entries of one aggregate up to a sequence.
pub(crate) fn history(backend: DbBackend, kind: &str, id: &str, up_to: u64) -> Statement {
    Pair::both(concat!(
        "SELECT ",
        entry_columns!(),
        " FROM entries
        WHERE aggregate_kind = $1 AND aggregate_id = $2 AND sequence <= $3 ORDER BY sequence"
    ))
    .with(backend, [kind.into(), id.into(), number(up_to)])
}

/// A page of change requests after a number: the number, whether the log knows it, and whether its
/// resultant policy is there.
pub(crate) fn change_request_page(backend: DbBackend, after: u64, limit: u64) -> Statement {
    Pair::both(
        "SELECT c.number,
            EXISTS (SELECT 1 FROM entries AS e WHERE e.aggregate_kind = 'change_request'
                AND e.aggregate_id = CAST(c.number AS text)),
            EXISTS (SELECT 1 FROM resultants AS r WHERE r.digest = c.resultant)
        FROM change_requests AS c WHERE c.number > $1 ORDER BY c.number LIMIT $2",
    )
    .with(backend, [number(after), number(limit)])
}

/// A page of the keys of a table after a key: the key, and whether the log knows it.
pub(crate) fn key_page(backend: DbBackend, page: KeyPage, after: &str, limit: u64) -> Statement {
    let statement = match page {
        KeyPage::Tasks => TASK_PAGE,
        KeyPage::Policies => POLICY_PAGE,
        KeyPage::Teams => TEAM_PAGE,
        KeyPage::Freezes => FREEZE_PAGE,
        KeyPage::Tokens => TOKEN_PAGE,
    };
    statement.with(backend, [after.into(), number(limit)])
}

/// A table whose keys are texts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyPage {
    Tasks,
    Policies,
    Teams,
    Freezes,
    Tokens,
}

const TASK_PAGE: Pair = Pair::both(
    "SELECT t.id, EXISTS (SELECT 1 FROM entries AS e
        WHERE e.aggregate_kind = 'task' AND e.aggregate_id = t.id)
    FROM tasks AS t WHERE t.id > $1 ORDER BY t.id LIMIT $2",
);

const POLICY_PAGE: Pair = Pair::both(
    "SELECT t.id, EXISTS (SELECT 1 FROM entries AS e
        WHERE e.aggregate_kind = 'policy' AND e.aggregate_id = t.id)
    FROM policies AS t WHERE t.id > $1 ORDER BY t.id LIMIT $2",
);

const TEAM_PAGE: Pair = Pair::both(
    "SELECT t.id, EXISTS (SELECT 1 FROM entries AS e
        WHERE e.aggregate_kind = 'team' AND e.aggregate_id = t.id)
    FROM teams AS t WHERE t.id > $1 ORDER BY t.id LIMIT $2",
);

const FREEZE_PAGE: Pair = Pair::both(
    "SELECT t.id, EXISTS (SELECT 1 FROM entries AS e
        WHERE e.aggregate_kind = 'freeze' AND e.aggregate_id = t.id)
    FROM freezes AS t WHERE t.id > $1 ORDER BY t.id LIMIT $2",
);

const TOKEN_PAGE: Pair = Pair::both(
    "SELECT t.id, EXISTS (SELECT 1 FROM entries AS e
        WHERE e.aggregate_kind = 'token' AND e.aggregate_id = t.id)
    FROM tokens AS t WHERE t.id > $1 ORDER BY t.id LIMIT $2",
);

/// A page of resultant policies after a digest.
pub(crate) fn resultant_page(backend: DbBackend, after: &str, limit: u64) -> Statement {
    Pair::both("SELECT digest, document FROM resultants WHERE digest > $1 ORDER BY digest LIMIT $2")
        .with(backend, [after.into(), number(limit)])
}

/// A page of parts after a digest and a part: digest, part, and whether the resultant is there.
pub(crate) fn part_page(backend: DbBackend, after: (&str, &str), limit: u64) -> Statement {
    Pair::both(
        "SELECT p.part, p.digest, EXISTS (SELECT 1 FROM resultants AS r WHERE r.digest = p.digest)
        FROM resultant_parts AS p WHERE (p.part, p.digest) > ($1, $2)
        ORDER BY p.part, p.digest LIMIT $3",
    )
    .with(backend, [after.0.into(), after.1.into(), number(limit)])
}

/// The parts of these resultant policies.
pub(crate) fn parts_of<'a>(
    backend: DbBackend,
    digests: impl Iterator<Item = &'a str>,
) -> Statement {
    PARTS_OF.with(backend, [key_texts(backend, digests)])
}

const PARTS_OF: Pair = Pair {
    sqlite: "SELECT digest, part FROM resultant_parts
        WHERE digest IN (SELECT value FROM json_each($1))",
    postgres: "SELECT digest, part FROM resultant_parts WHERE digest = ANY($1)",
};
