//! Bad subscriptions: conditions, ids, tokens and positions.

use std::collections::BTreeMap;

use countersign_domain::log::sha256_hex;
use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{Person, TaskSpec, WatchSignalsRequest, WatchStatusRequest};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use tonic::Code;

use super::bad_names;
use crate::gate::{Caller, Expect, Gate, deployment, person};

/// A token ends with the beginning of the digest of what stands before.
const SUM_BYTES: usize = 4;

/// The bytes of a token with this content, as a server would end it.
fn summed(mut content: Vec<u8>) -> Vec<u8> {
    let digest = HEXLOWER.decode(sha256_hex(&content).as_bytes()).unwrap();
    content.extend(&digest[..SUM_BYTES]);
    content
}

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
        // What is asked of the stream is no condition.
        let unconditional = WatchStatusRequest {
            end_when_done: true,
            open_only: true,
            ..WatchStatusRequest::default()
        };
        alice.status(unconditional).await.bad_field("change_requests", "E1");
    }

    async fn e1_bad_creators_and_labels_in_watches_are_refused_by_field(gate) {
        let (alice, runner) = (gate.as_("alice"), gate.runner());
        let elsewhere = Person { issuer: "elsewhere".to_owned(), ..person("carol") };
        let creators = [
            (elsewhere, "creator.issuer", "C3"),
            (person(""), "creator.subject", "E1"),
            (person("ca\u{202e}rol"), "creator.subject", "E1"),
        ];
        for (creator, field, rule) in creators {
            let request =
                WatchStatusRequest { creator: Some(creator), ..WatchStatusRequest::default() };
            alice.status(request).await.bad_field(field, rule);
        }
        let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
        let long = "x".repeat(257);
        let rows: [(Vec<(&str, &str)>, &str); 5] = [
            (vec![("", "x")], "labels"),
            (vec![(&long, "x")], "labels"),
            (vec![("team", &long)], "labels[\"team\"]"),
            (vec![("team", "\u{7}")], "labels[\"team\"]"),
            (many.iter().map(|key| (key.as_str(), "x")).collect(), "labels"),
        ];
        for (labels, field) in rows {
            let labels = labels.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
            let labels: BTreeMap<String, String> = labels.collect();
            let status =
                WatchStatusRequest { labels: labels.clone(), ..WatchStatusRequest::default() };
            alice.status(status).await.bad_field(field, "E1");
            let signals = WatchSignalsRequest { labels, ..WatchSignalsRequest::default() };
            runner.signals_with(signals).await.bad_field(field, "E1");
        }
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
                WatchStatusRequest { environment: name.clone(), ..WatchStatusRequest::default() };
            alice.status(environment).await.bad_field("environment", "E1");
            let of_runner =
                WatchStatusRequest { runner: name.clone(), ..WatchStatusRequest::default() };
            alice.status(of_runner).await.bad_field("runner", "E1");
            let project =
                WatchSignalsRequest { project: name.clone(), ..WatchSignalsRequest::default() };
            runner.signals_with(project).await.bad_field("project", "E1");
            let environment =
                WatchSignalsRequest { environment: name, ..WatchSignalsRequest::default() };
            runner.signals_with(environment).await.bad_field("environment", "E1");
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
        let other_version = summed([&[1], &bytes[1..bytes.len() - SUM_BYTES]].concat());
        let longer = summed([&bytes[..bytes.len() - SUM_BYTES], &[0]].concat());
        let shorter = summed(bytes[..bytes.len() - SUM_BYTES - 1].to_vec());
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
        let encode = |bytes: Vec<u8>| BASE64URL_NOPAD.encode(&bytes);
        bad.extend([other_version, longer, shorter].map(encode));
        // One letter replaced, at each place; any damage is seen.
        bad.extend((0..good.len()).map(|place| {
            let letter = if good.as_bytes()[place] == b'A' { "B" } else { "A" };
            [&good[..place], letter, &good[place + 1..]].concat()
        }));
        for token in bad {
            every_stream_refuses(gate, &token, "RESUME_TOKEN_MALFORMED").await;
        }
        let log = gate.as_("auditor:audit").log(Some(Start::ResumeToken(String::new()))).await;
        log.refused("RESUME_TOKEN_MALFORMED", "E1");
    }

    async fn i41_a_token_of_another_store_or_of_a_lost_state_is_refused(gate) {
        gate.orchestrator().create(deployment("t1")).await.granted();
        let good = token(&gate.as_("auditor:audit")).await;
        let bytes = BASE64URL_NOPAD.decode(good.as_bytes()).unwrap();
        let content = &bytes[..bytes.len() - SUM_BYTES];
        let with = |place: std::ops::Range<usize>, found: &[u8]| {
            let mut content = content.to_vec();
            content[place].copy_from_slice(found);
            BASE64URL_NOPAD.encode(&summed(content))
        };
        let other_store = with(1..9, &[7; 8]);
        every_stream_refuses(gate, &other_store, "RESUME_TOKEN_OF_ANOTHER_STORE").await;
        let head = gate.entries().await;
        let at = |sequence: u64| with(9..17, &sequence.to_be_bytes());
        let lost = [
            with(17..29, &[7; 12]),
            at(0),
            at(head - 1),
            at(head + 1),
            at(i64::MAX as u64),
            at(u64::MAX),
        ];
        for token in lost {
            every_stream_refuses(gate, &token, "RESUME_TOKEN_OF_RESTORED_STORE").await;
        }
        let log = Some(Start::ResumeToken(at(head + 7)));
        let refused = gate.as_("auditor:audit").log(log).await;
        let refused = refused.refused("RESUME_TOKEN_OF_RESTORED_STORE", "E1");
        assert_eq!(refused.fact("found"), (head + 7).to_string());
        assert_eq!(refused.fact("head"), head.to_string());
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
