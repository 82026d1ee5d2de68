//! A small honest gate with one task, and the plan of what is broken in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_proto::ERROR_DOMAIN;
use countersign_proto::v1::{
    ChangeRequest, ErrorReason, Mark, MarkKind, Permit, Signal, StartTaskRequest, Task,
    TaskOutcome, TaskSignal, TaskSpec, TaskStart, TaskState, TerminationReason,
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::fault::{Fault, Rpc, Times};
use crate::script::Scripts;

pub(crate) const HEARTBEAT: Duration = Duration::from_secs(2);
pub(crate) const CHANGE_REQUEST: &str = "CR-1";

/// What is broken, where, how often, and how often it was.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) broken: Option<(Rpc, Fault, Times)>,
    drawn: usize,
    pub(crate) active: usize,
}

/// Where the task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Held,
    Cleared,
    Running(String),
    Ended(String, TaskOutcome),
    Terminated,
}

/// The gate's memory.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) plan: Plan,
    pub(crate) spec: Option<TaskSpec>,
    pub(crate) state: State,
    pub(crate) generation: u64,
    /// Grows with each change.
    pub(crate) sequence: u64,
    /// Claims that were granted: task, claim, generation.
    pub(crate) granted: Vec<(String, String, u64)>,
    /// Claims that were told so, and nothing in this gate was broken then.
    pub(crate) told: Vec<(String, String, u64)>,
    /// What streams play instead of being honest.
    pub(crate) scripts: Scripts,
}

/// The gate.
#[derive(Debug, Clone)]
pub(crate) struct World(Arc<Mutex<Memory>>);

impl World {
    pub(crate) fn new(broken: Option<(Rpc, Fault, Times)>) -> Self {
        Self(Arc::new(Mutex::new(Memory {
            plan: Plan {
                broken,
                ..Plan::default()
            },
            spec: None,
            state: State::Held,
            generation: 0,
            sequence: 1,
            granted: Vec::new(),
            told: Vec::new(),
            scripts: Scripts::default(),
        })))
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// The fault of this call.
    pub(crate) fn draw(&mut self, rpc: Rpc) -> Option<Fault> {
        let (broken, fault, times) = self.plan.broken?;
        let due = broken == rpc && (times == Times::Always || self.plan.drawn == 0);
        self.plan.drawn += usize::from(due);
        due.then_some(fault)
    }

    /// It was really broken.
    pub(crate) fn broke(&mut self) {
        self.plan.active += 1;
    }

    pub(crate) fn create(&mut self, spec: TaskSpec) -> Result<(), Status> {
        match &self.spec {
            None => self.spec = Some(spec),
            Some(known) if *known == spec => {}
            Some(_) => return Err(refusal(Code::AlreadyExists, ErrorReason::TaskIdTaken)),
        }
        Ok(())
    }

    /// Somebody approved, or a window opened.
    pub(crate) fn clear(&mut self) {
        self.generation += 1;
        self.become_(State::Cleared);
    }

    pub(crate) fn become_(&mut self, state: State) {
        self.state = state;
        self.sequence += 1;
    }

    pub(crate) fn start(&mut self, claim: &StartTaskRequest) -> Result<(), Status> {
        let known = self.spec.as_ref().filter(|spec| spec.id == claim.task_id);
        let Some(spec) = known else {
            return Err(refusal(Code::NotFound, ErrorReason::NotFound));
        };
        match &self.state {
            State::Held => Err(refusal(Code::FailedPrecondition, ErrorReason::StartNotNow)),
            State::Cleared if claim.generation != self.generation => {
                Err(refusal(Code::FailedPrecondition, ErrorReason::StartNotNow))
            }
            State::Cleared if claim.artifact_digest != spec.artifact_digest => {
                Err(refusal(Code::Aborted, ErrorReason::DigestMismatch))
            }
            State::Cleared => {
                let start = (
                    claim.task_id.clone(),
                    claim.claim_id.clone(),
                    claim.generation,
                );
                self.granted.push(start);
                self.become_(State::Running(claim.claim_id.clone()));
                Ok(())
            }
            State::Running(holder)
                if *holder == claim.claim_id && claim.generation == self.generation =>
            {
                Ok(())
            }
            State::Running(_) => Err(refusal(Code::AlreadyExists, ErrorReason::ClaimTaken)),
            State::Ended(..) | State::Terminated => {
                Err(refusal(Code::FailedPrecondition, ErrorReason::StartNever))
            }
        }
    }

    pub(crate) fn finish(&mut self, claim: &str, outcome: TaskOutcome) -> Result<(), Status> {
        match &self.state {
            State::Running(holder) if holder == claim => {
                self.become_(State::Ended(claim.to_owned(), outcome));
                Ok(())
            }
            State::Ended(holder, earlier) if holder == claim && *earlier == outcome => Ok(()),
            State::Ended(..) => Err(refusal(
                Code::FailedPrecondition,
                ErrorReason::OutcomeDiffers,
            )),
            State::Held | State::Cleared | State::Running(_) | State::Terminated => {
                Err(refusal(Code::FailedPrecondition, ErrorReason::NotRunning))
            }
        }
    }

    fn state(&self) -> (TaskState, Signal) {
        match &self.state {
            State::Held => (TaskState::Paused, Signal::Hold),
            State::Cleared => (TaskState::Cleared, Signal::Proceed),
            State::Running(_) => (TaskState::Running, Signal::Unspecified),
            State::Ended(_, TaskOutcome::Succeeded) => (TaskState::Succeeded, Signal::Unspecified),
            State::Ended(..) => (TaskState::Failed, Signal::Unspecified),
            State::Terminated => (TaskState::Terminated, Signal::Terminate),
        }
    }

    fn start_of(&self) -> Option<TaskStart> {
        match &self.state {
            State::Running(claim_id) | State::Ended(claim_id, _) => Some(TaskStart {
                claim_id: claim_id.clone(),
                generation: self.generation,
                ..TaskStart::default()
            }),
            State::Held | State::Cleared | State::Terminated => None,
        }
    }

    pub(crate) fn task(&self) -> Option<Task> {
        let spec = self.spec.clone()?;
        let (state, signal) = self.state();
        Some(Task {
            id: spec.id.clone(),
            change_request: CHANGE_REQUEST.to_owned(),
            spec: Some(spec),
            state: state.into(),
            signal: signal.into(),
            generation: self.generation,
            start: self.start_of(),
            sequence: self.sequence,
            ..Task::default()
        })
    }

    pub(crate) fn change_request(&self) -> Option<ChangeRequest> {
        self.spec.as_ref().map(|_| ChangeRequest {
            id: CHANGE_REQUEST.to_owned(),
            sequence: self.sequence,
            ..ChangeRequest::default()
        })
    }

    pub(crate) fn signal(&self) -> Option<TaskSignal> {
        let spec = self.spec.as_ref()?;
        let (state, signal) = self.state();
        let reason = match self.state {
            State::Terminated => TerminationReason::Rejected,
            _ => TerminationReason::Unspecified,
        };
        Some(TaskSignal {
            task_id: spec.id.clone(),
            change_request: CHANGE_REQUEST.to_owned(),
            signal: signal.into(),
            state: state.into(),
            permit: (self.state == State::Cleared).then_some(Permit {
                generation: self.generation,
                valid_until: None,
            }),
            termination_reason: reason.into(),
            start: self.start_of(),
            artifact_digest: spec.artifact_digest.clone(),
            sequence: self.sequence,
            ..TaskSignal::default()
        })
    }

    pub(crate) fn mark(&self, kind: MarkKind) -> Mark {
        Mark {
            kind: kind.into(),
            resume_token: format!("token-{}", self.sequence),
            sequence: self.sequence,
            heartbeat_interval_ms: u32::try_from(HEARTBEAT.as_millis()).unwrap(),
            ..Mark::default()
        }
    }
}

pub(crate) fn refusal(code: Code, reason: ErrorReason) -> Status {
    let details = ErrorDetails::with_error_info(reason.wire_name(), ERROR_DOMAIN, []);
    Status::with_error_details(code, "", details)
}
