//! Who is calling, and what they may call.
//!
//! - [`authenticator`]: from the bearer text of a call to its principal, and nothing else.
//! - [`tokens_file`], [`insecure_dev`]: where credentials are known from.
//! - [`oidc`]: people whom a provider signed a token for.
//! - [`methods`]: the one table of methods and roles; what is not in it is denied.
//! - [`layer`]: asks both before anything else looks at a call.
//!
//! What a caller may do to one object is decided by the domain.

pub(crate) mod authenticator;
pub(crate) mod insecure_dev;
pub(crate) mod layer;
pub(crate) mod methods;
pub(crate) mod oidc;
pub(crate) mod tokens_file;

pub use authenticator::Authenticator;
pub use tokens_file::TokensError;
