//! A million tasks wait for windows that are far away: they cost an idle server next to nothing,
//! and a task that is due soon is signalled as if it were alone.
//!
//! The rows are cloned by SQL from one real task and its change request. They are not in the log:
//! what an idle server does, and what it does at its start, does not depend on that, and a million
//! creations would take half an hour.

use std::time::Duration;

use countersign_proto::v1::blocker::Detail;
use countersign_proto::v1::{GetTaskRequest, Signal, Task, TaskSpec, TaskWindow};
use sea_orm::{ConnectionTrait as _, DatabaseBackend, DatabaseConnection};

use crate::crowd::{
    Runners, SECOND, around, at, clock_ahead, create_all, entries, late, micros, one_number,
    pooled, process_clock, timestamp,
};
use crate::load::deployment;
use crate::process::{Database, Server, cpu_ticks};

const ROWS: i64 = 100_000;
const ROWS_OF_THE_PROGRAMME: i64 = 1_000_000;
const ROWS_AT_ONCE: i64 = 50_000;
/// Above every number that is given in the test.
const FIRST_NUMBER: i64 = 5_000_000;
const TEMPLATE: &str = "template";
const YEAR: i64 = 365 * 86_400 * SECOND;
const WATCHED: Duration = Duration::from_secs(10);
const TICKS_PER_SECOND: u64 = 100;
/// Of a core, for the server and for the database that it asks.
const CPU_PERCENT_LIMIT: f64 = 5.0;
const BYTES_PER_ROW_LIMIT: f64 = 64.0;
/// What a process may differ by from another one, whatever waits: caches of pages and statements.
const KIB_ALLOWED: f64 = 32.0 * 1_024.0;
/// The bar is a second for a release build; nothing here is counted row by row.
const FIRST_ANSWER_LIMIT: i64 = 3 * SECOND;
const LATE_LIMIT: i64 = 2 * SECOND;

/// What an idle server takes, and has its database take; SQLite is a part of the server.
struct Idle {
    cpu_percent: f64,
    database_percent: f64,
    kib: f64,
}

async fn million(database: Database, rows: i64) {
    let mut server = Server::start(&database).await;
    let opens = process_clock() + YEAR;
    create_all(&server, vec![opening(deployment(TEMPLATE), opens)]).await;
    let alone = idle(&server, &database).await;
    server.kill().await;

    let began = process_clock();
    clone_rows(&around(&database).await, rows, opens).await;
    println!(
        "{rows} waiting tasks are made in {}",
        late(process_clock(), began)
    );

    let began = process_clock();
    server.restart().await;
    let reachable = process_clock();
    let last = show(&server, &clone_name(rows)).await;
    let answered = process_clock();
    assert_is_due(&last, opens + rows * (YEAR / rows));
    let crowded = idle(&server, &database).await;
    println!(
        "with {rows} waiting tasks: reachable {} after the start, the first call is answered {} \
         after that; idle for {WATCHED:?} it takes {:.1} % of a core (alone {:.1} %), the \
         database {:.1} % ({:.1} %), in RAM it has {:.1} MiB ({:.1} MiB), {:.1} B for each row",
        late(reachable, began),
        late(answered, reachable),
        crowded.cpu_percent,
        alone.cpu_percent,
        crowded.database_percent,
        alone.database_percent,
        crowded.kib / 1_024.0,
        alone.kib / 1_024.0,
        (crowded.kib - alone.kib) * 1_024.0 / rows as f64
    );
    assert!(answered - reachable <= FIRST_ANSWER_LIMIT, "the first call");
    assert!(
        crowded.cpu_percent <= CPU_PERCENT_LIMIT,
        "an idle server is busy"
    );
    assert!(
        crowded.database_percent <= CPU_PERCENT_LIMIT,
        "an idle server keeps its database busy"
    );
    let allowed = alone.kib + KIB_ALLOWED + rows as f64 * BYTES_PER_ROW_LIMIT / 1_024.0;
    assert!(crowded.kib <= allowed, "more than {allowed} KiB");
    one_more(&server, &database, rows).await;
    server.kill().await;
}

/// One task more, whose window opens in two seconds.
async fn one_more(server: &Server, database: &Database, rows: i64) {
    let ahead = clock_ahead(database).await;
    let runners = Runners::open(server).await;
    let opens = process_clock() + ahead + 2 * SECOND;
    create_all(server, vec![opening(pooled("soon", 0), opens)]).await;
    let heard = runners.hear_one(Signal::Proceed, 1).await;
    let found = entries(server, 0).await;
    let cleared = found.iter().find(|entry| entry.event == "task.cleared");
    let cleared = at(cleared.unwrap());
    let told = heard.at + ahead;
    println!(
        "with {rows} others that wait, one whose window opens is cleared {} late, and its runner \
         hears of it {} late",
        late(cleared, opens),
        late(told, opens)
    );
    assert_eq!(heard.task, "soon");
    assert!(cleared >= opens && told >= opens, "it is early");
    assert!(told - opens <= LATE_LIMIT, "it is late");
}

fn opening(task: TaskSpec, opens: i64) -> TaskSpec {
    TaskSpec {
        window: Some(TaskWindow {
            start: Some(timestamp(opens)),
            ..TaskWindow::default()
        }),
        ..task
    }
}

async fn show(server: &Server, id: &str) -> Task {
    let request = GetTaskRequest {
        task_id: id.to_owned(),
    };
    let mut service = server.as_("alice").change_requests();
    let answer = service.get_task(request).await.unwrap();
    answer.into_inner().task.unwrap()
}

/// A clone is read as a task of its own, so its texts are what the server would have written.
fn assert_is_due(task: &Task, opens: i64) {
    let window = task
        .blockers
        .iter()
        .find_map(|blocker| match &blocker.detail {
            Some(Detail::Window(window)) => window.opens_at.as_ref(),
            _ => None,
        });
    assert_eq!(window.map(micros), Some(opens), "{task:?}");
}

/// Watches a server that nobody calls.
async fn idle(server: &Server, database: &Database) -> Idle {
    let mut backends = Vec::new();
    if let Database::Postgres(_) = database {
        backends = backends_of(database).await;
    }
    let at_database = || backends.iter().copied().map(cpu_ticks).sum::<u64>();
    let before = (server.cpu_ticks(), at_database());
    tokio::time::sleep(WATCHED).await;
    let percent = |ticks: u64| 100.0 * ticks as f64 / (WATCHED.as_secs() * TICKS_PER_SECOND) as f64;
    Idle {
        cpu_percent: percent(server.cpu_ticks() - before.0),
        database_percent: percent(at_database() - before.1),
        kib: server.resident_kib(),
    }
}

/// The processes of the database that serve the server.
async fn backends_of(database: &Database) -> Vec<u32> {
    let connection = around(database).await;
    let statement = sea_orm::Statement::from_string(
        DatabaseBackend::Postgres,
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
            AND pid <> pg_backend_pid()",
    );
    let rows = connection.query_all_raw(statement).await.unwrap();
    let ids = rows
        .iter()
        .map(|row| row.try_get_by_index::<i32>(0).unwrap());
    let found = ids.map(|id| u32::try_from(id).unwrap()).collect();
    connection.close().await.unwrap();
    found
}

fn clone_name(row: i64) -> String {
    format!("waiting-{row}")
}

/// Clones the one task and its change request, due in even steps over a year from its own instant.
async fn clone_rows(connection: &DatabaseConnection, rows: i64, opens: i64) {
    let step = YEAR / rows;
    for first in (1..=rows).step_by(usize::try_from(ROWS_AT_ONCE).unwrap()) {
        let last = (first + ROWS_AT_ONCE - 1).min(rows);
        for insert in [CHANGE_REQUESTS, TASKS] {
            let text = insert
                .replace("NUMBERS", numbers(connection.get_database_backend()))
                .replace("FIRST", &first.to_string())
                .replace("LAST", &last.to_string())
                .replace("BASE", &FIRST_NUMBER.to_string())
                .replace("STEP", &step.to_string())
                .replace("OPENS", &opens.to_string());
            connection.execute_unprepared(&text).await.unwrap();
        }
    }
    // What the database does by itself after a while.
    connection.execute_unprepared("ANALYZE").await.unwrap();
    let waiting = one_number(
        connection,
        "SELECT count(*) FROM tasks WHERE due_at IS NOT NULL",
    );
    assert_eq!(waiting.await, rows + 1);
}

fn numbers(backend: DatabaseBackend) -> &'static str {
    match backend {
        DatabaseBackend::Postgres => "(SELECT CAST(generate_series(FIRST, LAST) AS bigint) AS n)",
        _ => {
            "(WITH RECURSIVE s(n) AS (SELECT FIRST UNION ALL SELECT n + 1 FROM s WHERE n < LAST)
            SELECT n FROM s)"
        }
    }
}

const CHANGE_REQUESTS: &str = r#"
    INSERT INTO change_requests (number, state, kind, project, environment, release,
        approval_required, resultant, sharing_key, frozen, live, due_at, sequence)
    SELECT BASE + i.n, c.state, c.kind, c.project, c.environment, c.release, c.approval_required,
        c.resultant, c.sharing_key,
        replace(c.frozen, '"number":1,', '"number":' || (BASE + i.n) || ','),
        c.live, c.due_at, c.sequence
    FROM NUMBERS AS i CROSS JOIN change_requests AS c WHERE c.number = 1"#;

const TASKS: &str = r#"
    INSERT INTO tasks (id, change_request, state, waiting_for, project, environment, release,
        runner, frozen, live, due_at, sequence)
    SELECT 'waiting-' || i.n, BASE + i.n, t.state, t.waiting_for, t.project, t.environment,
        t.release, t.runner,
        replace(replace(replace(t.frozen, '"id":"template"', '"id":"waiting-' || i.n || '"'),
            '"change_request":1,', '"change_request":' || (BASE + i.n) || ','),
            '"start":OPENS', '"start":' || (OPENS + i.n * STEP)),
        t.live, t.due_at + i.n * STEP, t.sequence
    FROM NUMBERS AS i CROSS JOIN tasks AS t WHERE t.id = 'template'"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_waiting_tasks_cost_nothing_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    million(Database::sqlite(&folder), ROWS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_waiting_tasks_cost_nothing_postgres() {
    million(Database::postgres().await, ROWS).await;
}

mod programme {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "fault programme: a million rows take minutes to make"]
    async fn a_million_waiting_tasks_cost_nothing_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        million(Database::sqlite(&folder), ROWS_OF_THE_PROGRAMME).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "fault programme: a million rows take minutes to make"]
    async fn a_million_waiting_tasks_cost_nothing_postgres() {
        million(Database::postgres().await, ROWS_OF_THE_PROGRAMME).await;
    }
}
