//! What can be done to a whole token without the key.

use super::super::signer::encode;
use super::{Bench, Row};

const FORM: &str = "not three parts of base64url";
const NOT_CANONICAL: &str = "not canonical base64url";
const FORGED: &str = "the signature is wrong";

/// Makes a bad token of the three parts of a good one.
type Change<'a> = &'a dyn Fn(&str, &str, &str) -> String;

pub(super) fn rows(bench: &Bench) -> Vec<Row> {
    let mut rows = of_another_form(bench);
    rows.extend(with_other_letters(bench));
    rows.extend(with_another_signature(bench));
    rows.extend(of_two_tokens(bench));
    rows
}

fn row(bench: &Bench, name: &'static str, reason: &'static str, change: Change<'_>) -> Row {
    let good = bench.good(name);
    let parts: Vec<&str> = good.split('.').collect();
    let bad = change(parts[0], parts[1], parts[2]);
    Row {
        name,
        reason,
        good,
        bad,
    }
}

fn of_another_form(bench: &Bench) -> Vec<Row> {
    let rows: [(&str, Change<'_>); 14] = [
        ("nothing", &|_, _, _| String::new()),
        ("dots alone", &|_, _, _| "..".to_owned()),
        ("a header alone", &|h, _, _| h.to_owned()),
        ("two parts", &|h, p, _| format!("{h}.{p}")),
        ("no header", &|_, p, s| format!(".{p}.{s}")),
        ("four parts", &|h, p, s| format!("{h}.{p}.{s}.{s}")),
        ("five parts, encrypted", &|h, p, s| {
            format!("{h}.{p}.{s}.{s}.{s}")
        }),
        ("a dot behind", &|h, p, s| format!("{h}.{p}.{s}.")),
        ("white space before", &|h, p, s| format!(" {h}.{p}.{s}")),
        ("white space behind", &|h, p, s| format!("{h}.{p}.{s} ")),
        ("a line end within", &|h, p, s| format!("{h}.{p}\n.{s}")),
        ("NUL behind", &|h, p, s| format!("{h}.{p}.{s}\0")),
        ("a scheme before", &|h, p, s| format!("Bearer {h}.{p}.{s}")),
        ("written as JSON", &|h, p, s| {
            format!(r#"{{"protected":"{h}","payload":"{p}","signature":"{s}"}}"#)
        }),
    ];
    let row = |(name, change)| row(bench, name, FORM, change);
    let mut rows: Vec<Row> = rows.into_iter().map(row).collect();
    let long = |h: &str, p: &str, s: &str| format!("{h}.{p}.{s}{}", "A".repeat(8 * 1024));
    rows.push(self::row(bench, "too long", "longer than 8 KiB", &long));
    rows
}

/// The same bytes, written in another way.
fn with_other_letters(bench: &Bench) -> Vec<Row> {
    let rows: [(&str, &str, Change<'_>); 6] = [
        ("padding of the header", FORM, &|h, p, s| {
            format!("{h}=.{p}.{s}")
        }),
        ("padding of the payload", FORM, &|h, p, s| {
            format!("{h}.{p}=.{s}")
        }),
        ("padding of the signature", FORM, &|h, p, s| {
            format!("{h}.{p}.{s}==")
        }),
        ("the other alphabet", FORM, &|h, p, s| {
            format!("{h}.{p}.+{}", &s[1..])
        }),
        ("bits behind the signature", NOT_CANONICAL, &|h, p, s| {
            format!("{h}.{p}.{}", with_bits_behind(s))
        }),
        (
            "a letter behind the signature",
            NOT_CANONICAL,
            &|h, p, s| format!("{h}.{p}.{s}AAA"),
        ),
    ];
    let row = |(name, reason, change)| row(bench, name, reason, change);
    rows.into_iter().map(row).collect()
}

/// 64 bytes leave four bits of the last letter, which must be zero; here they are not.
fn with_bits_behind(signature: &str) -> String {
    let (before, last) = signature.split_at(signature.len() - 1);
    let next = match last {
        "A" => "B",
        "Q" => "R",
        "g" => "h",
        "w" => "x",
        other => panic!("{other} is no end of a signature of 64 bytes"),
    };
    format!("{before}{next}")
}

fn with_another_signature(bench: &Bench) -> Vec<Row> {
    let of_der = |h: &str, p: &str, _: &str| {
        let signature = bench.p256.signature(format!("{h}.{p}").as_bytes());
        format!("{h}.{p}.{}", encode(der(&signature)))
    };
    let rows: [(&str, Change<'_>); 8] = [
        ("no signature", &|h, p, _| format!("{h}.{p}.")),
        ("a signature of zeros", &|h, p, _| {
            format!("{h}.{p}.{}", encode([0; 64]))
        }),
        ("a signature of ones", &|h, p, _| {
            format!("{h}.{p}.{}", encode([0xff; 64]))
        }),
        ("half a signature", &|h, p, s| {
            format!("{h}.{p}.{}", &s[..40])
        }),
        ("a signature twice", &|h, p, _| {
            let signature = bench.p256.signature(format!("{h}.{p}").as_bytes());
            format!("{h}.{p}.{}", encode(signature.repeat(2)))
        }),
        ("a signature in DER", &of_der),
        ("a signature by another key", &|h, p, _| {
            let signature = bench.ed25519.signature(format!("{h}.{p}").as_bytes());
            format!("{h}.{p}.{}", encode(signature))
        }),
        ("a signature of the payload alone", &|h, p, _| {
            format!("{h}.{p}.{}", encode(bench.p256.signature(p.as_bytes())))
        }),
    ];
    let row = |(name, change)| row(bench, name, FORGED, change);
    rows.into_iter().map(row).collect()
}

/// The two numbers of a signature in the form of X.509.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| [&[2, 33, 0], number].concat();
    let (r, s) = signature.split_at(32);
    let both = [integer(r), integer(s)].concat();
    [&[0x30, both.len() as u8], &both[..]].concat()
}

/// Parts of two tokens that are both good.
fn of_two_tokens(bench: &Bench) -> Vec<Row> {
    let other = bench.good("another token");
    let other: Vec<&str> = other.split('.').collect();
    let mut bob = Bench::claims("bob");
    bob["sub"] = serde_json::json!("bob");
    let of_ed25519 = encode(bench.ed25519.header().to_string());
    let rows: [(&str, &str, Change<'_>); 4] = [
        ("the signature of another token", FORGED, &|h, p, _| {
            format!("{h}.{p}.{}", other[2])
        }),
        ("the payload of another token", FORGED, &|h, _, s| {
            format!("{h}.{}.{s}", other[1])
        }),
        ("a payload of somebody else", FORGED, &|h, _, s| {
            format!("{h}.{}.{s}", encode(bob.to_string()))
        }),
        ("the header of another key", FORGED, &|_, p, s| {
            format!("{of_ed25519}.{p}.{s}")
        }),
    ];
    let row = |(name, reason, change)| row(bench, name, reason, change);
    rows.into_iter().map(row).collect()
}
