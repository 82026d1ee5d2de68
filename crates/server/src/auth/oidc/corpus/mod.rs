//! Bad tokens, each beside a good one that differs in nothing else.
//!
//! - [`headers`]: what a header may try; [`claims`]: what a payload may; [`texts`]: what can be
//!   done to a whole token.
//!
//! Each row says for which reason it must be refused, so that no row passes by accident, such as a
//! wrong signature where a wrong claim was meant.

mod claims;
mod headers;
mod texts;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::config::OidcConfig;
use super::signer::{NOW, Signer, at, claims as good_claims};
use super::{Oidc, Rejected};

const ISSUER: &str = "https://login.example.com";

/// A bad token and its twin.
struct Row {
    name: &'static str,
    reason: &'static str,
    good: String,
    bad: String,
}

/// The keys that the provider published, and one that it did not.
struct Bench {
    p256: Signer,
    p384: Signer,
    ed25519: Signer,
    stranger: Signer,
}

impl Bench {
    fn new() -> Self {
        Self {
            p256: Signer::es256("p256"),
            p384: Signer::es384("p384"),
            ed25519: Signer::ed25519("ed25519"),
            stranger: Signer::es256("p256"),
        }
    }

    fn published(&self) -> Value {
        json!({"keys": [self.p256.jwk(), self.p384.jwk(), self.ed25519.jwk()]})
    }

    /// The claims of a good token of its own.
    fn claims(name: &str) -> Value {
        let mut claims = good_claims(ISSUER);
        claims["jti"] = json!(name);
        claims
    }

    fn good(&self, name: &str) -> String {
        self.p256.sign(&Self::claims(name))
    }
}

fn gate(published: &Value, folder: &tempfile::TempDir) -> (Oidc, CancellationToken) {
    let path = folder.path().join("keys.json");
    std::fs::write(&path, published.to_string()).unwrap();
    let text = format!(
        "issuer = '{ISSUER}'\naudiences = ['countersign']\ngroups_claim = 'groups'\n\
         jwks_file = '{}'",
        path.display()
    );
    let config: OidcConfig = toml::from_str(&text).unwrap();
    let stop = CancellationToken::new();
    (Oidc::start(config, stop.clone()).unwrap(), stop)
}

#[tokio::test]
async fn bad_tokens_are_refused_and_their_twins_are_not() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let (oidc, stop) = gate(&bench.published(), &folder);
    let mut rows = headers::rows(&bench);
    rows.extend(claims::rows(&bench));
    rows.extend(texts::rows(&bench));
    let mut failures = Vec::new();
    for row in &rows {
        let good = oidc.verify(&row.good, at(NOW)).await;
        if good.is_err() {
            failures.push(format!("{}: its good twin: {good:?}", row.name));
        }
        let bad = oidc.verify(&row.bad, at(NOW)).await;
        if bad != Err(Rejected::NotAccepted(row.reason)) {
            failures.push(format!("{}: {bad:?}, not {:?}", row.name, row.reason));
        }
    }
    stop.cancel();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "a name stands twice");
    assert!(rows.len() >= 100, "only {} rows are left", rows.len());
}

#[tokio::test]
async fn good_tokens_may_differ() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let (oidc, stop) = gate(&bench.published(), &folder);
    for (name, good) in headers::good(&bench)
        .into_iter()
        .chain(claims::good(&bench))
    {
        let answer = oidc.verify(&good, at(NOW)).await;
        assert!(answer.is_ok(), "{name}: {answer:?}");
    }
    stop.cancel();
}
