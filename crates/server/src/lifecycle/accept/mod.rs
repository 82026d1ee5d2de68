//! The way in: from the listener to calls.
//!
//! A peer is a *stranger* until its TLS handshake and its greeting of HTTP/2 are done, all within
//! one limit. Strangers are bounded for themselves: the oldest one makes room for a new one, so
//! that thousands of idle handshakes keep nobody out. Only who has greeted takes one of the
//! connections, of which there are so many in all and so many per address; who finds none is closed
//! at once, because a caller that is refused tries again, and one that waits does not know.
//!
//! - [`listener`]: takes connections, and outlives a lack of file descriptors.
//! - [`handshake`]: TLS and the greeting.
//! - [`admission`]: how many connections there are, in all and per address.
//! - [`connection`]: the bytes of one connection.
//! - [`serving`]: calls on one connection, until it is old or the server leaves.
//! - [`transport`]: all of it in order.

pub(crate) mod admission;
pub(crate) mod connection;
pub(crate) mod handshake;
pub(crate) mod listener;
pub(crate) mod serving;
pub(crate) mod transport;
