//! Loading change requests with their tasks.
//!
//! All statements here answer with rows of one shape, `what, number, id, frozen, live`, where
//! `what` says which table the row is from. One statement is one snapshot: a change request and its
//! tasks are always of the same instant.

use countersign_domain::batch::Wanted;
use countersign_domain::ids::TaskId;
use sea_orm::{DbBackend, Statement, Value};

use super::values::json;
use super::{Pair, key_set, key_texts};

/// The row is a change request.
pub(crate) const CHANGE_REQUEST: i64 = 1;
/// The row is a task.
pub(crate) const TASK: i64 = 2;
/// The row is an entry of a call that may be repeated; its body stands in `frozen`.
pub(crate) const REQUEST: i64 = 3;
/// The row is one that was asked for by a list; nothing else is in it.
pub(crate) const PICKED: i64 = 4;

/// Everything a batch looks at.
pub(crate) fn load(backend: DbBackend, wanted: &Wanted) -> Statement {
    let numbers = key_set(
        backend,
        wanted.change_requests.iter().map(|number| number.0),
    );
    let tasks = key_texts(backend, wanted.tasks.iter().map(TaskId::as_str));
    let shared = key_texts(backend, wanted.sharing_keys.iter().map(String::as_str));
    if backend == DbBackend::Postgres {
        let [issuers, subjects, ids] = requests(wanted);
        LOAD.with(backend, [numbers, tasks, shared, issuers, subjects, ids])
    } else {
        let requests: Vec<(&str, &str, &str)> = wanted
            .requests
            .iter()
            .map(|(person, id)| (person.issuer.as_str(), person.subject.as_str(), id.as_str()))
            .collect();
        LOAD.with(backend, [numbers, tasks, shared, json(&requests)])
    }
}

fn requests(wanted: &Wanted) -> [Value; 3] {
    let issuers = wanted
        .requests
        .iter()
        .map(|(person, _)| person.issuer.as_str());
    let subjects = wanted
        .requests
        .iter()
        .map(|(person, _)| person.subject.as_str());
    let ids = wanted.requests.iter().map(|(_, id)| id.as_str());
    [
        key_texts(DbBackend::Postgres, issuers),
        key_texts(DbBackend::Postgres, subjects),
        key_texts(DbBackend::Postgres, ids),
    ]
}

const LOAD: Pair = Pair {
    sqlite: "
        WITH wanted(number) AS (
            SELECT value FROM json_each($1)
            UNION
            SELECT change_request FROM tasks WHERE id IN (SELECT value FROM json_each($2))
            UNION
            SELECT (
                SELECT number FROM change_requests
                WHERE sharing_key = k.value
                ORDER BY number DESC LIMIT 1
            ) FROM json_each($3) AS k
        )
        SELECT 1, c.number, NULL, c.frozen, c.live
            FROM change_requests AS c WHERE c.number IN (SELECT number FROM wanted)
        UNION ALL
        SELECT 2, t.change_request, t.id, t.frozen, t.live
            FROM tasks AS t WHERE t.change_request IN (SELECT number FROM wanted)
        UNION ALL
        SELECT 3, e.sequence, NULL, e.body, NULL
            FROM json_each($4) AS r CROSS JOIN entries AS e
            WHERE e.request_issuer = r.value ->> 0 AND e.request_subject = r.value ->> 1
                AND e.request_id = r.value ->> 2 AND e.request_id IS NOT NULL",
    postgres: "
        WITH wanted AS (
            SELECT unnest($1) AS number
            UNION
            SELECT change_request FROM tasks WHERE id = ANY($2)
            UNION
            SELECT (
                SELECT number FROM change_requests
                WHERE sharing_key = k.key
                ORDER BY number DESC LIMIT 1
            ) FROM unnest($3) AS k(key)
        )
        SELECT CAST(1 AS bigint), c.number, NULL, c.frozen, c.live
            FROM wanted JOIN change_requests AS c ON c.number = wanted.number
        UNION ALL
        SELECT 2, t.change_request, t.id, t.frozen, t.live
            FROM wanted JOIN tasks AS t ON t.change_request = wanted.number
        UNION ALL
        SELECT 3, e.sequence, NULL, e.body, NULL
            FROM unnest($4, $5, $6) AS r(issuer, subject, id)
            JOIN entries AS e ON e.request_issuer = r.issuer AND e.request_subject = r.subject
                AND e.request_id = r.id AND e.request_id IS NOT NULL",
};

/// Change requests by number.
pub(crate) fn by_number(backend: DbBackend, numbers: impl Iterator<Item = u64>) -> Statement {
    BY_NUMBER.with(backend, [key_set(backend, numbers)])
}

const BY_NUMBER: Pair = Pair {
    sqlite: "
        SELECT 1, number, NULL, frozen, live FROM change_requests
            WHERE number IN (SELECT value FROM json_each($1))
        UNION ALL
        SELECT 2, change_request, id, frozen, live FROM tasks
            WHERE change_request IN (SELECT value FROM json_each($1))",
    postgres: "
        SELECT CAST(1 AS bigint), number, NULL, frozen, live FROM change_requests
            WHERE number = ANY($1)
        UNION ALL
        SELECT 2, change_request, id, frozen, live FROM tasks WHERE change_request = ANY($1)",
};

/// The change requests that hold these tasks.
pub(crate) fn by_task<'a>(backend: DbBackend, ids: impl Iterator<Item = &'a str>) -> Statement {
    BY_TASK.with(backend, [key_texts(backend, ids)])
}

const BY_TASK: Pair = Pair {
    sqlite: "
        WITH wanted(number) AS (
            SELECT DISTINCT change_request FROM tasks
            WHERE id IN (SELECT value FROM json_each($1))
        )
        SELECT 1, number, NULL, frozen, live FROM change_requests
            WHERE number IN (SELECT number FROM wanted)
        UNION ALL
        SELECT 2, change_request, id, frozen, live FROM tasks
            WHERE change_request IN (SELECT number FROM wanted)",
    postgres: "
        WITH wanted AS (SELECT DISTINCT change_request AS number FROM tasks WHERE id = ANY($1))
        SELECT CAST(1 AS bigint), c.number, NULL, c.frozen, c.live
            FROM wanted JOIN change_requests AS c ON c.number = wanted.number
        UNION ALL
        SELECT 2, t.change_request, t.id, t.frozen, t.live
            FROM wanted JOIN tasks AS t ON t.change_request = wanted.number",
};

/// Resultant policies by digest.
pub(crate) fn resultants<'a>(
    backend: DbBackend,
    digests: impl Iterator<Item = &'a str>,
) -> Statement {
    RESULTANTS.with(backend, [key_texts(backend, digests)])
}

const RESULTANTS: Pair = Pair {
    sqlite: "SELECT digest, document FROM resultants
        WHERE digest IN (SELECT value FROM json_each($1))",
    postgres: "SELECT digest, document FROM resultants WHERE digest = ANY($1)",
};

/// Wraps a query that picks some change requests, as `number` and `id`: answers with what it
/// picked, the change requests, and all their tasks.
pub(crate) fn of_picked(picked: &str) -> String {
    format!(
        "WITH picked AS ({picked})
        SELECT CAST(4 AS bigint), number, id, NULL, NULL FROM picked
        UNION ALL
        SELECT 1, c.number, NULL, c.frozen, c.live FROM change_requests AS c
            WHERE c.number IN (SELECT number FROM picked)
        UNION ALL
        SELECT 2, t.change_request, t.id, t.frozen, t.live FROM tasks AS t
            WHERE t.change_request IN (SELECT number FROM picked)"
    )
}
