//! The names that whatever exists is asked for by: what nobody could have created, nobody finds.

use countersign_proto::v1::{
    AggregateKind, ApproveRequest, DeleteFreezeRequest, DeletePolicyRequest, DeleteTeamRequest,
    FinishTaskRequest, GetChangeRequestRequest, GetFreezeRequest, GetPolicyRequest, GetTaskRequest,
    GetTeamRequest, GetTokenRequest, LiftFreezeRequest, ListChangeRequestsRequest,
    ListEntriesRequest, ListFreezesRequest, ListTasksRequest, RejectRequest, RevokeApprovalRequest,
    RevokeTokenRequest, StartTaskRequest, TaskOutcome, WatchSignalsRequest, WatchStatusRequest,
    WithdrawTaskRequest,
};

use super::super::call::{ACCESS, ADMIN, ALICE, AUDITOR, Call, ORCHESTRATOR, RUNNER};
use super::Field;
use crate::gate::person;

/// Fills one field of a request with a text, and leaves out the rest.
macro_rules! ask {
    ($method:literal, $bearer:expr, $request:ident { $($field:ident: $value:expr),+ }) => {{
        let request = $request { $($field: $value,)+ ..$request::default() };
        Call::new($method, $bearer, &request)
    }};
}

pub(super) fn fields() -> Vec<Field> {
    let mut fields = decided_on();
    fields.extend(kept());
    fields.extend(listed());
    fields.extend(watched());
    fields
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

fn listed() -> Vec<Field> {
    vec![
        ("project", |text| {
            ask!(
                "ChangeRequestService/ListTasks",
                ALICE,
                ListTasksRequest {
                    project: text.to_owned()
                }
            )
        }),
        ("runner", |text| {
            ask!(
                "ChangeRequestService/ListTasks",
                ALICE,
                ListTasksRequest {
                    runner: text.to_owned()
                }
            )
        }),
        ("environment", |text| {
            ask!(
                "ChangeRequestService/ListChangeRequests",
                ALICE,
                ListChangeRequestsRequest {
                    environment: text.to_owned()
                }
            )
        }),
        ("release", |text| {
            ask!(
                "ChangeRequestService/ListChangeRequests",
                ALICE,
                ListChangeRequestsRequest {
                    release: text.to_owned()
                }
            )
        }),
        ("task_id", |text| {
            ask!(
                "ChangeRequestService/ListChangeRequests",
                ALICE,
                ListChangeRequestsRequest {
                    task_id: text.to_owned()
                }
            )
        }),
        ("project", |text| {
            ask!(
                "FreezeService/ListFreezes",
                ALICE,
                ListFreezesRequest {
                    project: text.to_owned()
                }
            )
        }),
        ("aggregate_id", |text| {
            ask!(
                "LogService/ListEntries",
                AUDITOR,
                ListEntriesRequest {
                    aggregate: AggregateKind::Task.into(),
                    aggregate_id: text.to_owned()
                }
            )
        }),
    ]
}

fn watched() -> Vec<Field> {
    vec![
        ("change_requests[0]", |text| {
            ask!(
                "ChangeRequestService/WatchStatus",
                ALICE,
                WatchStatusRequest {
                    change_requests: vec![text.to_owned()]
                }
            )
        }),
        ("project", |text| {
            ask!(
                "ChangeRequestService/WatchStatus",
                ALICE,
                WatchStatusRequest {
                    project: text.to_owned()
                }
            )
        }),
        ("creator.subject", |text| {
            ask!(
                "ChangeRequestService/WatchStatus",
                ALICE,
                WatchStatusRequest {
                    creator: Some(person(text))
                }
            )
        }),
        ("labels", |text| {
            ask!(
                "ChangeRequestService/WatchStatus",
                ALICE,
                WatchStatusRequest {
                    labels: [(text.to_owned(), String::new())].into()
                }
            )
        }),
        ("task_ids[0]", |text| {
            ask!(
                "RunnerService/WatchSignals",
                RUNNER,
                WatchSignalsRequest {
                    task_ids: vec![text.to_owned()]
                }
            )
        }),
        ("environment", |text| {
            ask!(
                "RunnerService/WatchSignals",
                RUNNER,
                WatchSignalsRequest {
                    environment: text.to_owned()
                }
            )
        }),
    ]
}
