//! The Rust client.
//!
//! - [`Connection`] gives the generated clients with a credential on every call.
//! - [`reason`] reads why a call was refused.
//! - [`Signals`] follows signals over reconnections, from where it was.
//!
//! Whatever is not an OK means "do not start": errors, time-outs, lost connections, unknown values.

mod connection;
mod reason;
mod signals;

pub use connection::{BadAddress, Connection, Credentialed};
pub use reason::reason;
pub use signals::Signals;
