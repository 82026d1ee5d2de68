//! People who log in at a provider are told apart by their subject. An e-mail address, a name and a
//! user name are things that people choose, and decide nothing.

use std::path::Path;
use std::sync::LazyLock;

use countersign_proto::v1::{ChangeRequestState, Creator, TaskSpec};
use countersign_server::AccessSettings;
use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::stage::{Kept, cast};
use crate::gate::{
    Caller, Expect, Gate, PolicySpec, Setup, TokenSpec, deployment, instant, person,
};

const ISSUER: &str = "https://login.example.com";
/// How long logins live, in seconds after the beginning.
const LIFE_SECONDS: i64 = 3_600;

/// The key of the provider.
static KEY: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    let (algorithm, chance) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &chance).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &chance).unwrap()
});

/// People log in at the provider, whose keys are in a file.
fn people_log_in() -> AccessSettings {
    let point = KEY.public_key().as_ref();
    let half = |part: &[u8]| BASE64URL_NOPAD.encode(part);
    // The first byte says that both halves follow.
    let key = json!({
        "kty": "EC", "crv": "P-256", "kid": "provider", "alg": "ES256", "use": "sig",
        "x": half(&point[1..33]), "y": half(&point[33..65]),
    });
    let file = format!("people-{}.json", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    std::fs::write(&path, json!({ "keys": [key] }).to_string()).unwrap();
    let (audience, path) = ("countersign", path.display());
    let text =
        format!("[oidc]\nissuer = '{ISSUER}'\naudiences = ['{audience}']\njwks_file = '{path}'\n");
    AccessSettings::parse(&text).unwrap()
}

/// Everybody, and a service that keeps policies: people of the store are of another issuer here,
/// so that their tokens carry no roles.
fn keepers() -> Vec<TokenSpec> {
    let mut tokens = cast();
    tokens.push(TokenSpec::service("keeper", &["policy_admin"]));
    tokens
}

fn setup() -> Setup {
    Setup {
        tokens: keepers,
        access: people_log_in,
        ..Setup::default()
    }
}

/// A login of this subject, and with these other claims.
fn login(gate: &Gate, subject: &str, others: &Value) -> Caller {
    let begins = instant("2026-11-23T00:00:00Z").unwrap().seconds;
    let mut claims = json!({
        "iss": ISSUER, "aud": "countersign", "sub": subject,
        "iat": begins, "exp": begins + LIFE_SECONDS,
    });
    for (claim, value) in others.as_object().unwrap() {
        claims[claim] = value.clone();
    }
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": "provider" });
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = KEY.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    let signature = BASE64URL_NOPAD.encode(signature.as_ref());
    gate.as_(&format!("{signed}.{signature}"))
}

/// All that a provider may say of alice beside her subject.
fn like_alice() -> Value {
    json!({
        "email": "alice@example.com", "email_verified": true, "name": "Alice",
        "preferred_username": "alice", "upn": "alice@example.com", "nickname": "alice",
        "uid": "00u-alice", "user_id": "00u-alice", "act": { "sub": "00u-alice" },
        "groups": ["00u-alice"],
    })
}

/// A task that this person triggered.
fn created_by(id: &str, subject: &str) -> TaskSpec {
    let creator = Creator {
        person: Some(person(subject)),
        display_name: "Alice".to_owned(),
        service: false,
    };
    TaskSpec {
        creator: Some(creator),
        ..deployment(id)
    }
}

on_both_stores! { with setup();
    async fn abuse_an_equal_e_mail_is_not_an_equal_person(gate) {
        let (ci, keeper) = (gate.with_token("ci"), gate.with_token("keeper"));
        let policy = PolicySpec::new("prod").users(&["00u-alice", "00u-bob"]).minimum(2);
        keeper.policy(policy).await.granted();
        ci.create(deployment("t1")).await.granted();
        let alice = login(gate, "00u-alice", &like_alice());
        alice.approve("t1").await.granted();
        let kept = Kept::of(gate, &ci, &["t1"]).await;
        for subject in ["00u-mallory", "alice@example.com", "Alice", "00U-ALICE", "00u-alice2"] {
            let other = login(gate, subject, &like_alice());
            let told = other.who_am_i().await.granted();
            assert_eq!(told.person.unwrap().subject, subject);
            other.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
            other.reject("t1").await.refused("NOT_AN_APPROVER", "D1");
        }
        // With another address and another name she is who she was, and still one person.
        let married = json!({ "email": "alice.miller@example.com", "name": "Bob" });
        let again = login(gate, "00u-alice", &married).approve("t1").await.granted();
        assert_eq!((again.approvals_counted, again.state()), (1, ChangeRequestState::Pending));
        kept.holds(gate).await;
        let bob = login(gate, "00u-bob", &like_alice()).approve("t1").await.granted();
        assert_eq!((bob.approvals_counted, bob.state()), (2, ChangeRequestState::Approved));
    }

    async fn abuse_an_e_mail_in_a_policy_names_a_subject(gate) {
        let (ci, keeper) = (gate.with_token("ci"), gate.with_token("keeper"));
        keeper.policy(PolicySpec::new("prod").users(&["alice@example.com"])).await.granted();
        ci.create(deployment("t1")).await.granted();
        let kept = Kept::of(gate, &ci, &["t1"]).await;
        let by_address = login(gate, "00u-mallory", &like_alice());
        by_address.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        for subject in ["alice@EXAMPLE.com", "Alice@example.com", "alice+x@example.com"] {
            let other = login(gate, subject, &like_alice());
            other.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        }
        // A token of the store is of another issuer than the people who log in.
        gate.with_token("alice").approve("t1").await.refused("CANNOT_DECIDE", "D1");
        kept.holds(gate).await;
        let approved = login(gate, "alice@example.com", &json!({})).approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn abuse_a_creator_changes_their_e_mail_and_is_blocked_all_the_same(gate) {
        let (ci, keeper) = (gate.with_token("ci"), gate.with_token("keeper"));
        let policy = PolicySpec::new("prod").users(&["00u-alice", "00u-bob"]).block_creator();
        keeper.policy(policy).await.granted();
        ci.create(created_by("t1", "00u-alice")).await.granted();
        let kept = Kept::of(gate, &ci, &["t1"]).await;
        for others in [like_alice(), json!({ "email": "bob@example.com", "name": "Bob" })] {
            let creator = login(gate, "00u-alice", &others);
            creator.approve("t1").await.refused("CREATOR_BLOCKED", "D1");
        }
        // Nor is anybody the creator who has their address.
        let other = login(gate, "00u-mallory", &like_alice());
        other.withdraw("t1").await.refused("NOT_THE_CREATOR", "P7");
        kept.holds(gate).await;
        let approved = login(gate, "00u-bob", &like_alice()).approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }
}
