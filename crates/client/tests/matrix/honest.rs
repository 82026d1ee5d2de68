//! The positive controls: where nothing is broken, the gate opens, once, and closes again.

use countersign_client::{Call, Gate, Outcome, Progress, Subject};
use countersign_proto::v1::{ErrorReason, TaskOutcome, TerminationReason};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tonic::Code;

use crate::cell::{CLAIM, DIGEST, TASK, block_on, run, serve, spec};
use crate::pipe::{Counts, connection};
use crate::world::{State, World};

#[test]
fn nothing_broken_is_granted_once_and_finished() {
    let cell = run(World::new(None), None);
    cell.judge("nothing broken");
    assert!(cell.is_granted(), "{cell:?}");
    assert_eq!(cell.finished, Some(true));
    let memory = cell.world.memory();
    let ended = State::Ended(CLAIM.to_owned(), TaskOutcome::Succeeded);
    assert_eq!(memory.state, ended);
    assert_eq!(memory.granted.len(), 1);
    assert_eq!(cell.counts.connections.load(Ordering::Relaxed), 1);
}

/// Passes with a world that is prepared, and says what was shown on the way.
fn pass(prepare: impl FnOnce(&World), claim: &str, digest: &str) -> (Outcome, Vec<String>, World) {
    let world = World::new(None);
    world.memory().create(spec()).unwrap();
    prepare(&world);
    let shown = Arc::new(Mutex::new(Vec::new()));
    let outcome = block_on(async {
        let (connection, incoming) = connection(None, Arc::new(Counts::default()));
        let server = tokio::spawn(serve(world.clone(), incoming));
        let show = Arc::clone(&shown);
        let mut gate = Gate::new(connection.clone())
            .with_runner(connection)
            .with_progress(move |step| show.lock().unwrap().push(word(&step)));
        let subject = Subject::Existing {
            task_id: TASK.to_owned(),
            artifact_digest: digest.to_owned(),
        };
        let until = tokio::time::sleep(Duration::from_secs(60));
        // It may be spawned: nothing in it is bound to one thread.
        let claim = claim.to_owned();
        let passing = tokio::spawn(async move { gate.pass(subject, &claim, until).await });
        let outcome = passing.await.unwrap();
        server.abort();
        outcome
    });
    let shown = shown.lock().unwrap().clone();
    (outcome, shown, world)
}

fn word(step: &Progress) -> String {
    match step {
        Progress::Created { change_request, .. } => format!("created {change_request}"),
        Progress::Held { change_request, .. } => format!("held by {change_request}"),
        Progress::Proceed { permit } => format!("proceed {}", permit.generation),
        Progress::NotNow(_) => "not now".to_owned(),
        Progress::Repeating { call, status } => format!("repeating {call:?} {:?}", status.code()),
        Progress::Distrusted { why } => format!("distrusted {why}"),
        Progress::Lost(_) => "lost".to_owned(),
        Progress::Synced => "synced".to_owned(),
        Progress::Anew(_) => "anew".to_owned(),
    }
}

#[test]
fn a_task_that_exists_is_waited_for() {
    let (outcome, shown, world) = pass(|_| (), CLAIM, DIGEST);
    assert!(matches!(outcome, Outcome::Granted(_)), "{outcome:?}");
    assert_eq!(shown, ["held by CR-1", "synced", "proceed 1"]);
    assert_eq!(world.memory().state, State::Running(CLAIM.to_owned()));
}

#[test]
fn i08_a_terminated_task_never_starts() {
    let end = |world: &World| world.memory().become_(State::Terminated);
    let (outcome, _, world) = pass(end, CLAIM, DIGEST);
    let Outcome::Terminated(termination) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(termination.reason, TerminationReason::Rejected);
    assert!(world.memory().granted.is_empty());
}

#[test]
fn p3_the_same_claim_learns_that_it_holds_the_start() {
    let start = |world: &World| {
        let mut memory = world.memory();
        memory.clear();
        memory.become_(State::Running(CLAIM.to_owned()));
    };
    let (outcome, ..) = pass(start, CLAIM, DIGEST);
    assert!(matches!(outcome, Outcome::Granted(_)), "{outcome:?}");
    let (outcome, ..) = pass(start, "another", DIGEST);
    assert!(matches!(outcome, Outcome::Taken { .. }), "{outcome:?}");
}

#[test]
fn i06_another_artifact_is_refused() {
    let (outcome, _, world) = pass(|_| (), CLAIM, "sha256:b");
    let Outcome::Refused {
        call,
        status,
        in_doubt,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!((call, status.code()), (Call::Start, Code::Aborted));
    let mismatch = Some(ErrorReason::DigestMismatch);
    assert_eq!(countersign_client::reason(&status), mismatch);
    assert_eq!(in_doubt, None);
    assert!(world.memory().granted.is_empty());
}

#[test]
fn an_empty_claim_is_no_claim() {
    let (outcome, _, world) = pass(|_| (), "", DIGEST);
    assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    assert!(world.memory().granted.is_empty());
}
