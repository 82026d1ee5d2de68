//! The Rust client.
//!
//! - [`Connection`] gives the generated clients with a credential on every call, over TLS as
//!   [`Tls`] says, and [`within`] makes one call with a limit.
//! - [`reason`] reads why a call was refused.
//! - [`Signals`], [`Statuses`] and [`LogEntries`] follow a stream over reconnections, from where
//!   they were, and say when what they told may no longer be true.
//! - [`Gate`] takes one task through the gate: it says [`Outcome::Granted`] only when the server
//!   has granted the start to exactly this claim.
//!
//! Whatever is not an OK means "do not start": errors, time-outs, lost connections, unknown values.

mod backoff;
mod call;
mod connection;
mod gate;
mod reason;
mod tls;
mod watch;

pub use backoff::Jitter;
pub use call::within;
pub use connection::{BadAddress, BearerToken, Connection, Credentialed};
pub use gate::{
    Call, Claim, Gate, Grant, Limits, NotFinished, Outcome, Progress, Subject, Termination,
};
pub use reason::reason;
pub use tls::Tls;
pub use watch::{Event, LogEntries, LogStart, Over, Signals, Statuses, Watch};
