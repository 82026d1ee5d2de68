//! The task: one execution that waits at the gate.
//!
//! ```text
//! PAUSED ⇄ CLEARED → RUNNING → SUCCEEDED | FAILED
//! PAUSED | CLEARED → TERMINATED
//! ```
//!
//! [`TaskState`] holds the facts of each state, [`TaskEvent`] is what the log says happened, and
//! [`apply`] is the only way from one state to the next. Starting, finishing and withdrawing are
//! decided in a file each; clearing, holding and closing are decided by settling the change request
//! (see [`crate::change_request`]), because they depend on it.

mod apply;
mod blocker;
mod event;
mod finish;
mod signal;
mod spec;
mod start;
mod state;
mod window;
mod withdraw;

pub use apply::apply;
pub use blocker::{Blocker, blockers};
pub use event::TaskEvent;
pub use finish::{FinishTask, finish};
pub use signal::{Permit, Signal, permit, signal};
pub use spec::{Link, TaskContent, TaskKind, TaskSpec};
pub use start::{StartTask, start};
pub use state::{Outcome, Start, Task, TaskState, TerminationReason, WaitingFor};
pub use window::Window;
pub use withdraw::{WithdrawTask, withdraw};
