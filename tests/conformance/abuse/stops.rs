//! A rejection stops what has not started, at every stage and in every race, and nothing that has
//! ended is ever run again.

use std::collections::{BTreeMap, BTreeSet};

use countersign_proto::v1::{
    AggregateKind, ChangeRequestState, RejectResponse, Signal, Task, TaskSpec, TaskState,
    WatchSignalsResponse,
};
use tonic::Code;

use super::stage::{Kept, times};
use crate::gate::{
    Caller, Expect, Followed, FreezeSpec, Gate, LIMIT, PolicySpec, Refused, deployment, window,
};

const ROUNDS: usize = 40;

/// A task of the runner that listens.
fn ours(id: &str) -> TaskSpec {
    TaskSpec {
        runner: "web-1".to_owned(),
        ..deployment(id)
    }
}

/// Claims the start again and again, until it is granted or will never be.
async fn start_as_soon_as_it_may(runner: &Caller, id: &str) -> Result<Task, Refused> {
    let trying = async {
        loop {
            match runner.start(id, 1, "claim").await {
                Err(refused) if refused.reason == "START_NOT_NOW" => {
                    tokio::task::yield_now().await;
                }
                answer => return answer,
            }
        }
    };
    let answer = tokio::time::timeout(LIMIT, trying).await;
    answer.expect("it starts, or it never will")
}

/// Lets a few other calls pass, so that rounds meet at different moments.
async fn pass_by(gate: &Gate, calls: usize) {
    for _ in 0..calls {
        gate.entries().await;
    }
}

/// The states that a stream told of each task, in order.
#[derive(Default)]
struct Heard(BTreeMap<String, Vec<(Signal, TaskState)>>);

impl Heard {
    fn take(&mut self, message: &WatchSignalsResponse) {
        for signal in &message.signals {
            let told = (signal.signal(), signal.state());
            self.0.entry(signal.task_id.clone()).or_default().push(told);
        }
    }

    fn is_decided(&self, id: &str) -> bool {
        let last = self.0.get(id).and_then(|told| told.last());
        matches!(last, Some((_, TaskState::Running | TaskState::Terminated)))
    }

    /// Reads on until all of these are decided.
    async fn listen(&mut self, stream: &mut Followed<WatchSignalsResponse>, ids: &[String]) {
        while !ids.iter().all(|id| self.is_decided(id)) {
            self.take(&stream.next().await);
        }
    }
}

/// Which of the two won; exactly one did, and the log says the same.
async fn was_stopped(
    gate: &Gate,
    id: &str,
    rejected: Result<RejectResponse, Refused>,
    started: Result<Task, Refused>,
) -> bool {
    let stopped = match (rejected, started) {
        (Ok(rejected), Err(started)) => {
            assert_eq!(rejected.terminated_task_ids, [id]);
            assert_eq!(started.reason, "START_NEVER", "{started:?}");
            true
        }
        (Err(rejected), Ok(_)) => {
            assert_eq!(rejected.reason, "NOTHING_CAN_START", "{rejected:?}");
            false
        }
        both_or_none => panic!("exactly one wins: {both_or_none:?}"),
    };
    let state = gate.task(id).await.state();
    let (expected, starts) = match stopped {
        true => (TaskState::Terminated, 0),
        false => (TaskState::Running, 1),
    };
    assert_eq!(state, expected);
    assert_eq!(
        times(gate, AggregateKind::Task, id, "task.started").await,
        starts
    );
    let ends = times(gate, AggregateKind::Task, id, "task.terminated").await;
    assert_eq!(starts + ends, 1);
    stopped
}

/// A policy that alice meets and bob may reject under.
async fn alice_or_bob(gate: &Gate) {
    let policy = PolicySpec::new("prod").users(&["alice", "bob"]);
    gate.admin().policy(policy).await.granted();
}

/// An ended task says TERMINATE to whoever asks, and never starts.
async fn is_over(gate: &Gate, id: &str) {
    let mut stream = gate.runner().signals(&[id], "").await.granted();
    let (present, _) = stream.synced().await;
    let signal = &present[0].signals[0];
    assert_eq!(
        (signal.signal(), signal.state()),
        (Signal::Terminate, TaskState::Terminated)
    );
    for generation in 1..=3 {
        let refused = gate.runner().start(id, generation, "claim").await;
        refused.refused("START_NEVER", "P4");
    }
}

on_both_stores! {
    async fn abuse_of_a_rejection_an_approval_and_a_start_at_once_one_wins(gate) {
        alice_or_bob(gate).await;
        let (alice, bob, runner) = (gate.as_("alice"), gate.as_("bob"), gate.runner());
        let mut stream = gate.runner().signals(&[], "").await.granted();
        stream.synced().await;
        let mut stopped = BTreeSet::new();
        let ids: Vec<String> = (0..ROUNDS).map(|round| format!("t{round}")).collect();
        for (round, id) in ids.iter().enumerate() {
            gate.waiting(ours(id)).await;
            let (rejected, started) = match round {
                // Alone, either of them does what it says.
                0 => (bob.reject(id).await, runner.start(id, 1, "claim").await),
                1 => {
                    alice.approve(id).await.granted();
                    let started = runner.start(id, 1, "claim").await;
                    (bob.reject(id).await, started)
                }
                _ => {
                    let late = async {
                        pass_by(gate, round % 8).await;
                        bob.reject(id).await
                    };
                    let starting = start_as_soon_as_it_may(&runner, id);
                    let (_, rejected, started) = tokio::join!(alice.approve(id), late, starting);
                    (rejected, started)
                }
            };
            if was_stopped(gate, id, rejected, started).await {
                stopped.insert(id.clone());
            }
        }
        let mut heard = Heard::default();
        heard.listen(&mut stream, &ids).await;
        for id in &ids {
            let told = &heard.0[id];
            let terminated = told.contains(&(Signal::Terminate, TaskState::Terminated));
            let started = told.iter().any(|(_, state)| *state == TaskState::Running);
            let expected = stopped.contains(id);
            assert_eq!((terminated, started), (expected, !expected), "{id}: {told:?}");
        }
        println!("{} of {ROUNDS} were stopped", stopped.len());
    }

    async fn abuse_a_rejection_stops_at_every_stage(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob", "dave"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        let (alice, bob) = (gate.as_("alice"), gate.as_("bob"));
        let window = window(gate.at(3_600), None);
        let windowed = TaskSpec { window, ..ours("before its window") };
        let stages =
            ["pending", "half approved", "cleared", "cleared again", "frozen", "cleared too"];
        for id in stages {
            gate.waiting(ours(id)).await;
        }
        gate.waiting(windowed).await;
        alice.approve("half approved").await.granted();
        for id in ["cleared", "cleared again", "frozen", "cleared too", "before its window"] {
            for person in [&alice, &bob] {
                person.approve(id).await.granted();
            }
        }
        alice.revoke("cleared again").await.granted();
        alice.approve("cleared again").await.granted();
        let mut stream = gate.runner().signals(&[], "").await.granted();
        stream.synced().await;
        gate.frozen(FreezeSpec::new("all")).await;
        let dave = gate.as_("dave");
        let rejected = ["pending", "half approved", "cleared", "cleared again", "frozen",
            "before its window"];
        for id in rejected {
            let answer = dave.reject(id).await.granted();
            assert_eq!(answer.terminated_task_ids, [id]);
            let kept = Kept::of(gate, &gate.orchestrator(), &[id]).await;
            dave.approve(id).await.refused("CHANGE_REQUEST_ENDED", "D5");
            is_over(gate, id).await;
            kept.holds(gate).await;
        }
        gate.admin().lift("all").await.granted();
        gate.pass(7_200).await;
        for id in rejected {
            is_over(gate, id).await;
        }
        let mut heard = Heard::default();
        heard.listen(&mut stream, &rejected.map(str::to_owned)).await;
        for id in rejected {
            let last = heard.0[id].last();
            assert_eq!(last, Some(&(Signal::Terminate, TaskState::Terminated)), "{id}");
        }
        // The one that nobody rejected went through all of this and starts.
        let generation = gate.task("cleared too").await.generation;
        gate.runner().start("cleared too", generation, "claim").await.granted();
    }

    async fn abuse_a_re_run_of_what_has_ended_stays_ended(gate) {
        alice_or_bob(gate).await;
        let orchestrator = gate.orchestrator();
        let closing = TaskSpec { window: window(None, gate.at(60)), ..ours("closed") };
        for task in [ours("rejected"), ours("withdrawn"), closing.clone()] {
            gate.cleared(task).await;
        }
        gate.as_("bob").reject("rejected").await.granted();
        orchestrator.withdraw("withdrawn").await.granted();
        gate.pass(60).await;
        // Now nothing asks for approval any more: a new task would just start.
        gate.admin().delete_policy("prod").await.granted();
        gate.restart().await;
        let (orchestrator, ended) = (gate.orchestrator(), ["rejected", "withdrawn", "closed"]);
        let kept = Kept::of(gate, &orchestrator, &ended).await;
        for task in [ours("rejected"), ours("withdrawn"), closing] {
            let again = orchestrator.create(task.clone()).await.granted();
            let id = task.id.as_str();
            assert_eq!(again.task.unwrap().state(), TaskState::Terminated, "{id}");
            for changed in [
                TaskSpec { release: "1.4.3".to_owned(), ..task.clone() },
                TaskSpec { window: None, runner: String::new(), ..task.clone() },
            ] {
                let refused = orchestrator.create(changed).await.refused("TASK_ID_TAKEN", "C2");
                assert_eq!(refused.code, Code::AlreadyExists, "{id}");
            }
            is_over(gate, id).await;
        }
        gate.as_("alice").approve("rejected").await.granted();
        gate.as_("mallory").approve("rejected").await.refused("NOT_AN_APPROVER", "D1");
        kept.holds(gate).await;
        let fresh = orchestrator.create(ours("fresh")).await.granted();
        assert_eq!(fresh.change_request.unwrap().state(), ChangeRequestState::Approved);
        gate.runner().start("fresh", 1, "claim").await.granted();
    }

    async fn abuse_a_rejected_release_is_not_approved_by_asking_again(gate) {
        alice_or_bob(gate).await;
        let again = |id: &str| TaskSpec { release: "1.4.2".to_owned(), ..ours(id) };
        gate.cleared(again("t1")).await;
        gate.as_("bob").reject("t1").await.granted();
        let second = gate.orchestrator().opened(again("t2")).await;
        assert_eq!((second.id.as_str(), second.state()), ("CR-2", ChangeRequestState::Pending));
        assert_eq!((second.approvals_counted, second.decisions.len()), (0, 0));
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1", "t2"]).await;
        gate.runner().start("t2", 1, "claim").await.refused("START_NOT_NOW", "P4");
        kept.holds(gate).await;
        gate.as_("alice").approve("t2").await.granted();
        gate.runner().start("t2", 1, "claim").await.granted();
    }
}
