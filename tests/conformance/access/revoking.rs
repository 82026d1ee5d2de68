//! A token that was revoked is worth nothing, from the next command on.

use std::time::{Duration, Instant};

use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{
    ApproveRequest, GetTaskRequest, RejectRequest, RevokeApprovalRequest, Role, TaskOutcome,
    TaskSpec, Token, WatchStatusRequest,
};
use prost::Message as _;
use tonic::Code;

use crate::gate::{Caller, Expect, Gate, Headers, LIMIT, Refused, Told, deployment, moment};

const WHO_AM_I: &str = "/countersign.v1.AccessService/WhoAmI";
/// By when open streams must have ended.
const SOON: Duration = Duration::from_secs(1);

/// Calls of a person about a task.
fn calls(id: &str) -> Vec<(&'static str, Vec<u8>)> {
    let change_request = id.to_owned();
    let approve = ApproveRequest {
        change_request: change_request.clone(),
        ..ApproveRequest::default()
    };
    let reject = RejectRequest {
        change_request: change_request.clone(),
        ..RejectRequest::default()
    };
    let revoke = RevokeApprovalRequest {
        change_request: change_request.clone(),
        ..RevokeApprovalRequest::default()
    };
    let watch = WatchStatusRequest {
        change_requests: vec![change_request],
        ..WatchStatusRequest::default()
    };
    let task_id = id.to_owned();
    vec![
        ("ChangeRequestService/Approve", approve.encode_to_vec()),
        ("ChangeRequestService/Reject", reject.encode_to_vec()),
        (
            "ChangeRequestService/RevokeApproval",
            revoke.encode_to_vec(),
        ),
        (
            "ChangeRequestService/GetTask",
            GetTaskRequest { task_id }.encode_to_vec(),
        ),
        ("ChangeRequestService/WatchStatus", watch.encode_to_vec()),
        ("AccessService/WhoAmI", Vec::new()),
    ]
}

/// What somebody is told who has no credential at all.
async fn stranger(gate: &Gate, path: &str, message: Vec<u8>) -> Told {
    let nobody = Headers::default();
    let answer = gate.raw().call(path, &nobody, message, |_| false).await;
    Told::from(&answer.unwrap_err())
}

/// How the streams of a caller end.
struct Streams {
    /// One for each kind.
    ends: Vec<tokio::task::JoinHandle<(Result<(), Refused>, Instant)>>,
}

impl Streams {
    /// Opens one of each kind that `caller` may open, and waits until all is told on them.
    async fn open(caller: &Caller, kinds: &[&str]) -> Self {
        let mut ends = Vec::new();
        for kind in kinds {
            let caller = caller.clone();
            let end = match *kind {
                "status" => {
                    let project = "web".to_owned();
                    let request = WatchStatusRequest {
                        project,
                        ..Default::default()
                    };
                    let mut stream = caller.status(request).await.granted();
                    stream.synced().await;
                    tokio::spawn(async move { (stream.end().await.1, moment()) })
                }
                "signals" => {
                    let mut stream = caller.signals(&[], "").await.granted();
                    stream.synced().await;
                    tokio::spawn(async move { (stream.end().await.1, moment()) })
                }
                _ => {
                    let mut stream = caller.log(Some(Start::FromNow(true))).await.granted();
                    stream.synced().await;
                    tokio::spawn(async move { (stream.end().await.1, moment()) })
                }
            };
            ends.push(end);
        }
        Self { ends }
    }

    /// Waits until all have ended as if there had been no credential; the longest time since.
    async fn ended(self, since: Instant) -> Duration {
        let mut longest = Duration::ZERO;
        for end in self.ends {
            let end = tokio::time::timeout(LIMIT, end).await;
            let (ended, at) = end.expect("the stream ends in time").unwrap();
            let refused = ended.refused("UNAUTHENTICATED", "E1");
            assert_eq!(refused.code, Code::Unauthenticated);
            longest = longest.max(at.saturating_duration_since(since));
        }
        longest
    }
}

on_both_stores! {
    async fn the_next_call_is_refused_as_if_there_were_no_credential(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        for (number, (method, message)) in calls("t1").into_iter().enumerate() {
            let id = format!("laptop-{number}");
            let made = gate.access_admin().create_token(gate.token_of(&id, "alice")).await;
            let headers = Headers::authorization(&format!("Bearer {}", made.granted().secret));
            let path = format!("/countersign.v1.{method}");
            gate.raw().call(WHO_AM_I, &headers, Vec::new(), |_| false).await.unwrap();
            gate.access_admin().revoke_token(&id).await.granted();
            let before = gate.entries().await;
            let refused = gate.raw().call(&path, &headers, message.clone(), |_| false).await;
            let refused = Told::from(&refused.expect_err(method));
            assert_eq!(refused, stranger(gate, &path, message).await, "{method}");
            assert_eq!(gate.entries().await, before, "{method}");
        }
    }

    async fn each_role_is_gone_with_its_token(gate) {
        gate.alice_approves().await;
        let runner = Token {
            runner: "web-1".to_owned(),
            ..gate.token_of_service("r", &[Role::Runner])
        };
        let runner = gate.bearer(runner).await;
        let ci = gate.bearer(gate.token_of_service("ci", &[Role::Orchestrator])).await;
        for id in ["t1", "t2"] {
            gate.cleared(TaskSpec { runner: "web-1".to_owned(), ..deployment(id) }).await;
        }
        runner.start("t1", 1, "claim").await.granted();
        let admin = gate.access_admin();
        admin.revoke_token("r").await.granted();
        admin.revoke_token("ci").await.granted();
        let before = gate.entries().await;
        let outcome = TaskOutcome::Succeeded;
        runner.finish("t1", "claim", outcome).await.refused("UNAUTHENTICATED", "E1");
        // Not even what would be a repeat.
        runner.start("t1", 1, "claim").await.refused("UNAUTHENTICATED", "E1");
        runner.start("t2", 1, "other").await.refused("UNAUTHENTICATED", "E1");
        ci.create(deployment("t1")).await.refused("UNAUTHENTICATED", "E1");
        ci.create(deployment("t3")).await.refused("UNAUTHENTICATED", "E1");
        ci.withdraw("t2").await.refused("UNAUTHENTICATED", "E1");
        assert_eq!(gate.entries().await, before);
        // The claim is the same service's, with another token of it.
        let again = Token {
            runner: "web-1".to_owned(),
            person: Some(crate::gate::person("r")),
            ..gate.token_of_service("r-2", &[Role::Runner])
        };
        gate.bearer(again).await.finish("t1", "claim", outcome).await.granted();
    }

    async fn whoever_revokes_their_own_token_is_answered_and_out(gate) {
        let ada = Token {
            roles: vec![Role::AccessAdmin.into()],
            ..gate.token_of("ada", "ada")
        };
        let ada = gate.bearer(ada).await;
        ada.revoke_token("ada").await.granted();
        ada.revoke_token("ada").await.refused("UNAUTHENTICATED", "E1");
        ada.get_token("ada").await.refused("UNAUTHENTICATED", "E1");
    }

    async fn open_streams_end_with_their_token_and_no_others_do(gate) {
        gate.alice_approves().await;
        gate.waiting(TaskSpec { runner: "web-1".to_owned(), ..deployment("t1") }).await;
        let mut longest = Duration::ZERO;
        for round in 0..5 {
            let (one, other) = (format!("one-{round}"), format!("other-{round}"));
            let runner = |id: &str| Token {
                runner: "web-1".to_owned(),
                ..gate.token_of_service(id, &[Role::Runner, Role::Auditor])
            };
            let kinds = ["status", "signals", "log"];
            let ending = Streams::open(&gate.bearer(runner(&one)).await, &kinds).await;
            let staying = Streams::open(&gate.bearer(runner(&other)).await, &kinds).await;
            gate.access_admin().revoke_token(&one).await.granted();
            longest = longest.max(ending.ended(moment()).await);
            assert!(staying.ends.iter().all(|end| !end.is_finished()), "others go on");
            gate.access_admin().revoke_token(&other).await.granted();
            longest = longest.max(staying.ended(moment()).await);
        }
        println!("streams ended at the latest {longest:?} after the revocation was answered");
        assert!(longest < SOON, "{longest:?}");
    }

    async fn nothing_that_happens_after_the_revocation_is_told(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let alice = gate.bearer(gate.token_of("laptop", "alice")).await;
        let project = "web".to_owned();
        let request = WatchStatusRequest { project, ..Default::default() };
        let mut stream = alice.status(request).await.granted();
        stream.synced().await;
        gate.access_admin().revoke_token("laptop").await.granted();
        gate.waiting(deployment("secret-plans")).await;
        let (messages, ended) = stream.end().await;
        assert!(!format!("{messages:?}").contains("secret-plans"), "{messages:?}");
        ended.refused("UNAUTHENTICATED", "E1");
    }
}
