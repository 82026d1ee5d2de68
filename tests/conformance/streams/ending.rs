//! Streams end with the server: what was committed is told, a last mark says where to go on.

use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{MarkKind, Signal, TaskSpec, WatchStatusRequest};
use tonic::Code;

use super::{signals_of, states_of};
use crate::gate::{Expect, Refused, deployment};

/// The stream ended because its server stops.
fn is_shutting_down(ended: Result<(), Refused>) {
    let refused = ended.refused("SHUTTING_DOWN", "E1");
    assert_eq!(refused.code, Code::Unavailable);
}

on_both_stores! {
    async fn i44_a_signal_stream_ends_with_a_last_mark(gate) {
        gate.alice_approves().await;
        let task = TaskSpec { runner: "web-1".to_owned(), ..deployment("t1") };
        gate.waiting(task).await;
        let mut stream = gate.runner().signals(&[], "").await.granted();
        stream.synced().await;
        gate.as_("alice").reject("t1").await.granted();
        let entries = gate.entries().await;
        let ((), (messages, ended)) = tokio::join!(gate.restart(), stream.end());
        is_shutting_down(ended);
        let signals = signals_of(&messages);
        assert_eq!(signals.last().unwrap().signal(), Signal::Terminate, "{messages:?}");
        let mark = messages.last().unwrap().mark.as_ref().expect("a last mark");
        assert_eq!((mark.kind(), mark.sequence), (MarkKind::Heartbeat, entries));
        let mut resumed = gate.runner().signals(&[], &mark.resume_token).await.granted();
        assert!(signals_of(&resumed.synced().await.0).is_empty());
    }

    async fn i44_a_status_stream_ends_with_a_last_mark(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let request =
            WatchStatusRequest { project: "web".to_owned(), ..WatchStatusRequest::default() };
        let mut stream = gate.as_("alice").status(request.clone()).await.granted();
        stream.synced().await;
        let approved = gate.as_("alice").approve("t1").await.granted();
        let entries = gate.entries().await;
        let ((), (messages, ended)) = tokio::join!(gate.restart(), stream.end());
        is_shutting_down(ended);
        assert_eq!(states_of(&messages).last(), Some(&&approved));
        let mark = messages.last().unwrap().mark.as_ref().expect("a last mark");
        assert_eq!(mark.sequence, entries);
        let resumed = WatchStatusRequest { resume_token: mark.resume_token.clone(), ..request };
        let mut resumed = gate.as_("alice").status(resumed).await.granted();
        assert!(states_of(&resumed.synced().await.0).is_empty());
    }

    async fn i41_a_log_stream_ends_with_a_last_mark(gate) {
        for round in 0..5 {
            let auditor = gate.as_("auditor:audit");
            let mut stream = auditor.log(Some(Start::FromNow(true))).await.granted();
            let (_, synced) = stream.synced().await;
            let id = format!("t{round}");
            gate.orchestrator().create(deployment(&id)).await.granted();
            let entries = gate.entries().await;
            let ((), (messages, ended)) = tokio::join!(gate.restart(), stream.end());
            is_shutting_down(ended);
            let mark = messages.last().and_then(|message| message.mark.as_ref());
            assert_eq!(mark.expect("a last mark").sequence, entries);
            let told = messages.iter().flat_map(|message| &message.entries);
            let told: Vec<u64> = told.map(|entry| entry.sequence).collect();
            assert_eq!(told, (synced.sequence + 1..=entries).collect::<Vec<_>>());
        }
    }
}
