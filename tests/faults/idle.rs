//! A server that nobody calls costs next to nothing.

use std::time::Duration;

use crate::process::{Database, Server};

const WATCHED: Duration = Duration::from_secs(3);
/// A spinning task takes all of a core: 300 ticks of 10 ms. Housekeeping takes a few.
const TICKS_LIMIT: u64 = 60;

async fn idle(database: Database) {
    let server = Server::start(&database).await;
    let before = server.cpu_ticks();
    tokio::time::sleep(WATCHED).await;
    let spent = server.cpu_ticks() - before;
    println!(
        "an idle server took {} ms of CPU in {WATCHED:?}",
        spent * 10
    );
    assert!(
        spent <= TICKS_LIMIT,
        "an idle server is busy: {spent} ticks in {WATCHED:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    idle(Database::sqlite(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    idle(Database::postgres().await).await;
}
