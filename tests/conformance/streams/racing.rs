//! No contradiction (I-43): nobody is told that a task started and, later, to terminate it.

use std::collections::BTreeMap;

use countersign_proto::v1::{Signal, TaskSpec, TaskState, WatchSignalsResponse};

use super::signals_of;
use crate::gate::{Expect, deployment};

const TASKS: usize = 20;

/// What one task was told, in order.
type Heard = BTreeMap<String, Vec<(u64, Signal, TaskState)>>;

fn hear(heard: &mut Heard, messages: &[WatchSignalsResponse]) {
    for signal in signals_of(messages) {
        let told = (signal.sequence, signal.signal(), signal.state());
        heard.entry(signal.task_id.clone()).or_default().push(told);
    }
}

/// Whether every task has been told of its end, or of its start.
fn all_decided(heard: &Heard) -> bool {
    let decided = |told: &Vec<(u64, Signal, TaskState)>| {
        let last = told.last().map(|(.., state)| *state);
        matches!(last, Some(TaskState::Running | TaskState::Terminated))
    };
    heard.len() == TASKS && heard.values().all(decided)
}

on_both_stores! {
    async fn i43_no_task_is_told_of_its_start_and_then_to_terminate(gate) {
        gate.alice_approves().await;
        let ids: Vec<String> = (0..TASKS).map(|number| format!("t{number}")).collect();
        for id in &ids {
            let task = TaskSpec { runner: "web-1".to_owned(), ..deployment(id) };
            gate.cleared(task).await;
        }
        let mut stream = gate.runner().signals(&[], "").await.granted();
        let mut heard = Heard::new();
        hear(&mut heard, &stream.synced().await.0);
        let (alice, runner) = (gate.as_("alice"), gate.runner());
        let races = ids.iter().map(|id| {
            let (alice, runner) = (&alice, &runner);
            async move { tokio::join!(alice.reject(id), runner.start(id, 1, "claim")) }
        });
        let following = async {
            while !all_decided(&heard) {
                let message = stream.next().await;
                hear(&mut heard, &[message]);
            }
        };
        let (answers, ()) = tokio::join!(futures::future::join_all(races), following);
        for (id, (rejected, started)) in ids.iter().zip(answers) {
            assert_ne!(rejected.is_ok(), started.is_ok(), "{id}: exactly one wins");
            let told = &heard[id];
            assert!(told.is_sorted(), "{id}: in order: {told:?}");
            let (_, signal, state) = *told.last().unwrap();
            let expected = match started {
                Ok(_) => (Signal::Unspecified, TaskState::Running),
                Err(_) => (Signal::Terminate, TaskState::Terminated),
            };
            assert_eq!((signal, state), expected, "{id}: {told:?}");
            let states: Vec<_> = told.iter().map(|(.., state)| *state).collect();
            let both = [TaskState::Running, TaskState::Terminated];
            assert!(!both.iter().all(|state| states.contains(state)), "{id}: {told:?}");
        }
    }
}
