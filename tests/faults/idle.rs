//! A server that nobody calls costs next to nothing.

use std::time::Duration;

use crate::process::{Database, Server};

const WATCHED: Duration = Duration::from_secs(3);
/// A spinning task takes all of a core: 300 ticks of 10 ms. Housekeeping takes a few.
const TICKS_LIMIT: u64 = 60;

async fn idle(database: Database) {
    let server = Server::start(&database).await;
    let before = ticks(server.id());
    tokio::time::sleep(WATCHED).await;
    let spent = ticks(server.id()) - before;
    println!(
        "an idle server took {} ms of CPU in {WATCHED:?}",
        spent * 10
    );
    assert!(
        spent <= TICKS_LIMIT,
        "an idle server is busy: {spent} ticks in {WATCHED:?}"
    );
}

/// The CPU time of a process so far, in ticks of 10 ms: fields 14 and 15 of its `stat`.
fn ticks(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
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
