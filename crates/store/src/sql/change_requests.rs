//! Lists of change requests.

use countersign_domain::ids::{EnvironmentId, ProjectId, ReleaseId, TaskId};
use sea_orm::{DbBackend, Statement};

use super::cases::of_picked;
use super::conditions::Conditions;
use super::{Pair, number};
use crate::filter::{CrFilter, CrStates, WatchFilter};

/// A page of change requests with their tasks, the newest picked first.
pub(crate) fn list(backend: DbBackend, filter: &CrFilter) -> Statement {
    let mut conditions = Conditions::new(backend);
    match filter.states {
        Some(CrStates::Pending) => conditions.and_plain("c.state = 'PENDING'"),
        Some(CrStates::NotPending) => conditions.and_plain("c.state <> 'PENDING'"),
        None => {}
    }
    conditions.and_some(
        "c.project = ?",
        filter.project.as_ref().map(ProjectId::as_str),
    );
    conditions.and_some(
        "c.environment = ?",
        filter.environment.as_ref().map(EnvironmentId::as_str),
    );
    conditions.and_some(
        "c.release = ?",
        filter.release.as_ref().map(ReleaseId::as_str),
    );
    conditions.and_some(
        "c.number = (SELECT change_request FROM tasks WHERE id = ?)",
        filter.task.as_ref().map(TaskId::as_str),
    );
    if filter.approval_required_only {
        conditions.and_plain("c.approval_required");
    }
    conditions.and_granted(&filter.grant, "c.project", "c.environment");
    if let Some(before) = filter.before {
        conditions.and("c.number < ?", number(before.0));
    }
    if let Some(parts) = &filter.parts {
        let parts = conditions.any("part", parts.iter().map(String::as_str));
        conditions.and_plain(&format!(
            "c.resultant IN (SELECT digest FROM resultant_parts WHERE {parts})"
        ));
    }
    let limit = conditions.value(number(filter.limit));
    let found = conditions.found();
    let picked = format!(
        "SELECT c.number AS number, NULL AS id FROM change_requests AS c {found}
        ORDER BY c.number DESC LIMIT {limit}"
    );
    conditions.statement(of_picked(&picked))
}

/// The numbers of what a watch follows, ascending. `recent` says that few entries have come since
/// `changed_after`, so that they are looked through instead of the rows.
pub(crate) fn matching(
    backend: DbBackend,
    filter: &WatchFilter,
    after: u64,
    recent: bool,
    limit: u64,
) -> Statement {
    let (conditions, text) = picked(backend, filter, after, recent, limit);
    conditions.statement(text)
}

/// How many a watch follows, up to a limit.
pub(crate) fn count_matching(
    backend: DbBackend,
    filter: &WatchFilter,
    recent: bool,
    limit: u64,
) -> Statement {
    let (conditions, text) = picked(backend, filter, 0, recent, limit);
    conditions.statement(format!("SELECT count(*) FROM ({text}) AS found"))
}

fn picked(
    backend: DbBackend,
    filter: &WatchFilter,
    after: u64,
    recent: bool,
    limit: u64,
) -> (Conditions, String) {
    let mut conditions = Conditions::new(backend);
    // The tasks of a runner are walked in the order of what holds them, so that a page is read
    // without looking at what comes after it.
    let (from, column) = match &filter.runner {
        Some(runner) => {
            conditions.and("r.runner = ?", runner.as_str().into());
            (OF_RUNNER, "r.change_request")
        }
        None => ("change_requests AS c", "c.number"),
    };
    conditions.and(&format!("{column} > ?"), number(after));
    conditions.and_some(
        "c.project = ?",
        filter.project.as_ref().map(ProjectId::as_str),
    );
    conditions.and_some(
        "c.environment = ?",
        filter.environment.as_ref().map(EnvironmentId::as_str),
    );
    conditions.and_granted(&filter.grant, "c.project", "c.environment");
    let changed = if recent { CHANGED_RECENTLY } else { CHANGED };
    match (filter.changed_after, filter.open) {
        (None, false) => {}
        (None, true) => conditions.and_plain(OPEN),
        (Some(sequence), false) => conditions.and(changed, number(sequence)),
        (Some(sequence), true) => {
            conditions.and(&format!("({changed} OR {OPEN})"), number(sequence));
        }
    }
    let limit = conditions.value(number(limit));
    let found = conditions.found();
    let text =
        format!("SELECT DISTINCT {column} FROM {from} {found} ORDER BY {column} LIMIT {limit}");
    (conditions, text)
}

const OF_RUNNER: &str = "tasks AS r JOIN change_requests AS c ON c.number = r.change_request";

const OPEN: &str =
    "EXISTS (SELECT 1 FROM tasks AS o WHERE o.change_request = c.number AND NOT o.ended)";

const CHANGED: &str = "(c.sequence > ? OR EXISTS (
    SELECT 1 FROM tasks AS t WHERE t.change_request = c.number AND t.sequence > ?))";

// The kind is hidden from indexes: SQLite would read all entries of a kind, and not the newest.
const CHANGED_RECENTLY: &str = "c.number IN (
    SELECT CAST(e.aggregate_id AS bigint) FROM entries AS e
        WHERE e.sequence > ? AND e.aggregate_kind || '' = 'change_request'
    UNION
    SELECT t.change_request FROM entries AS e JOIN tasks AS t ON t.id = e.aggregate_id
        WHERE e.sequence > ? AND e.aggregate_kind || '' = 'task')";

/// How many change requests could still start something and have a part, and the newest of them.
pub(crate) fn open_with_part(backend: DbBackend, part: &str, limit: u64) -> Statement {
    OPEN_WITH_PART.with(backend, [part.into(), number(limit)])
}

const OPEN_WITH_PART: Pair = Pair::both(
    "WITH found AS (
        SELECT DISTINCT c.number
        FROM tasks AS t
        JOIN change_requests AS c ON c.number = t.change_request
        JOIN resultant_parts AS p ON p.digest = c.resultant AND p.part = $1
        WHERE NOT t.ended AND t.state IN ('PAUSED', 'CLEARED')
            AND c.state IN ('PENDING', 'APPROVED')
    )
    SELECT (SELECT count(*) FROM found), number FROM found ORDER BY number DESC LIMIT $2",
);
