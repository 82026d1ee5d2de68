//! A stream asks who listens when it is opened, tells nobody what is not theirs, and ends with the
//! credential it was opened with.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_engine::EngineConfig;
use countersign_proto::FILE_DESCRIPTOR_SET;
use countersign_proto::v1::{
    Role, TaskSpec, WatchLogResponse, WatchSignalsResponse, WatchStatusRequest, WatchStatusResponse,
};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::Code;

use super::stage::{SecondDoor, believing, cast};
use crate::gate::{Caller, Expect, Followed, Gate, Headers, Refused, Setup, TokenSpec, deployment};

/// All streams there are.
const STREAMS: [&str; 3] = [
    "/countersign.v1.ChangeRequestService/WatchStatus",
    "/countersign.v1.LogService/WatchLog",
    "/countersign.v1.RunnerService/WatchSignals",
];

/// Everybody, credentials that end a minute after the beginning, and some with a narrow grant.
fn listeners() -> Vec<TokenSpec> {
    let mut tokens = cast();
    tokens.extend([
        TokenSpec::person("bob-short", "bob").expires(60),
        TokenSpec::service("web-1-short", &["runner"])
            .runner("web-1")
            .expires(60),
        TokenSpec::person("audit-short", "audit")
            .roles(&["auditor"])
            .expires(60),
        TokenSpec::person("bob-of-api", "bob").projects(&["api"]),
        TokenSpec::service("runner-of-api", &["runner"]).projects(&["api"]),
        TokenSpec::person("auditor-of-api", "dave")
            .roles(&["auditor"])
            .projects(&["api"]),
    ]);
    tokens
}

/// A stream says often that it is alive, so that its end is seen soon.
fn lively() -> Setup {
    Setup {
        configure: |config: &mut EngineConfig| config.heartbeat = Duration::from_millis(50),
        ..believing(listeners)
    }
}

/// A task of the runner that listens.
fn ours(id: &str) -> TaskSpec {
    TaskSpec {
        runner: "web-1".to_owned(),
        ..deployment(id)
    }
}

/// All that happens to change requests of the project `web`.
fn web() -> WatchStatusRequest {
    WatchStatusRequest {
        project: "web".to_owned(),
        ..WatchStatusRequest::default()
    }
}

/// The change request of one task.
fn only(id: &str) -> WatchStatusRequest {
    WatchStatusRequest {
        change_requests: vec![id.to_owned()],
        ..WatchStatusRequest::default()
    }
}

/// How each stream is refused, by its path.
async fn opened(caller: &Caller) -> Vec<(&'static str, Result<(), Refused>)> {
    vec![
        (STREAMS[0], caller.status(only("t1")).await.map(drop)),
        (STREAMS[0], caller.status(web()).await.map(drop)),
        (STREAMS[1], caller.log(None).await.map(drop)),
        (STREAMS[2], caller.signals(&["t1"], "").await.map(drop)),
        (STREAMS[2], caller.signals(&[], "").await.map(drop)),
    ]
}

/// Streams of three credentials that are about to end, and one that goes on.
struct Listening {
    status: Followed<WatchStatusResponse>,
    signals: Followed<WatchSignalsResponse>,
    log: Followed<WatchLogResponse>,
    living: Followed<WatchStatusResponse>,
}

impl Listening {
    /// Opens them, and reads what is there: a task called `before`.
    async fn begin(gate: &Gate, [person, runner, auditor]: [Caller; 3]) -> Self {
        let mut status = person.status(web()).await.granted();
        let mut signals = runner.signals(&[], "").await.granted();
        let mut log = auditor.log(None).await.granted();
        let mut living = gate.with_token("alice").status(web()).await.granted();
        let present = [
            format!("{:?}", status.synced().await),
            format!("{:?}", signals.synced().await),
            format!("{:?}", log.synced().await),
            format!("{:?}", living.synced().await),
        ];
        assert!(
            present.iter().all(|it| it.contains("before")),
            "{present:?}"
        );
        Self {
            status,
            signals,
            log,
            living,
        }
    }

    /// The three have ended and told nothing of a task called `afterwards`; the other one has.
    async fn ends(mut self, gate: &Gate) {
        let (messages, end) = self.status.end().await;
        ended_before(&format!("{messages:?}"), end);
        let (messages, end) = self.signals.end().await;
        ended_before(&format!("{messages:?}"), end);
        let (messages, end) = self.log.end().await;
        ended_before(&format!("{messages:?}"), end);
        if gate.orchestrator().task("afterwards").await.is_err() {
            gate.waiting(ours("afterwards")).await;
        }
        let told = |message: &WatchStatusResponse| format!("{message:?}").contains("afterwards");
        self.living.until(told).await;
    }
}

fn ended_before(messages: &str, end: Result<(), Refused>) {
    let refused = end.refused("UNAUTHENTICATED", "E1");
    assert_eq!(refused.code, Code::Unauthenticated);
    assert!(!messages.contains("afterwards"), "{messages}");
}

on_both_stores! { with believing(listeners);
    async fn abuse_no_stream_opens_without_a_good_credential(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("t1")).await;
        let made = gate.token_of_service("web-1-old", &[Role::Runner]);
        let revoked = gate.bearer(made).await;
        gate.access_admin().revoke_token("web-1-old").await.granted();
        gate.advance(60);
        let entries = gate.entries().await;
        let ended = ["bob-short", "web-1-short", "audit-short"].map(|id| gate.with_token(id));
        let unknown = [gate.as_("csn_0123456789abcdef"), revoked];
        for caller in ended.iter().chain(&unknown) {
            for (path, answer) in opened(caller).await {
                let refused = answer.refused("UNAUTHENTICATED", "E1");
                assert_eq!(refused.code, Code::Unauthenticated, "{path}");
            }
        }
        for path in STREAMS {
            for headers in [Headers::default(), Headers::authorization("Basic YWxpY2U6")] {
                let raw = gate.raw();
                let answer = raw.call(path, &headers, only("t1").encode_to_vec(), |_| true).await;
                assert_eq!(answer.unwrap_err().code(), Code::Unauthenticated, "{path}");
            }
        }
        assert_eq!(gate.entries().await, entries);
        gate.with_token("bob").status(web()).await.granted().synced().await;
        gate.with_token("web-1").signals(&[], "").await.granted().synced().await;
        gate.with_token("audit").log(None).await.granted().synced().await;
    }

    async fn abuse_no_stream_opens_for_another_role(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("t1")).await;
        let allowed: [(&str, &[&str]); 5] = [
            ("alice", &[STREAMS[0]]),
            ("ci", &[STREAMS[0]]),
            ("root", &[STREAMS[0]]),
            ("audit", &[STREAMS[0], STREAMS[1]]),
            ("web-1", &[STREAMS[0], STREAMS[2]]),
        ];
        for (token, allowed) in allowed {
            for (path, answer) in opened(&gate.with_token(token)).await {
                if allowed.contains(&path) {
                    answer.granted();
                } else {
                    let refused = answer.refused("ROLE_REQUIRED", "E1");
                    assert_eq!(refused.code, Code::PermissionDenied, "{token} {path}");
                }
            }
        }
    }
}

on_both_stores! { with lively();
    async fn abuse_no_stream_tells_what_lies_outside_the_grant(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("t1")).await;
        let bob = gate.with_token("bob-of-api");
        bob.status(only("t1")).await.map(drop).refused("NOT_FOUND", "E1");
        let runner = gate.with_token("runner-of-api");
        runner.signals(&["t1"], "").await.map(drop).refused("NOT_FOUND", "E1");
        let auditor = gate.with_token("auditor-of-api");
        auditor.log(None).await.map(drop).refused("OUTSIDE_GRANT", "E1");
        let mut narrow = bob.status(web()).await.granted();
        let mut wide = gate.with_token("bob").status(web()).await.granted();
        assert!(!format!("{:?}", narrow.synced().await).contains("t1"));
        assert!(format!("{:?}", wide.synced().await).contains("t1"));
        gate.waiting(ours("later")).await;
        wide.until(|message| format!("{message:?}").contains("later")).await;
        let (messages, _) = narrow.marked(gate.entries().await).await;
        assert!(!format!("{messages:?}").contains("later"), "{messages:?}");
    }

    async fn abuse_a_stream_ends_when_its_token_expires(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("before")).await;
        let ending = ["bob-short", "web-1-short", "audit-short"].map(|id| gate.with_token(id));
        let listening = Listening::begin(gate, ending).await;
        gate.advance(60);
        gate.waiting(ours("afterwards")).await;
        listening.ends(gate).await;
    }

    async fn abuse_a_stream_ends_when_its_token_is_revoked(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("before")).await;
        let ada = gate.access_admin();
        let person = gate.bearer(gate.token_of("bob-1", "bob")).await;
        let mut token = gate.token_of_service("web-1-new", &[Role::Runner]);
        token.runner = "web-1".to_owned();
        let runner = gate.bearer(token).await;
        let mut token = gate.token_of("audit-1", "audit");
        token.roles = vec![Role::Auditor.into()];
        let auditor = gate.bearer(token).await;
        let listening = Listening::begin(gate, [person, runner, auditor]).await;
        for id in ["bob-1", "web-1-new", "audit-1"] {
            ada.revoke_token(id).await.granted();
        }
        listening.ends(gate).await;
    }

    async fn abuse_a_stream_there_ends_when_its_token_is_revoked_here(gate) {
        gate.alice_approves().await;
        gate.waiting(ours("before")).await;
        let there = SecondDoor::open(gate).await;
        let made = gate.access_admin().create_token(gate.token_of("bob-1", "bob")).await.granted();
        let bob = there.knows(&made.secret).await;
        let mut status = bob.status(web()).await.granted();
        assert!(format!("{:?}", status.synced().await).contains("before"));
        gate.access_admin().revoke_token("bob-1").await.granted();
        let (messages, end) = status.end().await;
        ended_before(&format!("{messages:?}"), end);
        there.with_token("bob").status(web()).await.granted().synced().await;
    }
}

/// Another stream has to be tried here as well.
#[test]
fn abuse_every_stream_is_known() {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut found = BTreeSet::new();
    for file in &set.file {
        for service in &file.service {
            let streams = service.method.iter().filter(|it| it.server_streaming());
            let package = file.package();
            found.extend(streams.map(|it| format!("/{package}.{}/{}", service.name(), it.name())));
        }
    }
    assert_eq!(found, STREAMS.map(str::to_owned).into());
}
