//! The columns of the table.

use tonic::metadata::{MetadataMap, MetadataValue};

use crate::gate::{Gate, Headers, TokenSpec, secret};

/// Callers by role, each the id of a token that covers everything. The id with [`ELSEWHERE`] is
/// that of another token of the same one, which covers other projects only.
pub(super) const ROLES: [&str; 8] = [
    "alice", "deployer", "web-1", "web-2", "admin", "auditor", "operator", "access",
];
/// What is behind the ids of tokens that cover other projects only.
pub(super) const ELSEWHERE: &str = "-elsewhere";
/// How long the token lives that ends before the calls are made.
const SHORT_LIFE: i64 = 10;

/// All tokens of all columns.
pub(super) fn tokens() -> Vec<TokenSpec> {
    let mut all = vec![
        TokenSpec::person("expired", "alice").expires(SHORT_LIFE),
        TokenSpec::person("revoked", "alice"),
    ];
    for id in ROLES {
        all.push(token(id, id));
        all.push(token(&format!("{id}{ELSEWHERE}"), id).projects(&["api"]));
    }
    all
}

fn token(id: &str, subject: &str) -> TokenSpec {
    match subject {
        "alice" => TokenSpec::person(id, subject),
        "deployer" => TokenSpec::service(id, &["orchestrator"]).subject(subject),
        "web-1" | "web-2" => TokenSpec::service(id, &["runner"])
            .subject(subject)
            .runner(subject),
        "admin" => TokenSpec::person(id, subject).roles(&["policy_admin"]),
        "access" => TokenSpec::person(id, subject).roles(&["access_admin"]),
        role => TokenSpec::person(id, subject).roles(&[role]),
    }
}

/// The headers of whoever bears a token.
pub(super) fn bearer(id: &str) -> Headers {
    Headers::authorization(&format!("Bearer {}", secret(id)))
}

/// Ends the tokens that end before the calls are made.
pub(super) async fn end_some(gate: &Gate) {
    gate.with_token("access")
        .revoke_token("revoked")
        .await
        .unwrap();
    gate.advance(SHORT_LIFE);
}

/// Callers whom nobody knows, each with a name for what they send.
pub(super) fn strangers() -> Vec<(String, Headers)> {
    let token = secret("alice");
    let texts = [
        format!("Bearer {}", secret("unknown")),
        format!("Bearer {}", secret("expired")),
        format!("Bearer {}", secret("revoked")),
        "Bearer csn_".to_owned(),
        format!("Bearer {token} "),
        format!("Bearer {}", &token[..token.len() - 1]),
        format!("Bearer {}", token.to_uppercase()),
        format!("Basic {token}"),
        format!("Bearer  {token}"),
        format!("Bearer {token},{token}"),
        token.clone(),
        "Bearer".to_owned(),
        "Bearer root:alice".to_owned(),
        "Bearer alice".to_owned(),
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.".to_owned(),
    ];
    let mut all = vec![("nothing".to_owned(), Headers::default())];
    all.extend(
        texts
            .iter()
            .map(|text| (text.clone(), Headers::authorization(text))),
    );
    let mut twice = MetadataMap::new();
    for _ in 0..2 {
        let value = format!("Bearer {token}").parse().unwrap();
        twice.append("authorization", value);
    }
    all.push(("the same token twice".to_owned(), Headers(twice)));
    let mut binary = MetadataMap::new();
    let value = MetadataValue::from_bytes(format!("Bearer {token}").as_bytes());
    binary.insert_bin("authorization-bin", value);
    all.push(("a token in another header".to_owned(), Headers(binary)));
    all
}
