//! What is told of calls that the door turns away, and of calls that are turned away behind it.

use std::sync::Arc;

use countersign_domain::Refusal;
use countersign_domain::access::{PrincipalKind, Role, TokenDraft};
use countersign_domain::ids::CrPrefix;
use countersign_proto::v1;
use http_body_util::Full;
use prost::Message as _;
use serde_json::Value;
use tonic::{Code, Status};
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tower::{Layer as _, ServiceExt as _};

use super::AccessSettings;
use super::layer::tests::{House, request};
use crate::lifecycle::Limits;
use crate::lifecycle::routes::routes;
use crate::rpc::gate::Gate;
use crate::status::status;

const APPROVE: &str = "/countersign.v1.ChangeRequestService/Approve";
const CREATE: &str = "/countersign.v1.ChangeRequestService/CreateChangeRequest";
const GET_HEAD: &str = "/countersign.v1.LogService/GetHead";
const LIST_ENTRIES: &str = "/countersign.v1.LogService/ListEntries";
const REVOKE_TOKEN: &str = "/countersign.v1.AccessService/RevokeToken";

#[tokio::test]
async fn e2_denials_at_the_door_and_behind_it_are_told() {
    let house = House::insecure().await;
    let prefix = CrPrefix::parse("CR").unwrap();
    let refused = |refusal: Refusal| Some(status(&refusal.into(), &prefix));
    assert!(house.ask(APPROVE, &[], None).await.is_err());
    assert!(house.call(CREATE, "alice").await.is_err());
    let blocked = refused(Refusal::CannotDecide);
    assert!(house.ask(APPROVE, &["runner:r"], blocked).await.is_err());
    let hidden = refused(Refusal::not_found("change request", "9"));
    assert!(house.ask(APPROVE, &["bob"], hidden).await.is_err());
    let wrong = refused(Refusal::field("comment", "x", "y", "E1"));
    assert!(house.ask(APPROVE, &["carol"], wrong).await.is_err());
    assert!(house.call(APPROVE, "dave").await.is_ok());
    let told = house.told();
    let told: Vec<[&str; 4]> = told
        .iter()
        .map(|line| ["subject", "reason", "why", "peer"].map(|it| line[it].as_str().unwrap()))
        .collect();
    let here = "10.0.0.1";
    let expected = [
        ["", "UNAUTHENTICATED", "no credential", here],
        ["alice", "ROLE_REQUIRED", "", here],
        ["runner:r", "CANNOT_DECIDE", "", here],
        ["bob", "NOT_FOUND", "", here],
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn e2_what_a_verb_refuses_is_told() {
    let house = House::insecure().await;
    let authenticator = house.bench.authenticator(AccessSettings::default(), None);
    let gate = Gate::new(house.bench.engine.clone(), Arc::new(authenticator), 9);
    let health = HealthService::from_health_reporter(HealthReporter::new());
    let routes = routes(&gate, HealthServer::new(health), 1_024).unwrap();
    let message = v1::RevokeTokenRequest {
        token_id: "nothing".to_owned(),
        comment: String::new(),
    };
    let message = message.encode_to_vec();
    // Not compressed, and so long.
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message);
    let request = request(REVOKE_TOKEN, &["access:alice"])
        .header("content-type", "application/grpc")
        .body(Full::new(prost::bytes::Bytes::from(body)));
    let service = house.layer.layer(routes.prepare());
    let answer = service.oneshot(request.unwrap()).await.unwrap();
    let found = answer.extensions().get::<Status>().map(Status::code);
    assert_eq!(found, Some(Code::NotFound));
    let told = house.told();
    let [line] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(line["event"], "denied");
    assert_eq!(line["reason"], "NOT_FOUND");
    assert_eq!(line["subject"], "access:alice");
}

#[tokio::test]
async fn no_read_of_the_log_goes_unrecorded() {
    let house = House::insecure().await;
    assert_eq!(house.reason(LIST_ENTRIES, "auditor:ann").await, "OK");
    let logs = house.folder.path().join("logs");
    let aside = house.folder.path().join("aside");
    std::fs::rename(&logs, &aside).unwrap();
    let refused = house.call(LIST_ENTRIES, "auditor:ann").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(
        house.call(CREATE, "orchestrator:ci").await.is_ok(),
        "nothing else is held up"
    );
    assert_eq!(house.reason(CREATE, "alice").await, "ROLE_REQUIRED");
    // Once this has failed, what was told before it has failed too.
    assert!(house.call(LIST_ENTRIES, "auditor:ann").await.is_err());
    std::fs::rename(&aside, &logs).unwrap();
    assert_eq!(house.reason(LIST_ENTRIES, "auditor:ann").await, "OK");
    let told = house.told();
    let events: Vec<&str> = told
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["log_read", "log_read", "suppressed"]);
    assert_eq!(told[2]["lost"], 3);
}

#[tokio::test]
async fn abuse_no_text_of_a_credential_gets_into_the_log() {
    let house = House::new(AccessSettings::default(), Limits::default()).await;
    let good = house.bench.token("ci", |_| {}).await;
    let ended = house.bench.token("old", |_| {}).await;
    house.bench.revoke("old").await;
    let forged = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2VjcmV0";
    let unknown = "csn_0123456789abcdef";
    let texts = [good.as_str(), &ended, forged, unknown, "hunter2"];
    for text in texts {
        assert!(house.call(CREATE, text).await.is_err());
        assert!(house.ask(CREATE, &[text, text], None).await.is_err());
    }
    let told = house.told();
    assert_eq!(told.len(), 2 * texts.len());
    let told = told.iter().map(Value::to_string).collect::<String>();
    for text in texts {
        assert!(!told.contains(text), "{text}");
    }
}

#[tokio::test]
async fn abuse_bad_logins_of_one_address_hold_up_new_logins_of_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, r#"{"keys": []}"#).unwrap();
    let settings = format!(
        "[oidc]\nissuer = \"https://login.example.com\"\naudiences = [\"gate\"]\n\
         jwks_file = {keys:?}\n"
    );
    let limits = Limits {
        failed_logins_per_second_per_address: 1,
        ..Limits::default()
    };
    let house = House::new(AccessSettings::parse(&settings).unwrap(), limits).await;
    let shape = |token: &mut TokenDraft| {
        token.kind = PrincipalKind::Service;
        token.roles = [Role::Orchestrator].into();
    };
    let token = house.bench.token("ci", shape).await;
    let (forged, burst) = ("e30.e30.e30", 10);
    for _ in 0..2 * burst {
        assert!(house.ask(GET_HEAD, &[], None).await.is_err(), "no login");
        let guessed = house.reason(GET_HEAD, "csn_guessed").await;
        assert_eq!(guessed, "UNAUTHENTICATED");
    }
    let mut refused = 0;
    while house.reason(GET_HEAD, forged).await == "UNAUTHENTICATED" {
        refused += 1;
        assert!(refused <= 2 * burst, "never held up");
    }
    assert!(refused >= burst, "held up after {refused}");
    assert_eq!(house.reason(GET_HEAD, forged).await, "RATE_LIMITED");
    assert_eq!(house.reason(CREATE, &token).await, "OK");
    assert_eq!(
        house.reason(GET_HEAD, "csn_guessed").await,
        "UNAUTHENTICATED"
    );
}
