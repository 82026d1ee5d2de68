//! F2: what a freeze does to many tasks is done in steps, and goes on where it stopped.

use countersign_proto::v1::{AggregateKind, ListTasksRequest, TaskState, WaitingFor};
use futures::future::join_all;

use crate::gate::{Expect, FreezeSpec, Gate, deployment};

/// More than one step of a sweep looks at.
const TASKS: usize = 1_103;
/// What the first step settles: a full page, without the change request that might go on.
const FIRST: usize = 1_000;

/// Creates so many tasks that nobody has to approve, so that each is cleared.
async fn cleared(gate: &Gate, count: usize) {
    let orchestrator = gate.orchestrator();
    let ids: Vec<String> = (0..count).map(|number| format!("t{number:04}")).collect();
    for batch in ids.chunks(100) {
        let created = batch.iter().map(|id| orchestrator.create(deployment(id)));
        for created in join_all(created).await {
            assert_eq!(created.granted().task.unwrap().state(), TaskState::Cleared);
        }
    }
}

/// How many tasks are cleared, and how many wait for a freeze.
async fn counted(gate: &Gate) -> (usize, usize) {
    let cleared = ListTasksRequest {
        state: TaskState::Cleared.into(),
        page_size: 200,
        ..ListTasksRequest::default()
    };
    let held = ListTasksRequest {
        waiting_for: WaitingFor::Freeze.into(),
        page_size: 200,
        ..ListTasksRequest::default()
    };
    (count(gate, cleared).await, count(gate, held).await)
}

async fn count(gate: &Gate, mut request: ListTasksRequest) -> usize {
    let mut found = 0;
    loop {
        let page = gate.orchestrator().tasks(request.clone()).await.granted();
        found += page.tasks.len();
        if page.next_page_token.is_empty() {
            return found;
        }
        request.page_token = page.next_page_token;
    }
}

/// One step of settling; answers with how much there was to do.
async fn step(gate: &Gate) -> usize {
    gate.engine().settle_due(10_000).await.unwrap()
}

/// How often a freeze was swept.
async fn swept(gate: &Gate) -> usize {
    let auditor = gate.as_("auditor:audit");
    let events = auditor.events(AggregateKind::Freeze, "f").await;
    events
        .iter()
        .filter(|event| *event == "freeze.swept")
        .count()
}

/// What a step answers that looked at all there was, and found nothing to do; so does the first of
/// a sweep, which only says that it begins.
const NOTHING: usize = 1;

on_both_stores! {
    async fn f2_a_sweep_goes_on_after_a_restart_in_the_middle(gate) {
        cleared(gate, TASKS).await;
        gate.admin().freeze(FreezeSpec::new("f")).await.granted();
        assert_eq!(step(gate).await, NOTHING);
        assert_eq!((counted(gate).await, swept(gate).await), ((TASKS, 0), 1));
        gate.restart().await;
        // Each step settles what it found, and remembers how far it has come.
        assert_eq!(step(gate).await, FIRST + 1);
        assert_eq!(counted(gate).await, (TASKS - FIRST, FIRST));
        assert!(gate.freeze("f").await.settling);
        gate.restart().await;
        assert!(gate.freeze("f").await.settling);
        // What no step has reached yet does not start all the same.
        let last = format!("t{:04}", TASKS - 1);
        assert_eq!(gate.task(&last).await.state(), TaskState::Cleared);
        let refused = gate.runner().start(&last, 1, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.fact("freezes"), "f");
        // That start has held one of them.
        assert_eq!(step(gate).await, TASKS - FIRST - 1 + 1);
        assert_eq!(counted(gate).await, (0, TASKS));
        assert!(!gate.freeze("f").await.settling);
        assert_eq!((step(gate).await, swept(gate).await), (0, 3));
        // The same when it lets go.
        gate.admin().lift("f").await.granted();
        assert_eq!((step(gate).await, step(gate).await), (NOTHING, FIRST + 1));
        gate.restart().await;
        assert_eq!(counted(gate).await, (FIRST, TASKS - FIRST));
        gate.pass(0).await;
        assert_eq!((counted(gate).await, swept(gate).await), ((TASKS, 0), 6));
        gate.runner().start(&last, 2, "c").await.granted();
    }

    async fn f2_a_change_in_the_middle_of_a_sweep_begins_it_anew(gate) {
        cleared(gate, TASKS).await;
        gate.admin().freeze(FreezeSpec::new("f")).await.granted();
        assert_eq!((step(gate).await, step(gate).await), (NOTHING, FIRST + 1));
        // Lifted before the rest was held: all that was held is let go, the rest never was.
        gate.admin().lift("f").await.granted();
        assert_eq!((step(gate).await, step(gate).await), (NOTHING, FIRST + 1));
        assert_eq!(step(gate).await, NOTHING);
        assert_eq!(counted(gate).await, (TASKS, 0));
        assert_eq!(gate.task("t0000").await.generation, 2);
        assert_eq!(gate.task(&format!("t{:04}", TASKS - 1)).await.generation, 1);
        assert_eq!(step(gate).await, 0);
    }

    async fn f2_two_freezes_are_swept_one_after_the_other(gate) {
        cleared(gate, 5).await;
        let admin = gate.admin();
        admin.freeze(FreezeSpec::new("f").between(gate.at(60), gate.at(120))).await.granted();
        admin.freeze(FreezeSpec::new("g").between(gate.at(60), gate.at(180))).await.granted();
        assert_eq!(step(gate).await, 0);
        gate.advance(60);
        // The first one holds all, and nothing is left for the second.
        assert_eq!((step(gate).await, step(gate).await), (NOTHING, 5 + 1));
        assert_eq!((step(gate).await, step(gate).await, step(gate).await), (NOTHING, NOTHING, 0));
        gate.advance(60);
        assert_eq!((step(gate).await, step(gate).await, step(gate).await), (NOTHING, NOTHING, 0));
        gate.advance(60);
        assert_eq!((step(gate).await, step(gate).await, step(gate).await), (NOTHING, 5 + 1, 0));
        assert_eq!(counted(gate).await, (5, 0));
    }

    async fn f2_the_freeze_that_turned_last_is_swept_first(gate) {
        cleared(gate, TASKS).await;
        let admin = gate.admin();
        let elsewhere = FreezeSpec::new("elsewhere").only(&["api"], &["*"]);
        admin.freeze(elsewhere).await.granted();
        assert_eq!((step(gate).await, step(gate).await), (NOTHING, NOTHING));
        // A halt does not wait until the sweep that is under way has come to its end.
        gate.advance(1);
        admin.freeze(FreezeSpec::new("halt")).await.granted();
        assert_eq!((step(gate).await, step(gate).await), (NOTHING, FIRST + 1));
        assert_eq!(step(gate).await, TASKS - FIRST + 1);
        assert_eq!(counted(gate).await, (0, TASKS));
        assert!(!gate.freeze("halt").await.settling);
        assert!(gate.freeze("elsewhere").await.settling);
        // The other one goes on from where it was.
        assert_eq!((step(gate).await, step(gate).await), (NOTHING, 0));
        assert!(!gate.freeze("elsewhere").await.settling);
    }
}
