//! The names that lists and streams are narrowed by.

use countersign_proto::v1::{
    AggregateKind, ListChangeRequestsRequest, ListEntriesRequest, ListFreezesRequest,
    ListTasksRequest, WatchSignalsRequest, WatchStatusRequest,
};

use super::super::call::{ALICE, AUDITOR, Call, RUNNER, ask};
use super::Field;
use crate::gate::person;

pub(super) fn fields() -> Vec<Field> {
    let mut fields = listed();
    fields.extend(watched());
    fields
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
