//! Taking one task through the gate, so that it runs only when its start was granted.
//!
//! | file | what |
//! |---|---|
//! | `passage` | [`Gate::pass`]: the road from the request to the outcome |
//! | `create` | creates the change request, safely repeated |
//! | `told` | what a signal is believed to say |
//! | `standing` | what to do next, from what is known; pure |
//! | `start` | claims the start, and what each answer means |
//! | `grant` | the one place that believes in a grant |
//! | `finish` | reports the outcome, safely repeated |
//! | `fate` | what may have become of a call that was not answered with OK |
//! | `outcome`, `progress` | what the caller is told |
//!
//! Closed is the default: the only way to [`Outcome::Granted`] is an answer of `StartTask` that is
//! OK, came in time, and names this task, RUNNING, under this claim, with the generation and the
//! digest that were claimed. Every other answer is either known to be a refusal, or its outcome is
//! in doubt and the same claim is repeated until it is known. A claim in doubt may have been
//! granted, so it is told to the caller when the gate is left without knowing.

mod create;
mod fate;
mod finish;
mod grant;
mod outcome;
mod passage;
mod progress;
mod standing;
mod start;
mod told;

pub use finish::NotFinished;
pub use grant::{Claim, Grant};
pub use outcome::{Outcome, Termination};
pub use passage::{Gate, Limits, Subject};
pub use progress::{Call, Progress};
