//! Calls with every field, for tests that need one the short forms leave out; and the log, parsed.

use countersign_proto::v1::{
    AcceptClockRequest, AggregateKind, FinishTaskRequest, GetHeadRequest, GetHeadResponse,
    ListEntriesRequest, ListEntriesResponse, ListTasksRequest, ListTasksResponse, LogEntry, Task,
    WithdrawTaskRequest,
};
use prost_types::Timestamp;
use serde_json::Value;

use super::Caller;
use super::caller::Answer;

impl Caller {
    pub(crate) async fn finish_with(&self, request: FinishTaskRequest) -> Answer<Task> {
        let answer = self.0.runner().finish_task(request).await;
        Ok(answer?.into_inner().task.expect("an answer holds the task"))
    }

    pub(crate) async fn withdraw_with(&self, request: WithdrawTaskRequest) -> Answer<Task> {
        let answer = self.0.change_requests().withdraw_task(request).await;
        Ok(answer?.into_inner().task.expect("an answer holds the task"))
    }

    pub(crate) async fn tasks(&self, request: ListTasksRequest) -> Answer<ListTasksResponse> {
        Ok(self
            .0
            .change_requests()
            .list_tasks(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn entries(&self, request: ListEntriesRequest) -> Answer<ListEntriesResponse> {
        Ok(self.0.log().list_entries(request).await?.into_inner())
    }

    pub(crate) async fn head(&self) -> Answer<GetHeadResponse> {
        Ok(self.0.log().get_head(GetHeadRequest {}).await?.into_inner())
    }

    /// Answers until when the log may be ahead of the clock.
    pub(crate) async fn accept_clock(&self, comment: &str) -> Answer<Option<Timestamp>> {
        let request = AcceptClockRequest {
            comment: comment.to_owned(),
            request_id: String::new(),
        };
        Ok(self
            .0
            .log()
            .accept_clock(request)
            .await?
            .into_inner()
            .accepted_until)
    }

    /// The first thousand entries from a sequence on.
    pub(crate) async fn entries_from(&self, from_sequence: u64) -> Vec<LogEntry> {
        let request = ListEntriesRequest {
            from_sequence,
            page_size: 1_000,
            ..ListEntriesRequest::default()
        };
        self.entries(request)
            .await
            .expect("an auditor reads the log")
            .entries
    }

    /// The bodies of the entries about a task.
    pub(crate) async fn bodies(&self, task_id: &str) -> Vec<Value> {
        let request = ListEntriesRequest {
            aggregate: AggregateKind::Task.into(),
            aggregate_id: task_id.to_owned(),
            page_size: 1_000,
            ..ListEntriesRequest::default()
        };
        let entries = self
            .entries(request)
            .await
            .expect("an auditor reads the log")
            .entries;
        entries.iter().map(said_in).collect()
    }
}

/// What an entry says: its event, and what caused it.
pub(crate) fn said_in(entry: &LogEntry) -> Value {
    serde_json::from_str(&entry.body).expect("the body of an entry is JSON")
}
