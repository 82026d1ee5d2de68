//! F2: creations at the very instant at which a freeze turns. Each is decided before the turn or
//! after it, and the sweep that follows finds it in either case.

use countersign_proto::v1::{ListTasksRequest, TaskState};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::scheduled::Scheduler;
use crate::gate::{Expect, FreezeSpec, Gate, LIMIT, deployment};

const ROUNDS: usize = 6;
/// Created at once in each round.
const CREATED: usize = 64;
/// How long a freeze lasts, and how long it is until the next one.
const SPAN: i64 = 60;

/// Creates tasks at once, and moves the clock when so many of them were answered.
async fn create_around(gate: &Gate, name: &str, answered: usize) {
    let orchestrator = gate.orchestrator();
    let ids = (0..CREATED).map(|number| format!("{name}-{number}"));
    let created = ids.map(|id| {
        let orchestrator = orchestrator.clone();
        async move { orchestrator.create(deployment(&id)).await.granted() }
    });
    let mut created: FuturesUnordered<_> = created.collect();
    for number in 0..CREATED {
        if number == answered {
            gate.advance(SPAN);
        }
        created.next().await.unwrap();
    }
}

/// Waits until the scheduler has swept everything.
async fn settled(gate: &Gate) {
    let sweeping = async {
        while gate.freeze("f").await.settling {
            tokio::task::yield_now().await;
        }
    };
    let swept = tokio::time::timeout(LIMIT, sweeping).await;
    swept.expect("a sweep comes to its end");
}

/// The ids of the tasks in a state.
async fn those(gate: &Gate, state: TaskState) -> Vec<String> {
    let request = ListTasksRequest {
        state: state.into(),
        page_size: 200,
        ..ListTasksRequest::default()
    };
    let listed = gate.orchestrator().tasks(request).await.granted();
    listed.tasks.into_iter().map(|task| task.id).collect()
}

on_both_stores! {
    async fn f2_no_task_that_is_created_as_a_freeze_turns_is_forgotten(gate) {
        let scheduler = Scheduler::start(gate);
        gate.admin().freeze(FreezeSpec::new("f").between(gate.at(-60), gate.at(SPAN))).await
            .granted();
        for round in 0..ROUNDS {
            let answered = round * CREATED / ROUNDS;
            // The freeze ends while they are created.
            create_around(gate, &format!("ends-{round}"), answered).await;
            settled(gate).await;
            let none: &[String] = &[];
            assert_eq!(those(gate, TaskState::Paused).await, none, "round {round}");
            // The next one begins while others are.
            let next = FreezeSpec::new("f").between(gate.at(SPAN), gate.at(2 * SPAN));
            gate.admin().update_freeze(next, &["start", "end"]).await.granted();
            create_around(gate, &format!("begins-{round}"), answered).await;
            settled(gate).await;
            assert_eq!(those(gate, TaskState::Cleared).await, none, "round {round}");
        }
        gate.admin().delete_freeze("f").await.granted();
        scheduler.end().await;
    }

    async fn f2_no_task_that_is_created_as_a_freeze_is_lifted_is_forgotten(gate) {
        let scheduler = Scheduler::start(gate);
        for round in 0..ROUNDS {
            let (orchestrator, admin) = (gate.orchestrator(), gate.admin());
            admin.freeze(FreezeSpec::new("f")).await.granted();
            settled(gate).await;
            let ids = (0..CREATED).map(|number| format!("t{round}-{number}"));
            let ids: Vec<String> = ids.collect();
            let created = ids.iter().map(|id| orchestrator.create(deployment(id)));
            let created = futures::future::join_all(created);
            let (created, lifted) = tokio::join!(created, admin.lift("f"));
            created.into_iter().for_each(|it| drop(it.granted()));
            lifted.granted();
            settled(gate).await;
            assert_eq!(those(gate, TaskState::Paused).await, Vec::<String>::new(), "{round}");
            admin.delete_freeze("f").await.granted();
        }
        scheduler.end().await;
    }
}
