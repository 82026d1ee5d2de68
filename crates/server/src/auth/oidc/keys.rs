//! The keys of a provider (a JWK set), each with the one algorithm it verifies.
//!
//! The algorithm is the key's, never the token's choice: what a JWK says, else the usual one of its
//! type. A JWK that is for something else, that is weak or that is broken is passed over, so that
//! the rest of the set still counts.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::json::{self, Object};

/// The least bits of an RSA modulus.
const RSA_BITS: usize = 2_048;
/// The longest `kid` that is looked at.
const KID_LIMIT: usize = 1_024;

/// One key.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) kid: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// A JWK that is not used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PassedOver {
    pub(super) kid: String,
    pub(super) reason: &'static str,
}

/// A set of keys.
pub(super) struct Keys {
    keys: Vec<Key>,
    pub(super) passed_over: Vec<PassedOver>,
}

/// Which key a token asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// None of that name: the set that is known may be old.
    Unknown,
    /// The set has such a key, but the token cannot be verified by it.
    Unfit(&'static str),
}

impl Keys {
    /// Reads a JWK set. `None` if the text is none.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let set = json::object(text)?;
        let jwks = set.get("keys")?.as_array()?;
        let mut found = Self {
            keys: Vec::new(),
            passed_over: Vec::new(),
        };
        for jwk in jwks {
            match key(jwk) {
                Ok(key) => found.keys.push(key),
                Err(reason) => found.pass_over(kid(jwk), reason),
            }
        }
        found.pass_over_twins();
        Some(found)
    }

    fn pass_over(&mut self, kid: Option<&str>, reason: &'static str) {
        let kid = kid.unwrap_or_default().to_owned();
        self.passed_over.push(PassedOver { kid, reason });
    }

    /// Of two keys with one name and one algorithm nobody can say which is meant.
    fn pass_over_twins(&mut self) {
        let all = self.keys.clone();
        let twins = |key: &Key| {
            let same = |it: &&Key| it.kid == key.kid && it.algorithm == key.algorithm;
            key.kid.is_some() && all.iter().filter(same).count() > 1
        };
        self.keys.retain(|key| !twins(key));
        for twin in all.iter().filter(|key| twins(key)) {
            self.pass_over(twin.kid.as_deref(), "another key of this kid and algorithm");
        }
    }

    /// How many keys are used.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key for a token with this `kid` and this `alg`.
    pub(super) fn find(&self, kid: Option<&str>, alg: &str) -> Result<&Key, Missing> {
        let Some(kid) = kid else {
            return match self.keys.as_slice() {
                [key] if name(key.algorithm) == alg => Ok(key),
                [_] => Err(Missing::Unfit("alg is not the one of the key")),
                _ => Err(Missing::Unfit("no kid, and not exactly one key")),
            };
        };
        let mut named = self.keys.iter().filter(|it| it.kid.as_deref() == Some(kid));
        let mut named = named.by_ref().peekable();
        if named.peek().is_none() {
            return Err(Missing::Unknown);
        }
        named
            .find(|key| name(key.algorithm) == alg)
            .ok_or(Missing::Unfit("alg is not the one of the key"))
    }
}

/// An algorithm as `alg` says it; nothing for those that are not used.
fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RS256 => "RS256",
        Algorithm::RS384 => "RS384",
        Algorithm::RS512 => "RS512",
        Algorithm::PS256 => "PS256",
        Algorithm::PS384 => "PS384",
        Algorithm::PS512 => "PS512",
        Algorithm::ES256 => "ES256",
        Algorithm::ES384 => "ES384",
        Algorithm::EdDSA => "EdDSA",
        _ => "",
    }
}

fn kid(jwk: &Value) -> Option<&str> {
    jwk.get("kid").and_then(Value::as_str)
}

fn key(jwk: &Value) -> Result<Key, &'static str> {
    let jwk = jwk.as_object().ok_or("not an object")?;
    let kid = match jwk.get("kid") {
        None => None,
        Some(Value::String(kid)) if kid.len() <= KID_LIMIT => Some(kid.clone()),
        Some(_) => return Err("a kid that is no text, or too long"),
    };
    check_purpose(jwk)?;
    let (key, usual) = match jwk.get("kty").and_then(Value::as_str) {
        Some("RSA") => (rsa(jwk)?, Algorithm::RS256),
        Some("EC") => elliptic(jwk)?,
        Some("OKP") => (edwards(jwk)?, Algorithm::EdDSA),
        Some("oct") => return Err("a symmetric key"),
        _ => return Err("a kty other than RSA, EC and OKP"),
    };
    let algorithm = match jwk.get("alg") {
        None => usual,
        Some(alg) => algorithm_of(usual, alg.as_str().unwrap_or_default())?,
    };
    Ok(Key {
        kid,
        algorithm,
        key,
    })
}

/// A key must be for verifying, and for us: private parts in a public set are a leak, and whoever
/// read them can sign.
fn check_purpose(jwk: &Object) -> Result<(), &'static str> {
    if jwk.get("use").is_some_and(|it| it != "sig") {
        return Err("a use other than sig");
    }
    if let Some(operations) = jwk.get("key_ops") {
        let operations = operations.as_array().ok_or("key_ops that is no list")?;
        if !operations.iter().any(|it| it == "verify") {
            return Err("key_ops without verify");
        }
    }
    if jwk.contains_key("crit") {
        return Err("a crit, none of which is known");
    }
    if jwk.contains_key("d") {
        return Err("private parts: replace this key at the provider");
    }
    Ok(())
}

/// Only RSA leaves a choice.
fn algorithm_of(usual: Algorithm, alg: &str) -> Result<Algorithm, &'static str> {
    let choices = match usual {
        Algorithm::RS256 => &[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ][..],
        _ => &[usual][..],
    };
    let mut fitting = choices.iter().filter(|it| name(**it) == alg);
    fitting.next().copied().ok_or("an alg that does not fit")
}

fn rsa(jwk: &Object) -> Result<DecodingKey, &'static str> {
    let (n, e) = (number(jwk, "n")?, number(jwk, "e")?);
    let bits = n.first().map_or(0, |first| {
        n.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or_default()
    });
    if bits < RSA_BITS {
        return Err("an RSA key of less than 2048 bits");
    }
    Ok(DecodingKey::from_rsa_raw_components(&n, &e))
}

/// A number without the zeros before it, which some providers send.
fn number(jwk: &Object, member: &str) -> Result<Vec<u8>, &'static str> {
    let mut bytes = bytes(jwk, member)?;
    let zeros = bytes.iter().take_while(|it| **it == 0).count();
    Ok(bytes.split_off(zeros))
}

fn elliptic(jwk: &Object) -> Result<(DecodingKey, Algorithm), &'static str> {
    let (length, algorithm) = match jwk.get("crv").and_then(Value::as_str) {
        Some("P-256") => (32, Algorithm::ES256),
        Some("P-384") => (48, Algorithm::ES384),
        _ => return Err("a crv other than P-256 and P-384"),
    };
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != length || y.len() != length {
        return Err("a point of another length than its curve");
    }
    // An uncompressed point, which is what the verifier takes; it also checks the curve.
    let point = [&[4], &x[..], &y[..]].concat();
    Ok((DecodingKey::from_ec_der(&point), algorithm))
}

fn edwards(jwk: &Object) -> Result<DecodingKey, &'static str> {
    if jwk.get("crv").is_none_or(|it| it != "Ed25519") {
        return Err("a crv other than Ed25519");
    }
    let x = bytes(jwk, "x")?;
    if x.len() != 32 {
        return Err("a point of another length than its curve");
    }
    Ok(DecodingKey::from_ed_der(&x))
}

fn bytes(jwk: &Object, member: &str) -> Result<Vec<u8>, &'static str> {
    let text = jwk.get(member).and_then(Value::as_str);
    text.and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok())
        .ok_or("a part that is missing or no base64url")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rsa_of(bits: usize) -> Value {
        let mut n = vec![0xff; bits / 8];
        n[0] = 0x80;
        json!({"kty": "RSA", "kid": "r", "n": BASE64URL_NOPAD.encode(&n), "e": "AQAB"})
    }

    fn point(length: usize) -> String {
        BASE64URL_NOPAD.encode(&vec![7; length])
    }

    fn ec_of(curve: &str, length: usize) -> Value {
        json!({"kty": "EC", "kid": "e", "crv": curve, "x": point(length), "y": point(length)})
    }

    fn ed() -> Value {
        json!({"kty": "OKP", "kid": "d", "crv": "Ed25519", "x": point(32)})
    }

    fn with(mut jwk: Value, member: &str, value: Value) -> Value {
        jwk[member] = value;
        jwk
    }

    fn set(jwks: &[Value]) -> Keys {
        Keys::parse(json!({ "keys": jwks }).to_string().as_bytes()).unwrap()
    }

    fn algorithm(jwk: Value) -> Result<Algorithm, &'static str> {
        key(&jwk).map(|key| key.algorithm)
    }

    #[test]
    fn each_key_has_one_algorithm() {
        let rows = [
            (rsa_of(2_048), Algorithm::RS256),
            (with(rsa_of(2_048), "alg", json!("RS512")), Algorithm::RS512),
            (with(rsa_of(4_096), "alg", json!("PS256")), Algorithm::PS256),
            (ec_of("P-256", 32), Algorithm::ES256),
            (ec_of("P-384", 48), Algorithm::ES384),
            (ed(), Algorithm::EdDSA),
            (with(ed(), "use", json!("sig")), Algorithm::EdDSA),
            (with(ed(), "key_ops", json!(["verify"])), Algorithm::EdDSA),
            (with(ed(), "x5c", json!(["!"])), Algorithm::EdDSA),
        ];
        for (jwk, expected) in rows {
            assert_eq!(algorithm(jwk.clone()), Ok(expected), "{jwk}");
        }
    }

    #[test]
    fn what_is_for_something_else_weak_or_broken_is_passed_over() {
        let rows = [
            json!("key"),
            json!({}),
            json!({"kty": "oct", "k": "AAAA"}),
            with(ed(), "kty", json!("oct")),
            with(ed(), "kid", json!(7)),
            with(ed(), "kid", json!("k".repeat(KID_LIMIT + 1))),
            with(ed(), "use", json!("enc")),
            with(ed(), "use", json!(null)),
            with(ed(), "key_ops", json!(["sign"])),
            with(ed(), "key_ops", json!("verify")),
            with(ed(), "crit", json!(["exp"])),
            with(ed(), "d", json!("AAAA")),
            with(ed(), "alg", json!("ES256")),
            with(ed(), "alg", json!("HS256")),
            with(ed(), "alg", json!(7)),
            with(ed(), "crv", json!("X25519")),
            with(ed(), "x", json!(point(31))),
            with(ed(), "x", json!(format!("{}=", point(32)))),
            with(ed(), "x", json!(null)),
            rsa_of(1_024),
            rsa_of(2_040),
            with(rsa_of(2_048), "alg", json!("ES256")),
            with(rsa_of(2_048), "alg", json!("RSA-OAEP")),
            with(rsa_of(2_048), "alg", json!("none")),
            with(rsa_of(2_048), "alg", json!("HS256")),
            with(rsa_of(2_048), "n", json!("")),
            ec_of("P-256", 31),
            ec_of("P-256", 48),
            ec_of("P-521", 66),
            ec_of("secp256k1", 32),
            with(ec_of("P-256", 32), "alg", json!("ES384")),
            with(ec_of("P-256", 32), "alg", json!("RS256")),
        ];
        for jwk in rows {
            let keys = set(&[jwk.clone(), with(ed(), "kid", json!("good"))]);
            assert_eq!((keys.len(), keys.passed_over.len()), (1, 1), "{jwk}");
        }
    }

    #[test]
    fn zeros_before_a_modulus_make_no_key_longer() {
        let mut n = vec![0xff; 255];
        n.insert(0, 0);
        let short = json!({"kty": "RSA", "n": BASE64URL_NOPAD.encode(&n), "e": "AQAB"});
        assert!(key(&short).is_err());
    }

    #[test]
    fn a_token_names_its_key_and_the_key_its_algorithm() {
        let keys = set(&[rsa_of(2_048), ed()]);
        assert_eq!(
            keys.find(Some("r"), "RS256").unwrap().kid.as_deref(),
            Some("r")
        );
        let missing = |kid, alg| keys.find(kid, alg).err().unwrap();
        assert!(matches!(missing(Some("r"), "EdDSA"), Missing::Unfit(_)));
        assert!(matches!(missing(Some("r"), "RS384"), Missing::Unfit(_)));
        assert!(matches!(missing(Some("r"), "HS256"), Missing::Unfit(_)));
        assert!(matches!(missing(Some("r"), ""), Missing::Unfit(_)));
        assert!(matches!(missing(None, "RS256"), Missing::Unfit(_)));
        assert_eq!(missing(Some("x"), "RS256"), Missing::Unknown);
        assert_eq!(missing(Some(""), "RS256"), Missing::Unknown);
    }

    #[test]
    fn a_token_without_kid_means_the_only_key() {
        let keys = set(&[ed(), json!({"kty": "oct", "k": "AAAA"})]);
        assert!(keys.find(None, "EdDSA").is_ok());
        assert!(keys.find(None, "HS256").is_err());
        assert!(set(&[]).find(None, "EdDSA").is_err());
    }

    #[test]
    fn twins_are_both_passed_over() {
        let other = with(ed(), "x", json!(point(32).replace('B', "C")));
        let keys = set(&[ed(), other, rsa_of(2_048)]);
        assert_eq!((keys.len(), keys.passed_over.len()), (1, 2));
        let named_alike = with(ec_of("P-256", 32), "kid", json!("d"));
        let keys = set(&[ed(), named_alike]);
        assert!(keys.find(Some("d"), "EdDSA").is_ok());
        assert!(keys.find(Some("d"), "ES256").is_ok());
    }

    #[test]
    fn what_is_no_set_is_nothing() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":null}"#,
            "<html>",
        ] {
            assert!(Keys::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert_eq!(set(&[]).len(), 0);
    }
}
