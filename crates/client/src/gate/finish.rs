//! Reports the outcome, safely repeated: the same report again is OK.

use std::time::Duration;

use countersign_proto::v1::{FinishTaskRequest, FinishTaskResponse, TaskOutcome, TaskState};
use tonic::Status;

use super::fate::{Fate, fate};
use super::grant::Claim;
use super::passage::Gate;
use super::progress::{Call, Progress};
use crate::backoff::Backoff;
use crate::{Connection, within};

/// Why an outcome is not known to be reported.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotFinished {
    /// The gate refused the report, and repeating it would not help.
    #[error("the gate refused the report")]
    Refused(#[source] Status),
    /// The caller wanted to wait no longer; the report may have arrived.
    #[error("the report was given up, and may have arrived")]
    GaveUp,
}

impl Gate {
    /// Reports how a task came out, until the answer is known or `until` comes. A claim in doubt
    /// may be reported too: it is refused where the start was not granted.
    pub async fn finish(
        &mut self,
        claim: &Claim,
        outcome: TaskOutcome,
        comment: &str,
        until: impl Future<Output = ()>,
    ) -> Result<(), NotFinished> {
        let report = FinishTaskRequest {
            task_id: claim.task_id.clone(),
            claim_id: claim.claim_id.clone(),
            outcome: outcome.into(),
            comment: comment.to_owned(),
        };
        tokio::select! {
            biased;
            finished = self.finish_surely(&report) => finished.map_err(NotFinished::Refused),
            () = until => Err(NotFinished::GaveUp),
        }
    }

    async fn finish_surely(&mut self, report: &FinishTaskRequest) -> Result<(), Status> {
        let mut backoff = Backoff::new(self.runner.jitter());
        let mut unverified_left = self.limits.unverified_answers;
        loop {
            let status = match finish_once(&self.runner, self.limits.call, report).await {
                Ok(answer) => match verify(report, &answer) {
                    Ok(()) => return Ok(()),
                    Err(why) => {
                        unverified_left = unverified_left.saturating_sub(1);
                        Status::data_loss(why)
                    }
                },
                Err(status) => status,
            };
            match fate(&status) {
                Fate::InDoubt if unverified_left > 0 => {}
                Fate::InDoubt | Fate::Refused => return Err(status),
            }
            let call = Call::Finish;
            (self.progress)(Progress::Repeating { call, status });
            tokio::time::sleep(backoff.pause()).await;
        }
    }
}

async fn finish_once(
    connection: &Connection,
    limit: Duration,
    report: &FinishTaskRequest,
) -> Result<FinishTaskResponse, Status> {
    let mut service = connection.runner();
    within(limit, report.clone(), async |request| {
        service.finish_task(request).await
    })
    .await
}

fn verify(report: &FinishTaskRequest, answer: &FinishTaskResponse) -> Result<(), &'static str> {
    let task = answer.task.as_ref().ok_or("it names no task")?;
    if task.id != report.task_id {
        return Err("it is about another task");
    }
    let held = task.start.as_ref().map(|start| start.claim_id.as_str());
    if held != Some(report.claim_id.as_str()) {
        return Err("it is about another claim");
    }
    let expected = match report.outcome() {
        TaskOutcome::Succeeded => TaskState::Succeeded,
        TaskOutcome::Failed => TaskState::Failed,
        TaskOutcome::Unspecified => return Err("no outcome was reported"),
    };
    if TaskState::try_from(task.state) != Ok(expected) {
        return Err("the task is not in the state that was reported");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use countersign_proto::v1::{Task, TaskStart};

    use super::*;

    fn verified(spoil: impl FnOnce(&mut Task)) -> bool {
        let report = FinishTaskRequest {
            task_id: "deploy-7".to_owned(),
            claim_id: "c-1".to_owned(),
            outcome: TaskOutcome::Failed.into(),
            comment: String::new(),
        };
        let mut task = Task {
            id: "deploy-7".to_owned(),
            state: TaskState::Failed.into(),
            start: Some(TaskStart {
                claim_id: "c-1".to_owned(),
                ..TaskStart::default()
            }),
            ..Task::default()
        };
        spoil(&mut task);
        verify(&report, &FinishTaskResponse { task: Some(task) }).is_ok()
    }

    #[test]
    fn p6_an_answer_says_what_was_reported() {
        assert!(verified(|_| ()));
        assert!(!verified(|task| *task = Task::default()));
        assert!(!verified(|task| task.id = "deploy-8".to_owned()));
        assert!(!verified(|task| task.start = None));
        assert!(!verified(
            |task| task.start.as_mut().unwrap().claim_id = "c-2".to_owned()
        ));
        assert!(!verified(|task| task.state = TaskState::Succeeded.into()));
        assert!(!verified(|task| task.state = TaskState::Running.into()));
        assert!(!verified(|task| task.state = 99));
    }
}
