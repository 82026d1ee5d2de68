//! `RunnerService`: what runners call.

mod finish_task;
mod service;
mod start_task;
mod watch_signals;

pub(crate) use service::Runners;
