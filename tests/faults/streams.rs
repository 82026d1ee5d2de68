//! Ten thousand streams, and ten thousand tasks on one stream: held, signalled, and measured.
//!
//! Memory is what the server's process has in RAM, so that the clients of the test do not count.
//! The bars are those of a release build; this one is not, and what is asserted leaves room for it.

use std::time::Duration;

use countersign_client::Connection;
use countersign_proto::v1::{Signal, TaskSpec, WatchSignalsRequest, WatchSignalsResponse};
use futures::StreamExt as _;
use futures::future::join_all;
use tonic::Streaming;

use crate::load::{self, approve, deployment};
use crate::process::{Database, Server};

const STREAMS: usize = 10_000;
const TASKS: usize = 10_000;
/// A server takes 256 streams of one connection, and 1,000 of one caller.
const STREAMS_PER_CONNECTION: usize = 250;
const CONNECTIONS_PER_CALLER: usize = 4;
/// How many streams with all tasks are opened to see what one costs.
const SHARED: usize = 4;
const CALLERS: usize = 64;

const KIB_PER_STREAM_BAR: f64 = 8.0;
const KIB_PER_STREAM_LIMIT: f64 = 16.0;
const KIB_PER_TASK_BAR: f64 = 0.5;
const KIB_PER_TASK_LIMIT: f64 = 0.75;
/// How long anything that is waited for may take.
const LIMIT: Duration = Duration::from_secs(60);

type Signals = Streaming<WatchSignalsResponse>;

async fn open(connection: &Connection, task_ids: Vec<String>) -> Signals {
    let request = WatchSignalsRequest {
        task_ids,
        ..WatchSignalsRequest::default()
    };
    let opened = connection.runner().watch_signals(request).await;
    opened.unwrap().into_inner()
}

/// Reads until so many signals of a kind were told; `None` counts until the mark.
async fn read(stream: &mut Signals, signal: Option<Signal>, wanted: usize) -> usize {
    let reading = async {
        let mut found = 0;
        loop {
            let message = stream.message().await.unwrap().unwrap();
            let told = message.signals.iter();
            found += told
                .filter(|told| signal.is_none_or(|it| told.signal() == it))
                .count();
            let is_synced = message.mark.is_some() && signal.is_none();
            if is_synced || (signal.is_some() && found >= wanted) {
                return found;
            }
        }
    };
    tokio::time::timeout(LIMIT, reading)
        .await
        .expect("all signals come in time")
}

async fn create_all(server: &Server, prefix: &str, count: usize, runner: &str) {
    let connections: Vec<_> = (0..CALLERS)
        .map(|_| server.as_("orchestrator:ci"))
        .collect();
    let creations = (0..count).map(|number| {
        let connection = &connections[number % CALLERS];
        let task = TaskSpec {
            runner: runner.to_owned(),
            ..deployment(&format!("{prefix}{number}"))
        };
        load::create_task(connection, task)
    });
    let created = futures::stream::iter(creations).buffer_unordered(CALLERS);
    created
        .for_each(|created| async { drop(created.unwrap()) })
        .await;
}

/// Many streams that follow one task: idle they take little, and one approval reaches all of them.
async fn many_streams(server: &Server) {
    create_all(server, "watched", 1, "").await;
    // The first ones pay for what is made once.
    let mut warm = open(&server.as_("runner:warm"), vec!["watched0".to_owned()]).await;
    read(&mut warm, None, 0).await;
    let before = server.resident_kib();
    let connections: Vec<Connection> = (0..STREAMS / STREAMS_PER_CONNECTION)
        .map(|number| server.as_(&format!("runner:many-{}", number / CONNECTIONS_PER_CALLER)))
        .collect();
    let opening = connections.iter().map(|connection| async move {
        let mut opened = Vec::with_capacity(STREAMS_PER_CONNECTION);
        for _ in 0..STREAMS_PER_CONNECTION {
            let mut stream = open(connection, vec!["watched0".to_owned()]).await;
            assert_eq!(read(&mut stream, None, 0).await, 1);
            opened.push(stream);
        }
        opened
    });
    let mut streams: Vec<Signals> = join_all(opening).await.into_iter().flatten().collect();
    let each = (server.resident_kib() - before) / STREAMS as f64;
    assert_eq!(streams.len(), STREAMS);
    let began = now();
    approve(&server.as_("alice"), "watched0").await.unwrap();
    let answered = began.elapsed();
    let proceed = streams
        .iter_mut()
        .map(|stream| read(stream, Some(Signal::Proceed), 1));
    let told = join_all(proceed).await;
    assert!(told.iter().all(|&told| told == 1));
    let last = began.elapsed();
    println!(
        "{STREAMS} streams: {each:.1} KiB each (bar {KIB_PER_STREAM_BAR}); one approval was \
         answered after {answered:.1?} and told to the last of them after {last:.1?}"
    );
    assert!(each <= KIB_PER_STREAM_LIMIT, "a stream takes {each:.1} KiB");
}

/// Many tasks on one stream: each is told of twice, and what they take is measured.
async fn many_tasks(server: &Server) {
    let runner = server.as_("runner:pool");
    let mut stream = open(&runner, Vec::new()).await;
    assert_eq!(read(&mut stream, None, 0).await, 0);
    let began = now();
    let (_, held) = tokio::join!(
        create_all(server, "pooled", TASKS, "pool"),
        read(&mut stream, Some(Signal::Hold), TASKS),
    );
    let created = began.elapsed();
    let alice: Vec<_> = (0..CALLERS).map(|_| server.as_("alice")).collect();
    let approvals = (0..TASKS).map(|number| {
        let alice = &alice[number % CALLERS];
        async move { approve(alice, &format!("pooled{number}")).await }
    });
    let began = now();
    let approving = async {
        let approvals = futures::stream::iter(approvals).buffer_unordered(CALLERS);
        approvals
            .for_each(|approved| async { approved.unwrap() })
            .await;
        began.elapsed()
    };
    let cleared = read(&mut stream, Some(Signal::Proceed), TASKS);
    let (answered, cleared) = tokio::join!(approving, cleared);
    let lag = began.elapsed().saturating_sub(answered);
    assert_eq!((held, cleared), (TASKS, TASKS), "each is told of once");
    println!(
        "{TASKS} tasks on one stream: created and told of in {created:.1?}, approved in \
         {answered:.1?}, the last signal {lag:.1?} after the last answer"
    );
    let ids: Vec<String> = (0..TASKS).map(|number| format!("pooled{number}")).collect();
    // What reading so many states takes, the allocator keeps: that is paid before measuring.
    let mut named = open(&runner, ids.clone()).await;
    assert_eq!(read(&mut named, None, 0).await, TASKS);
    let before = server.resident_kib();
    let mut shared = Vec::new();
    for _ in 0..SHARED {
        let mut stream = open(&runner, ids.clone()).await;
        assert_eq!(read(&mut stream, None, 0).await, TASKS);
        shared.push(stream);
    }
    let each = (server.resident_kib() - before) / (SHARED * TASKS) as f64;
    println!("{TASKS} named tasks on one stream: {each:.2} KiB each (bar {KIB_PER_TASK_BAR})");
    assert!(each <= KIB_PER_TASK_LIMIT, "a task takes {each:.2} KiB");
    drop((named, shared));
}

async fn held(database: Database) {
    let server = Server::start(&database).await;
    load::policy(&server).await;
    many_tasks(&server).await;
    many_streams(&server).await;
}

#[expect(clippy::disallowed_methods, reason = "measures a latency")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i46_ten_thousand_streams_and_tasks_are_held_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    held(Database::sqlite(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i46_ten_thousand_streams_and_tasks_are_held_postgres() {
    held(Database::postgres().await).await;
}
