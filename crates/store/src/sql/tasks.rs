//! Lists of tasks, and what is due.

use countersign_domain::Instant;
use countersign_domain::ids::{EnvironmentId, ProjectId, ReleaseId, RunnerName, TaskId};
use sea_orm::{DbBackend, Statement};

use super::cases::of_picked;
use super::conditions::Conditions;
use super::{Pair, number};
use crate::filter::TaskFilter;

/// A page of tasks by id, each with its change request and all tasks of that. `recent` says that
/// few entries have come since `changed_after`, so that they are looked through and not the rows.
pub(crate) fn list(backend: DbBackend, filter: &TaskFilter, recent: bool) -> Statement {
    let (conditions, picked) = picked(backend, filter, recent);
    conditions.statement(of_picked(&picked))
}

/// How many tasks fit a filter, up to its limit.
pub(crate) fn count(backend: DbBackend, filter: &TaskFilter, recent: bool) -> Statement {
    let (conditions, picked) = picked(backend, filter, recent);
    conditions.statement(format!("SELECT count(*) FROM ({picked}) AS found"))
}

fn picked(backend: DbBackend, filter: &TaskFilter, recent: bool) -> (Conditions, String) {
    let mut conditions = Conditions::new(backend);
    conditions.and_some("t.waiting_for = ?", filter.waiting_for);
    conditions.and_some("t.state = ?", filter.state.as_deref());
    if filter.open_only || is_open(filter) {
        conditions.and_plain("NOT t.ended");
    }
    conditions.and_some(
        "t.project = ?",
        filter.project.as_ref().map(ProjectId::as_str),
    );
    conditions.and_some(
        "t.environment = ?",
        filter.environment.as_ref().map(EnvironmentId::as_str),
    );
    conditions.and_some(
        "t.release = ?",
        filter.release.as_ref().map(ReleaseId::as_str),
    );
    conditions.and_some(
        "t.runner = ?",
        filter.runner.as_ref().map(RunnerName::as_str),
    );
    if let Some(held_by) = filter.change_request {
        conditions.and("t.change_request = ?", number(held_by.0));
    }
    if let Some(sequence) = filter.changed_after {
        conditions.and("t.sequence > ?", number(sequence));
        if recent {
            conditions.and(CHANGED_RECENTLY, number(sequence));
        }
    }
    conditions.and_granted(&filter.grant, "t.project", "t.environment");
    conditions.and_some("t.id > ?", filter.after.as_ref().map(TaskId::as_str));
    let limit = conditions.value(number(filter.limit));
    let found = conditions.found();
    let picked = format!(
        "SELECT t.change_request AS number, t.id AS id FROM tasks AS t {found}
        ORDER BY t.id LIMIT {limit}"
    );
    (conditions, picked)
}

// The kind is hidden from indexes: SQLite would read all entries of a kind, and not the newest.
const CHANGED_RECENTLY: &str = "t.id IN (SELECT e.aggregate_id FROM entries AS e
    WHERE e.sequence > ? AND e.aggregate_kind || '' = 'task')";

/// Whether the filter only asks for states that are open, so that the index of open tasks serves.
fn is_open(filter: &TaskFilter) -> bool {
    let open = |state: &str| matches!(state, "PAUSED" | "CLEARED" | "RUNNING");
    filter.waiting_for.is_some() || filter.state.as_deref().is_some_and(open)
}

/// Tasks that are cleared or wait for a freeze, by what holds them and id; found among all open
/// ones.
pub(crate) fn held_or_cleared(backend: DbBackend, after: u64, limit: u64) -> Statement {
    HELD_OR_CLEARED.with(backend, [number(after), number(limit)])
}

const HELD_OR_CLEARED: Pair = Pair::both(
    "SELECT CAST(2 AS bigint), change_request, id, frozen, live FROM tasks
    WHERE NOT ended AND change_request > $1 AND (state = 'CLEARED' OR waiting_for = 'freeze')
    ORDER BY change_request, id LIMIT $2",
);

/// Tasks that are paused or cleared, by what holds them and id.
pub(crate) fn open(backend: DbBackend, after: (u64, &str), limit: u64) -> Statement {
    OPEN.with(backend, [number(after.0), after.1.into(), number(limit)])
}

const OPEN: Pair = Pair::both(
    "SELECT CAST(2 AS bigint), change_request, id, frozen, live FROM tasks
    WHERE NOT ended AND state IN ('PAUSED', 'CLEARED') AND (change_request, id) > ($1, $2)
    ORDER BY change_request, id LIMIT $3",
);

/// The change requests that are due, or have tasks that are, the longest due first, each with its
/// instant. With each comes how many due tasks were looked at, at most so many, and how many change
/// requests hold these.
pub(crate) fn due(backend: DbBackend, until: Instant, looked_at: u64, limit: u64) -> Statement {
    DUE.with(
        backend,
        [until.micros().into(), number(looked_at), number(limit)],
    )
}

const DUE: Pair = Pair::both(
    "WITH due_tasks AS (
        SELECT change_request AS number, due_at FROM tasks
        WHERE due_at IS NOT NULL AND due_at <= $1
        ORDER BY due_at, change_request LIMIT $2
    )
    SELECT number, min(due_at), (SELECT count(*) FROM due_tasks),
        (SELECT count(DISTINCT number) FROM due_tasks)
    FROM (
        SELECT number, due_at FROM due_tasks
        UNION ALL
        SELECT * FROM (
            SELECT number, due_at FROM change_requests
            WHERE due_at IS NOT NULL AND due_at <= $1
            ORDER BY due_at, number LIMIT $3
        ) AS due_change_requests
    ) AS due
    GROUP BY number ORDER BY 2, 1 LIMIT $3",
);

/// The next instant at which something is due.
pub(crate) fn next_due(backend: DbBackend) -> Statement {
    NEXT_DUE.with(backend, [])
}

const NEXT_DUE: Pair = Pair::both(
    "SELECT min(due_at) FROM (
        SELECT * FROM (
            SELECT due_at FROM tasks WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1
        ) AS task
        UNION ALL
        SELECT * FROM (
            SELECT due_at FROM change_requests WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1
        ) AS change_request
    ) AS next",
);
