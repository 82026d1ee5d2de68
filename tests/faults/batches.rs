//! 64 callers approve at once, and some of them go away at random: they are served in batches, and
//! no acknowledged decision is lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::load::{self, Ledger, approve, below, choices, create};
use crate::process::{Database, Server};

const CALLERS: usize = 64;
const TASKS_EACH: usize = 30;

async fn batches(database: Database) {
    let seed = load::seed();
    let server = Server::start(&database).await;
    load::policy(&server).await;
    let ledger = Arc::new(Ledger::default());
    let mut callers = Vec::new();
    for number in 0..CALLERS {
        let orchestrator = server.as_("orchestrator:ci");
        let alice = server.as_("alice");
        let ledger = Arc::clone(&ledger);
        let mut random = choices(seed + number as u64);
        callers.push(tokio::spawn(async move {
            let mut cancelled = 0;
            for task in 0..TASKS_EACH {
                let id = format!("caller-{number}-{task}");
                let given = create(&orchestrator, &id).await.unwrap();
                ledger.created.lock().unwrap().insert(id.clone(), given);
                // A third of the calls is dropped somewhere on its way.
                let patience = match below(&mut random, 3) {
                    0 => Duration::from_micros(below(&mut random, 20_000)),
                    _ => Duration::from_secs(30),
                };
                match tokio::time::timeout(patience, approve(&alice, &id)).await {
                    Ok(Ok(())) => ledger.approved.lock().unwrap().push(id),
                    Ok(Err(status)) => panic!("refused: {status}"),
                    Err(_) => cancelled += 1,
                }
            }
            cancelled
        }));
    }
    let mut cancelled = 0;
    for caller in callers {
        cancelled += caller.await.unwrap();
    }
    assert!(cancelled > 0, "the fault was active");
    ledger.failed.fetch_add(cancelled, Ordering::SeqCst);
    let (transactions, commands) = commands_per_transaction(&server).await;
    println!(
        "{commands} commands in {transactions} transactions: {:.1} in each; {cancelled} cancelled",
        commands / transactions
    );
    assert!(
        commands / transactions > 2.0,
        "64 callers are served in batches"
    );
    load::check(&ledger, &server).await;
    drop(server);
}

/// How many transactions there were, and how many commands in all of them.
async fn commands_per_transaction(server: &Server) -> (f64, f64) {
    let address = ("127.0.0.1", server.metrics_port);
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    let value = |name: &str| -> f64 {
        let line = page
            .lines()
            .find(|line| line.split(' ').next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in:\n{page}"));
        line.split(' ').nth(1).unwrap().parse().unwrap()
    };
    let count = value("countersign_transaction_commands_count");
    (count, value("countersign_transaction_commands_sum"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    batches(Database::sqlite(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    batches(Database::postgres().await).await;
}
