//! Headers that try to choose the key, the algorithm or the form.

use ring::hmac;
use serde_json::{Value, json};

use super::super::signer::{Signer, encode};
use super::{Bench, Row};

const KEY: &str = "a header that chooses its key or its form";
const ALG: &str = "alg is not the one of the key";
const NO_ALG: &str = "no alg that is a text";
const NO_KEY: &str = "the provider has no key of this kid";
const FORGED: &str = "the signature is wrong";
const TYPE: &str = "a typ other than JWT and at+jwt";
const NO_OBJECT: &str = "a header that is no plain JSON object";

pub(super) fn rows(bench: &Bench) -> Vec<Row> {
    let mut rows = changed(bench);
    rows.extend(signed_by_strangers(bench));
    rows.extend(signed_with_a_public_key(bench));
    rows.extend(written_otherwise(bench));
    rows
}

/// One member set to another value, `null` meaning that it lacks, and signed by the true key.
type Differs = (&'static str, &'static str, &'static str, Value);

fn changed(bench: &Bench) -> Vec<Row> {
    let row = |(name, reason, member, value): Differs| {
        let header = with(&bench.p256, member, value);
        let claims = Bench::claims(name).to_string();
        Row {
            name,
            reason,
            good: bench.good(name),
            bad: bench.p256.sign_texts(&header.to_string(), &claims),
        }
    };
    let rows = algorithms().into_iter().chain(names()).chain(forms());
    rows.map(row).collect()
}

fn algorithms() -> Vec<Differs> {
    vec![
        ("alg lacks", NO_ALG, "alg", Value::Null),
        ("alg is a number", NO_ALG, "alg", json!(256)),
        ("alg is a list", NO_ALG, "alg", json!(["ES256"])),
        ("alg is empty", ALG, "alg", json!("")),
        ("alg none, signed", ALG, "alg", json!("none")),
        ("alg in small letters", ALG, "alg", json!("es256")),
        ("alg with white space", ALG, "alg", json!("ES256 ")),
        ("alg of another hash", ALG, "alg", json!("ES384")),
        ("alg of another curve", ALG, "alg", json!("ES256K")),
        ("alg of RSA", ALG, "alg", json!("RS256")),
        ("alg of RSA with padding", ALG, "alg", json!("PS256")),
        ("alg of Edwards curves", ALG, "alg", json!("EdDSA")),
    ]
}

fn names() -> Vec<Differs> {
    vec![
        (
            "kid lacks",
            "no kid, and not exactly one key",
            "kid",
            Value::Null,
        ),
        ("kid is a number", "a kid that is no text", "kid", json!(1)),
        (
            "kid is a list",
            "a kid that is no text",
            "kid",
            json!(["p256"]),
        ),
        ("kid is empty", NO_KEY, "kid", json!("")),
        ("kid is unknown", NO_KEY, "kid", json!("other")),
        ("kid in capitals", NO_KEY, "kid", json!("P256")),
        (
            "kid is a path",
            NO_KEY,
            "kid",
            json!("../../../../dev/null"),
        ),
        (
            "kid is an address",
            NO_KEY,
            "kid",
            json!("https://evil.example.com/k"),
        ),
        (
            "kid is a query",
            NO_KEY,
            "kid",
            json!("x' UNION SELECT 'AA"),
        ),
        ("kid is a command", NO_KEY, "kid", json!("p256|touch evil")),
        ("kid with NUL", NO_KEY, "kid", json!("p256\0")),
        (
            "kid of the key of another alg",
            ALG,
            "kid",
            json!("ed25519"),
        ),
    ]
}

fn forms() -> Vec<Differs> {
    vec![
        ("typ of a logout", TYPE, "typ", json!("logout+jwt")),
        ("typ of a proof", TYPE, "typ", json!("dpop+jwt")),
        ("typ of an event", TYPE, "typ", json!("secevent+jwt")),
        ("typ is a number", TYPE, "typ", json!(1)),
        ("cty of a nested token", KEY, "cty", json!("JWT")),
        ("crit of a known name", KEY, "crit", json!(["exp"])),
        ("crit is empty", KEY, "crit", json!([])),
        ("b64 is false", KEY, "b64", json!(false)),
        ("b64 is true", KEY, "b64", json!(true)),
        ("zip", KEY, "zip", json!("DEF")),
        ("enc", KEY, "enc", json!("A128GCM")),
    ]
}

fn with(signer: &Signer, member: &str, value: Value) -> Value {
    let mut header = signer.header();
    match value {
        Value::Null => header.as_object_mut().unwrap().remove(member),
        value => header
            .as_object_mut()
            .unwrap()
            .insert(member.to_owned(), value),
    };
    header
}

/// The header offers the key that the token was signed by.
fn signed_by_strangers(bench: &Bench) -> Vec<Row> {
    let stranger = &bench.stranger;
    let own = "https://evil.example.com/keys";
    let rows = [
        ("the key of a stranger", FORGED, "typ", json!("JWT")),
        ("jwk of a stranger", KEY, "jwk", stranger.jwk()),
        ("jku of a stranger", KEY, "jku", json!(own)),
        ("x5u of a stranger", KEY, "x5u", json!(own)),
        ("x5c of a stranger", FORGED, "x5c", json!(["MIIB"])),
        ("kid of another key", ALG, "kid", json!("p384")),
        ("alg and key of another", ALG, "alg", json!("ES384")),
    ];
    let row = |(name, reason, member, value): (&'static str, _, &str, Value)| {
        let header = with(stranger, member, value).to_string();
        Row {
            name,
            reason,
            good: bench.good(name),
            bad: stranger.sign_texts(&header, &Bench::claims(name).to_string()),
        }
    };
    rows.into_iter().map(row).collect()
}

/// What is public is taken for the secret of an HMAC.
fn signed_with_a_public_key(bench: &Bench) -> Vec<Row> {
    let jwk = bench.p256.jwk();
    let x = jwk["x"].as_str().unwrap().to_owned();
    let rows = [
        ("HS256 with the JWK", "HS256", jwk.to_string()),
        ("HS256 with its x", "HS256", x),
        ("HS384 with nothing", "HS384", String::new()),
        ("HS512 with its kid", "HS512", "p256".to_owned()),
    ];
    let row = |(name, alg, secret): (&'static str, &str, String)| {
        let header = with(&bench.p256, "alg", json!(alg)).to_string();
        let algorithm = match alg {
            "HS256" => hmac::HMAC_SHA256,
            "HS384" => hmac::HMAC_SHA384,
            _ => hmac::HMAC_SHA512,
        };
        let key = hmac::Key::new(algorithm, secret.as_bytes());
        let claims = Bench::claims(name).to_string();
        let message = format!("{}.{}", encode(header), encode(claims));
        let tag = hmac::sign(&key, message.as_bytes());
        Row {
            name,
            reason: ALG,
            good: bench.good(name),
            bad: format!("{message}.{}", encode(tag)),
        }
    };
    rows.into_iter().map(row).collect()
}

/// Headers as texts, signed by the true key, or by none.
fn written_otherwise(bench: &Bench) -> Vec<Row> {
    let rows = [
        (
            "alg twice",
            NO_OBJECT,
            r#"{"alg":"none","alg":"ES256","kid":"p256"}"#,
        ),
        (
            "kid twice",
            NO_OBJECT,
            r#"{"alg":"ES256","kid":"x","kid":"p256"}"#,
        ),
        (
            "alg twice, one escaped",
            NO_OBJECT,
            r#"{"alg":"ES256","\u0061lg":"x","kid":"p256"}"#,
        ),
        ("header is a list", NO_OBJECT, r#"["ES256"]"#),
        ("header is a text", NO_OBJECT, r#""ES256""#),
        ("header is no JSON", NO_OBJECT, "{alg:ES256}"),
        (
            "header with something behind",
            NO_OBJECT,
            r#"{"alg":"ES256","kid":"p256"}{}"#,
        ),
        (
            "header in capitals",
            NO_ALG,
            r#"{"ALG":"ES256","KID":"p256"}"#,
        ),
    ];
    let row = |(name, reason, header): (&'static str, _, &str)| Row {
        name,
        reason,
        good: bench.good(name),
        bad: bench
            .p256
            .sign_texts(header, &Bench::claims(name).to_string()),
    };
    let mut rows: Vec<Row> = rows.into_iter().map(row).collect();
    for (name, alg) in [
        ("alg none, unsigned", "none"),
        ("alg None, unsigned", "None"),
        ("alg nOnE, unsigned", "nOnE"),
        ("alg ES256, unsigned", "ES256"),
    ] {
        let header = with(&bench.p256, "alg", json!(alg)).to_string();
        let claims = Bench::claims(name).to_string();
        rows.push(Row {
            name,
            reason: if alg == "ES256" { FORGED } else { ALG },
            good: bench.good(name),
            bad: format!("{}.{}.", encode(header), encode(claims)),
        });
    }
    rows
}

pub(super) fn good(bench: &Bench) -> Vec<(&'static str, String)> {
    let rows = [
        ("typ of an access token", "typ", json!("at+jwt")),
        ("typ in full", "typ", json!("application/at+jwt")),
        ("typ in small letters", "typ", json!("jwt")),
        ("no typ", "typ", Value::Null),
        ("a certificate that nobody looks at", "x5c", json!(["MIIB"])),
        ("a thumbprint that nobody looks at", "x5t", json!("AAAA")),
    ];
    let token = |(name, member, value): (&'static str, &str, Value)| {
        let header = with(&bench.p256, member, value).to_string();
        let claims = Bench::claims(name).to_string();
        (name, bench.p256.sign_texts(&header, &claims))
    };
    let mut good: Vec<_> = rows.into_iter().map(token).collect();
    good.push(("P-384", bench.p384.sign(&Bench::claims("P-384"))));
    good.push(("Ed25519", bench.ed25519.sign(&Bench::claims("Ed25519"))));
    good
}
