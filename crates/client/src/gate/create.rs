//! Creates the change request, safely repeated: the task id makes the same one of every repeat.

use std::time::Duration;

use countersign_proto::v1::{CreateChangeRequestRequest, CreateChangeRequestResponse, TaskSpec};
use tonic::Status;

use super::fate::{Fate, fate};
use super::passage::Gate;
use super::progress::{Call, Progress};
use crate::backoff::Backoff;
use crate::{Connection, within};

impl Gate {
    /// Asks for permission until the answer is known.
    pub(super) async fn create(&mut self, spec: TaskSpec) -> Result<(), Status> {
        let mut backoff = Backoff::new(self.orchestrator.jitter());
        let mut unverified_left = self.limits.unverified_answers;
        loop {
            let status = match create_once(&self.orchestrator, self.limits.call, &spec).await {
                Ok(answer) => match verify(&spec, &answer) {
                    Ok(change_request) => {
                        let created = Progress::Created {
                            change_request: change_request.to_owned(),
                            message: answer.message.clone(),
                        };
                        (self.progress)(created);
                        return Ok(());
                    }
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
            let call = Call::Create;
            (self.progress)(Progress::Repeating { call, status });
            tokio::time::sleep(backoff.pause()).await;
        }
    }
}

async fn create_once(
    connection: &Connection,
    limit: Duration,
    spec: &TaskSpec,
) -> Result<CreateChangeRequestResponse, Status> {
    let request = CreateChangeRequestRequest {
        task: Some(spec.clone()),
        validate_only: false,
    };
    let mut service = connection.change_requests();
    within(limit, request, async |request| {
        service.create_change_request(request).await
    })
    .await
}

/// The number of the change request, where the answer is about this task.
fn verify<'a>(
    spec: &TaskSpec,
    answer: &'a CreateChangeRequestResponse,
) -> Result<&'a str, &'static str> {
    let task = answer.task.as_ref().ok_or("it names no task")?;
    let change_request = answer.change_request.as_ref();
    let change_request = change_request.ok_or("it names no change request")?;
    if task.id != spec.id {
        return Err("it is about another task");
    }
    if change_request.id.is_empty() || task.change_request != change_request.id {
        return Err("the change request is not the task's");
    }
    Ok(&change_request.id)
}

#[cfg(test)]
mod tests {
    use countersign_proto::v1::{ChangeRequest, Task};

    use super::*;

    fn good() -> CreateChangeRequestResponse {
        CreateChangeRequestResponse {
            change_request: Some(ChangeRequest {
                id: "CR-1".to_owned(),
                ..ChangeRequest::default()
            }),
            task: Some(Task {
                id: "deploy-7".to_owned(),
                change_request: "CR-1".to_owned(),
                ..Task::default()
            }),
            message: String::new(),
        }
    }

    fn spoilt(spoil: impl FnOnce(&mut CreateChangeRequestResponse)) -> bool {
        let spec = TaskSpec {
            id: "deploy-7".to_owned(),
            ..TaskSpec::default()
        };
        let mut answer = good();
        spoil(&mut answer);
        verify(&spec, &answer).is_err()
    }

    #[test]
    fn an_answer_is_about_this_task_or_none() {
        assert!(!spoilt(|_| ()));
        assert!(spoilt(|answer| answer.task = None));
        assert!(spoilt(|answer| answer.change_request = None));
        assert!(spoilt(|answer| answer.task = Some(Task::default())));
        let nameless = |answer: &mut CreateChangeRequestResponse| {
            answer.change_request = Some(ChangeRequest::default());
        };
        assert!(spoilt(nameless));
        assert!(spoilt(|answer| {
            nameless(answer);
            answer.task.as_mut().unwrap().change_request = String::new();
        }));
    }
}
