//! Stores that were put back from a copy, or that lose the newest entries under a running server:
//! nobody goes on as if nothing had happened.

use countersign_engine::{EngineConfig, StoreConfig};
use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{TaskSpec, WatchStatusRequest};
use countersign_store::testing::{cut_connections, intrude};
use sea_orm::ConnectionTrait as _;
use tonic::Code;
use tonic_health::ServingStatus;

use super::{quick_heartbeats, shown, told};
use crate::gate::{Expect, Gate, Refused, Setup, check, deployment};

fn ours(id: &str) -> TaskSpec {
    TaskSpec {
        runner: "web-1".to_owned(),
        ..deployment(id)
    }
}

fn web(token: &str) -> WatchStatusRequest {
    WatchStatusRequest {
        project: "web".to_owned(),
        resume_token: token.to_owned(),
        ..WatchStatusRequest::default()
    }
}

/// Changes a store behind its server's back.
async fn behind_its_back(store: &StoreConfig, statements: &[String]) {
    let intruder = intrude(store).await.unwrap();
    for statement in statements {
        intruder.execute_unprepared(statement).await.unwrap();
    }
    intruder.close().await.unwrap();
}

/// A copy of a store whose server is stopped, as a backup would be.
async fn copy_of(store: &StoreConfig) -> StoreConfig {
    match store {
        StoreConfig::Sqlite { path } => {
            let copy = path.with_extension("copy");
            let statement = format!("VACUUM INTO '{}'", copy.display());
            behind_its_back(store, &[statement]).await;
            StoreConfig::Sqlite { path: copy }
        }
        StoreConfig::Postgres { url } => {
            cut_connections(store).await.unwrap();
            let (_, name) = url.split('?').next().unwrap().rsplit_once('/').unwrap();
            let copy = format!("{name}_copy");
            let server = StoreConfig::Postgres {
                url: url.replace(name, "postgres"),
            };
            let statement = format!("CREATE DATABASE \"{copy}\" TEMPLATE \"{name}\"");
            behind_its_back(&server, &[statement]).await;
            StoreConfig::Postgres {
                url: url.replace(name, &copy),
            }
        }
    }
}

/// Takes away what was written after an entry; nothing older was touched since.
async fn lose_what_came_after(gate: &Gate, sequence: u64) {
    let lost = ["tasks", "change_requests", "entries"]
        .map(|table| format!("DELETE FROM {table} WHERE sequence > {sequence}"));
    behind_its_back(&gate.store, &lost).await;
}

/// The newest token of the log.
async fn token(gate: &Gate) -> String {
    let start = Some(Start::FromNow(true));
    let mut log = gate.as_("auditor:audit").log(start).await.granted();
    log.synced().await.1.resume_token
}

/// Each kind of stream refuses a token for the same reason.
async fn every_stream_refuses(gate: &Gate, token: &str, reason: &str) -> Vec<Refused> {
    let log = Some(Start::ResumeToken(token.to_owned()));
    let answers = [
        gate.as_("bob").status(web(token)).await.map(drop),
        gate.runner().signals(&[], token).await.map(drop),
        gate.runner().signals(&["t1"], token).await.map(drop),
        gate.as_("auditor:audit").log(log).await.map(drop),
    ];
    answers
        .into_iter()
        .map(|answer| {
            let refused = answer.refused(reason, "E1");
            assert_eq!(refused.code, Code::InvalidArgument);
            refused
        })
        .collect()
}

on_both_stores! {
    async fn i41_a_token_of_what_a_restore_lost_has_a_reason_of_its_own(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("t1")).await;
        let kept = token(gate).await;
        gate.shut_down().await;
        let copy = copy_of(&gate.store).await;
        gate.start_again().await;
        gate.waiting(ours("lost")).await;
        let (lost, lost_at) = (token(gate).await, gate.entries().await);
        gate.shut_down().await;
        gate.store = copy;
        gate.start_again().await;
        // Ahead of the log, and then another entry at the same place.
        for round in 0..3 {
            let head = gate.entries().await;
            let reason = "RESUME_TOKEN_OF_RESTORED_STORE";
            for refused in every_stream_refuses(gate, &lost, reason).await {
                assert_eq!(refused.fact("found"), lost_at.to_string());
                assert_eq!(refused.fact("head"), head.to_string());
            }
            gate.waiting(ours(&format!("other-{round}"))).await;
        }
        assert!(gate.entries().await > lost_at);
        // What the copy had is good.
        let mut stream = gate.runner().signals(&[], &kept).await.granted();
        assert_eq!(told(&stream.synced().await.0).len(), 4);
    }

    async fn i41_a_token_of_another_store_has_a_reason_of_its_own(gate) {
        let configure = |config: &mut EngineConfig| config.new_store_id = "other".to_owned();
        let other = Gate::start(gate.kind, Setup { configure, ..Setup::default() }).await;
        // Both have an entry at the position of the token.
        gate.waiting_for_nobody("t1").await;
        other.waiting_for_nobody("t1").await;
        let foreign = token(&other).await;
        every_stream_refuses(gate, &foreign, "RESUME_TOKEN_OF_ANOTHER_STORE").await;
        let own = token(gate).await;
        every_stream_refuses(&other, &own, "RESUME_TOKEN_OF_ANOTHER_STORE").await;
        check(other).await;
    }
}

impl Gate {
    /// A task that no policy matches.
    async fn waiting_for_nobody(&self, id: &str) {
        self.orchestrator().create(ours(id)).await.granted();
    }
}

on_both_stores! {
    with quick_heartbeats();

    async fn i41_streams_end_where_the_log_has_gone_back(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("t1")).await;
        let kept = gate.entries().await;
        let mut status = gate.as_("bob").status(web("")).await.granted();
        let mut signals = gate.runner().signals(&[], "").await.granted();
        let mut log = gate.as_("auditor:audit").log(None).await.granted();
        gate.waiting(ours("lost")).await;
        let entries = gate.entries().await;
        let lost = status.marked(entries).await.1.resume_token;
        signals.marked(entries).await;
        log.marked(entries).await;
        lose_what_came_after(gate, kept).await;
        for ended in [status.end().await.1, signals.end().await.1, log.end().await.1] {
            assert_eq!(ended.refused("STORE_UNAVAILABLE", "E1").code, Code::Unavailable);
        }
        every_stream_refuses(gate, &lost, "RESUME_TOKEN_OF_RESTORED_STORE").await;
        // From here on the log goes another way, and everybody hears of that one only.
        let mut status = gate.as_("bob").status(web("")).await.granted();
        assert_eq!(shown(&status.synced().await.0), ["t1"]);
        let mut log = gate.as_("auditor:audit").log(None).await.granted();
        assert_eq!(log.synced().await.1.sequence, kept);
        gate.waiting(ours("new")).await;
        let entries = gate.entries().await;
        assert_eq!(shown(&status.marked(entries).await.0), ["new"]);
        let heard = log.marked(entries).await.0;
        let entries_heard = heard.iter().flat_map(|it| &it.entries);
        let heard: Vec<u64> = entries_heard.map(|it| it.sequence).collect();
        assert_eq!(heard, (kept + 1..=entries).collect::<Vec<_>>());
    }

    async fn i41_no_heartbeat_vouches_for_a_head_that_cannot_be_read(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("t1")).await;
        let mut status = gate.as_("bob").status(web("")).await.granted();
        let mut signals = gate.runner().signals(&[], "").await.granted();
        let mut log = gate.as_("auditor:audit").log(None).await.granted();
        status.synced().await;
        let away = ["ALTER TABLE entries RENAME TO away".to_owned()];
        behind_its_back(&gate.store, &away).await;
        for ended in [status.end().await.1, signals.end().await.1, log.end().await.1] {
            assert_eq!(ended.refused("STORE_UNAVAILABLE", "E1").code, Code::Unavailable);
        }
        gate.becomes(ServingStatus::NotServing).await;
        let back = ["ALTER TABLE away RENAME TO entries".to_owned()];
        behind_its_back(&gate.store, &back).await;
        gate.becomes(ServingStatus::Serving).await;
        let mut status = gate.as_("bob").status(web("")).await.granted();
        status.synced().await;
        status.marked(gate.entries().await).await;
    }
}
