//! Bad subscriptions: conditions, ids, tokens and positions.

use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{TaskSpec, WatchStatusRequest};
use data_encoding::BASE64URL_NOPAD;
use tonic::Code;

use super::bad_names;
use crate::gate::{Caller, Expect, Gate, deployment};

fn named(ids: &[String]) -> WatchStatusRequest {
    WatchStatusRequest {
        change_requests: ids.to_vec(),
        ..WatchStatusRequest::default()
    }
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("t{number}")).collect()
}

/// Each kind of stream refuses a token in the same way.
async fn every_stream_refuses(gate: &Gate, token: &str, reason: &str) {
    let status = WatchStatusRequest {
        project: "web".to_owned(),
        resume_token: token.to_owned(),
        ..WatchStatusRequest::default()
    };
    let log = Some(Start::ResumeToken(token.to_owned()));
    for refused in [
        gate.as_("alice").status(status).await.map(|_| ()),
        gate.runner().signals(&[], token).await.map(|_| ()),
        gate.runner().signals(&["t1"], token).await.map(|_| ()),
        gate.as_("auditor:audit").log(log).await.map(|_| ()),
    ] {
        assert_eq!(
            refused.refused(reason, "E1").code,
            Code::InvalidArgument,
            "{token:?}"
        );
    }
}

/// The token of the newest entry.
async fn token(auditor: &Caller) -> String {
    let mut log = auditor.log(Some(Start::FromNow(true))).await.granted();
    log.synced().await.1.resume_token
}

on_both_stores! {
    async fn e1_a_watch_of_everything_is_refused(gate) {
        let alice = gate.as_("alice");
        let everything = alice.status(WatchStatusRequest::default()).await;
        everything.bad_field("change_requests", "E1");
        let endless = WatchStatusRequest {
            project: "web".to_owned(),
            end_when_done: true,
            ..WatchStatusRequest::default()
        };
        alice.status(endless).await.bad_field("end_when_done", "E1");
    }

    async fn e1_at_most_ten_thousand_are_named(gate) {
        let ids = many(10_001);
        let alice = gate.as_("alice");
        alice.status(named(&ids)).await.bad_field("change_requests", "E1");
        let texts: Vec<&str> = ids.iter().map(String::as_str).collect();
        let runner = gate.runner();
        runner.signals(&texts, "").await.bad_field("task_ids", "E1");
        // As many as are allowed are looked for.
        alice.status(named(&ids[1..])).await.refused("NOT_FOUND", "E1");
        runner.signals(&texts[1..], "").await.refused("NOT_FOUND", "E1");
    }

    async fn e1_bad_names_in_watches_are_refused_by_field(gate) {
        let (alice, runner) = (gate.as_("alice"), gate.runner());
        for name in bad_names().into_iter().chain([String::new()]) {
            let second = ["t1".to_owned(), name.clone()];
            let refused = alice.status(named(&second)).await;
            refused.bad_field("change_requests[1]", "E1");
            let refused = runner.signals(&["t1", &name], "").await;
            refused.bad_field("task_ids[1]", "E1");
        }
        for name in bad_names() {
            let project =
                WatchStatusRequest { project: name.clone(), ..WatchStatusRequest::default() };
            alice.status(project).await.bad_field("project", "E1");
            let environment =
                WatchStatusRequest { environment: name, ..WatchStatusRequest::default() };
            alice.status(environment).await.bad_field("environment", "E1");
        }
    }

    async fn p5_unknown_and_foreign_tasks_are_not_found(gate) {
        gate.orchestrator().create(deployment("t1")).await.granted();
        let theirs = TaskSpec { runner: "web-2".to_owned(), ..deployment("theirs") };
        gate.orchestrator().create(theirs).await.granted();
        let runner = gate.runner();
        for id in ["absent", "theirs", "CR-1"] {
            for ids in [&[id][..], &["t1", id]] {
                let refused = runner.signals(ids, "").await.refused("NOT_FOUND", "E1");
                assert_eq!((refused.code, refused.fact("id")), (Code::NotFound, id));
            }
        }
        let alice = gate.as_("alice");
        for id in ["absent", "CR-9", "CR-18446744073709551615"] {
            let ids = ["t1".to_owned(), id.to_owned()];
            let refused = alice.status(named(&ids)).await.refused("NOT_FOUND", "E1");
            assert_eq!(refused.fact("id"), id);
        }
    }

    async fn e1_only_runners_hear_signals_and_only_auditors_the_log(gate) {
        gate.orchestrator().create(deployment("t1")).await.granted();
        for bearer in ["alice", "orchestrator:ci", "auditor:audit", "admin:root"] {
            let refused = gate.as_(bearer).signals(&["t1"], "").await;
            assert_eq!(refused.refused("ROLE_REQUIRED", "E1").code, Code::PermissionDenied);
        }
        for bearer in ["alice", "orchestrator:ci", "runner:web-1", "operator:op"] {
            gate.as_(bearer).log(None).await.refused("ROLE_REQUIRED", "E1");
        }
    }

    async fn i41_what_is_no_token_is_refused(gate) {
        gate.orchestrator().create(deployment("t1")).await.granted();
        let good = token(&gate.as_("auditor:audit")).await;
        let bytes = BASE64URL_NOPAD.decode(good.as_bytes()).unwrap();
        let other_version = [&[9], &bytes[1..]].concat();
        let longer = [&bytes[..], &[0]].concat();
        let mut bad = vec![
            "x".to_owned(),
            "not a token".to_owned(),
            "\u{0}".to_owned(),
            "AAAA".to_owned(),
            good[1..].to_owned(),
            good[..good.len() - 1].to_owned(),
            format!("{good}="),
            format!(" {good}"),
            "A".repeat(100_000),
        ];
        bad.extend([other_version, longer].map(|bytes| BASE64URL_NOPAD.encode(&bytes)));
        for token in bad {
            every_stream_refuses(gate, &token, "RESUME_TOKEN_MALFORMED").await;
        }
        let log = gate.as_("auditor:audit").log(Some(Start::ResumeToken(String::new()))).await;
        log.refused("RESUME_TOKEN_MALFORMED", "E1");
    }

    async fn i41_a_token_of_another_log_is_refused(gate) {
        gate.orchestrator().create(deployment("t1")).await.granted();
        let good = token(&gate.as_("auditor:audit")).await;
        let bytes = BASE64URL_NOPAD.decode(good.as_bytes()).unwrap();
        let mut other_hash = bytes.clone();
        *other_hash.last_mut().unwrap() ^= 1;
        let mut other_entry = bytes.clone();
        other_entry[8] -= 1;
        let at = |sequence: u64| {
            let mut bytes = bytes.clone();
            bytes[1..9].copy_from_slice(&sequence.to_be_bytes());
            bytes
        };
        let unreached = [at(1_000_000), at(i64::MAX as u64), at(u64::MAX)];
        for bytes in unreached.into_iter().chain([other_hash, other_entry]) {
            let token = BASE64URL_NOPAD.encode(&bytes);
            every_stream_refuses(gate, &token, "RESUME_TOKEN_OF_ANOTHER_STORE").await;
        }
    }

    async fn e1_positions_beyond_the_log_are_out_of_range(gate) {
        gate.orchestrator().create(deployment("t1")).await.granted();
        let auditor = gate.as_("auditor:audit");
        let head = gate.entries().await;
        auditor.log(Some(Start::FromSequence(0))).await.bad_field("from_sequence", "E1");
        for sequence in [head + 2, u64::MAX] {
            let refused = auditor.log(Some(Start::FromSequence(sequence))).await;
            let refused = refused.refused("SEQUENCE_OUT_OF_RANGE", "E1");
            assert_eq!(refused.code, Code::OutOfRange);
            assert_eq!(refused.fact("found"), sequence.to_string());
            assert_eq!(refused.fact("limit"), (head + 1).to_string());
        }
        for sequence in [1, head, head + 1] {
            auditor.log(Some(Start::FromSequence(sequence))).await.granted();
        }
    }
}
