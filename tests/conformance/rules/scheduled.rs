//! F2, F3, W4: the scheduler itself, which no test has to push: what a freeze or the clock does
//! reaches those who follow.

use countersign_proto::v1::{Signal, WatchSignalsResponse};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::gate::{Expect, Followed, FreezeSpec, Gate, PolicySpec, deployment, hourly};

/// The scheduler of a server.
pub(super) struct Scheduler {
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Scheduler {
    pub(super) fn start(gate: &Gate) -> Self {
        let stop = CancellationToken::new();
        let running = countersign_scheduler::run(gate.engine().clone(), stop.clone());
        Self {
            stop,
            running: tokio::spawn(running),
        }
    }

    /// Ends it; it has let go of the store then.
    pub(super) async fn end(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

/// Waits until a stream about one task tells this signal, with this generation where it permits.
async fn hears(stream: &mut Followed<WatchSignalsResponse>, signal: Signal, generation: u64) {
    let told = stream
        .until(|message| message.signals.iter().any(|it| it.signal() == signal))
        .await;
    let last = told.last().and_then(|message| message.signals.last());
    let permit = last.and_then(|it| it.permit);
    assert_eq!(permit.map_or(0, |it| it.generation), generation, "{last:?}");
}

on_both_stores! {
    async fn f2_the_scheduler_holds_at_once_and_lets_go_at_once(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let mut stream = gate.runner().signals(&["t1"], "").await.granted();
        stream.synced().await;
        let scheduler = Scheduler::start(gate);
        let (admin, freeze) = (gate.admin(), FreezeSpec::new("f"));
        admin.freeze(freeze.clone()).await.granted();
        hears(&mut stream, Signal::Hold, 0).await;
        admin.lift("f").await.granted();
        hears(&mut stream, Signal::Proceed, 2).await;
        let again = freeze.between(None, gate.at(60));
        admin.update_freeze(again, &["start", "end"]).await.granted();
        hears(&mut stream, Signal::Hold, 0).await;
        // The end comes by the clock, without anybody's call.
        gate.advance(60);
        hears(&mut stream, Signal::Proceed, 3).await;
        admin.freeze(FreezeSpec::new("g")).await.granted();
        hears(&mut stream, Signal::Hold, 0).await;
        admin.delete_freeze("g").await.granted();
        hears(&mut stream, Signal::Proceed, 4).await;
        scheduler.end().await;
    }

    async fn w4_the_scheduler_binds_to_the_next_period_and_opens_it(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]).recurring(hourly());
        gate.admin().policy(policy).await.granted();
        gate.cleared(deployment("t1")).await;
        let mut stream = gate.runner().signals(&["t1"], "").await.granted();
        stream.synced().await;
        let scheduler = Scheduler::start(gate);
        gate.advance(600);
        hears(&mut stream, Signal::Hold, 0).await;
        gate.advance(3_000);
        hears(&mut stream, Signal::Proceed, 2).await;
        scheduler.end().await;
    }

    async fn k1_the_scheduler_sweeps_by_the_log_where_the_clock_is_behind(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        gate.advance(3_600);
        gate.orchestrator().create(deployment("ahead")).await.granted();
        gate.advance(-3_600);
        let mut stream = gate.runner().signals(&["t1"], "").await.granted();
        stream.synced().await;
        let scheduler = Scheduler::start(gate);
        gate.admin().freeze(FreezeSpec::new("f")).await.granted();
        hears(&mut stream, Signal::Hold, 0).await;
        gate.admin().lift("f").await.granted();
        hears(&mut stream, Signal::Proceed, 2).await;
        scheduler.end().await;
    }
}
