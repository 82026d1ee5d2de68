//! No second door: every method that is served asks who calls, but for health and reflection, and
//! an odd path is no way around.

use std::collections::BTreeSet;

use countersign_proto::FILE_DESCRIPTOR_SET;
use countersign_proto::v1::{ApproveRequest, ChangeRequestState};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::{Code, Status};

use super::stage::{Kept, believing, cast};
use crate::gate::{Expect, Gate, Headers, Refused, Setup, TokenSpec, deployment, secret};

const APPROVE: &str = "/countersign.v1.ChangeRequestService/Approve";

/// What anybody may ask. Beside it nothing is open.
const OPEN: [&str; 4] = [
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Methods that ask for no role: policies, grants and the task itself say who may.
const WITHOUT_ROLE: [&str; 17] = [
    "Approve",
    "GetChangeRequest",
    "GetFreeze",
    "GetPolicy",
    "GetTask",
    "GetTeam",
    "ListChangeRequests",
    "ListFreezes",
    "ListPolicies",
    "ListTasks",
    "ListTeams",
    "PreviewSchedule",
    "Reject",
    "RevokeApproval",
    "WatchStatus",
    "WhoAmI",
    "WithdrawTask",
];

/// Everybody, and somebody whose token is over.
fn ended() -> Vec<TokenSpec> {
    let mut tokens = cast();
    tokens.push(
        TokenSpec::person("over", "root")
            .roles(&["policy_admin"])
            .expires(1),
    );
    tokens
}

/// The paths of all methods in these descriptors.
fn paths(descriptors: &[u8]) -> Vec<String> {
    let set = FileDescriptorSet::decode(descriptors).unwrap();
    let mut paths = Vec::new();
    for file in &set.file {
        for service in &file.service {
            let service_path = format!("/{}.{}", file.package(), service.name());
            let methods = service.method.iter();
            paths.extend(methods.map(|it| format!("{service_path}/{}", it.name())));
        }
    }
    paths
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

fn bearer(text: &str) -> Headers {
    Headers::authorization(&format!("Bearer {text}"))
}

/// Calls a method with an empty message.
async fn call(gate: &Gate, path: &str, headers: &Headers) -> Result<(), Status> {
    let answer = gate.raw().call(path, headers, Vec::new(), |_| true).await;
    answer.map(drop)
}

/// Sends an approval of `t1` to a path.
async fn approve_at(gate: &Gate, path: &str, headers: &Headers) -> Result<(), Refused> {
    let request = ApproveRequest {
        change_request: "t1".to_owned(),
        ..ApproveRequest::default()
    };
    let answer = gate
        .raw()
        .call(path, headers, request.encode_to_vec(), |_| true)
        .await;
    Ok(answer.map(drop)?)
}

/// Paths that a careless comparison takes for the one of Approve.
fn odd_paths() -> Vec<String> {
    let service = "countersign.v1.ChangeRequestService";
    vec![
        format!("/{APPROVE}"),
        format!("{APPROVE}/"),
        format!("{APPROVE}//"),
        format!("{APPROVE}%00"),
        format!("{APPROVE}%20"),
        format!("{APPROVE}/../Approve"),
        format!("/./{service}/Approve"),
        format!("/x/../{service}/Approve"),
        format!("/{service}//Approve"),
        format!("/{service}%2fApprove"),
        format!("/{service}%2FApprove"),
        format!("/{service}/%41pprove"),
        format!("/{service}/approve"),
        format!("/{service}/APPROVE"),
        format!("/{service}/Approve;x=1"),
        format!("/{}/Approve", service.to_lowercase()),
        format!("/{}/Approve", service.to_uppercase()),
        format!("/countersign%2ev1.ChangeRequestService/Approve"),
        format!("/{service}.Approve"),
        format!("/{service}"),
        format!("/{service}/"),
        format!("/grpc.health.v1.Health/Check/../../{service}/Approve"),
        format!("/grpc.health.v1.Health{APPROVE}"),
        "/".to_owned(),
    ]
}

on_both_stores! { with Setup::with_tokens(ended);
    async fn abuse_every_method_asks_who_calls(gate) {
        gate.advance(1);
        let entries = gate.entries().await;
        let nobody = [
            Headers::default(),
            bearer("alice"),
            bearer(&secret("nobody")),
            bearer(&secret("over")),
        ];
        let mut all = paths(FILE_DESCRIPTOR_SET);
        all.extend(paths(tonic_health::pb::FILE_DESCRIPTOR_SET));
        all.extend(OPEN.map(str::to_owned));
        let all: BTreeSet<String> = all.into_iter().collect();
        assert!(all.len() > OPEN.len() + WITHOUT_ROLE.len(), "{all:?}");
        for path in &all {
            for headers in &nobody {
                let code = call(gate, path, headers).await.map_err(|status| status.code());
                let is_open = OPEN.contains(&path.as_str());
                let asked = code == Err(Code::Unauthenticated);
                assert_ne!(asked, is_open, "{path} {headers:?}: {code:?}");
            }
        }
        assert_eq!(gate.entries().await, entries);
        // With a credential the same calls get past the door.
        for path in all.iter().filter(|path| WITHOUT_ROLE.contains(&name(path))) {
            let found = call(gate, path, &bearer(&secret("mallory"))).await;
            let code = found.err().map_or(Code::Ok, |status| status.code());
            assert!(![Code::Unauthenticated, Code::PermissionDenied].contains(&code), "{path}");
        }
    }

    async fn abuse_every_method_asks_for_its_role(gate) {
        let entries = gate.entries().await;
        let headers = bearer(&secret("mallory"));
        for path in paths(FILE_DESCRIPTOR_SET) {
            let answer = call(gate, &path, &headers).await.map_err(Refused::from);
            let asked = answer.is_err_and(|refused| refused.reason == "ROLE_REQUIRED");
            assert_ne!(asked, WITHOUT_ROLE.contains(&name(&path)), "{path}");
        }
        assert_eq!(gate.entries().await, entries);
        // With all roles there are, nobody is asked for one.
        let roles = ["root", "audit", "ada", "ci", "web-1"];
        for path in paths(FILE_DESCRIPTOR_SET) {
            let mut let_in = false;
            for token in roles {
                let answer = call(gate, &path, &bearer(&secret(token))).await;
                let refused = answer.map_err(Refused::from).err();
                let_in |= refused.is_none_or(|refused| refused.reason != "ROLE_REQUIRED");
            }
            assert!(let_in, "{path}");
        }
    }
}

on_both_stores! { with believing(cast);
    async fn abuse_an_odd_path_leads_nowhere(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
        for path in odd_paths() {
            // Also for whoever may approve: there is one way to say it.
            let refused = approve_at(gate, &path, &bearer("alice")).await;
            let refused = refused.refused("UNKNOWN_METHOD", "E1");
            assert_eq!(refused.code, Code::Unimplemented, "{path}");
            let refused = approve_at(gate, &path, &Headers::default()).await;
            refused.refused("UNAUTHENTICATED", "E1");
        }
        approve_at(gate, &format!("{APPROVE}?x=1"), &Headers::default())
            .await
            .refused("UNAUTHENTICATED", "E1");
        approve_at(gate, APPROVE, &bearer("mallory")).await.refused("NOT_AN_APPROVER", "D1");
        kept.holds(gate).await;
        approve_at(gate, APPROVE, &bearer("alice")).await.granted();
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Approved);
    }
}
