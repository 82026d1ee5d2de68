//! Sleeps until the next due instant, and has it settled.
//!
//! `due_at` on the row is the truth; this only makes it punctual. The engine keeps what is due soon
//! in memory and asks the store again every second, in order and with a limit, so a process that
//! slept settles to what is true now, and a second scheduler on the same store finds nothing due.
//! Nothing depends on it for correctness: every decision settles first.

use std::time::Duration;

use countersign_domain::Instant;
use countersign_engine::{Engine, Failure};
use tokio_util::sync::CancellationToken;

/// How many change requests are settled at once.
const SWEEP_LIMIT: usize = 1_000;
/// How long to sleep at the most: other replicas write too.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long to wait after a sweep that failed.
const BACK_OFF: Duration = Duration::from_millis(500);

/// Runs until it is stopped.
pub async fn run(engine: Engine, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match sweep(&engine).await {
            Ok(pause) => pause,
            Err(failure) => {
                tracing::warn!(%failure, "a sweep failed");
                BACK_OFF
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = engine.due_sooner() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Settles everything that is due, and answers with how long nothing will be.
async fn sweep(engine: &Engine) -> Result<Duration, Failure> {
    loop {
        let (next, now) = engine.look_ahead().await?;
        let Some(due_at) = next else {
            return Ok(HEARTBEAT);
        };
        if due_at > now {
            return Ok(until(now, due_at).min(HEARTBEAT));
        }
        let lateness = now.micros_since(due_at);
        metrics::histogram!("countersign_sweep_lateness_seconds").record(lateness as f64 / 1e6);
        let settled = engine.settle_near(now, SWEEP_LIMIT).await?;
        metrics::counter!("countersign_settled_change_requests_total").increment(settled as u64);
    }
}

/// From now to an instant, rounded up so that the sleep is never early.
fn until(now: Instant, due_at: Instant) -> Duration {
    let micros = u64::try_from(due_at.micros_since(now)).unwrap_or_default();
    Duration::from_micros(micros) + Duration::from_millis(1)
}
