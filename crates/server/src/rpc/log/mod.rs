//! `LogService`: what auditors and operators call.

mod accept_clock;
mod get_head;
mod list_entries;
mod service;
mod watch_log;

pub(crate) use service::Log;
