//! A reader that does not read for a while skips states, ends on the newest, and slows nobody.

use countersign_proto::v1::{Signal, TaskSpec, WatchStatusRequest, WatchStatusResponse};

use super::{signals_of, states_of};
use crate::gate::{Expect, Followed, Gate, deployment};

/// How often the task is approved and revoked: with its description, far more than the transport
/// holds for a reader that does not read.
const CHANGES: usize = 150;

/// A task whose state takes some kilobytes to tell.
fn wordy(id: &str) -> TaskSpec {
    let labels = (0..30)
        .map(|number| (number.to_string(), "x".repeat(256)))
        .collect();
    TaskSpec {
        description: "x".repeat(4_096),
        labels,
        ..deployment(id)
    }
}

async fn watch(gate: &Gate) -> Followed<WatchStatusResponse> {
    let request = WatchStatusRequest {
        project: "web".to_owned(),
        ..WatchStatusRequest::default()
    };
    let mut stream = gate.as_("bob").status(request).await.granted();
    stream.synced().await;
    stream
}

/// Reads until the state that this entry made was told; answers with all sequences.
async fn up_to(stream: &mut Followed<WatchStatusResponse>, sequence: u64) -> Vec<u64> {
    let sequences = |messages: &[WatchStatusResponse]| -> Vec<u64> {
        states_of(messages)
            .into_iter()
            .map(|cr| cr.sequence)
            .collect()
    };
    let reached = |message: &WatchStatusResponse| {
        sequences(std::slice::from_ref(message)).contains(&sequence)
    };
    let messages = stream.until(reached).await;
    sequences(&messages)
}

on_both_stores! {
    async fn i46_a_slow_reader_ends_on_the_newest_state_and_slows_nobody(gate) {
        gate.alice_approves().await;
        gate.waiting(wordy("t1")).await;
        let mut slow = watch(gate).await;
        let mut quick = watch(gate).await;
        let alice = gate.as_("alice");
        for _ in 0..CHANGES {
            for decision in [true, false] {
                let decided =
                    if decision { alice.approve("t1").await } else { alice.revoke("t1").await };
                up_to(&mut quick, decided.granted().sequence).await;
            }
        }
        let newest = gate.entries().await;
        let told = up_to(&mut slow, newest).await;
        assert!(told.is_sorted(), "in order: {told:?}");
        assert!(told.len() < 2 * CHANGES, "it was told of all {} states", told.len());
        // It goes on like any other.
        let approved = alice.approve("t1").await.granted();
        assert_eq!(up_to(&mut slow, approved.sequence).await, [approved.sequence]);
    }

    async fn i46_a_slow_runner_ends_on_the_newest_signal(gate) {
        gate.alice_approves().await;
        for number in 0..10 {
            let id = format!("t{number}");
            let task = TaskSpec { runner: "web-1".to_owned(), ..deployment(&id) };
            gate.waiting(task).await;
        }
        let mut stream = gate.runner().signals(&[], "").await.granted();
        stream.synced().await;
        let alice = gate.as_("alice");
        for number in 0..10 {
            let id = format!("t{number}");
            alice.approve(&id).await.granted();
            alice.revoke(&id).await.granted();
            alice.approve(&id).await.granted();
            alice.reject(&id).await.granted();
        }
        let mut ended = 0;
        let messages = stream
            .until(|message| {
                let signals = signals_of(std::slice::from_ref(message));
                let stops = |signal: &&&countersign_proto::v1::TaskSignal| {
                    signal.signal() == Signal::Terminate
                };
                ended += signals.iter().filter(stops).count();
                ended == 10
            })
            .await;
        for number in 0..10 {
            let id = format!("t{number}");
            let told = signals_of(&messages).into_iter().filter(|signal| signal.task_id == id);
            let sequences: Vec<u64> = told.map(|signal| signal.sequence).collect();
            assert!(sequences.is_sorted(), "in order: {sequences:?}");
        }
    }
}
