//! What lists, streams and previews are asked for.

use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{
    ListChangeRequestsRequest, ListEntriesRequest, ListFreezesRequest, ListPoliciesRequest,
    ListTasksRequest, ListTeamsRequest, ListTokensRequest, PreviewScheduleRequest, WatchLogRequest,
    WatchSignalsRequest, WatchStatusRequest, preview_schedule_request,
};
use prost_types::Timestamp;

use super::super::call::{ACCESS, ALICE, AUDITOR, Call, RUNNER, ask};
use super::{Row, at_least, at_most};
use crate::gate::instant;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = pages();
    rows.extend(streams_and_previews());
    rows
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

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap()
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
