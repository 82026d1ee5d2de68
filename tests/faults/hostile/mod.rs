//! Hostile clients against a real server: raw frames of HTTP/2 and TLS that keep no rules.
//!
//! While each attack runs, an honest caller makes calls. Afterwards the process must live, its
//! memory must not have grown by much, and it must serve. Each test shows that its attack was one:
//! what was sent, and what came back.
//!
//! - [`frame`], [`wire`]: frames, and a connection that counts what comes back.
//! - [`attack`], [`honest`]: what all attacks have in common, and who is called meanwhile.
//! - [`paths`]: paths that are none of ours.
//! - [`resets`]: streams that are ruined as soon as they are opened.
//! - [`floods`]: frames that cost nothing to send.
//! - [`headers`]: headers that never end, are too many, or unfold.
//! - [`sizes`]: frames and messages that are too large, or never come.
//! - [`handshakes`]: handshakes that never end.
//! - [`descriptors`]: a server that is out of file descriptors.

pub(crate) mod frame;
pub(crate) mod wire;

mod attack;
mod descriptors;
mod floods;
mod handshakes;
mod headers;
mod honest;
mod paths;
mod resets;
mod sizes;
