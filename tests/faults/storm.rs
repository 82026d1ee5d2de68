//! A lone rejection in a storm of creations is answered promptly (I-33).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use countersign_proto::v1::RejectRequest;

use crate::load::{self, create};
use crate::process::{Database, Server};

const CREATORS: usize = 64;
const REJECTIONS: usize = 100;
/// The bar is 50 ms for a release build on a machine of its own; this is a debug build that shares
/// two cores with its own load.
const LIMIT: Duration = Duration::from_millis(500);

async fn storm(database: Database) {
    let server = Server::start(&database).await;
    load::policy(&server).await;
    let orchestrator = server.as_("orchestrator:ci");
    for number in 0..REJECTIONS {
        create(&orchestrator, &format!("doomed-{number}"))
            .await
            .unwrap();
    }
    let (over, created) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let creators: Vec<_> = (0..CREATORS)
        .map(|number| {
            let connection = server.as_("orchestrator:ci");
            let (over, created) = (Arc::clone(&over), Arc::clone(&created));
            tokio::spawn(async move {
                let mut task = 0;
                while !over.load(Ordering::SeqCst) {
                    create(&connection, &format!("storm-{number}-{task}"))
                        .await
                        .unwrap();
                    created.fetch_add(1, Ordering::SeqCst);
                    task += 1;
                }
            })
        })
        .collect();
    let alice = server.as_("alice");
    let mut latencies = Vec::new();
    for number in 0..REJECTIONS {
        // Not before the storm has gone on: each rejection meets a queue.
        let seen = created.load(Ordering::SeqCst);
        load::until("the storm goes on", Duration::from_secs(30), || {
            created.load(Ordering::SeqCst) > seen
        })
        .await;
        let change_request = format!("doomed-{number}");
        let request = RejectRequest {
            change_request,
            ..RejectRequest::default()
        };
        let began = now();
        alice.change_requests().reject(request).await.unwrap();
        latencies.push(began.elapsed());
    }
    over.store(true, Ordering::SeqCst);
    for creator in creators {
        creator.await.unwrap();
    }
    latencies.sort();
    let (median, p99) = (latencies[REJECTIONS / 2], latencies[REJECTIONS * 99 / 100]);
    let created = created.load(Ordering::SeqCst);
    println!("{created} creations; a lone rejection: median {median:.1?}, p99 {p99:.1?}");
    assert!(created > REJECTIONS as u64, "the storm was one");
    assert!(p99 <= LIMIT, "a lone rejection took {p99:?} at p99");
}

#[expect(clippy::disallowed_methods, reason = "measures a latency")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    storm(Database::sqlite(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    storm(Database::postgres().await).await;
}
