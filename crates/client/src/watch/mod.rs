//! Following a stream over reconnections.
//!
//! A watch has a task of its own that opens the stream, reads it as fast as it comes, and opens it
//! again when it is lost; the consumer takes what has come from a mailbox. So a consumer that takes
//! its time never makes a live stream look dead, and a dead stream is noticed while the consumer
//! looks elsewhere: what is measured is when messages arrive, not when somebody asks for them.
//!
//! | file | what |
//! |---|---|
//! | `kind` | what differs from stream to stream |
//! | `signals`, `status`, `log` | the three streams |
//! | `follow` | the one place that connects, resumes and gives up |
//! | `mailbox` | what waits for the consumer |
//! | `event` | what the consumer is told |
//! | `consumer` | the consumer's end |
//!
//! Position: the token of the newest mark, because only a mark says that everything up to it was
//! sent. After a loss the stream goes on behind that mark, so what came after it comes again: a
//! newer state takes the place of an older one, and entries of the log are told once by their
//! sequence.

mod consumer;
mod event;
mod follow;
mod kind;
mod log;
mod mailbox;
mod signals;
mod status;

pub use consumer::Watch;
pub use event::{Event, Over};
pub use log::{LogEntries, LogStart};
pub use signals::Signals;
pub use status::Statuses;
