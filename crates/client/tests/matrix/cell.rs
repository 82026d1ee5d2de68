//! One cell: one task goes through one gate with one fault, and is judged.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use countersign_client::{Gate, Outcome, Subject};
use countersign_proto::v1::change_request_service_server::ChangeRequestServiceServer;
use countersign_proto::v1::log_service_server::LogServiceServer;
use countersign_proto::v1::runner_service_server::RunnerServiceServer;
use countersign_proto::v1::{TaskKind, TaskOutcome, TaskSpec};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::Server;

use crate::fault::{Fault, Rpc, Times};
use crate::pipe::{Breaking, Counts, Incoming, connection};
use crate::wire::Breaker;
use crate::world::World;

pub(crate) const TASK: &str = "deploy-7";
pub(crate) const CLAIM: &str = "claim-1";
pub(crate) const DIGEST: &str = "sha256:a";
/// How long the caller waits, on the driven clock.
const UNTIL: Duration = Duration::from_secs(240);

/// How a cell came out.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) outcome: Outcome,
    /// Whether the outcome was reported; `None` where nothing was started.
    pub(crate) finished: Option<bool>,
    pub(crate) world: World,
    pub(crate) counts: Arc<Counts>,
}

pub(crate) fn spec() -> TaskSpec {
    TaskSpec {
        id: TASK.to_owned(),
        kind: TaskKind::Deployment.into(),
        project: "web".to_owned(),
        environment: "production".to_owned(),
        artifact_digest: DIGEST.to_owned(),
        ..TaskSpec::default()
    }
}

/// A runtime of its own for each cell, with a driven clock: it moves when nobody has anything to
/// do but wait, and nothing comes from outside.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    runtime.unwrap().block_on(future)
}

/// Serves a world.
pub(crate) async fn serve(world: World, incoming: Incoming) {
    let server = Server::builder()
        .layer(Breaker::layer(world.clone()))
        .add_service(RunnerServiceServer::new(world.clone()))
        .add_service(ChangeRequestServiceServer::new(world.clone()))
        .add_service(LogServiceServer::new(world))
        .serve_with_incoming(UnboundedReceiverStream::new(incoming));
    server.await.expect("the server goes on");
}

pub(crate) fn run(world: World, breaking: Option<Breaking>) -> Cell {
    block_on(async {
        let counts = Arc::new(Counts::default());
        let (connection, incoming) = connection(breaking, Arc::clone(&counts));
        let server = tokio::spawn(serve(world.clone(), incoming));
        let mut gate = Gate::new(connection);
        let subject = Subject::New(Box::new(spec()));
        let until = tokio::time::sleep(UNTIL);
        let outcome = gate.pass(subject, CLAIM, until).await;
        let finished = match &outcome {
            Outcome::Granted(grant) => {
                let until = tokio::time::sleep(UNTIL);
                let succeeded = TaskOutcome::Succeeded;
                let finished = gate.finish(grant.claim(), succeeded, "", until).await;
                Some(finished.is_ok())
            }
            _ => None,
        };
        server.abort();
        Cell {
            outcome,
            finished,
            world,
            counts,
        }
    })
}

/// Runs a cell in which a call is broken, and judges it.
pub(crate) fn broken(name: &str, rpc: Rpc, fault: Fault, times: Times) -> Cell {
    let cell = run(World::new(Some((rpc, fault, times))), None);
    cell.judge(&format!("{name}, {rpc:?}, {fault:?}, {times:?}"));
    let active = cell.world.memory().plan.active;
    let expected = match times {
        // The stream may be spoilt in several of its messages.
        Times::Once if rpc != Rpc::Watch => active == 1,
        Times::Once | Times::Always => active >= 1,
    };
    assert!(
        expected,
        "the fault was active {active} times: {name} {rpc:?} {times:?}"
    );
    cell
}

impl Cell {
    pub(crate) fn is_granted(&self) -> bool {
        matches!(self.outcome, Outcome::Granted(_))
    }

    pub(crate) fn broken_connections(&self) -> usize {
        self.counts.broken.load(Ordering::Relaxed)
    }

    /// What must hold whatever was broken.
    pub(crate) fn judge(&self, name: &str) {
        let memory = self.world.memory();
        assert!(memory.granted.len() <= 1, "granted twice: {name}");
        match &self.outcome {
            Outcome::Granted(grant) => {
                let claim = grant.claim();
                let start = (
                    claim.task_id.clone(),
                    claim.claim_id.clone(),
                    claim.generation,
                );
                assert_eq!(
                    (start.0.as_str(), start.1.as_str()),
                    (TASK, CLAIM),
                    "{name}"
                );
                assert!(memory.granted.contains(&start), "never granted: {name}");
                assert!(memory.told.contains(&start), "never told so: {name}");
            }
            Outcome::Refused { in_doubt, .. } | Outcome::GaveUp { in_doubt } => {
                // What may run without anybody there is told.
                let granted = !memory.granted.is_empty();
                assert!(
                    !granted || in_doubt.is_some(),
                    "nobody knows of the start: {name}"
                );
            }
            Outcome::Terminated(_) | Outcome::Taken { .. } => {}
        }
    }
}
