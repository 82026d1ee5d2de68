//! The database goes away and comes back: the gate is closed in between, and says so.

use std::time::Duration;

use countersign_client::reason;
use countersign_proto::v1::{ErrorReason, StartTaskRequest, WatchSignalsRequest};
use sea_orm::{ConnectionTrait as _, Database as SeaDatabase, DatabaseConnection};
use tonic::Code;

use crate::load::{self, approve, create};
use crate::process::{Database, Server};

/// How soon after the database accepts connections again the gate must serve.
const BACK_LIMIT: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    let database = Database::postgres().await;
    let Database::Postgres(url) = &database else {
        panic!("not PostgreSQL")
    };
    let path = url.split('?').next().unwrap();
    let name = path.rsplit('/').next().unwrap().to_owned();
    let admin = std::env::var("COUNTERSIGN_TEST_POSTGRES_URL").unwrap();
    let admin = SeaDatabase::connect(admin).await.unwrap();
    let server = Server::start(&database).await;
    load::policy(&server).await;
    let (orchestrator, alice) = (server.as_("orchestrator:ci"), server.as_("alice"));
    let runner = server.as_("runner:web-1");
    create(&orchestrator, "cleared").await.unwrap();
    approve(&alice, "cleared").await.unwrap();
    create(&orchestrator, "waiting").await.unwrap();
    let follow = WatchSignalsRequest {
        task_ids: vec!["cleared".to_owned()],
        ..WatchSignalsRequest::default()
    };
    let mut signals = runner
        .runner()
        .watch_signals(follow)
        .await
        .unwrap()
        .into_inner();

    close(&admin, &name).await;
    let refused = approve(&alice, "waiting").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert_eq!(reason(&refused), Some(ErrorReason::StoreUnavailable));
    let start = StartTaskRequest {
        task_id: "cleared".to_owned(),
        generation: 1,
        claim_id: "try-1".to_owned(),
        ..StartTaskRequest::default()
    };
    let refused = runner.runner().start_task(start.clone()).await.unwrap_err();
    assert_eq!(
        refused.code(),
        Code::Unavailable,
        "no start while the store is away: {refused:?}"
    );
    // A stream does not pretend to be alive: it ends, at a heartbeat at the latest.
    let ended = async {
        loop {
            if let Err(status) = signals.message().await {
                return status;
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(30), ended)
        .await
        .unwrap();
    assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");

    open(&admin, &name).await;
    let serves_again = async {
        while approve(&alice, "waiting").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(BACK_LIMIT, serves_again)
        .await
        .expect("it serves again");
    runner.runner().start_task(start).await.unwrap();
    drop(server);
    database.verify().await;
}

/// Cuts all connections to a database, and lets nobody in. Proves that it is so.
async fn close(admin: &DatabaseConnection, name: &str) {
    let shut = format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS false");
    admin.execute_unprepared(&shut).await.unwrap();
    let cut =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    let done = admin.execute_unprepared(&cut).await.unwrap();
    assert!(
        done.rows_affected() > 0,
        "the server was connected, and is cut off"
    );
}

async fn open(admin: &DatabaseConnection, name: &str) {
    let allow = format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS true");
    admin.execute_unprepared(&allow).await.unwrap();
}
