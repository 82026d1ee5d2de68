//! The story, scene by scene, in the order of the files. Each scene checks what it shows: a demo
//! that goes wrong fails.
//!
//! - `play`: who plays, in which order, and how a scene waits for the runner.
//! - `calling`: everybody gets a token; one is revoked.
//! - `deciding`: policies, approvals, a rejection.
//! - `waiting`: windows of a task and of a policy, and a freeze.
//! - `surviving`: a server that is killed, and the proof of the log.

mod calling;
mod deciding;
mod play;
mod surviving;
mod waiting;

pub(crate) use calling::first_token;
pub(crate) use play::play;
