//! A token as text: three parts in canonical base64url, a header that asks for nothing special.
//!
//! Nothing here is proven yet. What a header could use to choose its own key (`jwk`, `jku`, `x5u`)
//! or another reading of the token (`crit`, `b64`, `cty`, `zip`, `enc`) is refused.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::json::{self, Object};

/// The longest token.
const LENGTH_LIMIT: usize = 8 * 1024;
/// Members of a header that would change what the token is, or who vouches for it.
const REFUSED: [&str; 9] = [
    "crit", "b64", "jwk", "jku", "x5u", "cty", "zip", "enc", "epk",
];
/// What a header may say that the token is. Other kinds (of logout, of proof of possession) are
/// signed by the same keys, and are no credentials.
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// What a token says.
pub(super) struct Token {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) payload: Object,
}

/// Whether a text has the form of a token: two dots, and base64url around them.
pub(super) fn looks_like_one(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let fits = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    match parts.as_slice() {
        // The signature may lack: that is a bad token, but still one.
        [header, payload, _] if !header.is_empty() && !payload.is_empty() => {
            parts.iter().all(|part| part.bytes().all(fits))
        }
        _ => false,
    }
}

impl Token {
    /// Reads a token, and believes nothing of it.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        if text.len() > LENGTH_LIMIT {
            return Err("longer than 8 KiB");
        }
        if !looks_like_one(text) {
            return Err("not three parts of base64url");
        }
        let mut parts = text
            .split('.')
            .map(|part| decode(part).ok_or(NOT_CANONICAL));
        let mut next = || parts.next().unwrap_or(Err(NOT_CANONICAL));
        let (header, payload, _signature) = (next()?, next()?, next()?);
        let header = json::object(&header).ok_or("a header that is no plain JSON object")?;
        let payload = json::object(&payload).ok_or("a payload that is no plain JSON object")?;
        check(&header)?;
        let text_of = |value: &Value| value.as_str().map(str::to_owned);
        Ok(Self {
            alg: header
                .get("alg")
                .and_then(text_of)
                .ok_or("no alg that is a text")?,
            kid: match header.get("kid") {
                None => None,
                Some(kid) => Some(text_of(kid).ok_or("a kid that is no text")?),
            },
            payload,
        })
    }
}

const NOT_CANONICAL: &str = "not canonical base64url";

fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(part.as_bytes()).ok()
}

fn check(header: &Object) -> Result<(), &'static str> {
    if REFUSED.iter().any(|name| header.contains_key(*name)) {
        return Err("a header that chooses its key or its form");
    }
    let Some(typ) = header.get("typ") else {
        return Ok(());
    };
    let typ = typ.as_str().unwrap_or_default().to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    match TYPES.contains(&typ) {
        true => Ok(()),
        false => Err("a typ other than JWT and at+jwt"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, payload: &str) -> String {
        let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        format!("{}.{}.AAAA", encode(header), encode(payload))
    }

    #[test]
    fn a_form_is_told_from_others() {
        for text in ["a.b.c", "a.b.", "eyJ-_.eyJ.AA", &token("{}", "{}")] {
            assert!(looks_like_one(text), "{text}");
        }
        for text in [
            "",
            ".",
            "..",
            "a",
            "a.b",
            "a..c",
            ".b.c",
            "a.b.c.d",
            "a.b.c.d.e",
            "a.b.c ",
            " a.b.c",
            "a.b=.c",
            "a.b+.c",
            "a/.b.c",
            "é.b.c",
            "a.b\n.c",
            "cs_0123456789abcdef",
        ] {
            assert!(!looks_like_one(text), "{text:?}");
        }
    }

    #[test]
    fn a_header_and_a_payload_are_read() {
        let read = Token::read(&token(r#"{"alg":"ES256","kid":"e"}"#, r#"{"sub":"alice"}"#));
        let read = read.unwrap();
        assert_eq!(
            (read.alg.as_str(), read.kid.as_deref()),
            ("ES256", Some("e"))
        );
        assert_eq!(read.payload["sub"], "alice");
        let bare = Token::read(&token(r#"{"alg":"ES256"}"#, "{}")).unwrap();
        assert_eq!(bare.kid, None);
    }

    #[test]
    fn types_of_credentials_are_known_in_any_case() {
        for (typ, good) in [
            ("JWT", true),
            ("jwt", true),
            ("at+jwt", true),
            ("AT+JWT", true),
            ("application/at+jwt", true),
            ("Application/JWT", true),
            ("", false),
            ("JOSE", false),
            ("logout+jwt", false),
            ("dpop+jwt", false),
            ("secevent+jwt", false),
            ("application/application/jwt", false),
        ] {
            let header = format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#);
            assert_eq!(Token::read(&token(&header, "{}")).is_ok(), good, "{typ:?}");
        }
    }

    #[test]
    fn a_token_ends_at_its_limit() {
        let good = token(r#"{"alg":"ES256"}"#, "{}");
        let fill = "A".repeat(LENGTH_LIMIT - good.len());
        assert!(Token::read(&format!("{good}{fill}")).is_ok());
        assert!(Token::read(&format!("{good}{fill}AAAA")).is_err());
    }
}
