//! What decisions, reports, lists and streams are asked with.

use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{
    AcceptClockRequest, ApproveRequest, CreateFreezeRequest, CreatePolicyRequest,
    CreateTeamRequest, DeleteFreezeRequest, DeletePolicyRequest, DeleteTeamRequest,
    FinishTaskRequest, LiftFreezeRequest, ListChangeRequestsRequest, ListEntriesRequest,
    ListFreezesRequest, ListPoliciesRequest, ListTasksRequest, ListTeamsRequest, ListTokensRequest,
    PreviewScheduleRequest, RejectRequest, RevokeApprovalRequest, RevokeTokenRequest,
    StartTaskRequest, TaskOutcome, UpdateFreezeRequest, UpdatePolicyRequest, UpdateTeamRequest,
    WatchLogRequest, WatchSignalsRequest, WatchStatusRequest, WithdrawTaskRequest,
    preview_schedule_request,
};
use prost_types::Timestamp;

use super::super::call::{ACCESS, ADMIN, ALICE, AUDITOR, Call, OPERATOR, ORCHESTRATOR, RUNNER};
use super::{Row, at_least, at_most, bytes, points};
use crate::gate::{FreezeSpec, PolicySpec, instant, mask, team};

/// A request with these fields, and the others left out.
macro_rules! ask {
    ($method:literal, $bearer:expr, $request:ident { $($field:ident: $value:expr),+ }) => {{
        let request = $request { $($field: $value,)+ ..$request::default() };
        Call::new($method, $bearer, &request)
    }};
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = comments();
    rows.extend(requests_about_change_requests());
    rows.extend(requests_about_policies());
    rows.extend(requests_about_freezes_and_teams());
    rows.extend(pages());
    rows.extend(streams_and_previews());
    rows
}

fn comments() -> Vec<Row> {
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

/// A request id of so many code points, of its own for each method: a used one is refused.
fn request(mark: char, count: usize) -> String {
    format!("{mark}{}", points(count - 1))
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
        at_most("StartTaskRequest.claim_id", "claim_id", 200, |n| start(n)),
        at_least("StartTaskRequest.claim_id", "claim_id", 1, |n| start(n)),
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

fn requests_about_policies() -> Vec<Row> {
    vec![
        at_most("CreatePolicyRequest.request_id", "request_id", 200, |n| {
            let policy = PolicySpec::new(&format!("new-{n}")).only(&["none"], &["none"]);
            ask!(
                "PolicyService/CreatePolicy",
                ADMIN,
                CreatePolicyRequest {
                    policy: Some(policy.users(&["alice"]).build()),
                    request_id: request('f', n)
                }
            )
        }),
        at_most("UpdatePolicyRequest.request_id", "request_id", 200, |n| {
            ask!(
                "PolicyService/UpdatePolicy",
                ADMIN,
                UpdatePolicyRequest {
                    policy: Some(PolicySpec::new("kept").build()),
                    update_mask: mask(&["block_creator"]),
                    request_id: request('g', n)
                }
            )
        }),
        at_most("DeletePolicyRequest.request_id", "request_id", 200, |n| {
            ask!(
                "PolicyService/DeletePolicy",
                ADMIN,
                DeletePolicyRequest {
                    policy_id: format!("old-{n}"),
                    request_id: request('h', n)
                }
            )
        }),
    ]
}

fn requests_about_freezes_and_teams() -> Vec<Row> {
    vec![
        at_most("CreateFreezeRequest.request_id", "request_id", 200, |n| {
            let freeze = FreezeSpec::new(&format!("new-{n}")).only(&["none"], &["none"]);
            ask!(
                "FreezeService/CreateFreeze",
                ADMIN,
                CreateFreezeRequest {
                    freeze: Some(freeze.build()),
                    request_id: request('i', n)
                }
            )
        }),
        at_most("UpdateFreezeRequest.request_id", "request_id", 200, |n| {
            ask!(
                "FreezeService/UpdateFreeze",
                ADMIN,
                UpdateFreezeRequest {
                    freeze: Some(FreezeSpec::new("kept").build()),
                    update_mask: mask(&["reason"]),
                    request_id: request('j', n)
                }
            )
        }),
        at_most("LiftFreezeRequest.request_id", "request_id", 200, |n| {
            ask!(
                "FreezeService/LiftFreeze",
                ADMIN,
                LiftFreezeRequest {
                    freeze_id: "kept".to_owned(),
                    request_id: request('k', n)
                }
            )
        }),
        at_most("DeleteFreezeRequest.request_id", "request_id", 200, |n| {
            ask!(
                "FreezeService/DeleteFreeze",
                ADMIN,
                DeleteFreezeRequest {
                    freeze_id: format!("old-{n}"),
                    request_id: request('l', n)
                }
            )
        }),
        at_most("CreateTeamRequest.request_id", "request_id", 200, |n| {
            let team = team(&format!("new-{n}"), &["alice"]);
            ask!(
                "TeamService/CreateTeam",
                ADMIN,
                CreateTeamRequest {
                    team: Some(team),
                    request_id: request('m', n)
                }
            )
        }),
        at_most("UpdateTeamRequest.request_id", "request_id", 200, |n| {
            ask!(
                "TeamService/UpdateTeam",
                ADMIN,
                UpdateTeamRequest {
                    team: Some(team("kept", &["bob"])),
                    update_mask: mask(&["members"]),
                    request_id: request('n', n)
                }
            )
        }),
        at_most("DeleteTeamRequest.request_id", "request_id", 200, |n| {
            ask!(
                "TeamService/DeleteTeam",
                ADMIN,
                DeleteTeamRequest {
                    team_id: format!("old-{n}"),
                    request_id: request('o', n)
                }
            )
        }),
    ]
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap()
}

fn pages() -> Vec<Row> {
    let of = |of, most, call| at_most(of, "page_size", most, call);
    vec![
        of("ListChangeRequestsRequest.page_size", 200, |n| {
            ask!(
                "ChangeRequestService/ListChangeRequests",
                ALICE,
                ListChangeRequestsRequest { page_size: size(n) }
            )
        }),
        of("ListTasksRequest.page_size", 200, |n| {
            ask!(
                "ChangeRequestService/ListTasks",
                ALICE,
                ListTasksRequest { page_size: size(n) }
            )
        }),
        of("ListPoliciesRequest.page_size", 200, |n| {
            ask!(
                "PolicyService/ListPolicies",
                ALICE,
                ListPoliciesRequest { page_size: size(n) }
            )
        }),
        of("ListTeamsRequest.page_size", 200, |n| {
            ask!(
                "TeamService/ListTeams",
                ALICE,
                ListTeamsRequest { page_size: size(n) }
            )
        }),
        of("ListFreezesRequest.page_size", 200, |n| {
            ask!(
                "FreezeService/ListFreezes",
                ALICE,
                ListFreezesRequest { page_size: size(n) }
            )
        }),
        of("ListTokensRequest.page_size", 200, |n| {
            ask!(
                "AccessService/ListTokens",
                ACCESS,
                ListTokensRequest { page_size: size(n) }
            )
        }),
        of("ListEntriesRequest.page_size", 1_000, |n| {
            ask!(
                "LogService/ListEntries",
                AUDITOR,
                ListEntriesRequest { page_size: size(n) }
            )
        }),
    ]
}

/// An instant so many seconds after the beginning of every test.
fn ahead(count: usize) -> Option<Timestamp> {
    let mut at = instant("2026-11-23T00:00:00Z").unwrap();
    at.seconds += i64::try_from(count).unwrap();
    Some(at)
}

fn preview(from: Option<Timestamp>, count: usize) -> Call {
    let subject = preview_schedule_request::Subject::PolicyId("kept".to_owned());
    let request = PreviewScheduleRequest {
        subject: Some(subject),
        from,
        count: size(count),
    };
    Call::new("PolicyService/PreviewSchedule", ALICE, &request)
}

fn streams_and_previews() -> Vec<Row> {
    vec![
        at_most(
            "WatchStatusRequest.change_requests",
            "change_requests",
            10_000,
            |n| {
                ask!(
                    "ChangeRequestService/WatchStatus",
                    ALICE,
                    WatchStatusRequest {
                        change_requests: vec!["approve".to_owned(); n]
                    }
                )
            },
        ),
        at_most("WatchSignalsRequest.task_ids", "task_ids", 10_000, |n| {
            ask!(
                "RunnerService/WatchSignals",
                RUNNER,
                WatchSignalsRequest {
                    task_ids: vec!["approve".to_owned(); n]
                }
            )
        }),
        at_least("WatchLogRequest.from_sequence", "from_sequence", 1, |n| {
            let start = Start::FromSequence(u64::try_from(n).unwrap());
            Call::new(
                "LogService/WatchLog",
                AUDITOR,
                &WatchLogRequest { start: Some(start) },
            )
        }),
        at_most("PreviewScheduleRequest.from", "from", 3_653 * 86_400, |n| {
            preview(ahead(n), 1)
        }),
        at_most("PreviewScheduleRequest.count", "count", 200, |n| {
            preview(None, n)
        }),
    ]
}
