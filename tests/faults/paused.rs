//! A replica is stopped in its tracks while it holds the write lock: the other one goes on within
//! four seconds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::sys::signal::Signal;
use sea_orm::{ConnectionTrait as _, Database as SeaDatabase, DatabaseConnection};

use crate::load::{self, Ledger, approve, caller, create};
use crate::process::{Database, Server};

const LIMIT: Duration = Duration::from_secs(4);
const TRIES: u32 = 500;

/// Backends that hold the write lock while their client does nothing.
const HOLDERS: &str = "SELECT count(*) AS holders \
     FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
     WHERE l.locktype = 'advisory' AND l.granted AND a.state = 'idle in transaction' \
     AND a.datname = current_database()";

async fn holders(observer: &DatabaseConnection) -> i64 {
    let row = observer.query_one_raw(sea_orm::Statement::from_string(
        sea_orm::DatabaseBackend::Postgres,
        HOLDERS,
    ));
    row.await.unwrap().unwrap().try_get("", "holders").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    let database = Database::postgres().await;
    let Database::Postgres(url) = &database else {
        panic!("not PostgreSQL")
    };
    let observer = SeaDatabase::connect(url).await.unwrap();
    let first = Server::start(&database).await;
    let second = Server::start(&database).await;
    load::policy(&first).await;
    let alice = second.as_("alice");
    create(&second.as_("orchestrator:ci"), "waiting")
        .await
        .unwrap();
    // Load on the first replica, so that it holds the lock most of the time.
    let ledger = Arc::new(Ledger::default());
    let callers: Vec<_> = (0..16)
        .map(|number| {
            let orchestrator = first.as_("orchestrator:ci");
            let name = format!("caller-{number}");
            tokio::spawn(caller(
                Arc::clone(&ledger),
                orchestrator,
                first.as_("alice"),
                name,
            ))
        })
        .collect();
    load::until("the load begins", Duration::from_secs(30), || {
        ledger.acknowledged.load(Ordering::SeqCst) > 50
    })
    .await;
    stop_while_it_holds_the_lock(&first, &observer).await;
    let began = now();
    // The second replica may have to answer "unavailable" while it waits; a repeat is safe.
    while approve(&alice, "waiting").await.is_err() {
        assert!(began.elapsed() < LIMIT * 3, "the write lock was never free");
    }
    let blocked = began.elapsed();
    println!("a stopped replica blocked the other one for {blocked:.2?}");
    first.signal(Signal::SIGCONT);
    ledger.stopped.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    load::check(&ledger, &second).await;
    assert!(
        blocked <= LIMIT,
        "the write lock was free only after {blocked:?}"
    );
    database.verify().await;
}

/// Stops a server at a moment when it holds the lock; the database says so.
async fn stop_while_it_holds_the_lock(server: &Server, observer: &DatabaseConnection) {
    for _ in 0..TRIES {
        server.signal(Signal::SIGSTOP);
        // What was under way at the database ends; then nobody but the stopped one can hold it.
        let statements_end = Duration::from_millis(30);
        tokio::time::sleep(statements_end).await;
        if holders(observer).await > 0 {
            return;
        }
        server.signal(Signal::SIGCONT);
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    panic!("the server was never stopped while it held the lock");
}

#[expect(clippy::disallowed_methods, reason = "measures a latency")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
