//! A server is killed with -9 at random moments under load: no acknowledged decision is lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::load::{self, Ledger, below, caller, choices, until};
use crate::process::{Database, Server};

const KILLS: u32 = 100;
const KILLS_OF_THE_PROGRAMME: u32 = 1_000;
const CALLERS: usize = 8;

async fn killed(database: Database, kills: u32) {
    let mut random = choices(load::seed());
    let mut server = Server::start(&database).await;
    load::policy(&server).await;
    let ledger = Arc::new(Ledger::default());
    let callers: Vec<_> = (0..CALLERS)
        .map(|number| {
            let orchestrator = server.as_("orchestrator:ci");
            let name = format!("caller-{number}");
            tokio::spawn(caller(
                Arc::clone(&ledger),
                orchestrator,
                server.as_("alice"),
                name,
            ))
        })
        .collect();
    let mut in_flight_when_killed = 0;
    for _ in 0..kills {
        let wanted = ledger.acknowledged.load(Ordering::SeqCst) + 1 + below(&mut random, 40);
        until("the load goes on", Duration::from_secs(60), || {
            ledger.acknowledged.load(Ordering::SeqCst) >= wanted
        })
        .await;
        in_flight_when_killed += ledger.in_flight.load(Ordering::SeqCst);
        server.kill().await;
        server.restart().await;
    }
    ledger.stopped.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    // The fault was active: calls were on their way when the server died, and some of them failed.
    let failed = ledger.failed.load(Ordering::SeqCst);
    println!("{kills} kills, {in_flight_when_killed} calls in flight at them, {failed} failed");
    assert!(in_flight_when_killed >= kills as usize && failed > 0);
    load::check(&ledger, &server).await;
    server.kill().await;
    database.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    killed(Database::sqlite(&folder), KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    killed(Database::postgres().await, KILLS).await;
}

mod programme {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "fault programme: 1,000 kills take many minutes"]
    async fn sqlite() {
        let folder = tempfile::tempdir().unwrap();
        killed(Database::sqlite(&folder), KILLS_OF_THE_PROGRAMME).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "fault programme: 1,000 kills take many minutes"]
    async fn postgres() {
        killed(Database::postgres().await, KILLS_OF_THE_PROGRAMME).await;
    }
}
