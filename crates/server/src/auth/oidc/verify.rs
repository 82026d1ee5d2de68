//! The one way in: from a bearer text to who it was issued to.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use countersign_domain::Instant;
use data_encoding::HEXLOWER;
use jsonwebtoken::Validation;
use serde::de::IgnoredAny;
use tokio_util::sync::CancellationToken;

use super::claims::{Claims, Expected};
use super::config::{OidcConfig, OidcError};
use super::crypto;
use super::keys::{Key, Missing};
use super::refresh::{Refresher, Set, Timing};
use super::remembered::{Hash, hash_of};
use super::token::{self, Token};

/// Who a token was issued to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    /// `sub`, byte for byte.
    pub(crate) subject: String,
    /// For people to read: the claim that was configured, else the subject.
    pub(crate) display_name: String,
    /// As the provider names them.
    pub(crate) groups: BTreeSet<String>,
    /// When the person last proved to the provider who they are.
    pub(crate) auth_time: Option<Instant>,
    /// From here on the token is refused, and what it opened must end.
    pub(crate) expires_at: Instant,
    /// Names the token without showing it: `jti` if that is fit for a name, else the first 16
    /// hexadecimal digits of the token's SHA-256.
    pub(crate) id: String,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It is no good token. The reason is for our own log: a caller who learns it learns how far a
    /// forged token gets.
    NotAccepted(&'static str),
    /// It may be good, but there are no fresh keys to tell by. Later there may be.
    KeysUnavailable,
}

impl From<&'static str> for Rejected {
    fn from(reason: &'static str) -> Self {
        Self::NotAccepted(reason)
    }
}

/// Accepts people from one provider.
pub(crate) struct Oidc {
    expected: Expected,
    refresher: Arc<Refresher>,
}

impl Oidc {
    /// Begins to read the provider's keys, within a tokio runtime and until `stop`. A provider that
    /// is away is no error: its people are accepted as soon as its keys could be read.
    pub(crate) fn start(config: OidcConfig, stop: CancellationToken) -> Result<Self, OidcError> {
        Self::start_with(&config, Timing::default(), stop)
    }

    pub(super) fn start_with(
        config: &OidcConfig,
        timing: Timing,
        stop: CancellationToken,
    ) -> Result<Self, OidcError> {
        config.check()?;
        crypto::install();
        Ok(Self {
            expected: Expected::new(config),
            refresher: Refresher::start(config, timing, stop)?,
        })
    }

    /// For tests: waits until the keys were read once more, or were tried to be.
    #[cfg(test)]
    pub(super) fn next_round(&self) -> impl Future<Output = ()> + use<> {
        self.refresher.next_round()
    }

    /// The issuer that people are accepted from.
    pub(crate) fn issuer(&self) -> &str {
        &self.expected.issuer
    }

    /// Whether a bearer text has the form of such a token, and so can be nothing else.
    pub(crate) fn looks_like_one(bearer: &str) -> bool {
        token::looks_like_one(bearer)
    }

    /// Who a token was issued to, if it was verified before and is still good: without any work on
    /// signatures.
    pub(crate) fn remembered(&self, token: &str, now: Instant) -> Option<Verified> {
        let set = self.refresher.current()?;
        set.remembered.get(&hash_of(token.as_bytes()), now)
    }

    /// Who a token was issued to, if it is good at this instant.
    pub(crate) async fn verify(&self, token: &str, now: Instant) -> Result<Verified, Rejected> {
        if let Some(verified) = self.remembered(token, now) {
            return Ok(verified);
        }
        let hash = hash_of(token.as_bytes());
        let read = Token::read(token)?;
        // Before the keys: what will be refused anyway, such as an old token of an old key, shall
        // cause no fetch. Nothing of it is believed until the signature was verified.
        let claims = self.expected.judge(&read.payload, now)?;
        let set = self.keys_for(&read).await?;
        let key = find(&set, &read)?;
        self.check_signature(token, key)?;
        let verified = verified(claims, &hash);
        set.remembered.put(hash, verified.clone());
        Ok(verified)
    }

    /// The set to look for the token's key in: a newer one, if the known one has no such key.
    async fn keys_for(&self, token: &Token) -> Result<Arc<Set>, Rejected> {
        let knows = |set: &Arc<Set>| {
            let found = set.keys.find(token.kid.as_deref(), &token.alg);
            !matches!(found, Err(Missing::Unknown))
        };
        if let Some(set) = self.refresher.current().filter(knows) {
            return Ok(set);
        }
        self.refresher.ask().await;
        self.refresher.current().ok_or(Rejected::KeysUnavailable)
    }

    /// The library verifies the signature, and looks at issuer and audience a second time. It would
    /// ask the machine for the time, so what depends on that was judged before.
    fn check_signature(&self, token: &str, key: &Key) -> Result<(), &'static str> {
        let mut validation = Validation::new(key.algorithm);
        validation.validate_exp = false;
        validation.set_issuer(&[&self.expected.issuer]);
        validation.set_audience(&self.expected.audiences);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        let decoded = jsonwebtoken::decode::<IgnoredAny>(token, &key.key, &validation);
        decoded.map(|_| ()).map_err(|_| "the signature is wrong")
    }
}

fn find<'a>(set: &'a Set, token: &Token) -> Result<&'a Key, &'static str> {
    let found = set.keys.find(token.kid.as_deref(), &token.alg);
    found.map_err(|missing| match missing {
        Missing::Unknown => "the provider has no key of this kid",
        Missing::Unfit(reason) => reason,
    })
}

fn verified(claims: Claims, hash: &Hash) -> Verified {
    let of_hash = || HEXLOWER.encode(&hash[..8]);
    Verified {
        subject: claims.subject,
        display_name: claims.display_name,
        groups: claims.groups,
        auth_time: claims.auth_time,
        expires_at: claims.expires_at,
        id: claims.jti.unwrap_or_else(of_hash),
    }
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OIDC: people of issuer {:?}", self.issuer())
    }
}
