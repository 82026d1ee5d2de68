//! A crowd: ten thousand tasks of a few runners, what these hear and when, and what the log says.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_client::Connection;
use countersign_proto::v1::{
    ListEntriesRequest, LogEntry, Signal, TaskSpec, WatchSignalsRequest, WatchSignalsResponse,
};
use countersign_store::testing::intrude;
use futures::StreamExt as _;
use futures::future::join_all;
use prost_types::Timestamp;
use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use tonic::Streaming;

use crate::load::{self, deployment};
use crate::process::{Database, Server};

pub(crate) const TASKS: usize = 10_000;
pub(crate) const SECOND: i64 = 1_000_000;
const RUNNERS: usize = 4;
const CALLERS: usize = 64;
/// How many tasks are created to learn how long all of them will take.
const SAMPLE: usize = 300;
/// How long anything that is waited for may take.
const LIMIT: Duration = Duration::from_secs(120);
const ENTRIES_PAGE: u32 = 500;

/// A deployment that one of the runners shall execute; neighbours go to different ones.
pub(crate) fn pooled(id: &str, number: usize) -> TaskSpec {
    TaskSpec {
        runner: runner_name(number),
        ..deployment(id)
    }
}

fn runner_name(number: usize) -> String {
    format!("pool-{}", number % RUNNERS)
}

/// Creates tasks, many at once.
pub(crate) async fn create_all(server: &Server, tasks: Vec<TaskSpec>) {
    let connections: Vec<Connection> = (0..CALLERS)
        .map(|_| server.as_("orchestrator:ci"))
        .collect();
    let creations = tasks.into_iter().enumerate().map(|(number, task)| {
        let connection = &connections[number % CALLERS];
        load::create_task(connection, task)
    });
    let created = futures::stream::iter(creations).buffer_unordered(CALLERS);
    created
        .for_each(|created| async { drop(created.unwrap()) })
        .await;
}

/// How long it will take to create so many tasks, judged by a few, with room for a busy machine.
pub(crate) async fn time_to_create(server: &Server, count: usize) -> i64 {
    let sample = (0..SAMPLE).map(|number| TaskSpec {
        project: "sample".to_owned(),
        ..deployment(&format!("sample-{number}"))
    });
    let began = process_clock();
    create_all(server, sample.collect()).await;
    let taken = process_clock() - began;
    taken * i64::try_from(count / SAMPLE).unwrap() * 2 + 3 * SECOND
}

/// What a runner was told.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) task: String,
    pub(crate) signal: Signal,
    pub(crate) generation: u64,
    /// When, by the clock of the test.
    pub(crate) at: i64,
}

/// A runner with one stream for all its tasks.
struct Runner {
    stream: Streaming<WatchSignalsResponse>,
    heard: Vec<Heard>,
}

impl Runner {
    async fn open(server: &Server, number: usize) -> Self {
        let connection = server.as_(&format!("runner:{}", runner_name(number)));
        let request = WatchSignalsRequest::default();
        let stream = connection.runner().watch_signals(request).await;
        let mut runner = Self {
            stream: stream.unwrap().into_inner(),
            heard: Vec::new(),
        };
        while !runner.hear().await {}
        runner
    }

    /// Takes in one message; whether it has a mark.
    async fn hear(&mut self) -> bool {
        let message = tokio::time::timeout(LIMIT, self.stream.message()).await;
        let message = message.expect("a stream is not silent").unwrap().unwrap();
        let at = process_clock();
        let told = message.signals.iter().map(|told| Heard {
            task: told.task_id.clone(),
            signal: told.signal(),
            generation: told.permit.map_or(0, |permit| permit.generation),
            at,
        });
        self.heard.extend(told);
        message.mark.is_some()
    }

    async fn until(mut self, signal: Signal, generation: u64, wanted: usize) -> Self {
        let fits = |heard: &&Heard| (heard.signal, heard.generation) == (signal, generation);
        let (mut found, mut seen) = (0, 0);
        let hearing = async {
            loop {
                found += self.heard[seen..].iter().filter(fits).count();
                seen = self.heard.len();
                if found >= wanted {
                    return;
                }
                self.hear().await;
            }
        };
        let heard = tokio::time::timeout(LIMIT, hearing).await;
        heard.unwrap_or_else(|_| panic!("heard {found} of {wanted} times {signal:?}"));
        self
    }
}

/// All runners.
pub(crate) struct Runners(Vec<Runner>);

impl Runners {
    /// Opens a stream for each, and reads the state at which it begins.
    pub(crate) async fn open(server: &Server) -> Self {
        let opening = (0..RUNNERS).map(|number| Runner::open(server, number));
        Self(join_all(opening).await)
    }

    /// Forgets what was heard so far.
    pub(crate) fn forget(&mut self) {
        self.0.iter_mut().for_each(|runner| runner.heard.clear());
    }

    /// Listens until a signal with a generation was heard so many times, by each its share.
    pub(crate) async fn hear(self, signal: Signal, generation: u64, wanted: usize) -> Self {
        let each = wanted / RUNNERS;
        let hearing = self.0.into_iter();
        let hearing = hearing.map(|runner| tokio::spawn(runner.until(signal, generation, each)));
        let runners = join_all(hearing).await;
        Self(runners.into_iter().map(Result::unwrap).collect())
    }

    /// Listens until the first of the runners was told a signal, and answers with what it heard.
    pub(crate) async fn hear_one(self, signal: Signal, generation: u64) -> Heard {
        let first = self.0.into_iter().next().unwrap();
        let runner = first.until(signal, generation, 1).await;
        runner.heard.into_iter().next_back().unwrap()
    }

    /// Creates one task more for each runner, and listens until it was told of: what the streams
    /// had to say before has been heard by then.
    pub(crate) async fn hear_the_rest(self, server: &Server) -> Self {
        let prefix = format!("last-{}-", process_clock());
        let last = (0..RUNNERS).map(|number| TaskSpec {
            project: "last".to_owned(),
            ..pooled(&format!("{prefix}{number}"), number)
        });
        create_all(server, last.collect()).await;
        let is_last = |heard: &Heard| heard.task.starts_with(&prefix);
        let hearing = self.0.into_iter().map(|mut runner| async {
            while !runner.heard.iter().any(is_last) {
                runner.hear().await;
            }
            runner.heard.retain(|heard| !is_last(heard));
            runner
        });
        let heard = tokio::time::timeout(LIMIT, join_all(hearing)).await;
        Self(heard.expect("the last tasks are heard of"))
    }

    /// All that was heard of a signal.
    pub(crate) fn heard(&self, signal: Signal) -> impl Iterator<Item = &Heard> {
        let heard = self.0.iter().flat_map(|runner| &runner.heard);
        heard.filter(move |heard| heard.signal == signal)
    }

    /// Every task was told a signal exactly once, with this generation.
    pub(crate) fn assert_each_once(&self, signal: Signal, generation: u64, wanted: usize) {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for heard in self.heard(signal) {
            assert_eq!(heard.generation, generation, "{heard:?}");
            *times.entry(&heard.task).or_default() += 1;
        }
        assert_eq!(times.len(), wanted, "no {signal:?} is lost");
        let twice = times.iter().find(|&(_, &times)| times != 1);
        assert_eq!(twice, None, "each is told {signal:?} once");
    }

    /// The first and the last instant at which a signal was heard.
    pub(crate) fn span(&self, signal: Signal) -> (i64, i64) {
        let heard: Vec<i64> = self.heard(signal).map(|heard| heard.at).collect();
        span(&heard)
    }
}

/// The first and the last of some instants.
pub(crate) fn span(instants: &[i64]) -> (i64, i64) {
    let (first, last) = (instants.iter().min(), instants.iter().max());
    (*first.unwrap(), *last.unwrap())
}

/// All entries from a sequence on.
pub(crate) async fn entries(server: &Server, from_sequence: u64) -> Vec<LogEntry> {
    let mut log = server.as_("root:ci").log();
    let mut found = Vec::new();
    let mut next = from_sequence;
    loop {
        let request = ListEntriesRequest {
            from_sequence: next,
            page_size: ENTRIES_PAGE,
            ..ListEntriesRequest::default()
        };
        let page = log.list_entries(request).await.unwrap().into_inner();
        found.extend(page.entries);
        next = page.next_sequence;
        if next == 0 {
            return found;
        }
    }
}

/// When an entry was written, by the clock that decides.
pub(crate) fn at(entry: &LogEntry) -> i64 {
    micros(entry.instant.as_ref().unwrap())
}

pub(crate) fn micros(at: &Timestamp) -> i64 {
    at.seconds * SECOND + i64::from(at.nanos) / 1_000
}

pub(crate) fn timestamp(micros: i64) -> Timestamp {
    Timestamp {
        seconds: micros.div_euclid(SECOND),
        nanos: i32::try_from(micros.rem_euclid(SECOND) * 1_000).unwrap(),
    }
}

/// How late, for people.
pub(crate) fn late(at: i64, due: i64) -> String {
    format!("{:.1} ms", (at - due) as f64 / 1e3)
}

/// A connection to a store that goes around the server.
pub(crate) async fn around(database: &Database) -> DatabaseConnection {
    intrude(&database.config()).await.unwrap()
}

/// Sleeps until the clock of the process has passed an instant.
pub(crate) async fn pass(instant: i64) {
    while process_clock() <= instant {
        let left = u64::try_from(instant - process_clock()).unwrap_or_default();
        tokio::time::sleep(Duration::from_micros(left + 1)).await;
    }
}

/// How far the clock that decides is ahead of the process's: the database's on PostgreSQL, which
/// may be another machine; on SQLite they are one. Rather too far, by the way of the answer.
pub(crate) async fn clock_ahead(database: &Database) -> i64 {
    let Database::Postgres(_) = database else {
        return 0;
    };
    let connection = around(database).await;
    let asked = process_clock();
    let clock = one_number(
        &connection,
        "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
    );
    clock.await - asked
}

/// The one number that a statement answers with.
pub(crate) async fn one_number(connection: &DatabaseConnection, text: &str) -> i64 {
    let backend = connection.get_database_backend();
    let statement = sea_orm::Statement::from_string(backend, text);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "measures how late something is")]
pub(crate) fn process_clock() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}
