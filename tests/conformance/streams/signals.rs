//! Following signals: by tasks, by runner, over a cut, and with heartbeats.

use countersign_proto::v1::{
    MarkKind, Signal, TaskOutcome, TaskSpec, TaskState, TerminationReason,
};

use super::{quick_heartbeats, signals_of, told};
use crate::gate::{Expect, Gate, deployment, window};

const HELD: (Signal, TaskState) = (Signal::Hold, TaskState::Paused);
const CLEARED: (Signal, TaskState) = (Signal::Proceed, TaskState::Cleared);
const RUNNING: (Signal, TaskState) = (Signal::Unspecified, TaskState::Running);
const STOPPED: (Signal, TaskState) = (Signal::Terminate, TaskState::Terminated);

/// A task for the runner `web-1`.
fn ours(id: &str) -> TaskSpec {
    TaskSpec {
        runner: "web-1".to_owned(),
        ..deployment(id)
    }
}

fn row(id: &str, (signal, state): (Signal, TaskState)) -> (&str, Signal, TaskState) {
    (id, signal, state)
}

/// Rejects a task.
async fn stop(gate: &Gate, id: &str) {
    gate.as_("alice").reject(id).await.granted();
}

on_both_stores! {
    async fn i44_named_tasks_come_as_they_are_then_a_mark_then_what_is_newer(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        gate.cleared(deployment("t2")).await;
        gate.cleared(deployment("unnamed")).await;
        let mut stream = gate.runner().signals(&["t1", "t2", "t1"], "").await.granted();
        let (present, mark) = stream.synced().await;
        assert_eq!(told(&present), [row("t1", HELD), row("t2", CLEARED)]);
        // The present may be newer than the mark, never older.
        assert!(mark.sequence <= gate.entries().await);
        assert_eq!(mark.head_instant, gate.at(0));
        gate.as_("alice").approve("t1").await.granted();
        let newer = stream.next().await;
        let [signal] = newer.signals.as_slice() else { panic!("one signal: {newer:?}") };
        assert_eq!((signal.signal(), signal.permit.unwrap().generation), (Signal::Proceed, 1));
        assert_eq!(signal.change_request, "CR-1");
        gate.runner().start("t1", 1, "claim").await.granted();
        let newer = stream.next().await;
        let signal = &newer.signals[0];
        assert_eq!((signal.signal(), signal.state()), RUNNING);
        assert_eq!(signal.start.as_ref().unwrap().claim_id, "claim");
        assert_eq!(signal.permit, None);
        stop(gate, "t2").await;
        let newer = stream.next().await;
        assert_eq!(newer.signals[0].termination_reason(), TerminationReason::Rejected);
        gate.runner().finish("t1", "claim", TaskOutcome::Succeeded).await.granted();
        let newer = stream.next().await;
        assert_eq!(newer.signals[0].state(), TaskState::Succeeded);
        assert_eq!(newer.signals[0].sequence, gate.entries().await);
    }

    async fn p1_a_stream_hears_what_time_does(gate) {
        gate.alice_approves().await;
        let task = TaskSpec { window: window(gate.at(10), gate.at(20)), ..deployment("t1") };
        gate.approved(task).await;
        let mut stream = gate.runner().signals(&["t1"], "").await.granted();
        let (present, _) = stream.synced().await;
        assert_eq!(told(&present), [row("t1", HELD)]);
        assert!(present[0].signals[0].message.contains("its window opens at"), "{present:?}");
        gate.pass(10).await;
        let newer = stream.next().await;
        assert_eq!(newer.signals[0].signal(), Signal::Proceed);
        assert_eq!(newer.signals[0].permit.unwrap().valid_until, gate.at(10));
        gate.pass(10).await;
        let newer = stream.next().await;
        assert_eq!(newer.signals[0].termination_reason(), TerminationReason::WindowClosed);
    }

    async fn i44_a_runner_hears_of_the_tasks_that_name_it(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("waiting")).await;
        gate.cleared(ours("cleared")).await;
        gate.running(ours("running"), "claim").await;
        gate.waiting(ours("ended")).await;
        stop(gate, "ended").await;
        let theirs = TaskSpec { runner: "web-2".to_owned(), ..deployment("theirs") };
        gate.waiting(theirs).await;
        gate.waiting(deployment("of-nobody")).await;
        let mut stream = gate.runner().signals(&[], "").await.granted();
        let (present, _) = stream.synced().await;
        let rows = [row("cleared", CLEARED), row("running", RUNNING), row("waiting", HELD)];
        assert_eq!(told(&present), rows);
        // What is created later is heard of; what is not ours is not.
        gate.as_("alice").approve("theirs").await.granted();
        gate.as_("alice").approve("of-nobody").await.granted();
        gate.waiting(ours("new")).await;
        let newer = stream.next().await;
        assert_eq!(told(&[newer]), [row("new", HELD)]);
    }

    async fn i44_named_tasks_always_answer(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        stop(gate, "t1").await;
        let mut stream = gate.runner().signals(&["t1"], "").await.granted();
        let (present, mark) = stream.synced().await;
        assert_eq!(told(&present), [row("t1", STOPPED)]);
        let mut resumed = gate.runner().signals(&["t1"], &mark.resume_token).await.granted();
        let (present, _) = resumed.synced().await;
        assert_eq!(told(&present), [row("t1", STOPPED)]);
    }

    async fn i44_a_token_is_good_after_a_restart(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("t1")).await;
        let mut stream = gate.runner().signals(&[], "").await.granted();
        let token = stream.synced().await.1.resume_token;
        stop(gate, "t1").await;
        gate.restart().await;
        let mut resumed = gate.runner().signals(&[], &token).await.granted();
        let (present, _) = resumed.synced().await;
        assert_eq!(told(&present), [row("t1", STOPPED)]);
    }

    async fn i44_a_stream_without_tasks_is_synced_at_once(gate) {
        let mut stream = gate.runner().signals(&[], "").await.granted();
        let (present, mark) = stream.synced().await;
        assert!(signals_of(&present).is_empty());
        assert_eq!(mark.sequence, gate.entries().await);
        assert_eq!(mark.heartbeat_interval_ms, 5_000);
    }
}

on_both_stores! {
    with quick_heartbeats();

    async fn i44_after_a_cut_the_present_comes_again_and_what_ended_since(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("ended-before")).await;
        stop(gate, "ended-before").await;
        for id in ["ended-since", "cleared-since", "unchanged"] {
            gate.waiting(ours(id)).await;
        }
        let mut stream = gate.runner().signals(&[], "").await.granted();
        let token = stream.marked(gate.entries().await).await.1.resume_token;
        drop(stream);
        stop(gate, "ended-since").await;
        gate.as_("alice").approve("cleared-since").await.granted();
        gate.waiting(ours("new")).await;
        let mut resumed = gate.runner().signals(&[], &token).await.granted();
        let (present, _) = resumed.synced().await;
        let rows = [
            row("cleared-since", CLEARED),
            row("ended-since", STOPPED),
            row("new", HELD),
            row("unchanged", HELD),
        ];
        assert_eq!(told(&present), rows);
        // Without a token nothing is known of what ended.
        let mut anew = gate.runner().signals(&[], "").await.granted();
        let (present, _) = anew.synced().await;
        assert_eq!(told(&present), [rows[0], rows[2], rows[3]]);
    }

    async fn i41_heartbeats_carry_the_newest_token(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("t1")).await;
        let mut stream = gate.runner().signals(&[], "").await.granted();
        let (_, synced) = stream.synced().await;
        assert_eq!(synced.heartbeat_interval_ms, 50);
        let entries = gate.entries().await;
        let (_, first) = stream.marked(entries).await;
        let (messages, second) = stream.heartbeat().await;
        assert!(signals_of(&messages).is_empty());
        assert_eq!((first.sequence, &first.resume_token), (entries, &second.resume_token));
        // Entries that do not concern the stream move its mark on all the same.
        gate.waiting(deployment("of-nobody")).await;
        let (messages, _) = stream.marked(gate.entries().await).await;
        assert!(signals_of(&messages).is_empty(), "{messages:?}");
        stop(gate, "t1").await;
        let (messages, mark) = stream.marked(gate.entries().await).await;
        assert_eq!(told(&messages), [row("t1", STOPPED)]);
        assert_eq!(mark.kind(), MarkKind::Heartbeat);
        let mut resumed = gate.runner().signals(&[], &mark.resume_token).await.granted();
        let (present, _) = resumed.synced().await;
        assert!(signals_of(&present).is_empty(), "its end was told before: {present:?}");
    }
}
