//! An honest caller, who calls while an attack runs: over one connection that is kept, and over new
//! ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use countersign_client::Connection;
use countersign_proto::v1::GetHeadRequest;
use tokio::task::JoinHandle;

use crate::process::Server;

/// The pause between calls: a caller, not another attack.
const PAUSE: Duration = Duration::from_millis(5);
/// Each so many calls a new connection is made.
const NEW_EVERY: u64 = 10;
/// How long a call may take before it counts as not answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// What an honest caller met.
#[derive(Debug, Default)]
pub(crate) struct Met {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    /// The worst latency over the kept connection, and over new ones.
    pub(crate) kept_worst: Duration,
    pub(crate) new_worst: Duration,
}

/// An honest caller at work.
pub(crate) struct Honest {
    over: Arc<AtomicBool>,
    calling: JoinHandle<Met>,
}

impl Honest {
    /// Begins to call. New connections are made by `connect`.
    pub(crate) fn begin(connect: impl Fn() -> Connection + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let calling = tokio::spawn(async move {
            let mut met = Met::default();
            let kept = connect();
            while !until.load(Ordering::SeqCst) {
                met.calls += 1;
                let is_new = met.calls.is_multiple_of(NEW_EVERY);
                let took = if is_new {
                    ask(&connect()).await
                } else {
                    ask(&kept).await
                };
                let worst = if is_new {
                    &mut met.new_worst
                } else {
                    &mut met.kept_worst
                };
                match took {
                    Some(took) => *worst = took.max(*worst),
                    None => met.failed += 1,
                }
                tokio::time::sleep(PAUSE).await;
            }
            met
        });
        Self { over, calling }
    }

    /// Calls no more; what it has met.
    pub(crate) async fn end(self) -> Met {
        self.over.store(true, Ordering::SeqCst);
        self.calling.await.unwrap()
    }
}

/// How long a call took, if it was answered.
pub(crate) async fn ask(connection: &Connection) -> Option<Duration> {
    let began = now();
    let mut log = connection.log();
    let answer = tokio::time::timeout(PATIENCE, log.get_head(GetHeadRequest {})).await;
    matches!(answer, Ok(Ok(_))).then(|| began.elapsed())
}

/// Waits until a server serves new connections again.
pub(crate) async fn until_served(server: &Server) {
    let serving = async { while ask(&server.as_("root:ci")).await.is_none() {} };
    let served = tokio::time::timeout(3 * PATIENCE, serving).await;
    served.expect("the server serves again");
}

#[expect(clippy::disallowed_methods, reason = "measures a latency")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
