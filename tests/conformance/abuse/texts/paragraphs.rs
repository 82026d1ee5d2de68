//! Comments, descriptions and reasons, which may have several lines.

use countersign_proto::v1::{
    AcceptClockRequest, ApproveRequest, FinishTaskRequest, LiftFreezeRequest, RejectRequest,
    RevokeApprovalRequest, RevokeTokenRequest, TaskOutcome, WithdrawTaskRequest,
};

use super::super::call::{
    ACCESS, ADMIN, ALICE, Call, OPERATOR, ORCHESTRATOR, RUNNER, create_team, freeze, policy, task,
    token,
};
use super::Field;

pub(super) fn fields() -> Vec<Field> {
    let mut fields = of_what_is_created();
    fields.extend(of_decisions());
    fields.extend(of_others());
    fields
}

fn of_what_is_created() -> Vec<Field> {
    vec![
        ("task.description", |text| {
            task("d1", |it| it.description = text.to_owned())
        }),
        ("policy.description", |text| {
            policy("d1", |it| it.description = text.to_owned())
        }),
        ("team.description", |text| {
            create_team("d1", |it| it.description = text.to_owned())
        }),
        ("freeze.reason", |text| {
            freeze("d1", |it| it.reason = text.to_owned())
        }),
        ("token.description", |text| {
            token("d1", |it| it.description = text.to_owned())
        }),
    ]
}

/// On `t1`, which waits for alice, and `t2`, which she has approved.
fn of_decisions() -> Vec<Field> {
    vec![
        ("comment", |text| {
            let request = ApproveRequest {
                change_request: "t1".to_owned(),
                comment: text.to_owned(),
                ..ApproveRequest::default()
            };
            Call::new("ChangeRequestService/Approve", ALICE, &request)
        }),
        ("comment", |text| {
            let request = RevokeApprovalRequest {
                change_request: "t2".to_owned(),
                comment: text.to_owned(),
                ..RevokeApprovalRequest::default()
            };
            Call::new("ChangeRequestService/RevokeApproval", ALICE, &request)
        }),
        ("comment", |text| {
            let request = RejectRequest {
                change_request: "t3".to_owned(),
                comment: text.to_owned(),
                ..RejectRequest::default()
            };
            Call::new("ChangeRequestService/Reject", ALICE, &request)
        }),
        ("comment", |text| {
            let request = WithdrawTaskRequest {
                task_id: "t4".to_owned(),
                comment: text.to_owned(),
                ..WithdrawTaskRequest::default()
            };
            Call::new("ChangeRequestService/WithdrawTask", ORCHESTRATOR, &request)
        }),
        ("comment", |text| {
            let request = FinishTaskRequest {
                task_id: "t5".to_owned(),
                claim_id: "claim".to_owned(),
                outcome: TaskOutcome::Succeeded.into(),
                comment: text.to_owned(),
            };
            Call::new("RunnerService/FinishTask", RUNNER, &request)
        }),
    ]
}

/// On the freeze `all` and the token `old`.
fn of_others() -> Vec<Field> {
    vec![
        ("comment", |text| {
            let request = LiftFreezeRequest {
                freeze_id: "all".to_owned(),
                comment: text.to_owned(),
                ..LiftFreezeRequest::default()
            };
            Call::new("FreezeService/LiftFreeze", ADMIN, &request)
        }),
        ("comment", |text| {
            let request = RevokeTokenRequest {
                token_id: "old".to_owned(),
                comment: text.to_owned(),
            };
            Call::new("AccessService/RevokeToken", ACCESS, &request)
        }),
        ("comment", |text| {
            let request = AcceptClockRequest {
                comment: text.to_owned(),
                request_id: String::new(),
            };
            Call::new("LogService/AcceptClock", OPERATOR, &request)
        }),
    ]
}
