//! TLS: what a server shows, and whose client certificates it believes.
//!
//! - [`files`]: reads the files, and refuses a key that others may read.
//! - [`load`]: from their bytes to what a handshake needs.
//! - [`live`]: what handshakes use at present; looks at the files again and again, so that a new
//!   certificate needs no restart. What cannot be used changes nothing.
//! - [`authorities`]: whether a certificate that was shown in a handshake is still worth something.
//!
//! Versions are 1.2 and 1.3, and the protocol inside is HTTP/2 alone. Client certificates are
//! optional: people come with tokens. Sessions are not resumed: connections live long, and a
//! resumed one would not prove its certificate again.

pub(crate) mod authorities;
pub(crate) mod files;
pub(crate) mod live;
pub(crate) mod load;

pub use files::{TlsError, TlsFiles};

#[cfg(test)]
pub(crate) mod fixture;
