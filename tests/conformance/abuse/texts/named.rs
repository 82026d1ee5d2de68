//! The names that whatever exists is asked for by: what nobody could have created, nobody finds.

use countersign_proto::v1::{
    ApproveRequest, DeleteFreezeRequest, DeletePolicyRequest, DeleteTeamRequest, FinishTaskRequest,
    GetChangeRequestRequest, GetFreezeRequest, GetPolicyRequest, GetTaskRequest, GetTeamRequest,
    GetTokenRequest, LiftFreezeRequest, RejectRequest, RevokeApprovalRequest, RevokeTokenRequest,
    StartTaskRequest, TaskOutcome, WithdrawTaskRequest,
};

use super::super::call::{ACCESS, ADMIN, ALICE, Call, ORCHESTRATOR, RUNNER, ask};
use super::Field;

pub(super) fn fields() -> Vec<Field> {
    let mut fields = decided_on();
    fields.extend(kept());
    fields.extend(kept_for_a_while());
    fields
}

fn decided_on() -> Vec<Field> {
    vec![
        ("change_request", |text| {
            ask!(
                "ChangeRequestService/Approve",
                ALICE,
                ApproveRequest {
                    change_request: text.to_owned()
                }
            )
        }),
        ("change_request", |text| {
            ask!(
                "ChangeRequestService/Reject",
                ALICE,
                RejectRequest {
                    change_request: text.to_owned()
                }
            )
        }),
        ("change_request", |text| {
            ask!(
                "ChangeRequestService/RevokeApproval",
                ALICE,
                RevokeApprovalRequest {
                    change_request: text.to_owned()
                }
            )
        }),
        ("change_request", |text| {
            ask!(
                "ChangeRequestService/GetChangeRequest",
                ALICE,
                GetChangeRequestRequest {
                    change_request: text.to_owned()
                }
            )
        }),
        ("task_id", |text| {
            ask!(
                "ChangeRequestService/WithdrawTask",
                ORCHESTRATOR,
                WithdrawTaskRequest {
                    task_id: text.to_owned()
                }
            )
        }),
        ("task_id", |text| {
            ask!(
                "ChangeRequestService/GetTask",
                ALICE,
                GetTaskRequest {
                    task_id: text.to_owned()
                }
            )
        }),
        ("task_id", |text| start(text, "claim")),
        ("claim_id", |text| start("absent", text)),
        ("task_id", |text| finish(text, "claim")),
        ("claim_id", |text| finish("absent", text)),
    ]
}

fn start(task: &str, claim: &str) -> Call {
    let (task_id, claim_id) = (task.to_owned(), claim.to_owned());
    ask!(
        "RunnerService/StartTask",
        RUNNER,
        StartTaskRequest {
            task_id: task_id,
            claim_id: claim_id,
            generation: 1
        }
    )
}

fn finish(task: &str, claim: &str) -> Call {
    let (task_id, claim_id) = (task.to_owned(), claim.to_owned());
    ask!(
        "RunnerService/FinishTask",
        RUNNER,
        FinishTaskRequest {
            task_id: task_id,
            claim_id: claim_id,
            outcome: TaskOutcome::Succeeded.into()
        }
    )
}

fn kept() -> Vec<Field> {
    vec![
        ("policy_id", |text| {
            ask!(
                "PolicyService/GetPolicy",
                ALICE,
                GetPolicyRequest {
                    policy_id: text.to_owned()
                }
            )
        }),
        ("policy_id", |text| {
            ask!(
                "PolicyService/DeletePolicy",
                ADMIN,
                DeletePolicyRequest {
                    policy_id: text.to_owned()
                }
            )
        }),
        ("team_id", |text| {
            ask!(
                "TeamService/GetTeam",
                ALICE,
                GetTeamRequest {
                    team_id: text.to_owned()
                }
            )
        }),
        ("team_id", |text| {
            ask!(
                "TeamService/DeleteTeam",
                ADMIN,
                DeleteTeamRequest {
                    team_id: text.to_owned()
                }
            )
        }),
    ]
}

fn kept_for_a_while() -> Vec<Field> {
    vec![
        ("freeze_id", |text| {
            ask!(
                "FreezeService/GetFreeze",
                ALICE,
                GetFreezeRequest {
                    freeze_id: text.to_owned()
                }
            )
        }),
        ("freeze_id", |text| {
            ask!(
                "FreezeService/LiftFreeze",
                ADMIN,
                LiftFreezeRequest {
                    freeze_id: text.to_owned()
                }
            )
        }),
        ("freeze_id", |text| {
            ask!(
                "FreezeService/DeleteFreeze",
                ADMIN,
                DeleteFreezeRequest {
                    freeze_id: text.to_owned()
                }
            )
        }),
        ("token_id", |text| {
            ask!(
                "AccessService/GetToken",
                ACCESS,
                GetTokenRequest {
                    token_id: text.to_owned()
                }
            )
        }),
        ("token_id", |text| {
            ask!(
                "AccessService/RevokeToken",
                ACCESS,
                RevokeTokenRequest {
                    token_id: text.to_owned()
                }
            )
        }),
    ]
}
