//! Tokens that nobody issued, made of one that somebody did.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use ring::{hmac, signature};
use serde_json::{Value, json};

/// What an RSA key is called in a certificate.
const RSA: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// What is presented, and the text of its header.
type Row = (&'static str, String);

/// A good token, taken apart.
pub(super) struct Good {
    text: String,
    header: Value,
    pub(super) payload: Value,
    /// Its three parts as they stand in it.
    parts: [String; 3],
}

impl Good {
    pub(super) fn read(text: &str) -> Self {
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        let read = |part: &str| {
            let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        };
        Self {
            text: text.to_owned(),
            header: read(&parts[0]),
            payload: read(&parts[1]),
            parts: parts.try_into().unwrap(),
        }
    }

    /// Its header with other members; null takes one away.
    fn header(&self, changes: &Value) -> String {
        encode(changed(&self.header, changes).to_string())
    }

    /// Its payload with other members, under the signature of the old one.
    fn claiming(&self, changes: &Value) -> String {
        let payload = encode(changed(&self.payload, changes).to_string());
        format!("{}.{payload}.{}", self.parts[0], self.parts[2])
    }

    /// With another header, under the signature of the old one.
    fn headed(&self, changes: &Value) -> String {
        format!(
            "{}.{}.{}",
            self.header(changes),
            self.parts[1],
            self.parts[2]
        )
    }

    /// With another header and another signature.
    fn signed(&self, changes: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let message = format!("{}.{}", self.header(changes), self.parts[1]);
        format!("{message}.{}", encode(sign(message.as_bytes())))
    }
}

fn changed(object: &Value, changes: &Value) -> Value {
    let mut object = object.clone();
    let members = object.as_object_mut().unwrap();
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => members.remove(key),
            value => members.insert(key.clone(), value.clone()),
        };
    }
    object
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(bytes.as_ref())
}

/// All of them, as the text of an `authorization` header.
pub(super) fn forged(good: &Good, key: &Value) -> Vec<Row> {
    let mut tokens = signatures(good);
    tokens.extend(pieces(good));
    tokens.extend(algorithms(good, key));
    tokens.extend(keys(good, key));
    tokens.extend(claims(good));
    let bearers = tokens
        .into_iter()
        .map(|(what, token)| (what, format!("Bearer {token}")));
    bearers.chain(headers(good)).collect()
}

fn signatures(good: &Good) -> Vec<Row> {
    let [header, payload, signature] = &good.parts;
    let bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        format!("{header}.{payload}.{}", encode(bytes))
    };
    let last = bytes.len() - 1;
    vec![
        (
            "a signature with another first bit",
            with(&|it| it[0] ^= 0x80),
        ),
        (
            "a signature with another last bit",
            with(&|it| it[last] ^= 1),
        ),
        ("a signature of zeros", with(&|it| it.fill(0))),
        ("a shorter signature", with(&|it| it.truncate(last))),
        ("a longer signature", with(&|it| it.push(0))),
        ("an empty signature", format!("{header}.{payload}.")),
        ("a padded signature", format!("{}==", good.text)),
        (
            "a signature spelled otherwise",
            spelled_otherwise(&good.text),
        ),
        (
            "the payload as signature",
            format!("{header}.{payload}.{payload}"),
        ),
    ]
}

/// The last character of a signature holds bits that mean nothing: here they are set.
fn spelled_otherwise(text: &str) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = text.split_at(text.len() - 1);
    let place = alphabet.find(last).unwrap();
    let other = alphabet.chars().nth(place + 1).unwrap();
    format!("{rest}{other}")
}

fn pieces(good: &Good) -> Vec<Row> {
    let [header, payload, signature] = &good.parts;
    let text = &good.text;
    vec![
        ("two dots", "..".to_owned()),
        ("one dot", ".".to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("no payload", format!("{header}..{signature}")),
        ("no header", format!(".{payload}.{signature}")),
        ("four parts", format!("{text}.{signature}")),
        ("five parts", format!("{text}.{payload}.{signature}")),
        ("a dot behind", format!("{text}.")),
        ("half of it", text[..text.len() / 2].to_owned()),
        (
            "all but the last character",
            text[..text.len() - 1].to_owned(),
        ),
        (
            "parts in another order",
            format!("{payload}.{header}.{signature}"),
        ),
        ("in small letters", text.to_lowercase()),
        (
            "with a blank in it",
            format!("{header}.{payload}. {signature}"),
        ),
        ("twice", format!("{text}{text}")),
        ("after a comma", format!("x, {text}")),
    ]
}

fn algorithms(good: &Good, key: &Value) -> Vec<Row> {
    let unsigned = |alg: &str| good.signed(&json!({"alg": alg}), |_| Vec::new());
    let shared = |secret: &[u8]| {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let sign = |message: &[u8]| hmac::sign(&secret, message).as_ref().to_vec();
        good.signed(&json!({"alg": "HS256"}), sign)
    };
    let der = public_key(key);
    let pem = pem(&der);
    let modulus = BASE64URL_NOPAD.decode(key["n"].as_str().unwrap().as_bytes());
    let mut rows = vec![
        ("alg none", unsigned("none")),
        ("alg nOnE", unsigned("nOnE")),
        (
            "alg none with a signature",
            good.headed(&json!({"alg": "none"})),
        ),
        ("HS256 with the public key as PEM", shared(pem.as_bytes())),
        (
            "HS256 with that and no end of line",
            shared(pem.trim().as_bytes()),
        ),
        ("HS256 with the public key as DER", shared(&der)),
        (
            "HS256 with the public key as JWK",
            shared(key.to_string().as_bytes()),
        ),
        ("HS256 with the modulus", shared(&modulus.unwrap())),
        ("HS256 with nothing", shared(b"")),
        ("no alg", good.headed(&json!({"alg": null}))),
        ("a list as alg", good.headed(&json!({"alg": ["RS256"]}))),
        ("an empty alg", good.headed(&json!({"alg": ""}))),
    ];
    let others = ["RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256"];
    rows.extend(others.map(|alg| ("another alg", good.headed(&json!({"alg": alg})))));
    rows
}

/// Signed well, by somebody else who brings the key along or says where it is.
fn keys(good: &Good, key: &Value) -> Vec<Row> {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let own = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
    let sign = |message: &[u8]| -> Vec<u8> {
        let signed: signature::Signature = own.sign(&random, message).unwrap();
        signed.as_ref().to_vec()
    };
    let (x, y) = own.public_key().as_ref()[1..].split_at(32);
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y), "kid": "own"});
    let kid = &key["kid"];
    let signed = |changes: Value| good.signed(&changes, sign);
    vec![
        ("an own key", signed(json!({"alg": "ES256", "kid": "own"}))),
        (
            "an own key by the known name",
            signed(json!({"alg": "ES256", "kid": kid})),
        ),
        (
            "an own key without a name",
            signed(json!({"alg": "ES256", "kid": null})),
        ),
        (
            "an own key, brought along",
            signed(json!({"alg": "ES256", "kid": "own", "jwk": jwk})),
        ),
        (
            "an own key, brought along by the known name",
            signed(json!({"alg": "ES256", "kid": kid, "jwk": jwk})),
        ),
        (
            "a place of keys",
            signed(json!({"alg": "ES256", "kid": "own", "jku": "http://127.0.0.1:1/jwks"})),
        ),
        (
            "a place of certificates",
            signed(json!({"alg": "ES256", "kid": "own", "x5u": "http://127.0.0.1:1/x"})),
        ),
        (
            "certificates",
            signed(json!({"alg": "ES256", "kid": "own", "x5c": [encode(x)]})),
        ),
        (
            "an unknown kid",
            good.headed(&json!({"kid": "garbage \u{2603} '; --"})),
        ),
        (
            "a path as kid",
            good.headed(&json!({"kid": "../../../../dev/null"})),
        ),
        ("a number as kid", good.headed(&json!({"kid": 1}))),
        ("no kid", good.headed(&json!({"kid": null}))),
        ("something critical", good.headed(&json!({"crit": ["exp"]}))),
        (
            "an unencoded payload",
            good.headed(&json!({"b64": false, "crit": ["b64"]})),
        ),
        (
            "a token for logging out",
            good.headed(&json!({"typ": "logout+jwt"})),
        ),
    ]
}

fn claims(good: &Good) -> Vec<Row> {
    let [header, _, signature] = &good.parts;
    let paid = |payload: &str| format!("{header}.{}.{signature}", encode(payload));
    let text = good.payload.to_string();
    let twice = text.replacen('{', "{\"sub\":\"bob\",", 1);
    vec![
        ("another subject", good.claiming(&json!({"sub": "bob"}))),
        (
            "more groups",
            good.claiming(&json!({"groups": ["security", "root"]})),
        ),
        (
            "a later end",
            good.claiming(&json!({"exp": 4_000_000_000_u64})),
        ),
        ("no end", good.claiming(&json!({"exp": null}))),
        (
            "another audience",
            good.claiming(&json!({"aud": "elsewhere"})),
        ),
        ("no audience", good.claiming(&json!({"aud": null}))),
        (
            "another issuer",
            good.claiming(&json!({"iss": "https://login.example.com"})),
        ),
        (
            "a later login",
            good.claiming(&json!({"auth_time": 4_000_000_000_u64})),
        ),
        ("a subject twice", paid(&twice)),
        ("a list as payload", paid("[]")),
        ("no JSON as payload", paid("alice")),
        ("an empty payload", paid("{}")),
    ]
}

fn headers(good: &Good) -> Vec<Row> {
    let text = &good.text;
    vec![
        ("no scheme", text.clone()),
        ("Basic", format!("Basic {}", BASE64.encode(b"alice:secret"))),
        ("DPoP", format!("DPoP {text}")),
        ("a scheme alone", "Bearer".to_owned()),
        ("two schemes", format!("Bearer Bearer {text}")),
        ("a name", "Bearer alice".to_owned()),
        ("a name and a role", "Bearer root:alice".to_owned()),
        (
            "an API token that nobody made",
            format!("Bearer csn_{}", "A".repeat(43)),
        ),
        ("a prefix", "Bearer csn_".to_owned()),
    ]
}

/// A public key as it stands in certificates.
fn public_key(jwk: &Value) -> Vec<u8> {
    let bytes = |name: &str| {
        let text = jwk[name].as_str().unwrap();
        BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
    };
    // The zero in front says that the number is not negative.
    let modulus = der(0x02, &[&[0], bytes("n").as_slice()].concat());
    let exponent = der(0x02, &bytes("e"));
    let key = der(0x30, &[modulus, exponent].concat());
    let bits = der(0x03, &[&[0], key.as_slice()].concat());
    der(0x30, &[RSA.as_slice(), &bits].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let length = match u8::try_from(length) {
        Ok(short) if short < 128 => vec![short],
        _ => [&[0x82], length.to_be_bytes().as_slice()].concat(),
    };
    [&[tag], length.as_slice(), content].concat()
}

fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .map(|at| &text[at..text.len().min(at + 64)])
        .collect();
    let body = lines.join("\n");
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
}
