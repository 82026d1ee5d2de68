//! Windows open for ten thousand tasks at one instant: each of them is signalled its PROCEED once,
//! none is lost and none is early, and how late the first and the last one are is printed.
//!
//! The bars are those of a release build on a machine of its own, against another program in the
//! same minute; what is asserted here leaves room for a debug build on a busy machine.

use std::collections::BTreeMap;

use countersign_proto::v1::change_window::Window;
use countersign_proto::v1::recurrence::Length;
use countersign_proto::v1::{
    ChangeWindow, CreatePolicyRequest, LogEntry, Policy, Recurrence, Scope, ScopeSide, Signal,
    TaskSpec, TaskWindow,
};

use crate::crowd::{
    Runners, SECOND, TASKS, at, clock_ahead, create_all, entries, late, pass, pooled,
    process_clock, span, time_to_create, timestamp,
};
use crate::process::{Database, Server};

/// The project whose tasks wait for the window of a policy.
const CALENDAR: &str = "calendar";
/// At so many instants, and all of them within two seconds.
const INSTANTS: usize = 100;
/// How many windows open where the hour is not the point.
const FEWER: usize = 4_000;
const APART: i64 = 20_000;
const FIRST_LIMIT: i64 = 2 * SECOND;
const LAST_LIMIT: i64 = 30 * SECOND;
const MINUTE: i64 = 60 * SECOND;

/// When each task may start first.
type Due = BTreeMap<String, i64>;

/// Tasks with a window of their own.
fn with_own_window(due: &Due) -> Vec<TaskSpec> {
    let tasks = due
        .iter()
        .enumerate()
        .map(|(number, (id, &opens))| TaskSpec {
            window: Some(TaskWindow {
                start: Some(timestamp(opens)),
                ..TaskWindow::default()
            }),
            ..pooled(id, number)
        });
    tasks.collect()
}

/// Tasks whose window is a policy's.
fn with_the_calendar(due: &Due) -> Vec<TaskSpec> {
    let tasks = due.keys().enumerate().map(|(number, id)| TaskSpec {
        project: CALENDAR.to_owned(),
        ..pooled(id, number)
    });
    tasks.collect()
}

fn named(prefix: &str, count: usize, opens: impl Fn(usize) -> i64) -> Due {
    let due = (0..count).map(|number| (format!("{prefix}-{number:05}"), opens(number)));
    due.collect()
}

/// A policy without approvers whose window opens at a full minute, every day for an hour.
async fn opens_daily(server: &Server, opens: i64) {
    let minutes = opens / MINUTE;
    let recurrence = Recurrence {
        starts: format!("{} {} * * *", minutes % 60, minutes / 60 % 24),
        time_zone: "UTC".to_owned(),
        length: Some(Length::Duration(prost_types::Duration {
            seconds: 3_600,
            nanos: 0,
        })),
    };
    let side = |id: &str| {
        Some(ScopeSide {
            ids: vec![id.to_owned()],
            tags: Vec::new(),
        })
    };
    let policy = Policy {
        id: CALENDAR.to_owned(),
        scopes: vec![Scope {
            projects: side(CALENDAR),
            environments: side("*"),
            ..Scope::default()
        }],
        windows: vec![ChangeWindow {
            window: Some(Window::Recurring(recurrence)),
        }],
        ..Policy::default()
    };
    let request = CreatePolicyRequest {
        policy: Some(policy),
        ..CreatePolicyRequest::default()
    };
    let mut policies = server.as_("admin:root").policies();
    policies.create_policy(request).await.unwrap();
}

/// Half of the tasks wait for their own window and half for a policy's: both open at one instant.
async fn at_once(database: Database) {
    let server = Server::start(&database).await;
    let ahead = clock_ahead(&database).await;
    let soon = process_clock() + ahead + time_to_create(&server, TASKS).await;
    let opens = (soon / MINUTE + 1) * MINUTE;
    opens_daily(&server, opens).await;
    let own = named("own", TASKS / 2, |_| opens);
    let calendar = named("calendar", TASKS / 2, |_| opens);
    let runners = Runners::open(&server).await;
    create_all(&server, with_own_window(&own)).await;
    create_all(&server, with_the_calendar(&calendar)).await;
    let due = own.into_iter().chain(calendar).collect();
    let heard = hear_all(&server, runners, &due, ahead).await;
    let cleared = assert_settled(&server, &due).await;
    report("at one instant", &cleared, &due, &heard, opens, ahead);
    for window in ["own", "calendar"] {
        let of = cleared
            .iter()
            .filter(|it| it.aggregate_id.starts_with(window));
        let (first, last) = span(&of.map(at).collect::<Vec<_>>());
        println!(
            "of these, by the window of the {}: the first is committed {} late, the last {}",
            if window == "own" { "task" } else { "policy" },
            late(first, opens),
            late(last, opens)
        );
    }
    end(server, &database).await;
}

/// The windows open at a hundred instants, one shortly after the other.
async fn spread(database: Database) {
    let server = Server::start(&database).await;
    let ahead = clock_ahead(&database).await;
    let opens = process_clock() + ahead + time_to_create(&server, FEWER).await;
    // Neither the ids nor the order of creation follow the instants.
    let instant = |number| i64::try_from(number * 37 % INSTANTS).unwrap() * APART;
    let due = named("spread", FEWER, |number| opens + instant(number));
    let runners = Runners::open(&server).await;
    create_all(&server, with_own_window(&due)).await;
    let heard = hear_all(&server, runners, &due, ahead).await;
    let cleared = assert_settled(&server, &due).await;
    let what = format!("at {INSTANTS} instants {} ms apart", APART / 1_000);
    report(&what, &cleared, &due, &heard, opens, ahead);
    end(server, &database).await;
}

/// Nobody is there when the windows open; whoever comes later finds all of it.
async fn away(database: Database) {
    let mut server = Server::start(&database).await;
    let ahead = clock_ahead(&database).await;
    let opens = process_clock() + ahead + time_to_create(&server, FEWER).await;
    let instant = |number| i64::try_from(number * 37 % INSTANTS).unwrap() * APART;
    let due = named("away", FEWER, |number| opens + instant(number));
    create_all(&server, with_own_window(&due)).await;
    let killed = process_clock() + ahead;
    assert!(killed < opens, "all are created before the windows open");
    server.kill().await;
    pass(opens + 2 * SECOND - ahead).await;
    let started = process_clock() + ahead;
    server.restart().await;
    let runners = Runners::open(&server).await;
    let heard = runners.hear(Signal::Proceed, 1, FEWER).await;
    let heard = heard.hear_the_rest(&server).await;
    heard.assert_each_once(Signal::Proceed, 1, FEWER);
    let cleared = assert_settled(&server, &due).await;
    // The fault was active: nothing was settled between the kill and the start.
    let (first, last) = span(&cleared.iter().map(at).collect::<Vec<_>>());
    assert!(first >= started, "settled while no server was there");
    println!(
        "{FEWER} windows opened while no server was there: the first is committed {} after its \
         start, the last {}, the last signal is heard {} after it",
        late(first, started),
        late(last, started),
        late(heard.span(Signal::Proceed).1 + ahead, started)
    );
    end(server, &database).await;
}

/// Listens until every runner was told of all its tasks: HOLD before the windows open, and one
/// PROCEED after.
async fn hear_all(server: &Server, runners: Runners, due: &Due, ahead: i64) -> Runners {
    let runners = runners.hear(Signal::Hold, 0, due.len()).await;
    let told = process_clock() + ahead;
    let first = *due.values().min().unwrap();
    assert!(told < first, "all are created before the windows open");
    let heard = runners.hear(Signal::Proceed, 1, due.len()).await;
    let heard = heard.hear_the_rest(server).await;
    heard.assert_each_once(Signal::Proceed, 1, due.len());
    for heard in heard.heard(Signal::Proceed) {
        assert!(heard.at + ahead >= due[&heard.task], "early: {heard:?}");
    }
    heard
}

/// The log has one clearing for each task, none before its instant, in the order of the instants.
async fn assert_settled(server: &Server, due: &Due) -> Vec<LogEntry> {
    let mut found = entries(server, 0).await;
    found.retain(|entry| entry.event == "task.cleared" && due.contains_key(&entry.aggregate_id));
    assert_eq!(found.len(), due.len(), "each is cleared once");
    let mut before = 0;
    for entry in &found {
        let opens = due[&entry.aggregate_id];
        assert!(at(entry) >= opens, "early: {entry:?}");
        assert!(
            opens >= before,
            "not in the order of what is due: {entry:?}"
        );
        before = opens;
    }
    found
}

fn report(what: &str, cleared: &[LogEntry], due: &Due, heard: &Runners, opens: i64, ahead: i64) {
    let committed = cleared.iter().map(|it| at(it) - due[&it.aggregate_id]);
    let (first, last) = span(&committed.collect::<Vec<_>>());
    let arrived = heard.heard(Signal::Proceed);
    let arrived = arrived
        .map(|it| it.at + ahead - due[&it.task])
        .collect::<Vec<_>>();
    let (first_heard, last_heard) = span(&arrived);
    let all = heard.span(Signal::Proceed).1 + ahead;
    println!(
        "{} windows opened {what}: commits are {} to {} late, signals are heard {} to {} late, \
         all of it took {}",
        cleared.len(),
        late(first, 0),
        late(last, 0),
        late(first_heard, 0),
        late(last_heard, 0),
        late(all, opens)
    );
    assert!(first_heard <= FIRST_LIMIT, "the first signal is late");
    assert!(last_heard <= LAST_LIMIT, "the last signal is late");
}

async fn end(mut server: Server, database: &Database) {
    server.kill().await;
    database.verify().await;
}

macro_rules! on_both_stores {
    ($($scenario:ident: $sqlite:ident, $postgres:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $sqlite() {
            let folder = tempfile::tempdir().unwrap();
            $scenario(Database::sqlite(&folder)).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $postgres() {
            $scenario(Database::postgres().await).await;
        }
    )*};
}

on_both_stores! {
    at_once: ten_thousand_windows_open_at_once_sqlite,
        ten_thousand_windows_open_at_once_postgres;
    spread: windows_that_open_one_after_the_other_are_served_in_order_sqlite,
        windows_that_open_one_after_the_other_are_served_in_order_postgres;
    away: windows_that_opened_while_no_server_was_there_are_served_sqlite,
        windows_that_opened_while_no_server_was_there_are_served_postgres;
}
