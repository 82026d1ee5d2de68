//! What decisions, reports and starts are given with.

use countersign_proto::v1::{
    AcceptClockRequest, ApproveRequest, FinishTaskRequest, LiftFreezeRequest, RejectRequest,
    RevokeApprovalRequest, RevokeTokenRequest, StartTaskRequest, TaskOutcome, WithdrawTaskRequest,
};

use super::super::call::{ACCESS, ADMIN, ALICE, Call, OPERATOR, ORCHESTRATOR, RUNNER, ask};
use super::{Row, at_least, at_most, bytes, points, request};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = comments_on_change_requests();
    rows.extend(comments_of_administrators());
    rows.extend(requests_about_change_requests());
    rows
}

fn comments_on_change_requests() -> Vec<Row> {
    let most = 4_096;
    vec![
        at_most("ApproveRequest.comment", "comment", most, |n| {
            ask!(
                "ChangeRequestService/Approve",
                ALICE,
                ApproveRequest {
                    change_request: "approve".to_owned(),
                    comment: bytes(n)
                }
            )
        }),
        at_most("RejectRequest.comment", "comment", most, |n| {
            ask!(
                "ChangeRequestService/Reject",
                ALICE,
                RejectRequest {
                    change_request: "reject".to_owned(),
                    comment: bytes(n)
                }
            )
        }),
        at_most("RevokeApprovalRequest.comment", "comment", most, |n| {
            ask!(
                "ChangeRequestService/RevokeApproval",
                ALICE,
                RevokeApprovalRequest {
                    change_request: "revoke".to_owned(),
                    comment: bytes(n)
                }
            )
        }),
        at_most("WithdrawTaskRequest.comment", "comment", most, |n| {
            ask!(
                "ChangeRequestService/WithdrawTask",
                ORCHESTRATOR,
                WithdrawTaskRequest {
                    task_id: "withdraw".to_owned(),
                    comment: bytes(n)
                }
            )
        }),
        at_most("FinishTaskRequest.comment", "comment", most, |n| {
            ask!(
                "RunnerService/FinishTask",
                RUNNER,
                FinishTaskRequest {
                    task_id: "finish".to_owned(),
                    claim_id: "claim".to_owned(),
                    outcome: TaskOutcome::Succeeded.into(),
                    comment: bytes(n)
                }
            )
        }),
    ]
}

fn comments_of_administrators() -> Vec<Row> {
    let most = 4_096;
    vec![
        at_most("LiftFreezeRequest.comment", "comment", most, |n| {
            ask!(
                "FreezeService/LiftFreeze",
                ADMIN,
                LiftFreezeRequest {
                    freeze_id: "kept".to_owned(),
                    comment: bytes(n)
                }
            )
        }),
        at_most("RevokeTokenRequest.comment", "comment", most, |n| {
            ask!(
                "AccessService/RevokeToken",
                ACCESS,
                RevokeTokenRequest {
                    token_id: "kept".to_owned(),
                    comment: bytes(n)
                }
            )
        }),
        at_most("AcceptClockRequest.comment", "comment", most, |n| {
            ask!(
                "LogService/AcceptClock",
                OPERATOR,
                AcceptClockRequest { comment: bytes(n) }
            )
        }),
        at_least("AcceptClockRequest.comment", "comment", 1, |n| {
            ask!(
                "LogService/AcceptClock",
                OPERATOR,
                AcceptClockRequest { comment: bytes(n) }
            )
        })
        .by("K2"),
    ]
}

fn requests_about_change_requests() -> Vec<Row> {
    vec![
        at_most("ApproveRequest.request_id", "request_id", 200, |n| {
            ask!(
                "ChangeRequestService/Approve",
                ALICE,
                ApproveRequest {
                    change_request: "approve".to_owned(),
                    request_id: request('a', n)
                }
            )
        }),
        at_most("RejectRequest.request_id", "request_id", 200, |n| {
            ask!(
                "ChangeRequestService/Reject",
                ALICE,
                RejectRequest {
                    change_request: "reject".to_owned(),
                    request_id: request('b', n)
                }
            )
        }),
        at_most("RevokeApprovalRequest.request_id", "request_id", 200, |n| {
            ask!(
                "ChangeRequestService/RevokeApproval",
                ALICE,
                RevokeApprovalRequest {
                    change_request: "revoke".to_owned(),
                    request_id: request('c', n)
                }
            )
        }),
        at_most("WithdrawTaskRequest.request_id", "request_id", 200, |n| {
            ask!(
                "ChangeRequestService/WithdrawTask",
                ORCHESTRATOR,
                WithdrawTaskRequest {
                    task_id: "withdraw".to_owned(),
                    request_id: request('d', n)
                }
            )
        }),
        at_most("StartTaskRequest.claim_id", "claim_id", 200, start),
        at_least("StartTaskRequest.claim_id", "claim_id", 1, start),
        at_most("AcceptClockRequest.request_id", "request_id", 200, |n| {
            ask!(
                "LogService/AcceptClock",
                OPERATOR,
                AcceptClockRequest {
                    comment: "behind".to_owned(),
                    request_id: request('e', n)
                }
            )
        }),
    ]
}

/// Starts a task of its own for each length of the claim.
fn start(count: usize) -> Call {
    ask!(
        "RunnerService/StartTask",
        RUNNER,
        StartTaskRequest {
            task_id: format!("start-{count}"),
            generation: 1,
            claim_id: points(count)
        }
    )
}
