//! Writing a batch on PostgreSQL: all of it in one statement, on arrays.
//!
//! Arrays of columns hold no nulls: a missing text is an empty one and a missing instant is -1,
//! which no stored text or instant ever is, and the statement turns them back.

use countersign_domain::Instant;
use countersign_domain::batch::Changes;
use countersign_domain::log::Entry;
use countersign_domain::rows::{CrRow, TaskRow};
use sea_orm::{DbBackend, Statement, Value};

use super::values::signed;

/// The statement. It answers with one row: how many entries, new change requests, changed change
/// requests, new tasks and changed tasks it wrote, in this order.
pub(crate) fn save(entries: &[Entry], changes: &Changes) -> Statement {
    let mut values = Vec::with_capacity(57);
    push_entries(&mut values, entries);
    push_new_change_requests(&mut values, &changes.new_change_requests);
    push_change_requests(&mut values, &changes.change_requests);
    push_new_tasks(&mut values, &changes.new_tasks);
    push_tasks(&mut values, &changes.tasks);
    let resultants = &changes.resultants;
    values.push(texts(resultants, |row| row.digest.clone()));
    values.push(texts(resultants, |row| row.document.clone()));
    let parts = || {
        let of = |row| std::iter::repeat(row);
        resultants
            .iter()
            .flat_map(move |row| row.parts.iter().zip(of(row)))
    };
    values.push(Value::from(
        parts()
            .map(|(part, _)| part.clone())
            .collect::<Vec<String>>(),
    ));
    values.push(Value::from(
        parts()
            .map(|(_, row)| row.digest.clone())
            .collect::<Vec<String>>(),
    ));
    let head = entries.last().map_or(0, |entry| entry.head.sequence);
    values.push(Value::from(head.to_string()));
    Statement::from_sql_and_values(DbBackend::Postgres, SAVE, values)
}

const SAVE: &str = "
    WITH entry AS (
        INSERT INTO entries (sequence, instant, previous_hash, hash, body_hash, body,
            aggregate_kind, aggregate_id, event, format, directory_revision,
            change_requests_given, clock_accepted_until,
            request_issuer, request_subject, request_id)
        SELECT n.sequence, n.instant, n.previous_hash, n.hash, n.body_hash, n.body,
            n.aggregate_kind, n.aggregate_id, n.event, n.format, n.directory_revision,
            n.change_requests_given, n.clock_accepted_until,
            CASE WHEN n.request_id <> '' THEN n.request_issuer END,
            CASE WHEN n.request_id <> '' THEN n.request_subject END,
            nullif(n.request_id, '')
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            AS n(sequence, instant, previous_hash, hash, body_hash, body,
                aggregate_kind, aggregate_id, event, format, directory_revision,
                change_requests_given, clock_accepted_until,
                request_issuer, request_subject, request_id)
        RETURNING 1
    ), new_change_request AS (
        INSERT INTO change_requests (number, state, kind, project, environment, release,
            approval_required, resultant, sharing_key, frozen, live, due_at, sequence)
        SELECT n.number, n.state, n.kind, n.project, n.environment, nullif(n.release, ''),
            n.approval_required, n.resultant, nullif(n.sharing_key, ''), n.frozen, n.live,
            nullif(n.due_at, -1), n.sequence
        FROM unnest($17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)
            AS n(number, state, kind, project, environment, release,
                approval_required, resultant, sharing_key, frozen, live, due_at, sequence)
        RETURNING 1
    ), change_request AS (
        UPDATE change_requests AS c
        SET state = n.state, live = n.live, due_at = nullif(n.due_at, -1), sequence = n.sequence
        FROM unnest($30, $31, $32, $33, $34) AS n(number, state, live, due_at, sequence)
        WHERE c.number = n.number AND c.sequence < n.sequence
        RETURNING 1
    ), new_task AS (
        INSERT INTO tasks (id, change_request, state, waiting_for, project, environment, release,
            runner, frozen, live, due_at, sequence)
        SELECT n.id, n.change_request, n.state, nullif(n.waiting_for, ''), n.project,
            n.environment, nullif(n.release, ''), nullif(n.runner, ''), n.frozen, n.live,
            nullif(n.due_at, -1), n.sequence
        FROM unnest($35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46)
            AS n(id, change_request, state, waiting_for, project, environment, release,
                runner, frozen, live, due_at, sequence)
        RETURNING 1
    ), task AS (
        UPDATE tasks AS t
        SET state = n.state, waiting_for = nullif(n.waiting_for, ''), live = n.live,
            due_at = nullif(n.due_at, -1), sequence = n.sequence
        FROM unnest($47, $48, $49, $50, $51, $52)
            AS n(id, state, waiting_for, live, due_at, sequence)
        WHERE t.id = n.id AND t.sequence < n.sequence
        RETURNING 1
    ), resultant AS (
        INSERT INTO resultants (digest, document)
        SELECT n.digest, n.document FROM unnest($53, $54) AS n(digest, document)
        ON CONFLICT (digest) DO NOTHING
    ), part AS (
        INSERT INTO resultant_parts (part, digest)
        SELECT n.part, n.digest FROM unnest($55, $56) AS n(part, digest)
        ON CONFLICT (part, digest) DO NOTHING
    )
    SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM new_change_request),
        (SELECT count(*) FROM change_request), (SELECT count(*) FROM new_task),
        (SELECT count(*) FROM task), pg_notify('countersign_head', $57)";

fn push_entries(values: &mut Vec<Value>, entries: &[Entry]) {
    let issuer = |entry: &Entry| {
        entry
            .request
            .as_ref()
            .map(|(person, _)| person.issuer.clone())
    };
    let subject = |entry: &Entry| {
        entry
            .request
            .as_ref()
            .map(|(person, _)| person.subject.clone())
    };
    let request = |entry: &Entry| entry.request.as_ref().map(|(_, id)| id.to_string());
    values.extend([
        numbers(entries, |entry| signed(entry.head.sequence)),
        numbers(entries, |entry| entry.head.instant.micros()),
        texts(entries, |entry| entry.previous.to_string()),
        texts(entries, |entry| entry.head.hash.to_string()),
        texts(entries, |entry| entry.body_hash.to_string()),
        texts(entries, |entry| entry.body.clone()),
        texts(entries, |entry| entry.aggregate.kind().to_owned()),
        texts(entries, |entry| entry.aggregate.id()),
        texts(entries, |entry| entry.event.to_owned()),
        numbers(entries, |entry| i64::from(entry.head.format)),
        numbers(entries, |entry| signed(entry.head.directory_revision)),
        numbers(entries, |entry| signed(entry.head.change_requests_given)),
        numbers(entries, |entry| entry.head.clock_accepted_until.micros()),
        texts(entries, |entry| issuer(entry).unwrap_or_default()),
        texts(entries, |entry| subject(entry).unwrap_or_default()),
        texts(entries, |entry| request(entry).unwrap_or_default()),
    ]);
}

fn push_new_change_requests(values: &mut Vec<Value>, rows: &[CrRow]) {
    values.extend([
        numbers(rows, |row| signed(row.number)),
        texts(rows, |row| row.state.to_owned()),
        texts(rows, |row| row.kind.to_owned()),
        texts(rows, |row| row.project.clone()),
        texts(rows, |row| row.environment.clone()),
        texts(rows, |row| row.release.clone().unwrap_or_default()),
        Value::from(
            rows.iter()
                .map(|row| row.approval_required)
                .collect::<Vec<bool>>(),
        ),
        texts(rows, |row| row.resultant.clone()),
        texts(rows, |row| row.sharing_key.clone().unwrap_or_default()),
        texts(rows, |row| row.frozen.clone()),
        texts(rows, |row| row.live.clone()),
        numbers(rows, |row| row.due_at.map_or(-1, Instant::micros)),
        numbers(rows, |row| signed(row.sequence)),
    ]);
}

fn push_change_requests(values: &mut Vec<Value>, rows: &[CrRow]) {
    values.extend([
        numbers(rows, |row| signed(row.number)),
        texts(rows, |row| row.state.to_owned()),
        texts(rows, |row| row.live.clone()),
        numbers(rows, |row| row.due_at.map_or(-1, Instant::micros)),
        numbers(rows, |row| signed(row.sequence)),
    ]);
}

fn push_new_tasks(values: &mut Vec<Value>, rows: &[TaskRow]) {
    values.extend([
        texts(rows, |row| row.id.clone()),
        numbers(rows, |row| signed(row.change_request)),
        texts(rows, |row| row.state.to_owned()),
        texts(rows, |row| row.waiting_for.unwrap_or_default().to_owned()),
        texts(rows, |row| row.project.clone()),
        texts(rows, |row| row.environment.clone()),
        texts(rows, |row| row.release.clone().unwrap_or_default()),
        texts(rows, |row| row.runner.clone().unwrap_or_default()),
        texts(rows, |row| row.frozen.clone()),
        texts(rows, |row| row.live.clone()),
        numbers(rows, |row| row.due_at.map_or(-1, Instant::micros)),
        numbers(rows, |row| signed(row.sequence)),
    ]);
}

fn push_tasks(values: &mut Vec<Value>, rows: &[TaskRow]) {
    values.extend([
        texts(rows, |row| row.id.clone()),
        texts(rows, |row| row.state.to_owned()),
        texts(rows, |row| row.waiting_for.unwrap_or_default().to_owned()),
        texts(rows, |row| row.live.clone()),
        numbers(rows, |row| row.due_at.map_or(-1, Instant::micros)),
        numbers(rows, |row| signed(row.sequence)),
    ]);
}

fn numbers<T>(rows: &[T], column: impl Fn(&T) -> i64) -> Value {
    Value::from(rows.iter().map(column).collect::<Vec<i64>>())
}

fn texts<T>(rows: &[T], column: impl Fn(&T) -> String) -> Value {
    Value::from(rows.iter().map(column).collect::<Vec<String>>())
}
