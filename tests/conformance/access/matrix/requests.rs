//! What calls say about tasks and change requests.

use countersign_proto::v1::{
    ApproveRequest, ChangeRequestView, CreateChangeRequestRequest, FinishTaskRequest,
    GetChangeRequestRequest, GetTaskRequest, ListChangeRequestsRequest, ListTasksRequest,
    RejectRequest, RevokeApprovalRequest, StartTaskRequest, TaskOutcome, WatchSignalsRequest,
    WatchStatusRequest, WithdrawTaskRequest,
};
use prost::Message as _;

use super::objects::CLAIM;
use crate::gate::deployment;

const PAGE_SIZE: u32 = 200;

fn creation(id: &str, validate_only: bool) -> Vec<u8> {
    let request = CreateChangeRequestRequest {
        task: Some(deployment(id)),
        validate_only,
    };
    request.encode_to_vec()
}

pub(super) fn create(id: &str) -> Vec<u8> {
    creation(id, false)
}

pub(super) fn preview(id: &str) -> Vec<u8> {
    creation(id, true)
}

pub(super) fn get_change_request(target: &str) -> Vec<u8> {
    let change_request = target.to_owned();
    GetChangeRequestRequest { change_request }.encode_to_vec()
}

pub(super) fn list_change_requests(_: &str) -> Vec<u8> {
    let request = ListChangeRequestsRequest {
        view: ChangeRequestView::All.into(),
        project: "web".to_owned(),
        page_size: PAGE_SIZE,
        ..ListChangeRequestsRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn get_task(id: &str) -> Vec<u8> {
    let task_id = id.to_owned();
    GetTaskRequest { task_id }.encode_to_vec()
}

pub(super) fn list_tasks(_: &str) -> Vec<u8> {
    let request = ListTasksRequest {
        project: "web".to_owned(),
        page_size: PAGE_SIZE,
        ..ListTasksRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn approve(target: &str) -> Vec<u8> {
    let request = ApproveRequest {
        change_request: target.to_owned(),
        ..ApproveRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn reject(target: &str) -> Vec<u8> {
    let request = RejectRequest {
        change_request: target.to_owned(),
        ..RejectRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn revoke_approval(target: &str) -> Vec<u8> {
    let request = RevokeApprovalRequest {
        change_request: target.to_owned(),
        ..RevokeApprovalRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn withdraw(id: &str) -> Vec<u8> {
    let request = WithdrawTaskRequest {
        task_id: id.to_owned(),
        ..WithdrawTaskRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn watch_status(target: &str) -> Vec<u8> {
    let request = WatchStatusRequest {
        change_requests: vec![target.to_owned()],
        ..WatchStatusRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn watch_project(_: &str) -> Vec<u8> {
    let request = WatchStatusRequest {
        project: "web".to_owned(),
        ..WatchStatusRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn watch_signals(id: &str) -> Vec<u8> {
    let request = WatchSignalsRequest {
        task_ids: vec![id.to_owned()],
        ..WatchSignalsRequest::default()
    };
    request.encode_to_vec()
}

/// Of all tasks of the caller's runner.
pub(super) fn watch_own_signals(_: &str) -> Vec<u8> {
    WatchSignalsRequest::default().encode_to_vec()
}

pub(super) fn start(id: &str) -> Vec<u8> {
    let request = StartTaskRequest {
        task_id: id.to_owned(),
        generation: 1,
        artifact_digest: String::new(),
        claim_id: CLAIM.to_owned(),
    };
    request.encode_to_vec()
}

pub(super) fn finish(id: &str) -> Vec<u8> {
    let request = FinishTaskRequest {
        task_id: id.to_owned(),
        claim_id: CLAIM.to_owned(),
        outcome: TaskOutcome::Succeeded.into(),
        comment: String::new(),
    };
    request.encode_to_vec()
}
