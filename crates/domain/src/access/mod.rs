//! Who is calling, with which credential, and what their grant covers.
//!
//! - [`principal`]: the caller. A function of the verified credential alone.
//! - [`credential`]: what is kept of the credential with what was done.
//! - [`grant`]: the projects and environments that a credential may act on.
//! - [`token`]: API tokens as the store keeps them, by their hashes.
//! - [`decide`], [`apply`]: how tokens come and go.
//!
//! Which method a role may call is the server's table; what a caller may do to one object is
//! decided here and in the verbs.

mod apply;
mod credential;
mod decide;
mod grant;
mod principal;
mod token;

pub use apply::apply_token;
pub use credential::{CredentialKind, CredentialRef};
pub use decide::{LONGEST_LIFE_MICROS, TOKENS_LIMIT};
pub(crate) use decide::{create_token, revoke_token};
pub use grant::{Grant, GrantSide};
pub use principal::{Principal, PrincipalKind, Role};
pub use token::{Revocation, SecretHash, Token, TokenDraft, TokenEvent};
