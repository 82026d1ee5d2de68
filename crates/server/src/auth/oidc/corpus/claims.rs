//! Claims that are not for us, not for now, or not what they should be; all truly signed.

use serde_json::{Value, json};

use super::super::signer::NOW;
use super::{Bench, ISSUER, Row};

const ISS: &str = "iss is not our issuer";
const AUD: &str = "aud is not ours";
const NO_AUD: &str = "aud is no text and no texts";
const OVER: &str = "exp is over";
const AHEAD: &str = "nbf, iat or auth_time lies ahead";
const NO_TIME: &str = "exp, nbf, iat or auth_time is no number of seconds from 1970 to 9999";
const SUB: &str = "sub is not 1 to 200 visible characters";
const GROUPS: &str = "the groups are no text and no texts";
const PURPOSE: &str = "a token for another purpose";
const NO_OBJECT: &str = "a payload that is no plain JSON object";

/// A row of which only one claim differs from its twin's.
type Differs = (&'static str, &'static str, &'static str, Value);

/// Makes a bad payload of a good one, as a text.
type Change<'a> = &'a dyn Fn(&str) -> String;

pub(super) fn rows(bench: &Bench) -> Vec<Row> {
    let mut rows: Vec<Row> = of_other_issuers()
        .into_iter()
        .chain(for_others())
        .chain(for_other_times())
        .chain(of_nobody())
        .map(|change| row(bench, change))
        .collect();
    rows.extend(lacking(bench));
    rows.extend(written_otherwise(bench));
    rows
}

fn row(bench: &Bench, (name, reason, claim, value): Differs) -> Row {
    let mut claims = Bench::claims(name);
    claims[claim] = value;
    Row {
        name,
        reason,
        good: bench.good(name),
        bad: bench.p256.sign(&claims),
    }
}

fn of_other_issuers() -> Vec<Differs> {
    vec![
        (
            "iss of another",
            ISS,
            "iss",
            json!("https://evil.example.com"),
        ),
        ("iss with a slash", ISS, "iss", json!(format!("{ISSUER}/"))),
        (
            "iss in capitals",
            ISS,
            "iss",
            json!("https://LOGIN.example.com"),
        ),
        (
            "iss with a port",
            ISS,
            "iss",
            json!(format!("{ISSUER}:443")),
        ),
        (
            "iss of a longer host",
            ISS,
            "iss",
            json!(format!("{ISSUER}.evil.example")),
        ),
        (
            "iss without TLS",
            ISS,
            "iss",
            json!("http://login.example.com"),
        ),
        ("iss is a list", ISS, "iss", json!([ISSUER])),
        ("iss is null", ISS, "iss", Value::Null),
    ]
}

fn for_others() -> Vec<Differs> {
    vec![
        ("aud of another", AUD, "aud", json!("web")),
        ("aud of others", AUD, "aud", json!(["web", "billing"])),
        ("aud in capitals", AUD, "aud", json!("Countersign")),
        (
            "aud that only begins so",
            AUD,
            "aud",
            json!("countersign-staging"),
        ),
        ("aud that only is in it", AUD, "aud", json!("counter")),
        ("aud with white space", AUD, "aud", json!("web countersign")),
        ("aud is empty", AUD, "aud", json!("")),
        ("aud is an empty list", AUD, "aud", json!([])),
        ("aud is null", NO_AUD, "aud", Value::Null),
        (
            "aud is an object",
            NO_AUD,
            "aud",
            json!({"countersign": true}),
        ),
        (
            "aud with a number in it",
            NO_AUD,
            "aud",
            json!(["countersign", 1]),
        ),
        ("aud within a list", NO_AUD, "aud", json!([["countersign"]])),
        (
            "a logout",
            PURPOSE,
            "events",
            json!({"backchannel-logout": {}}),
        ),
        (
            "bound to a key of the bearer",
            PURPOSE,
            "cnf",
            json!({"jkt": "AAAA"}),
        ),
    ]
}

fn for_other_times() -> Vec<Differs> {
    vec![
        ("exp a second ago", OVER, "exp", json!(NOW - 1)),
        ("exp just now", OVER, "exp", json!(NOW)),
        ("exp in 1970", OVER, "exp", json!(0)),
        (
            "exp is a text",
            NO_TIME,
            "exp",
            json!((NOW + 300).to_string()),
        ),
        ("exp is a word", NO_TIME, "exp", json!("never")),
        ("exp is null", NO_TIME, "exp", Value::Null),
        ("exp is true", NO_TIME, "exp", json!(true)),
        ("exp is a list", NO_TIME, "exp", json!([NOW + 300])),
        ("exp is negative", NO_TIME, "exp", json!(-1)),
        ("exp is negative and huge", NO_TIME, "exp", json!(i64::MIN)),
        ("exp is huge", NO_TIME, "exp", json!(i64::MAX)),
        ("exp wraps around", NO_TIME, "exp", json!(u64::MAX)),
        ("exp is a huge fraction", NO_TIME, "exp", json!(1e300)),
        (
            "exp in milliseconds",
            NO_TIME,
            "exp",
            json!((NOW + 300) * 1_000),
        ),
        ("nbf ahead", AHEAD, "nbf", json!(NOW + 61)),
        ("nbf is a text", NO_TIME, "nbf", json!("0")),
        ("nbf is null", NO_TIME, "nbf", Value::Null),
        ("nbf is negative", NO_TIME, "nbf", json!(-1)),
        ("iat ahead", AHEAD, "iat", json!(NOW + 61)),
        ("iat is a text", NO_TIME, "iat", json!(NOW.to_string())),
        ("auth_time ahead", AHEAD, "auth_time", json!(NOW + 61)),
        ("auth_time is a text", NO_TIME, "auth_time", json!("now")),
    ]
}

fn of_nobody() -> Vec<Differs> {
    vec![
        ("sub is empty", SUB, "sub", json!("")),
        ("sub is null", SUB, "sub", Value::Null),
        ("sub is a number", SUB, "sub", json!(1)),
        ("sub is a list", SUB, "sub", json!(["alice"])),
        ("sub is an object", SUB, "sub", json!({"id": "alice"})),
        ("sub with NUL", SUB, "sub", json!("alice\0")),
        ("sub with a line end", SUB, "sub", json!("alice\nroot")),
        (
            "sub that turns the direction",
            SUB,
            "sub",
            json!("a\u{202e}ecil"),
        ),
        (
            "sub with a space of no width",
            SUB,
            "sub",
            json!("alice\u{200b}"),
        ),
        ("sub is too long", SUB, "sub", json!("a".repeat(201))),
        ("groups are a number", GROUPS, "groups", json!(1)),
        (
            "groups are an object",
            GROUPS,
            "groups",
            json!({"release": true}),
        ),
        (
            "groups with a number in it",
            GROUPS,
            "groups",
            json!(["release", 1]),
        ),
        (
            "groups within a list",
            GROUPS,
            "groups",
            json!([["release"]]),
        ),
    ]
}

fn lacking(bench: &Bench) -> Vec<Row> {
    let rows = [
        ("iss lacks", ISS, "iss"),
        ("aud lacks", NO_AUD, "aud"),
        ("exp lacks", "exp is missing", "exp"),
        ("sub lacks", SUB, "sub"),
    ];
    let row = |(name, reason, claim): (&'static str, _, &str)| {
        let mut claims = Bench::claims(name);
        claims.as_object_mut().unwrap().remove(claim).unwrap();
        Row {
            name,
            reason,
            good: bench.good(name),
            bad: bench.p256.sign(&claims),
        }
    };
    rows.into_iter().map(row).collect()
}

/// Payloads as texts, each made from the good one.
fn written_otherwise(bench: &Bench) -> Vec<Row> {
    let twice = |claims: &str, claim: &str| claims.replacen('{', &format!("{{{claim},"), 1);
    let rows: [(&str, Change<'_>); 10] = [
        ("sub twice", &|it| twice(it, r#""sub":"bob""#)),
        ("sub twice, alike", &|it| twice(it, r#""sub":"alice""#)),
        ("sub twice, one escaped", &|it| {
            twice(it, r#""s\u0075b":"bob""#)
        }),
        ("exp twice", &|it| twice(it, r#""exp":0"#)),
        ("aud twice", &|it| twice(it, r#""aud":"web""#)),
        ("exp is no number at all", &|it| {
            it.replace("\"exp\":", "\"exp\":NaN,\"x\":")
        }),
        ("exp is beyond all numbers", &|it| {
            it.replace("\"exp\":", "\"exp\":1e999,\"x\":")
        }),
        ("payload is a list", &|it| format!("[{it}]")),
        ("payload is empty", &|_| String::new()),
        ("payload with something behind", &|it| format!("{it}{it}")),
    ];
    let header = bench.p256.header().to_string();
    let row = |(name, change): (&'static str, Change<'_>)| {
        let changed = change(&Bench::claims(name).to_string());
        let reason = match name {
            "payload is empty" => "not three parts of base64url",
            _ => NO_OBJECT,
        };
        Row {
            name,
            reason,
            good: bench.good(name),
            bad: bench.p256.sign_texts(&header, &changed),
        }
    };
    rows.into_iter().map(row).collect()
}

pub(super) fn good(bench: &Bench) -> Vec<(&'static str, String)> {
    let changes = [
        (
            "aud is one of several",
            "aud",
            json!(["web", "countersign"]),
        ),
        ("exp in a second", "exp", json!(NOW + 1)),
        ("exp with a fraction", "exp", json!(NOW as f64 + 0.5)),
        ("exp in 9999", "exp", json!(253_402_300_799_i64)),
        ("nbf within the leeway", "nbf", json!(NOW + 60)),
        ("iat within the leeway", "iat", json!(NOW + 60)),
        ("auth_time within the leeway", "auth_time", json!(NOW + 60)),
        ("sub of other letters", "sub", json!("Ålice@example.com")),
        ("groups of one", "groups", json!("release")),
        ("groups of nobody", "groups", json!([])),
        (
            "a claim that nobody looks at",
            "email",
            json!("bob@example.com"),
        ),
    ];
    let token = |(name, claim, value): (&'static str, &str, Value)| {
        let mut claims = Bench::claims(name);
        claims[claim] = value;
        (name, bench.p256.sign(&claims))
    };
    changes.into_iter().map(token).collect()
}
