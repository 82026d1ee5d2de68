//! Who is calling, and what they may call.
//!
//! - [`authenticator`]: from a call's credential to its principal; the one place that knows all
//!   kinds of credentials.
//! - [`bearer`]: the bearer text of a call.
//! - [`api_token`]: API tokens, as the store keeps them.
//! - [`mtls`]: client certificates.
//! - [`oidc`]: people of an identity provider.
//! - [`insecure_dev`]: believes whatever a caller says about itself.
//! - [`settings`]: what is set about all of them, as one file.
//! - [`people`]: what people get beyond reading and approving.
//! - [`methods`]: which credential may call which method; what does not stand there is denied.
//! - [`security_log`]: where denied calls, and reads of the log, are told.
//! - [`layer`]: the layer that looks at every call before anything else does.

pub(crate) mod api_token;
pub(crate) mod authenticator;
mod bearer;
pub(crate) mod insecure_dev;
pub(crate) mod layer;
pub(crate) mod methods;
mod mtls;
pub(crate) mod oidc;
mod people;
pub(crate) mod security_log;
mod settings;

#[cfg(test)]
mod bench;
#[cfg(test)]
mod stories;

pub use security_log::SecurityLogConfig;
pub use settings::{AccessError, AccessSettings};
