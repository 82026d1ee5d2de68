//! The keys of a provider over time: away, back, rotated, withdrawn, misdescribed.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::config::OidcConfig;
use super::provider::{DISCOVERY, Provider, Reply};
use super::refresh::Timing;
use super::signer::{NOW, Signer, at, claims};
use super::{Oidc, Rejected, Verified};

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(5);

/// Nothing is read but at the start and when a token asks.
fn only_when_asked() -> Timing {
    Timing {
        every: LONG,
        retry: LONG,
        retry_limit: LONG,
        asked_every: Duration::ZERO,
        ..Timing::default()
    }
}

/// Reads follow one another.
fn again_and_again() -> Timing {
    Timing {
        every: SHORT,
        file_every: SHORT,
        retry: SHORT,
        retry_limit: SHORT,
        asked_every: LONG,
        ..Timing::default()
    }
}

struct Gate {
    oidc: Arc<Oidc>,
    issuer: String,
    stop: CancellationToken,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Gate {
    fn start(issuer: &str, more: &str, timing: Timing) -> Self {
        let text = format!(
            "issuer = '{issuer}'\naudiences = ['countersign']\ngroups_claim = 'groups'\n{more}"
        );
        let config: OidcConfig = toml::from_str(&text).unwrap();
        let stop = CancellationToken::new();
        let oidc = Oidc::start_with(&config, timing, stop.clone()).unwrap();
        Self {
            oidc: Arc::new(oidc),
            issuer: issuer.to_owned(),
            stop,
        }
    }

    fn of(provider: &Provider, timing: Timing) -> Self {
        Self::start(&provider.issuer(), "", timing)
    }

    fn token(&self, signer: &Signer) -> String {
        signer.sign(&claims(&self.issuer))
    }

    async fn ask(&self, signer: &Signer) -> Result<Verified, Rejected> {
        self.oidc.verify(&self.token(signer), at(NOW)).await
    }

    /// Asks after each read until the answer is this one.
    async fn until(&self, signer: &Signer, expected: fn(&Result<Verified, Rejected>) -> bool) {
        let until = async {
            loop {
                let round = self.oidc.next_round();
                if expected(&self.ask(signer).await) {
                    return;
                }
                round.await;
            }
        };
        let limit = Duration::from_secs(30);
        tokio::time::timeout(limit, until).await.expect("never so");
    }
}

fn unknown_kid() -> Result<Verified, Rejected> {
    Err(Rejected::NotAccepted("the provider has no key of this kid"))
}

#[tokio::test]
async fn the_first_token_waits_for_the_first_read() {
    let provider = Provider::start().await;
    let signer = Signer::es256("a");
    provider.publish(&[signer.jwk()]);
    let gate = Gate::of(&provider, only_when_asked());
    let verified = gate.ask(&signer).await.unwrap();
    let expected = Verified {
        subject: "alice".to_owned(),
        display_name: "Alice".to_owned(),
        groups: ["release".to_owned()].into(),
        auth_time: Some(at(NOW - 20)),
        expires_at: at(NOW + 300),
        id: "token-1".to_owned(),
    };
    assert_eq!(verified, expected);
    assert_eq!((provider.asked(DISCOVERY), provider.asked("/keys")), (1, 1));
}

#[tokio::test]
async fn every_kind_of_key_verifies() {
    let provider = Provider::start().await;
    let mut signers = vec![Signer::es256("a"), Signer::es384("b"), Signer::ed25519("c")];
    match rsa_key() {
        Some(key) => {
            signers.push(Signer::rsa("d", "RS256", &key));
            signers.push(Signer::rsa("e", "PS512", &key));
        }
        None => println!("RSA is passed over: there is no openssl to make a key with"),
    }
    let jwks: Vec<_> = signers.iter().map(Signer::jwk).collect();
    provider.publish(&jwks);
    let gate = Gate::of(&provider, only_when_asked());
    for signer in &signers {
        assert!(gate.ask(signer).await.is_ok(), "{}", signer.alg);
        let mut forged = gate.token(signer).into_bytes();
        let last = forged.iter().rposition(|it| *it == b'.').unwrap() + 1;
        forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let answer = gate.oidc.verify(&forged, at(NOW)).await;
        let wrong = Err(Rejected::NotAccepted("the signature is wrong"));
        assert_eq!(answer, wrong, "{}", signer.alg);
    }
}

/// ring makes no RSA keys.
fn rsa_key() -> Option<Vec<u8>> {
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA"])
        .args(["-pkeyopt", "rsa_keygen_bits:2048"])
        .output()
        .ok()?;
    let key = PrivatePkcs8KeyDer::from_pem_slice(&made.stdout).ok()?;
    Some(key.secret_pkcs8_der().to_vec())
}

#[tokio::test]
async fn a_provider_that_is_away_at_the_start_is_found_later() {
    let provider = Provider::start().await;
    let signer = Signer::es256("a");
    provider.publish(&[signer.jwk()]);
    provider.down().await;
    let gate = Gate::of(&provider, again_and_again());
    assert_eq!(gate.ask(&signer).await, Err(Rejected::KeysUnavailable));
    provider.up().await;
    gate.until(&signer, Result::is_ok).await;
}

#[tokio::test]
async fn keys_count_for_a_while_after_the_provider_went_away() {
    let provider = Provider::start().await;
    let signer = Signer::es256("a");
    provider.publish(&[signer.jwk()]);
    let timing = Timing {
        count: Duration::from_secs(1),
        ..again_and_again()
    };
    let gate = Gate::of(&provider, timing);
    gate.until(&signer, Result::is_ok).await;
    provider.down().await;
    gate.oidc.next_round().await;
    gate.oidc.next_round().await;
    assert!(gate.ask(&signer).await.is_ok());
    gate.until(&signer, |it| *it == Err(Rejected::KeysUnavailable))
        .await;
    provider.up().await;
    gate.until(&signer, Result::is_ok).await;
}

#[tokio::test]
async fn a_new_key_is_read_as_soon_as_a_token_names_it() {
    let provider = Provider::start().await;
    let (old, new) = (Signer::es256("a"), Signer::ed25519("b"));
    provider.publish(&[old.jwk()]);
    let gate = Gate::of(&provider, only_when_asked());
    assert!(gate.ask(&old).await.is_ok());
    provider.publish(&[old.jwk(), new.jwk()]);
    assert!(gate.ask(&new).await.is_ok());
    assert!(gate.ask(&old).await.is_ok());
    assert_eq!(provider.asked("/keys"), 2);
}

#[tokio::test]
async fn a_withdrawn_key_stops_counting_also_for_remembered_tokens() {
    let provider = Provider::start().await;
    let (old, new) = (Signer::es256("a"), Signer::es256("b"));
    provider.publish(&[old.jwk(), new.jwk()]);
    let gate = Gate::of(&provider, again_and_again());
    gate.until(&old, Result::is_ok).await;
    let token = gate.token(&old);
    assert!(gate.oidc.verify(&token, at(NOW)).await.is_ok());
    provider.publish(&[new.jwk()]);
    gate.until(&old, |it| *it == unknown_kid()).await;
    assert_eq!(gate.oidc.verify(&token, at(NOW)).await, unknown_kid());
    assert!(gate.ask(&new).await.is_ok());
}

#[tokio::test]
async fn another_key_of_the_same_name_takes_its_place() {
    let provider = Provider::start().await;
    let (old, new) = (Signer::es256("a"), Signer::es256("a"));
    provider.publish(&[old.jwk()]);
    let gate = Gate::of(&provider, again_and_again());
    gate.until(&old, Result::is_ok).await;
    provider.publish(&[new.jwk()]);
    gate.until(&new, Result::is_ok).await;
    let wrong = Err(Rejected::NotAccepted("the signature is wrong"));
    assert_eq!(gate.ask(&old).await, wrong);
}

#[tokio::test]
async fn many_tokens_of_unknown_keys_cause_one_read() {
    let provider = Provider::start().await;
    let signer = Signer::es256("a");
    provider.publish(&[signer.jwk()]);
    let timing = Timing {
        asked_every: LONG,
        ..only_when_asked()
    };
    let gate = Gate::of(&provider, timing);
    assert!(gate.ask(&signer).await.is_ok());
    let open = watch::Sender::new(false);
    let keys = json!({"keys": [signer.jwk()]}).to_string();
    provider.set("/keys", Reply::json(&keys).behind(&open));
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..50 {
        let token = gate.token(&Signer::es256(&format!("unknown-{number}")));
        let oidc = Arc::clone(&gate.oidc);
        asking.spawn(async move { oidc.verify(&token, at(NOW)).await });
    }
    // Whoever came first waits for the one read; known keys go on meanwhile.
    while provider.asked("/keys") < 2 {
        tokio::task::yield_now().await;
    }
    assert!(gate.ask(&signer).await.is_ok());
    open.send_replace(true);
    while let Some(answer) = asking.join_next().await {
        assert_eq!(answer.unwrap(), unknown_kid());
    }
    let another = gate.ask(&Signer::es256("another")).await;
    assert_eq!(another, unknown_kid());
    assert_eq!(provider.asked("/keys"), 2);
}

#[tokio::test]
async fn tokens_that_are_bad_anyway_cause_no_read() {
    let provider = Provider::start().await;
    let signer = Signer::es256("a");
    provider.publish(&[signer.jwk()]);
    let gate = Gate::of(&provider, only_when_asked());
    assert!(gate.ask(&signer).await.is_ok());
    let unknown = Signer::es256("unknown");
    for (claim, value) in [
        ("exp", json!(NOW)),
        ("iss", json!("x")),
        ("aud", json!("x")),
    ] {
        let mut payload = claims(&gate.issuer);
        payload[claim] = value;
        let answer = gate.oidc.verify(&unknown.sign(&payload), at(NOW)).await;
        assert!(matches!(answer, Err(Rejected::NotAccepted(_))), "{claim}");
    }
    assert_eq!(provider.asked("/keys"), 1);
    assert_eq!(gate.ask(&unknown).await, unknown_kid());
    assert_eq!(provider.asked("/keys"), 2);
}

#[tokio::test]
async fn a_token_does_not_wait_for_ever() {
    let provider = Provider::start().await;
    let signer = Signer::es256("a");
    provider.publish(&[signer.jwk()]);
    provider.set("/keys", Reply::silence());
    let timing = Timing {
        patience: Duration::from_millis(50),
        ..only_when_asked()
    };
    let gate = Gate::of(&provider, timing);
    assert_eq!(gate.ask(&signer).await, Err(Rejected::KeysUnavailable));
}

#[tokio::test]
async fn what_a_provider_must_not_answer_leaves_the_old_keys() {
    let provider = Provider::start().await;
    let (old, new) = (Signer::es256("a"), Signer::es256("b"));
    let keys = json!({"keys": [new.jwk()]}).to_string();
    let elsewhere = json!({"issuer": "http://127.0.0.1:1", "jwks_uri": provider.url("/keys")});
    let plain = json!({"issuer": provider.issuer(), "jwks_uri": "http://keys.example.com"});
    let padded = keys.replace(
        "{\"keys\"",
        &format!("{}{{\"keys\"", " ".repeat(1024 * 1024)),
    );
    provider.set("/moved", Reply::json(&keys));
    let bad = [
        (DISCOVERY, Reply::json(&elsewhere.to_string())),
        (DISCOVERY, Reply::json(&plain.to_string())),
        (DISCOVERY, Reply::json("<html>")),
        (DISCOVERY, Reply::redirect(302, "/elsewhere")),
        ("/keys", Reply::redirect(302, "/moved")),
        ("/keys", Reply::json(&padded)),
        ("/keys", Reply::json(&padded).without_length()),
        ("/keys", Reply::json("<html>")),
        ("/keys", Reply::json("{}")),
        ("/keys", Reply::json(&keys).with_status(500)),
        ("/keys", Reply::json(&keys).half_only()),
    ];
    let timing = Timing {
        fetch: Duration::from_millis(200),
        ..only_when_asked()
    };
    for (path, reply) in bad {
        provider.publish(&[old.jwk()]);
        let gate = Gate::of(&provider, timing);
        assert!(gate.ask(&old).await.is_ok());
        provider.publish(&[new.jwk()]);
        provider.set(path, reply);
        assert_eq!(gate.ask(&new).await, unknown_kid(), "{path}");
        assert!(gate.ask(&old).await.is_ok(), "{path}");
        provider.publish(&[new.jwk()]);
        assert!(gate.ask(&new).await.is_ok(), "{path}");
    }
    assert_eq!(provider.asked("/moved"), 0);
}

#[tokio::test]
async fn a_set_without_keys_is_believed() {
    let provider = Provider::start().await;
    let signer = Signer::es256("a");
    provider.publish(&[signer.jwk()]);
    let gate = Gate::of(&provider, again_and_again());
    gate.until(&signer, Result::is_ok).await;
    provider.publish(&[]);
    gate.until(&signer, |it| *it == unknown_kid()).await;
}

#[tokio::test]
async fn keys_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let (old, new) = (Signer::es256("a"), Signer::es256("b"));
    let write = |signer: &Signer| {
        let text = json!({"keys": [signer.jwk()]}).to_string();
        let half = folder.path().join("half");
        std::fs::write(&half, text).unwrap();
        std::fs::rename(half, &path).unwrap();
    };
    let more = format!("jwks_file = '{}'", path.display());
    let gate = Gate::start("https://login.example.com", &more, again_and_again());
    assert_eq!(gate.ask(&old).await, Err(Rejected::KeysUnavailable));
    write(&old);
    gate.until(&old, Result::is_ok).await;
    write(&new);
    gate.until(&new, Result::is_ok).await;
    assert_eq!(gate.ask(&old).await, unknown_kid());
}

#[tokio::test]
async fn keys_may_stand_at_an_address_of_their_own() {
    let provider = Provider::start().await;
    let signer = Signer::es256("a");
    provider.publish(&[signer.jwk()]);
    let more = format!("jwks_url = '{}'", provider.url("/keys"));
    let gate = Gate::start("https://login.example.com", &more, only_when_asked());
    assert!(gate.ask(&signer).await.is_ok());
    assert_eq!(provider.asked(DISCOVERY), 0);
}

#[tokio::test]
async fn what_is_remembered_ends_with_the_token() {
    let provider = Provider::start().await;
    let signer = Signer::es256("a");
    provider.publish(&[signer.jwk()]);
    let gate = Gate::of(&provider, only_when_asked());
    let token = gate.token(&signer);
    for _ in 0..2 {
        assert!(gate.oidc.verify(&token, at(NOW + 299)).await.is_ok());
    }
    let over = Err(Rejected::NotAccepted("exp is over"));
    assert_eq!(gate.oidc.verify(&token, at(NOW + 300)).await, over);
}
