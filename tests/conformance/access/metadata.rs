//! Nothing but the credential says who calls, whatever else comes with a call.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;
use tonic::metadata::{Ascii, Binary, BinaryMetadataKey, MetadataKey, MetadataMap, MetadataValue};

use crate::gate::{Expect, Gate, Headers, Told};

const WHO_AM_I: &str = "/countersign.v1.AccessService/WhoAmI";
const CASES: u32 = 96;

/// Names that proxies and other servers take identities from.
const KNOWN: [&str; 32] = [
    "authorization-token",
    "cookie",
    "forwarded",
    "from",
    "grpc-previous-rpc-attempts",
    "grpc-tags",
    "grpc-trace",
    "proxy-authorization",
    "remote-user",
    "ssl-client-cert",
    "ssl-client-s-dn",
    "traceparent",
    "user",
    "via",
    "x-amzn-oidc-identity",
    "x-api-key",
    "x-auth-request-groups",
    "x-auth-request-user",
    "x-authenticated-user",
    "x-client-cert",
    "x-countersign-subject",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-user",
    "x-goog-authenticated-user-email",
    "x-grant",
    "x-ms-client-principal",
    "x-real-ip",
    "x-remote-user",
    "x-roles",
    "x-spiffe-id",
    "x-user",
];

/// Names that say how a call is carried: with another value it is another call, or none.
const CARRYING: [&str; 14] = [
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "grpc-accept-encoding",
    "grpc-encoding",
    "grpc-timeout",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// One header beside the credential.
#[derive(Debug, Clone)]
struct Beside {
    name: String,
    value: Vec<u8>,
    /// As gRPC carries bytes.
    binary: bool,
}

fn beside(token: String) -> impl Strategy<Value = Beside> {
    let known = prop::sample::select(&KNOWN[..]).prop_map(str::to_owned);
    let invented = "[a-z][a-z0-9_.-]{0,30}";
    let name = prop_oneof![known, invented];
    let carrying = |name: &String| CARRYING.contains(&name.as_str()) || name.ends_with("-bin");
    let name = name.prop_filter("says how a call is carried", move |it| !carrying(it));
    let wishes = vec![
        "root:mallory".to_owned(),
        "Bearer root:mallory".to_owned(),
        format!("Bearer {token}"),
        token,
        "{\"sub\":\"root:mallory\",\"roles\":[\"access_admin\"]}".to_owned(),
        "Subject=\"CN=root\";URI=spiffe://example.org/ci".to_owned(),
        "127.0.0.1, 10.0.0.1".to_owned(),
    ];
    let wish = prop::sample::select(wishes).prop_map(String::into_bytes);
    let text = "[ -~]{0,60}".prop_map(String::into_bytes);
    let value = prop_oneof![wish, text];
    (name, value, any::<bool>()).prop_map(|(name, value, binary)| Beside {
        name,
        value,
        binary,
    })
}

/// The headers of a credential, if any, and what stands beside it.
fn headers(bearer: Option<&str>, beside: &[Beside]) -> Headers {
    let mut all = bearer.map_or_else(MetadataMap::new, |bearer| {
        Headers::authorization(&format!("Bearer {bearer}")).0
    });
    for Beside {
        name,
        value,
        binary,
    } in beside
    {
        if *binary {
            let name: BinaryMetadataKey = format!("{name}-bin").parse().unwrap();
            all.append_bin(name, MetadataValue::<Binary>::from_bytes(value));
        } else {
            let name: MetadataKey<Ascii> = name.parse().unwrap();
            all.append(name, MetadataValue::try_from(value.as_slice()).unwrap());
        }
    }
    Headers(all)
}

/// What a caller is told to be, or why it is nobody.
async fn who(gate: &Gate, headers: &Headers) -> Result<Vec<u8>, Told> {
    let raw = gate.raw();
    let answer = raw.call(WHO_AM_I, headers, Vec::new(), |_| false).await;
    answer.map_err(|status| Told::from(&status))
}

on_both_stores! {
    async fn i12_whatever_else_a_call_carries_leaves_the_caller_who_they_are(gate) {
        let admin = gate.access_admin();
        let alice = admin.create_token(gate.token_of("laptop", "alice")).await.granted().secret;
        let other = admin.create_token(gate.token_of("ada", "ada")).await.granted().secret;
        for bearer in [Some("mallory"), Some(alice.as_str()), None] {
            let expected = who(gate, &headers(bearer, &[])).await;
            assert_eq!(expected.is_ok(), bearer.is_some());
            let wanted = prop::collection::vec(beside(other.clone()), 1..12);
            let config = Config { cases: CASES, ..Config::default() };
            let tried = tokio::task::block_in_place(|| {
                TestRunner::new(config).run(&wanted, |beside| {
                    let headers = headers(bearer, &beside);
                    let found = Handle::current().block_on(who(gate, &headers));
                    prop_assert_eq!(&found, &expected);
                    Ok(())
                })
            });
            tried.unwrap_or_else(|failure| panic!("{bearer:?}: {failure}"));
        }
    }
}
