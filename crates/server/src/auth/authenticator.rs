//! From the bearer text of a call to its principal.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use countersign_domain::access::Principal;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::insecure_dev;
use super::tokens_file::{Tokens, TokensError};

/// What credentials are checked against. A server never runs without one.
#[derive(Clone)]
pub struct Authenticator(Kind);

#[derive(Clone)]
enum Kind {
    Tokens(Arc<Tokens>),
    InsecureDev,
}

impl Authenticator {
    /// Accepts the API tokens that a file lists by their hashes.
    pub fn tokens_file(path: &Path) -> Result<Self, TokensError> {
        Tokens::load(path).map(|tokens| Self(Kind::Tokens(Arc::new(tokens))))
    }

    /// Believes whatever a caller says about itself. For one machine, and for trying things out.
    pub fn insecure_dev() -> Self {
        Self(Kind::InsecureDev)
    }

    /// Whether anybody who can connect can be anybody.
    pub fn is_insecure(&self) -> bool {
        match self.0 {
            Kind::Tokens(_) => false,
            Kind::InsecureDev => true,
        }
    }

    /// The issuer that people are accepted from.
    pub fn people_issuer(&self) -> &str {
        match &self.0 {
            Kind::Tokens(tokens) => tokens.issuer(),
            Kind::InsecureDev => insecure_dev::ISSUER,
        }
    }

    /// The caller, if the headers carry exactly one credential and it is known.
    pub(crate) fn authenticate(&self, headers: &HeaderMap) -> Option<Arc<Principal>> {
        let bearer = bearer(headers)?;
        match &self.0 {
            Kind::Tokens(tokens) => tokens.find(bearer),
            Kind::InsecureDev => insecure_dev::principal(bearer).map(Arc::new),
        }
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Tokens(tokens) => write!(f, "{tokens}"),
            Kind::InsecureDev => f.write_str("insecure-dev: the bearer text is the subject"),
        }
    }
}

/// The token of `authorization: Bearer <token>`. With two headers it is not clear who calls, so
/// nobody does.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut found = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (found.next()?, found.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let good = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.trim() == token;
    good.then_some(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(AUTHORIZATION, value);
        }
        headers
    }

    #[test]
    fn only_one_well_formed_bearer_is_a_credential() {
        for (values, token) in [
            (&["Bearer alice"][..], Some("alice")),
            (&["bearer alice"], Some("alice")),
            (&["Bearer al ice"], Some("al ice")),
            (&[], None),
            (&[""], None),
            (&["Bearer"], None),
            (&["Bearer "], None),
            (&["Bearer  alice"], None),
            (&["Bearer alice "], None),
            (&["Basic alice"], None),
            (&["Bearer é"], None),
            (&["Bearer alice", "Bearer alice"], None),
        ] {
            assert_eq!(bearer(&headers(values)), token, "{values:?}");
        }
    }

    #[test]
    fn i12_other_headers_change_nothing() {
        let authenticator = Authenticator::insecure_dev();
        let plain = headers(&["Bearer alice"]);
        let mut more = plain.clone();
        for name in [
            "x-forwarded-user",
            "x-user",
            "user",
            "subject",
            "x-roles",
            "grpc-user",
        ] {
            more.insert(name, HeaderValue::from_static("root:mallory"));
        }
        assert_eq!(
            authenticator.authenticate(&plain),
            authenticator.authenticate(&more)
        );
        assert!(authenticator.authenticate(&plain).is_some());
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", Authenticator::insecure_dev());
        assert!(shown.starts_with("insecure-dev"));
    }
}
