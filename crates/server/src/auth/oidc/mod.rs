//! People by OpenID Connect: a bearer token that a provider signed (a JWT) is who its `sub` says.
//!
//! - [`config`]: which provider, and what is refused as such a setting.
//! - [`source`], [`discovery`], [`fetch`]: where the keys are, and one GET over HTTPS.
//! - [`keys`]: the keys, each with the one algorithm it verifies; [`crypto`]: the verifiers.
//! - [`refresh`]: keeps the keys fresh; without fresh keys nobody is accepted.
//! - [`token`], [`json`]: a token as text; [`claims`]: what it claims, judged for us and for now.
//! - [`verify`]: the one way in; [`remembered`]: what was verified before.
//!
//! Nothing that a token says chooses the key or the algorithm: `kid` only names one of the keys
//! that the provider published. The provider may be away when the gate starts and later: its keys
//! count for an hour after they were last read.
//!
//! A token is over at its `exp`, without leeway. A token that is bound to a key of the bearer
//! (`cnf`) is refused, for the gate asks for no proof of possession.

mod claims;
mod config;
mod crypto;
mod discovery;
mod fetch;
mod json;
mod keys;
mod refresh;
mod remembered;
mod source;
mod token;
mod verify;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod signer;
#[cfg(test)]
mod stories;

pub(crate) use config::{OidcConfig, OidcError};
pub(crate) use verify::{Oidc, Rejected, Verified};
