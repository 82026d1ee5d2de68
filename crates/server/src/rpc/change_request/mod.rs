//! `ChangeRequestService`: what orchestrators and approvers call.

mod approve;
mod create_change_request;
mod get_change_request;
mod get_task;
mod list_change_requests;
mod list_tasks;
mod reject;
mod revoke_approval;
mod service;
mod watch_status;
mod withdraw_task;

pub(crate) use service::ChangeRequests;
