//! What the log has of credentials: who did it, with which, from where; and never a secret.

use countersign_engine::StoreConfig;
use countersign_proto::v1::{AggregateKind, ListEntriesRequest, Role, Token};
use serde_json::{Value, json};
use tonic::metadata::MetadataMap;

use crate::gate::{Caller, Expect, Gate, Headers, Setup, TokenSpec, deployment, said_in};

/// The bodies of all entries about a token.
async fn about_token(gate: &Gate, id: &str) -> Vec<Value> {
    let request = ListEntriesRequest {
        aggregate: AggregateKind::Token.into(),
        aggregate_id: id.to_owned(),
        ..ListEntriesRequest::default()
    };
    let found = auditor(gate).entries(request).await.granted();
    found.entries.iter().map(said_in).collect()
}

fn auditor(gate: &Gate) -> Caller {
    gate.as_("auditor:audit")
}

/// Where in a body something stands under this key.
fn found<'a>(body: &'a Value, key: &str) -> Vec<&'a Value> {
    match body {
        Value::Object(fields) => {
            let here = fields.get(key).into_iter();
            here.chain(fields.values().flat_map(|it| found(it, key)))
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(|it| found(it, key)).collect(),
        _ => Vec::new(),
    }
}

/// All that is on disk of a store in a file.
fn bytes_of(store: &StoreConfig) -> Vec<u8> {
    let StoreConfig::Sqlite { path } = store else {
        return Vec::new();
    };
    let folder = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let files = folder.map(|file| file.unwrap().path());
    files
        .filter(|path| path.is_file())
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

on_both_stores! {
    async fn the_log_says_who_made_and_revoked_a_token(gate) {
        let admin = gate.bearer(Token {
            roles: vec![Role::AccessAdmin.into()],
            ..gate.token_of("admins-laptop", "ada")
        });
        let admin = admin.await;
        admin.create_token(gate.token_of("laptop", "alice")).await.granted();
        let revocation = countersign_proto::v1::RevokeTokenRequest {
            token_id: "laptop".to_owned(),
            comment: "Lost.".to_owned(),
        };
        admin.revoke_token_with(revocation).await.granted();
        let request = ListEntriesRequest {
            aggregate: AggregateKind::Token.into(),
            aggregate_id: "laptop".to_owned(),
            ..ListEntriesRequest::default()
        };
        let entries = auditor(gate).entries(request).await.granted().entries;
        let events: Vec<&str> = entries.iter().map(|entry| entry.event.as_str()).collect();
        assert_eq!(events, ["token.created", "token.revoked"]);
        let ada = json!({ "issuer": "local", "subject": "ada" });
        for body in about_token(gate, "laptop").await {
            assert_eq!(found(&body, "by"), [&ada], "{body}");
            let credentials = found(&body, "credential");
            let expected =
                json!({ "kind": "api_token", "id": "admins-laptop", "peer": "127.0.0.1" });
            assert_eq!(credentials, [&expected], "{body}");
        }
        let bodies = about_token(gate, "laptop").await;
        assert_eq!(found(&bodies[1], "comment"), [&json!("Lost.")]);
    }

    async fn no_secret_is_anywhere_in_the_store(gate) {
        let admin = gate.access_admin();
        let mut secrets = Vec::new();
        for id in ["one", "two"] {
            let made = admin.create_token(gate.token_of(id, "alice")).await.granted();
            secrets.push(made.secret);
        }
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        gate.as_(&secrets[0]).approve("t1").await.granted();
        admin.revoke_token("one").await.granted();
        let entries = auditor(gate).entries_from(1).await;
        let bodies = entries.iter().map(|entry| entry.body.as_str());
        let told: String = bodies.collect();
        assert!(told.contains("\"one\""), "tokens are told of");
        let kept = bytes_of(&gate.store);
        assert!(kept.is_empty() || contains(&kept, "token.created"), "the file was read");
        for secret in &secrets {
            // Neither whole, nor without what every token begins with.
            let secret = secret.trim_start_matches("csn_");
            assert!(!told.contains(secret), "{told}");
            assert!(!contains(&kept, secret));
        }
    }

    async fn decisions_keep_with_which_credential_and_from_where(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let token = gate.token_of("laptop", "alice");
        let secret = gate.access_admin().create_token(token).await.granted().secret;
        // Where the call came from is what the connection says, whoever says otherwise.
        let Headers(mut headers) = Headers::authorization(&format!("Bearer {secret}"));
        let lies: MetadataMap = {
            headers.insert("x-forwarded-for", "10.9.8.7".parse().unwrap());
            headers.insert("forwarded", "for=10.9.8.7".parse().unwrap());
            headers.insert("x-real-ip", "10.9.8.7".parse().unwrap());
            headers
        };
        let approval = prost::Message::encode_to_vec(&countersign_proto::v1::ApproveRequest {
            change_request: "t1".to_owned(),
            ..Default::default()
        });
        let path = "/countersign.v1.ChangeRequestService/Approve";
        gate.raw().call(path, &Headers(lies), approval, |_| false).await.unwrap();
        let cr = gate.orchestrator().change_request("t1").await.granted();
        let credential = cr.decisions[0].credential.clone().unwrap();
        assert_eq!((credential.kind.as_str(), credential.id.as_str()), ("api_token", "laptop"));
        assert!(!format!("{cr:?}").contains("127.0.0.1"), "addresses are in the log only");
        let entries = auditor(gate).entries_from(1).await;
        let entry = entries.iter().find(|it| it.event == "change_request.approval_recorded");
        let body = said_in(entry.unwrap());
        let expected = json!({ "kind": "api_token", "id": "laptop", "peer": "127.0.0.1" });
        let credentials = found(&body, "credential");
        assert!(!credentials.is_empty(), "{body}");
        assert!(credentials.iter().all(|it| **it == expected), "{body}");
        assert!(!entries.iter().any(|entry| entry.body.contains("10.9.8.7")));
    }
}

fn at_the_store() -> Vec<TokenSpec> {
    vec![
        TokenSpec::person("laptop", "alice"),
        TokenSpec::person("auditor", "audit").roles(&["auditor"]),
    ]
}

on_both_stores! { with Setup::with_tokens(at_the_store);
    async fn what_was_made_at_the_store_was_made_by_nobody(gate) {
        let entries = gate.with_token("auditor").entries_from(1).await;
        let made = entries.iter().find(|entry| entry.aggregate_id == "laptop").unwrap();
        let body = said_in(made);
        assert_eq!(made.event, "token.created");
        assert_eq!(found(&body, "by"), Vec::<&Value>::new());
        assert_eq!(found(&body, "credential"), Vec::<&Value>::new());
    }
}
