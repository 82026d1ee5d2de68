//! Whatever a call carries beside its credential leaves the caller who they are.

use countersign_proto::v1::{ApproveRequest, ChangeRequestState};
use prost::Message as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tonic::metadata::{Ascii, Binary, BinaryMetadataKey, MetadataKey, MetadataMap, MetadataValue};
use tonic::{Code, Status};

use super::stage::{Kept, believing, cast};
use crate::gate::{Expect, Gate, Headers, deployment, secret};

const ROUNDS: usize = 200;
const WHO_AM_I: &str = "/countersign.v1.AccessService/WhoAmI";
const APPROVE: &str = "/countersign.v1.ChangeRequestService/Approve";

/// Headers that proxies, clouds and careless servers take an identity from.
const TRUSTED_ELSEWHERE: [&str; 28] = [
    "x-user",
    "x-user-id",
    "x-remote-user",
    "remote-user",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-for",
    "x-forwarded-groups",
    "x-forwarded-access-token",
    "x-forwarded-client-cert",
    "x-ssl-client-cert",
    "x-client-cert",
    "x-auth-request-user",
    "x-auth-request-email",
    "x-authenticated-user",
    "x-goog-authenticated-user-email",
    "x-goog-iap-jwt-assertion",
    "x-amzn-oidc-data",
    "x-amzn-oidc-identity",
    "cf-access-jwt-assertion",
    "impersonate-user",
    "impersonate-group",
    "x-role",
    "x-principal",
    "x-api-key",
    "proxy-authorization",
    "forwarded",
    "cookie",
];

/// What an attacker would like to be.
const WISHES: [&str; 8] = [
    "alice",
    "root:alice",
    "Bearer alice",
    "Bearer root:alice",
    "local",
    "policy_admin",
    "{\"sub\":\"alice\",\"iss\":\"local\"}",
    "for=127.0.0.1;by=alice",
];

/// Whose text `COUNTERSIGN_TEST_SEED` says; else the same ones each time.
fn chance() -> StdRng {
    let seed = std::env::var("COUNTERSIGN_TEST_SEED").ok();
    let seed = seed.and_then(|text| text.parse().ok()).unwrap_or(42);
    println!("replay with COUNTERSIGN_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// A credential, and up to eight headers beside it.
fn beside(bearer: &str, chance: &mut StdRng) -> Headers {
    let Headers(mut headers) = Headers::authorization(&format!("Bearer {bearer}"));
    for _ in 0..chance.random_range(1..=8) {
        let invented = format!("x-{:x}", chance.random::<u32>());
        let known = TRUSTED_ELSEWHERE.choose(chance).copied().unwrap();
        let name = if chance.random() { known } else { &invented };
        let wish = match chance.random_range(0..3) {
            0 => secret("ada"),
            _ => WISHES.choose(chance).copied().unwrap().to_owned(),
        };
        if chance.random_range(0..4) == 0 {
            let name: BinaryMetadataKey = format!("{name}-bin").parse().unwrap();
            headers.append_bin(name, MetadataValue::<Binary>::from_bytes(wish.as_bytes()));
        } else {
            let name: MetadataKey<Ascii> = name.parse().unwrap();
            headers.append(name, wish.parse().unwrap());
        }
    }
    Headers(headers)
}

async fn who_am_i(gate: &Gate, headers: &Headers) -> Result<Vec<u8>, Status> {
    gate.raw()
        .call(WHO_AM_I, headers, Vec::new(), |_| true)
        .await
}

async fn approve(gate: &Gate, headers: &Headers) -> Result<(), Status> {
    let request = ApproveRequest {
        change_request: "t1".to_owned(),
        ..ApproveRequest::default()
    };
    let answer = gate
        .raw()
        .call(APPROVE, headers, request.encode_to_vec(), |_| true)
        .await;
    answer.map(drop)
}

/// Two credentials in one call, in the places that a careless server looks at first or last.
fn doubled(one: &str, other: &str) -> Vec<Headers> {
    let mut twice = MetadataMap::new();
    for bearer in [one, other] {
        twice.append("authorization", format!("Bearer {bearer}").parse().unwrap());
    }
    let joined = Headers::authorization(&format!("Bearer {one}, Bearer {other}"));
    let basic = Headers::authorization("Basic YWxpY2U6YWxpY2U=");
    vec![Headers(twice), joined, basic]
}

on_both_stores! { with believing(cast);
    async fn abuse_metadata_beside_the_credential_changes_nobody(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
        let mut chance = chance();
        // By name, and by API token.
        for bearer in ["mallory".to_owned(), secret("mallory")] {
            let alone = Headers::authorization(&format!("Bearer {bearer}"));
            let expected = who_am_i(gate, &alone).await.unwrap();
            for _ in 0..ROUNDS {
                let headers = beside(&bearer, &mut chance);
                let found = who_am_i(gate, &headers).await.unwrap();
                assert_eq!(found, expected, "{headers:?}");
                let refused = approve(gate, &headers).await.map_err(crate::gate::Refused::from);
                refused.refused("NOT_AN_APPROVER", "D1");
            }
        }
        kept.holds(gate).await;
        approve(gate, &beside("alice", &mut chance)).await.unwrap();
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Approved);
        assert_eq!(cr.decisions[0].person.as_ref().unwrap().subject, "alice");
    }

    async fn abuse_two_credentials_in_one_call_are_none(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
        let mut forms = doubled("mallory", "alice");
        forms.extend(doubled("alice", "mallory"));
        forms.extend(doubled(&secret("alice"), &secret("mallory")));
        // Only a name is believed as it is: joined texts are one name, which is nobody's.
        for headers in forms {
            let refused = approve(gate, &headers).await.unwrap_err();
            let expected = [Code::Unauthenticated, Code::PermissionDenied];
            assert!(expected.contains(&refused.code()), "{headers:?}: {refused:?}");
        }
        kept.holds(gate).await;
        approve(gate, &Headers::authorization("Bearer alice")).await.unwrap();
    }
}
