//! Load: callers that create tasks and approve them, and remember what was acknowledged.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_client::Connection;
use countersign_proto::v1::{
    ApproveRequest, Approvers, CreateChangeRequestRequest, CreatePolicyRequest, Creator,
    GetChangeRequestRequest, Person, Policy, Scope, ScopeSide, TaskKind, TaskSpec,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tonic::Status;

use crate::process::Server;

/// How long one call may take before its caller gives up and asks again.
const PATIENCE: Duration = Duration::from_secs(2);

/// The seed of a test: from the environment to replay one, else a new one. Printed.
pub(crate) fn seed() -> u64 {
    const NAME: &str = "COUNTERSIGN_TEST_SEED";
    let given = std::env::var(NAME).ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(uuid_seed);
    println!("replay with {NAME}={seed}");
    seed
}

#[expect(
    clippy::disallowed_methods,
    reason = "a fresh seed, which is printed to replay the run"
)]
fn uuid_seed() -> u64 {
    rand::random()
}

/// What was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Task id to number.
    pub(crate) created: Mutex<BTreeMap<String, String>>,
    /// Task ids that an approval was acknowledged for.
    pub(crate) approved: Mutex<Vec<String>>,
    /// How many answers were OK.
    pub(crate) acknowledged: AtomicU64,
    /// How many calls are on their way.
    pub(crate) in_flight: AtomicUsize,
    /// How many answers were not OK.
    pub(crate) failed: AtomicU64,
    pub(crate) stopped: std::sync::atomic::AtomicBool,
}

/// A policy that `alice` alone can meet.
pub(crate) async fn policy(server: &Server) {
    let any = || {
        Some(ScopeSide {
            ids: vec!["*".to_owned()],
            tags: Vec::new(),
        })
    };
    let policy = Policy {
        id: "prod".to_owned(),
        scopes: vec![Scope {
            projects: any(),
            environments: any(),
            ..Scope::default()
        }],
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
    server
        .as_("admin:root")
        .policies()
        .create_policy(request)
        .await
        .unwrap();
}

pub(crate) fn person(subject: &str) -> Person {
    Person {
        issuer: String::new(),
        subject: subject.to_owned(),
    }
}

/// A deployment of `web` to `production` that `carol` triggered.
pub(crate) fn deployment(id: &str) -> TaskSpec {
    TaskSpec {
        id: id.to_owned(),
        kind: TaskKind::Deployment.into(),
        project: "web".to_owned(),
        environment: "production".to_owned(),
        creator: Some(Creator {
            person: Some(person("carol")),
            ..Creator::default()
        }),
        ..TaskSpec::default()
    }
}

/// Creates a task; answers with its number.
pub(crate) async fn create(connection: &Connection, id: &str) -> Result<String, Status> {
    create_task(connection, deployment(id)).await
}

/// Creates a task as it is given; answers with its number.
pub(crate) async fn create_task(connection: &Connection, task: TaskSpec) -> Result<String, Status> {
    let task = Some(task);
    let request = CreateChangeRequestRequest {
        task,
        validate_only: false,
    };
    let answer = connection
        .change_requests()
        .create_change_request(request)
        .await?;
    Ok(answer.into_inner().change_request.unwrap_or_default().id)
}

/// Approves the change request of a task.
pub(crate) async fn approve(connection: &Connection, id: &str) -> Result<(), Status> {
    let request = ApproveRequest {
        change_request: id.to_owned(),
        ..ApproveRequest::default()
    };
    connection
        .change_requests()
        .approve(request)
        .await
        .map(drop)
}

/// One caller: creates and approves task after task until it is stopped. Where an answer does not
/// come, it asks again for the same thing, as a caller with a durable intention would.
pub(crate) async fn caller(
    ledger: Arc<Ledger>,
    orchestrator: Connection,
    alice: Connection,
    name: String,
) {
    let mut number = 0;
    while !ledger.stopped.load(Ordering::SeqCst) {
        let id = format!("{name}-{number}");
        number += 1;
        if let Some(given) = insist(&ledger, || create(&orchestrator, &id)).await {
            let before = ledger
                .created
                .lock()
                .unwrap()
                .insert(id.clone(), given.clone());
            assert!(
                before.is_none_or(|before| before == given),
                "{id} has two numbers"
            );
        }
        if insist(&ledger, || approve(&alice, &id)).await.is_some() {
            ledger.approved.lock().unwrap().push(id);
        }
    }
}

/// Repeats a call until it is answered with OK, or the load is stopped.
async fn insist<T, F>(ledger: &Ledger, call: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<T, Status>>,
{
    while !ledger.stopped.load(Ordering::SeqCst) {
        ledger.in_flight.fetch_add(1, Ordering::SeqCst);
        let answer = tokio::time::timeout(PATIENCE, call()).await;
        ledger.in_flight.fetch_sub(1, Ordering::SeqCst);
        if let Ok(Ok(answer)) = answer {
            ledger.acknowledged.fetch_add(1, Ordering::SeqCst);
            return Some(answer);
        }
        ledger.failed.fetch_add(1, Ordering::SeqCst);
        // Lets the runtime go on; the server that was killed is being started meanwhile.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    None
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, limit: Duration, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(limit, waiting)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// Everything that was acknowledged must be there.
pub(crate) async fn check(ledger: &Ledger, server: &Server) {
    let reader = server.as_("alice");
    let created = ledger.created.lock().unwrap().clone();
    let approved = ledger.approved.lock().unwrap().clone();
    for (id, number) in &created {
        let found = show(&reader, id).await;
        assert_eq!(found.id, *number, "the creation of {id} was acknowledged");
    }
    for id in &approved {
        let found = show(&reader, id).await;
        assert_eq!(
            found.approvals_counted, 1,
            "the approval of {id} was acknowledged"
        );
    }
    println!(
        "{} creations and {} approvals are all there",
        created.len(),
        approved.len()
    );
}

async fn show(reader: &Connection, id: &str) -> countersign_proto::v1::ChangeRequest {
    let request = GetChangeRequestRequest {
        change_request: id.to_owned(),
    };
    let answer = reader.change_requests().get_change_request(request).await;
    answer.unwrap().into_inner().change_request.unwrap()
}

/// A generator of choices.
pub(crate) fn choices(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// A random number below a limit.
pub(crate) fn below(random: &mut StdRng, limit: u64) -> u64 {
    random.random_range(0..limit)
}
