//! What is nearly a token is none; and the tokens of an identity provider are tried where they are
//! verified.

use std::collections::BTreeSet;

use countersign_domain::log::sha256_hex;
use tonic::Code;

use super::stage::{Kept, believing, cast};
use crate::gate::{Expect, Gate, Headers, PolicySpec, Setup, Told, deployment, secret};

const WHO_AM_I: &str = "/countersign.v1.AccessService/WhoAmI";

/// Texts made of a token that is good.
fn nearly(good: &str) -> Vec<String> {
    let (head, tail) = good.split_at(good.len() - 1);
    let other = if tail == "x" { "y" } else { "x" };
    vec![
        head.to_owned(),
        format!("{good}x"),
        format!("{head}{other}"),
        format!("{good}={}", "A".repeat(8)),
        good.to_uppercase(),
        format!("csn_{good}"),
        format!("csn_{}", sha256_hex(good.as_bytes())),
        "csn_".to_owned(),
        "csn_alice".to_owned(),
        format!("csn_{}", "0".repeat(64)),
        good.replacen("csn_", "csn-", 1),
        format!("{good}.{good}"),
        format!("csn_{}", "x".repeat(4_000)),
    ]
}

/// What stands in `authorization` instead of one bearer.
fn no_bearers(good: &str) -> Vec<String> {
    vec![
        good.to_owned(),
        format!("Basic {good}"),
        format!("Bearer{good}"),
        format!("Bearer  {good}"),
        format!("Bearer {good} "),
        format!("Bearer {good}, Bearer {good}"),
        format!("Token {good}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        String::new(),
    ]
}

/// How a call with this `authorization` is refused.
async fn refused(gate: &Gate, authorization: &str) -> Told {
    let headers = Headers::authorization(authorization);
    let answer = gate
        .raw()
        .call(WHO_AM_I, &headers, Vec::new(), |_| true)
        .await;
    let status = answer.expect_err(authorization);
    Told::from(&status)
}

/// What everybody hears whose credential is not accepted, for whatever reason.
async fn without(gate: &Gate) -> Told {
    let answer = gate
        .raw()
        .call(WHO_AM_I, &Headers::default(), Vec::new(), |_| true)
        .await;
    Told::from(&answer.expect_err("no credential is no caller"))
}

on_both_stores! { with Setup::with_tokens(cast);
    async fn abuse_what_is_nearly_a_token_is_none(gate) {
        let good = secret("alice");
        let entries = gate.entries().await;
        let expected = without(gate).await;
        assert_eq!((expected.code, expected.reason.as_str()),
            (Code::Unauthenticated, "UNAUTHENTICATED"));
        let forms = nearly(&good).into_iter().map(|text| format!("Bearer {text}"));
        for authorization in forms.chain(no_bearers(&good)) {
            assert_eq!(refused(gate, &authorization).await, expected, "{authorization}");
        }
        // The hash is what the store keeps: who reads the store cannot come in with it.
        let stored = format!("Bearer {}", sha256_hex(good.as_bytes()));
        assert_eq!(refused(gate, &stored).await, expected);
        for name in ["alice", "root:alice", "local:alice"] {
            assert_eq!(refused(gate, &format!("Bearer {name}")).await, expected, "{name}");
        }
        assert_eq!(gate.entries().await, entries);
        let alice = gate.with_token("alice").who_am_i().await.granted();
        assert_eq!(alice.person.unwrap().subject, "alice");
    }
}

on_both_stores! { with believing(cast);
    async fn abuse_a_broken_token_is_never_believed_as_a_name(gate) {
        let policy = PolicySpec::new("prod").users(&["csn_alice", "alice"]);
        gate.admin().policy(policy).await.granted();
        gate.waiting(deployment("t1")).await;
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
        for text in ["csn_alice", "csn_", "csn_alice-is-long-enough-to-be-on"] {
            let refused = gate.as_(text).approve("t1").await.refused("UNAUTHENTICATED", "E1");
            assert_eq!(refused.code, Code::Unauthenticated, "{text}");
        }
        kept.holds(gate).await;
        gate.as_(&secret("alice")).approve("t1").await.granted();
    }

    async fn abuse_the_text_of_a_token_is_nowhere_to_be_read(gate) {
        let ada = gate.access_admin();
        let made = ada.create_token(gate.token_of("new", "erin")).await.granted();
        let (text, hash) = (made.secret.clone(), sha256_hex(made.secret.as_bytes()));
        let read = [
            format!("{:?}", ada.get_token("new").await.granted()),
            format!("{:?}", ada.list_tokens(Default::default()).await.granted()),
            format!("{:?}", gate.as_(&text).who_am_i().await.granted()),
            format!("{:?}", gate.as_("auditor:audit").entries_from(1).await),
        ];
        for shown in read {
            assert!(!shown.contains(&text), "{shown}");
            assert!(!shown.contains(text.trim_start_matches("csn_")), "{shown}");
        }
        // Two tokens have nothing in common, and a taken id shows nobody the text again.
        let entries = gate.entries().await;
        let again = ada.create_token(gate.token_of("new", "erin")).await;
        again.refused("TOKEN_ID_TAKEN", "E1");
        assert_eq!(gate.entries().await, entries);
        let other = ada.create_token(gate.token_of("other", "erin")).await.granted().secret;
        let both: BTreeSet<String> = [text, other, hash].into();
        assert_eq!(both.len(), 3);
    }
}
