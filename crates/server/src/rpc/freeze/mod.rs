//! `FreezeService`: what declares and lifts freezes.

mod answer;
mod create_freeze;
mod delete_freeze;
mod get_freeze;
mod lift_freeze;
mod list_freezes;
mod service;
mod update_freeze;

pub(crate) use service::Freezes;
