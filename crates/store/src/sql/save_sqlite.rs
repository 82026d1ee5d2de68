//! Writing a batch on SQLite: one statement for each kind of row, each on one JSON text.

use countersign_domain::batch::{Changes, ResultantRow};
use countersign_domain::log::Entry;
use countersign_domain::rows::{CrRow, TaskRow};
use sea_orm::{DbBackend, Statement};
use serde_json::{Value, json};

use super::values;

/// One statement, the table it writes, and how many rows it must write there, if that is known.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) table: &'static str,
    pub(crate) rows: Option<usize>,
    pub(crate) statement: Statement,
}

/// The statements for everything that is there to write.
pub(crate) fn save(entries: &[Entry], changes: &Changes) -> Vec<Step> {
    let counted = |rows: usize| Some(rows);
    let parts: Vec<Value> = changes.resultants.iter().flat_map(parts).collect();
    let steps = [
        step("entries", counted, INSERT_ENTRIES, rows(entries, entry)),
        step(
            "change_requests",
            counted,
            INSERT_CHANGE_REQUESTS,
            rows(&changes.new_change_requests, new_change_request),
        ),
        step(
            "change_requests",
            counted,
            UPDATE_CHANGE_REQUESTS,
            rows(&changes.change_requests, change_request),
        ),
        step(
            "tasks",
            counted,
            INSERT_TASKS,
            rows(&changes.new_tasks, new_task),
        ),
        step("tasks", counted, UPDATE_TASKS, rows(&changes.tasks, task)),
        step(
            "resultants",
            |_| None,
            INSERT_RESULTANTS,
            rows(&changes.resultants, resultant),
        ),
        step("resultant_parts", |_| None, INSERT_PARTS, parts),
    ];
    steps.into_iter().flatten().collect()
}

fn rows<T>(rows: &[T], row: impl Fn(&T) -> Value) -> Vec<Value> {
    rows.iter().map(row).collect()
}

fn step(
    table: &'static str,
    expected: impl Fn(usize) -> Option<usize>,
    text: &'static str,
    rows: Vec<Value>,
) -> Option<Step> {
    if rows.is_empty() {
        return None;
    }
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, text, [values::json(&rows)]);
    Some(Step {
        table,
        rows: expected(rows.len()),
        statement,
    })
}

const INSERT_ENTRIES: &str = "
    INSERT INTO entries (sequence, instant, previous_hash, hash, body_hash, body,
        aggregate_kind, aggregate_id, event, format, directory_revision,
        change_requests_given, clock_accepted_until, request_issuer, request_subject, request_id)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
        value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10,
        value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15
    FROM json_each($1)";

fn entry(entry: &Entry) -> Value {
    let head = &entry.head;
    let person = entry.request.as_ref().map(|(person, _)| person);
    json!([
        head.sequence,
        head.instant,
        entry.previous.to_string(),
        head.hash.to_string(),
        entry.body_hash.to_string(),
        entry.body,
        entry.aggregate.kind(),
        entry.aggregate.id(),
        entry.event,
        head.format,
        head.directory_revision,
        head.change_requests_given,
        head.clock_accepted_until,
        person.map(|person| &person.issuer),
        person.map(|person| &person.subject),
        entry.request.as_ref().map(|(_, id)| id),
    ])
}

const INSERT_CHANGE_REQUESTS: &str = "
    INSERT INTO change_requests (number, state, kind, project, environment, release,
        approval_required, resultant, sharing_key, frozen, live, due_at, sequence)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
        value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11,
        value ->> 12
    FROM json_each($1)";

fn new_change_request(row: &CrRow) -> Value {
    json!([
        row.number,
        row.state,
        row.kind,
        row.project,
        row.environment,
        row.release,
        row.approval_required,
        row.resultant,
        row.sharing_key,
        row.frozen,
        row.live,
        row.due_at,
        row.sequence,
    ])
}

const UPDATE_CHANGE_REQUESTS: &str = "
    UPDATE change_requests
    SET state = n.value ->> 1, live = n.value ->> 2, due_at = n.value ->> 3,
        sequence = n.value ->> 4
    FROM json_each($1) AS n
    WHERE number = n.value ->> 0 AND change_requests.sequence < n.value ->> 4";

fn change_request(row: &CrRow) -> Value {
    json!([row.number, row.state, row.live, row.due_at, row.sequence])
}

const INSERT_TASKS: &str = "
    INSERT INTO tasks (id, change_request, state, waiting_for, project, environment, release,
        runner, frozen, live, due_at, sequence)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
        value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11
    FROM json_each($1)";

fn new_task(row: &TaskRow) -> Value {
    json!([
        row.id,
        row.change_request,
        row.state,
        row.waiting_for,
        row.project,
        row.environment,
        row.release,
        row.runner,
        row.frozen,
        row.live,
        row.due_at,
        row.sequence,
    ])
}

const UPDATE_TASKS: &str = "
    UPDATE tasks
    SET state = n.value ->> 1, waiting_for = n.value ->> 2, live = n.value ->> 3,
        due_at = n.value ->> 4, sequence = n.value ->> 5
    FROM json_each($1) AS n
    WHERE tasks.id = n.value ->> 0 AND tasks.sequence < n.value ->> 5";

fn task(row: &TaskRow) -> Value {
    json!([
        row.id,
        row.state,
        row.waiting_for,
        row.live,
        row.due_at,
        row.sequence
    ])
}

const INSERT_RESULTANTS: &str = "
    INSERT INTO resultants (digest, document)
    SELECT value ->> 0, value ->> 1 FROM json_each($1) WHERE true
    ON CONFLICT (digest) DO NOTHING";

fn resultant(row: &ResultantRow) -> Value {
    json!([row.digest, row.document])
}

const INSERT_PARTS: &str = "
    INSERT INTO resultant_parts (part, digest)
    SELECT value ->> 0, value ->> 1 FROM json_each($1) WHERE true
    ON CONFLICT (part, digest) DO NOTHING";

fn parts(row: &ResultantRow) -> Vec<Value> {
    row.parts
        .iter()
        .map(|part| json!([part, row.digest]))
        .collect()
}
