//! The security log: denied calls that asked for a change, and every read of the log, each as one
//! line of JSON, in a file of its own or as an event of the target `security`.
//!
//! - [`log`]: what is told, and what is not.
//! - [`record`]: one line.
//! - [`budget`]: how much is told of whom, so that a flood hides nothing else.
//! - [`tally`]: what was not told is counted, and the count is told.
//! - [`sink`]: the thread that writes, and the queue before it.
//! - [`file`]: the file, which is rotated by size, so that it never fills the disk.
//!
//! A denied call is answered whether or not it could be recorded: it has changed nothing, and a
//! full disk must not decide who is answered. A read of the log gives something away, so it is
//! answered only after its line was written; if that fails, the read is refused. Only of those who
//! read without a pause, what is beyond their budget is counted instead.
//!
//! A line is handed to the system before a read goes on, but is not forced to the disk: who can
//! stop the machine can stop the log too. Whoever must keep lines for longer than the files hold
//! ships them to another machine.
//!
//! No text of a credential gets here: what a record is made of is the caller that a credential
//! stands for, never what was presented; where any name is believed, the text is the name. Of a
//! call that is given up before its end nothing is told: nobody learned how it would have ended.

mod budget;
mod file;
mod log;
mod record;
mod sink;
mod tally;

pub use file::SecurityLogConfig;
pub(crate) use log::{Call, SecurityLog, Unrecorded};
