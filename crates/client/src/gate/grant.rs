//! The one place that believes in a grant.

use countersign_proto::v1::{StartTaskResponse, Task, TaskState};

/// The claim of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The task.
    pub task_id: String,
    /// The attempt.
    pub claim_id: String,
    /// The generation of the permit.
    pub generation: u64,
    /// The digest of what is about to run. Empty: none.
    pub artifact_digest: String,
}

/// A start that was granted. There is no way to make one but the server's verified answer.
#[derive(Debug, Clone)]
pub struct Grant {
    claim: Claim,
    task: Task,
}

impl Grant {
    /// Believes an OK of `StartTask` only where it says all that was claimed. An error says what
    /// is missing or wrong.
    pub(super) fn verify(claim: &Claim, answer: StartTaskResponse) -> Result<Self, &'static str> {
        let task = answer.task.ok_or("it names no task")?;
        if task.id != claim.task_id {
            return Err("it is about another task");
        }
        if TaskState::try_from(task.state) != Ok(TaskState::Running) {
            return Err("the task is not RUNNING");
        }
        let start = task.start.as_ref().ok_or("it names no start")?;
        if start.claim_id != claim.claim_id {
            return Err("the start is another claim's");
        }
        if claim.generation == 0 || start.generation != claim.generation {
            return Err("the start is of another generation");
        }
        let spec = task
            .spec
            .as_ref()
            .ok_or("it does not say what the task is")?;
        if spec.id != claim.task_id {
            return Err("it describes another task");
        }
        if spec.artifact_digest != claim.artifact_digest {
            return Err("the task is for another artifact");
        }
        Ok(Self {
            claim: claim.clone(),
            task,
        })
    }

    /// The claim it was granted to.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// The task as it is after the start.
    pub fn task(&self) -> &Task {
        &self.task
    }
}

#[cfg(test)]
mod tests {
    use countersign_proto::v1::{TaskSpec, TaskStart};

    use super::*;

    fn claim() -> Claim {
        Claim {
            task_id: "deploy-7".to_owned(),
            claim_id: "c-1".to_owned(),
            generation: 3,
            artifact_digest: "sha256:a".to_owned(),
        }
    }

    fn good() -> Task {
        Task {
            id: "deploy-7".to_owned(),
            spec: Some(TaskSpec {
                id: "deploy-7".to_owned(),
                artifact_digest: "sha256:a".to_owned(),
                ..TaskSpec::default()
            }),
            state: TaskState::Running.into(),
            start: Some(TaskStart {
                claim_id: "c-1".to_owned(),
                generation: 3,
                ..TaskStart::default()
            }),
            ..Task::default()
        }
    }

    fn verified(task: Option<Task>) -> Result<(), &'static str> {
        Grant::verify(&claim(), StartTaskResponse { task }).map(|_| ())
    }

    fn spoilt(spoil: impl FnOnce(&mut Task)) -> Result<(), &'static str> {
        let mut task = good();
        spoil(&mut task);
        verified(Some(task))
    }

    #[test]
    fn p3_an_answer_that_says_all_of_it_is_believed() {
        assert_eq!(verified(Some(good())), Ok(()));
    }

    #[test]
    fn p8_an_answer_without_any_part_of_it_is_not() {
        let found = [
            verified(None),
            verified(Some(Task::default())),
            spoilt(|task| task.id = "deploy-8".to_owned()),
            spoilt(|task| task.id = String::new()),
            spoilt(|task| task.start = None),
            spoilt(|task| task.spec = None),
            spoilt(|task| task.start.as_mut().unwrap().claim_id = "c-2".to_owned()),
            spoilt(|task| task.start.as_mut().unwrap().claim_id = String::new()),
            spoilt(|task| task.start.as_mut().unwrap().generation = 2),
            spoilt(|task| task.start.as_mut().unwrap().generation = 0),
            spoilt(|task| task.spec.as_mut().unwrap().id = "deploy-8".to_owned()),
            spoilt(|task| task.spec.as_mut().unwrap().artifact_digest = String::new()),
        ];
        for (row, verdict) in found.iter().enumerate() {
            assert!(verdict.is_err(), "row {row}");
        }
    }

    #[test]
    fn p8_no_other_state_is_running() {
        for number in -1..=100 {
            let is_running = number == i32::from(TaskState::Running);
            let verdict = spoilt(|task| task.state = number);
            assert_eq!(verdict.is_ok(), is_running, "{number}");
        }
    }

    #[test]
    fn p8_generation_zero_is_no_permit() {
        let claim = Claim {
            generation: 0,
            ..claim()
        };
        let mut task = good();
        task.start.as_mut().unwrap().generation = 0;
        let answer = StartTaskResponse { task: Some(task) };
        assert!(Grant::verify(&claim, answer).is_err());
    }
}
