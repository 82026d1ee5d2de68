//! A freeze of five thousand cleared tasks: it binds with its answer, a sweep tells everybody
//! within seconds and in bounded transactions, and lifting it lets all of them go again. A server
//! that is killed in the middle goes on from where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countersign_client::{Credentialed, reason};
use countersign_proto::v1::freeze_service_client::FreezeServiceClient;
use countersign_proto::v1::{
    Approvers, CreateFreezeRequest, CreatePolicyRequest, ErrorReason, Freeze, GetFreezeRequest,
    LiftFreezeRequest, LogEntry, Policy, RejectRequest, Scope, ScopeSide, Signal, StartTaskRequest,
    TaskSpec,
};
use tonic::Status;

use crate::crowd::{
    Runners, around, at, create_all, entries, late, one_number, pooled, process_clock,
};
use crate::load::{create_task, deployment, person};
use crate::process::{Database, Server};

const FREEZE: &str = "holidays";
/// A project that is not frozen, where `alice` approves.
const GUARDED: &str = "guarded";
/// How many change requests there are to reject while the sweep goes on.
const DOOMED: usize = 1_000;
/// How many tasks are frozen: five steps of a sweep.
const TASKS: usize = 5_000;
/// How many tasks a sweep looks at in one step.
const STEP: usize = 1_001;
/// How many change requests are settled in one transaction.
const BATCH: usize = 128;
/// How long a sweep may take to come to its end.
const SETTLED_LIMIT: Duration = Duration::from_secs(60);
/// Of how many tasks the runners have been told when the server is killed.
const TOLD_AT_KILL: usize = TASKS * 2 / 5;
/// The bars are those of a release build on a machine of its own.
const BINDS_LIMIT: Duration = Duration::from_millis(1_000);
const MEDIAN_LIMIT: Duration = Duration::from_millis(500);

fn side(id: &str) -> Option<ScopeSide> {
    Some(ScopeSide {
        ids: vec![id.to_owned()],
        tags: Vec::new(),
    })
}

fn scope(project: &str) -> Vec<Scope> {
    vec![Scope {
        projects: side(project),
        environments: side("*"),
        ..Scope::default()
    }]
}

fn freezes(server: &Server) -> FreezeServiceClient<Credentialed> {
    server.as_("root:ci").freezes()
}

/// Freezes the project of the crowd, from now on and without an end.
async fn freeze(server: &Server) {
    let freeze = Freeze {
        id: FREEZE.to_owned(),
        reason: "Nobody is there.".to_owned(),
        scopes: scope("web"),
        ..Freeze::default()
    };
    let request = CreateFreezeRequest {
        freeze: Some(freeze),
        ..CreateFreezeRequest::default()
    };
    freezes(server).create_freeze(request).await.unwrap();
}

async fn lift(server: &Server) {
    let request = LiftFreezeRequest {
        freeze_id: FREEZE.to_owned(),
        comment: "They are back.".to_owned(),
        ..LiftFreezeRequest::default()
    };
    freezes(server).lift_freeze(request).await.unwrap();
}

async fn start(server: &Server, number: usize, generation: u64) -> Result<(), Status> {
    let request = StartTaskRequest {
        task_id: name(number),
        generation,
        claim_id: "try-1".to_owned(),
        ..StartTaskRequest::default()
    };
    let runner = server.as_(&format!("runner:{}", pooled("", number).runner));
    runner.runner().start_task(request).await.map(drop)
}

fn name(number: usize) -> String {
    format!("frozen-{number:05}")
}

/// Five thousand tasks that may start.
async fn create_crowd(server: &Server) {
    let tasks = (0..TASKS).map(|number| pooled(&name(number), number));
    create_all(server, tasks.collect()).await;
}

/// Change requests that wait for `alice`, and are not frozen.
async fn create_doomed(server: &Server) {
    let policy = Policy {
        id: GUARDED.to_owned(),
        scopes: scope(GUARDED),
        approvers: Some(Approvers {
            users: vec![person("alice")],
            teams: Vec::new(),
        }),
        minimum_approvals: 1,
        ..Policy::default()
    };
    let request = CreatePolicyRequest {
        policy: Some(policy),
        ..CreatePolicyRequest::default()
    };
    let mut policies = server.as_("admin:root").policies();
    policies.create_policy(request).await.unwrap();
    let tasks = (0..DOOMED).map(|number| guarded(&format!("doomed-{number}")));
    create_all(server, tasks.collect()).await;
}

fn guarded(id: &str) -> TaskSpec {
    TaskSpec {
        project: GUARDED.to_owned(),
        ..deployment(id)
    }
}

/// While the sweep goes on, one caller rejects and creates, one call after the other.
async fn lone_calls(server: Arc<Server>, over: Arc<AtomicBool>) -> [Vec<Duration>; 2] {
    let (alice, orchestrator) = (server.as_("alice"), server.as_("orchestrator:lone"));
    let (mut rejections, mut creations) = (Vec::new(), Vec::new());
    for number in 0..DOOMED {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let request = RejectRequest {
            change_request: format!("doomed-{number}"),
            ..RejectRequest::default()
        };
        let began = now();
        alice.change_requests().reject(request).await.unwrap();
        rejections.push(began.elapsed());
        let began = now();
        let task = guarded(&format!("lone-{number}"));
        create_task(&orchestrator, task).await.unwrap();
        creations.push(began.elapsed());
    }
    [rejections, creations]
}

async fn frozen_and_lifted(database: Database) {
    let server = Arc::new(Server::start(&database).await);
    create_doomed(&server).await;
    create_crowd(&server).await;
    let runners = Runners::open(&server).await.hear(Signal::Proceed, 1, TASKS);
    let mut runners = runners.await;
    runners.forget();

    let over = Arc::new(AtomicBool::new(false));
    let calls = tokio::spawn(lone_calls(Arc::clone(&server), Arc::clone(&over)));
    let hearing = tokio::spawn(runners.hear(Signal::Hold, 0, TASKS));
    let asked = process_clock();
    freeze(&server).await;
    let answered = process_clock();
    // The task that the sweep comes to last is held as well: the freeze binds by itself.
    let began = now();
    let refused = start(&server, TASKS - 1, 1).await.unwrap_err();
    let bound = began.elapsed();
    assert_eq!(
        reason(&refused),
        Some(ErrorReason::StartNotNow),
        "{refused:?}"
    );
    let runners = hearing.await.unwrap();
    over.store(true, Ordering::SeqCst);
    let lone = calls.await.unwrap();
    let mut runners = runners.hear_the_rest(&server).await;
    runners.assert_each_once(Signal::Hold, 0, TASKS);
    println!(
        "a freeze of {TASKS} cleared tasks: answered after {}, a start right after that is refused \
         within {bound:.1?}, the first runner is told to hold {} after the call, the last {}",
        late(answered, asked),
        late(runners.span(Signal::Hold).0, asked),
        late(runners.span(Signal::Hold).1, asked)
    );
    assert!(bound <= BINDS_LIMIT, "refused after {bound:?}");
    report_lone_calls(lone);
    assert_swept(&entries(&server, 0).await, "task.held", "freeze.created");

    runners.forget();
    let hearing = tokio::spawn(runners.hear(Signal::Proceed, 2, TASKS));
    let asked = process_clock();
    lift(&server).await;
    let answered = process_clock();
    let runners = hearing.await.unwrap().hear_the_rest(&server).await;
    runners.assert_each_once(Signal::Proceed, 2, TASKS);
    println!(
        "the lifting of it: answered after {}, the first runner is told to proceed {} after the \
         call, the last {}",
        late(answered, asked),
        late(runners.span(Signal::Proceed).0, asked),
        late(runners.span(Signal::Proceed).1, asked)
    );
    assert_swept(&entries(&server, 0).await, "task.cleared", "freeze.lifted");
    start(&server, 0, 1).await.unwrap_err();
    start(&server, 0, 2).await.unwrap();
    end(Arc::into_inner(server).unwrap(), &database).await;
}

fn report_lone_calls(lone: [Vec<Duration>; 2]) {
    let [rejections, creations] = lone.map(|mut found| {
        found.sort();
        (found.len(), found[found.len() / 2], *found.last().unwrap())
    });
    println!(
        "meanwhile {} lone rejections took {:.1?} each and {:.1?} at most, {} lone creations \
         {:.1?} and {:.1?}",
        rejections.0, rejections.1, rejections.2, creations.0, creations.1, creations.2
    );
    assert!(rejections.0 > 3, "they were called while the sweep went on");
    assert!(rejections.1 <= MEDIAN_LIMIT && creations.1 <= MEDIAN_LIMIT);
}

/// What happened to the crowd since the freeze was changed: to each task once, by steps that the
/// freeze remembers, and in transactions that hold up nobody for long. Each transaction has an
/// instant of its own, and each task a change request.
fn assert_swept(log: &[LogEntry], event: &str, since: &str) {
    let from = log.iter().rposition(|entry| entry.event == since).unwrap();
    let (mut tasks, mut steps, mut in_step, mut largest) = (BTreeSet::new(), 0, 0, 0);
    let mut at_one_instant: BTreeMap<i64, usize> = BTreeMap::new();
    for entry in &log[from..] {
        if entry.event == "freeze.swept" {
            steps += 1;
            in_step = 0;
        }
        if entry.event == event && entry.aggregate_id.starts_with("frozen-") {
            assert!(tasks.insert(&entry.aggregate_id), "twice: {entry:?}");
            in_step += 1;
            largest = largest.max(in_step);
            *at_one_instant.entry(at(entry)).or_default() += 1;
        }
    }
    let transactions = at_one_instant.len();
    let at_once = *at_one_instant.values().max().unwrap();
    println!(
        "{} of {event} in {steps} steps of {largest} at most, {transactions} transactions of \
         {at_once} at most",
        tasks.len(),
    );
    assert_eq!(tasks.len(), TASKS, "none is lost");
    assert!(largest <= STEP, "a step has {largest} tasks");
    assert!(steps >= TASKS / STEP, "progress is remembered");
    assert!(at_once <= BATCH, "a transaction settles {at_once}");
}

async fn killed_in_the_middle(database: Database) {
    let mut server = Server::start(&database).await;
    create_crowd(&server).await;
    let runners = Runners::open(&server).await;
    let hearing = tokio::spawn(runners.hear(Signal::Hold, 0, TOLD_AT_KILL));
    freeze(&server).await;
    drop(hearing.await.unwrap());
    server.kill().await;
    // The fault was active: some tasks are held and some are not.
    let store = around(&database).await;
    let head = one_number(&store, "SELECT max(sequence) FROM entries").await;
    let cleared = "SELECT count(*) FROM tasks WHERE state = 'CLEARED'";
    let left = one_number(&store, cleared).await;
    store.close().await.unwrap();
    let held = TASKS - usize::try_from(left).unwrap();
    assert!(
        held >= TOLD_AT_KILL && left > 0,
        "killed in the middle: {left}"
    );

    let began = process_clock();
    server.restart().await;
    let runners = Runners::open(&server).await;
    let runners = runners.hear(Signal::Hold, 0, TASKS).await;
    let took = late(process_clock(), began);
    drop(runners.hear_the_rest(&server).await);
    settled(&server).await;
    let log = entries(&server, 0).await;
    assert_swept(&log, "task.held", "freeze.created");
    let head = u64::try_from(head).unwrap();
    let steps = log.iter().filter(|entry| entry.event == "freeze.swept");
    let (before, after): (Vec<_>, Vec<_>) = steps.partition(|entry| entry.sequence <= head);
    let last = before.last().expect("the sweep had made a step");
    let (began_at, through) = (number_in(last, "began_at"), number_in(last, "through"));
    assert!(through.is_some(), "it had not come to the end");
    for entry in &after[..after.len() - 1] {
        assert_eq!(number_in(entry, "began_at"), began_at, "it goes on");
        assert!(number_in(entry, "through") > through, "from where it was");
    }
    println!(
        "killed after {held} of {TASKS} tasks and {} steps; after the restart {} steps more hold \
         the rest, the last runner is told {took} after the start",
        before.len(),
        after.len()
    );
    let all = before.len() + after.len();
    // One step says that it begins, and the last one is not full.
    assert!(all <= TASKS / (STEP - 1) + 2, "it began anew: {all} steps");
    end(server, &database).await;
}

/// Waits until the sweep has come to its end.
async fn settled(server: &Server) {
    let mut service = freezes(server);
    let request = GetFreezeRequest {
        freeze_id: FREEZE.to_owned(),
    };
    let sweeping = async {
        loop {
            let answer = service.get_freeze(request.clone()).await.unwrap();
            if !answer.into_inner().freeze.unwrap().settling {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let settled = tokio::time::timeout(SETTLED_LIMIT, sweeping).await;
    settled.expect("the sweep comes to its end");
}

/// A number somewhere in the body of an entry, by its name.
fn number_in(entry: &LogEntry, key: &str) -> Option<i64> {
    fn find<'a>(value: &'a serde_json::Value, key: &str) -> Option<&'a serde_json::Value> {
        match value {
            serde_json::Value::Object(fields) => fields
                .get(key)
                .or_else(|| fields.values().find_map(|inner| find(inner, key))),
            serde_json::Value::Array(items) => items.iter().find_map(|inner| find(inner, key)),
            _ => None,
        }
    }
    let body = serde_json::from_str(&entry.body).unwrap();
    find(&body, key)?.as_i64()
}

async fn end(mut server: Server, database: &Database) {
    server.kill().await;
    database.verify().await;
}

#[expect(clippy::disallowed_methods, reason = "measures a latency")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_tasks_are_frozen_and_let_go_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    frozen_and_lifted(Database::sqlite(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_tasks_are_frozen_and_let_go_postgres() {
    frozen_and_lifted(Database::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_goes_on_after_a_kill_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    killed_in_the_middle(Database::sqlite(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_goes_on_after_a_kill_postgres() {
    killed_in_the_middle(Database::postgres().await).await;
}
