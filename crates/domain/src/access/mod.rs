//! Who is calling, and what their grant covers.
//!
//! A principal is a function of the verified credential alone. Which method a role may call is the
//! server's table; what a caller may do to one object is decided here and in the verbs.

mod grant;
mod principal;

pub use grant::{Grant, GrantSide};
pub use principal::{CredentialRef, Principal, PrincipalKind, Role};
