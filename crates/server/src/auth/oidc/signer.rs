//! Signs tokens in tests, also such as no provider would.

use countersign_domain::Instant;
use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA512, RsaEncoding,
    RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};

/// The instant at which tokens are good.
pub(super) const NOW: i64 = 1_795_392_000;

pub(super) fn at(seconds: i64) -> Instant {
    Instant::from_seconds_and_nanos(seconds, 0).unwrap()
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(bytes.as_ref())
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
}

/// A key of a provider, both halves.
pub(super) struct Signer {
    pub(super) kid: String,
    pub(super) alg: &'static str,
    pair: Pair,
}

impl Signer {
    pub(super) fn es256(kid: &str) -> Self {
        Self::ecdsa(kid, "ES256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub(super) fn es384(kid: &str) -> Self {
        Self::ecdsa(kid, "ES384", &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    fn ecdsa(kid: &str, alg: &'static str, algorithm: &'static EcdsaSigningAlgorithm) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        Self {
            kid: kid.to_owned(),
            alg,
            pair: Pair::Ecdsa(pair),
        }
    }

    pub(super) fn ed25519(kid: &str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self {
            kid: kid.to_owned(),
            alg: "EdDSA",
            pair: Pair::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap()),
        }
    }

    /// From a private key (PKCS#8, DER), with one of the algorithms that RSA keys may have.
    pub(super) fn rsa(kid: &str, alg: &'static str, pkcs8: &[u8]) -> Self {
        let encoding: &'static dyn RsaEncoding = match alg {
            "RS256" => &RSA_PKCS1_SHA256,
            "PS512" => &RSA_PSS_SHA512,
            other => panic!("no signer for {other}"),
        };
        let pair = RsaKeyPair::from_pkcs8(pkcs8).unwrap();
        Self {
            kid: kid.to_owned(),
            alg,
            pair: Pair::Rsa(Box::new(pair), encoding),
        }
    }

    /// The public half.
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Ecdsa(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key())})
            }
            Pair::Rsa(pair, _) => {
                let RsaPublicKeyComponents { n, e } = pair.public().into();
                let (n, e): (Vec<u8>, Vec<u8>) = (n, e);
                json!({"kty": "RSA", "n": encode(n), "e": encode(e)})
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.alg);
        jwk["use"] = json!("sig");
        jwk
    }

    pub(super) fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = pair.sign(*encoding, &random, message, &mut signature);
                signed.unwrap();
                signature
            }
        }
    }

    /// A token of these two texts, whatever they say.
    pub(super) fn sign_texts(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature = encode(self.signature(message.as_bytes()));
        format!("{message}.{signature}")
    }

    pub(super) fn header(&self) -> Value {
        json!({"alg": self.alg, "kid": self.kid, "typ": "JWT"})
    }

    /// An honest token.
    pub(super) fn sign(&self, payload: &Value) -> String {
        self.sign_texts(&self.header().to_string(), &payload.to_string())
    }
}

/// What an honest token of alice claims.
pub(super) fn claims(issuer: &str) -> Value {
    json!({
        "iss": issuer,
        "aud": "countersign",
        "sub": "alice",
        "name": "Alice",
        "groups": ["release"],
        "iat": NOW - 10,
        "auth_time": NOW - 20,
        "exp": NOW + 300,
        "jti": "token-1",
    })
}
