//! `PolicyService`: what policy administrators call.

mod answer;
mod create_policy;
mod delete_policy;
mod get_policy;
mod list_policies;
mod preview_schedule;
mod service;
mod update_policy;

pub(crate) use service::Policies;
