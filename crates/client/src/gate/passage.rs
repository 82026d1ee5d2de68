//! The road from the request to the outcome.

use std::pin::pin;
use std::time::Duration;

use countersign_proto::v1::{TaskSignal, TaskSpec};
use tokio::time::{Sleep, sleep};
use tonic::Status;

use super::outcome::Outcome;
use super::progress::{Call, Progress};
use super::standing::{Standing, Step};
use super::start::{Answer, start};
use super::told::{Told, read};
use crate::backoff::Backoff;
use crate::{Connection, Event, Over, Signals};

/// How long one call may take, and how often an answer may make no sense.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long to wait for the answer of one call before its outcome is in doubt.
    pub call: Duration,
    /// After how many answers that are OK, but do not say what was asked, the gate is not trusted
    /// any more. At least 1.
    pub unverified_answers: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(5),
            unverified_answers: 3,
        }
    }
}

/// What wants to pass.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A task that asks for permission now. Asking again for the same one is safe.
    New(Box<TaskSpec>),
    /// A task that has asked before.
    Existing {
        /// Its id.
        task_id: String,
        /// The digest of what is about to run; never what the gate says it should be.
        artifact_digest: String,
    },
}

/// Takes tasks through the gate.
pub struct Gate {
    pub(super) orchestrator: Connection,
    pub(super) runner: Connection,
    pub(super) limits: Limits,
    pub(super) progress: Box<dyn FnMut(Progress) + Send>,
}

impl Gate {
    /// A gate for a credential with the roles of orchestrator and runner.
    pub fn new(connection: Connection) -> Self {
        Self {
            orchestrator: connection.clone(),
            runner: connection,
            limits: Limits::default(),
            progress: Box::new(|_| ()),
        }
    }

    /// Follows signals, claims starts and reports outcomes with another credential.
    pub fn with_runner(mut self, runner: Connection) -> Self {
        self.runner = runner;
        self
    }

    /// Sets other limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Tells what happens on the way. What is called must not block.
    pub fn with_progress(mut self, progress: impl FnMut(Progress) + Send + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Takes a task through the gate: asks for permission, waits for PROCEED as long as it takes,
    /// and claims the start. `claim_id` is a fresh id of this attempt; the same one again learns
    /// what became of an attempt that was interrupted. When `until` comes first, it gives up.
    pub async fn pass(
        &mut self,
        subject: Subject,
        claim_id: &str,
        until: impl Future<Output = ()>,
    ) -> Outcome {
        let (task_id, artifact_digest) = match &subject {
            Subject::New(spec) => (spec.id.clone(), spec.artifact_digest.clone()),
            Subject::Existing {
                task_id,
                artifact_digest,
            } => (task_id.clone(), artifact_digest.clone()),
        };
        let limit = self.limits.unverified_answers;
        let claim_id = claim_id.to_owned();
        let mut standing = Standing::new(task_id, claim_id, artifact_digest, limit);
        tokio::select! {
            biased;
            outcome = self.walk(subject, &mut standing) => outcome,
            () = until => Outcome::GaveUp { in_doubt: standing.in_doubt() },
        }
    }

    async fn walk(&mut self, subject: Subject, standing: &mut Standing) -> Outcome {
        // An empty id would be equal to a field that an answer left out.
        if standing.has_empty_ids() {
            let call = Call::Create;
            let status = Status::invalid_argument("found an empty task id or claim id");
            return Outcome::Refused {
                call,
                status,
                in_doubt: None,
            };
        }
        if let Subject::New(spec) = subject
            && let Err(status) = self.create(*spec).await
        {
            let call = Call::Create;
            return Outcome::Refused {
                call,
                status,
                in_doubt: None,
            };
        }
        let task_ids = vec![standing.task_id().to_owned()];
        let mut signals = Signals::new(self.runner.clone(), task_ids);
        let mut backoff = Backoff::new(self.runner.jitter());
        let mut pause = pin!(no_pause());
        loop {
            match standing.step() {
                Step::Over(outcome) => return *outcome,
                Step::Wait => {
                    let event = signals.next().await;
                    self.hear(standing, event);
                }
                Step::Claim(claim) => tokio::select! {
                    biased;
                    event = signals.next() => self.hear(standing, event),
                    () = &mut pause => {
                        standing.claiming(&claim);
                        let answer = start(&self.runner, self.limits.call, &claim).await;
                        self.report(&answer);
                        standing.answered(&claim, answer);
                        pause.set(sleep(backoff.pause()));
                    }
                },
            }
        }
    }

    /// Takes note of what happened to the signals.
    fn hear(&mut self, standing: &mut Standing, event: Result<Event<TaskSignal>, Over>) {
        match event {
            Ok(Event::News(signals)) => {
                for signal in signals {
                    self.hear_signal(standing, signal);
                }
            }
            Ok(Event::Synced) => {
                standing.synced();
                (self.progress)(Progress::Synced);
            }
            Ok(Event::Lost(status)) => {
                standing.lost();
                (self.progress)(Progress::Lost(status));
            }
            Ok(Event::Anew(status)) => {
                standing.begin_anew();
                (self.progress)(Progress::Anew(status));
            }
            Err(Over::Refused(status)) => standing.refused(Call::Watch, status),
            Err(Over::Done) => {
                let status = Status::internal("the signals ended, which nobody asked for");
                standing.refused(Call::Watch, status);
            }
        }
    }

    fn hear_signal(&mut self, standing: &mut Standing, signal: TaskSignal) {
        if signal.task_id != standing.task_id() {
            let why = "a signal of a task that was not asked for";
            return (self.progress)(Progress::Distrusted { why });
        }
        let told = read(signal);
        match &told {
            Told::Hold {
                change_request,
                message,
            } => (self.progress)(Progress::Held {
                change_request: change_request.clone(),
                message: message.clone(),
            }),
            Told::Proceed(permit) => (self.progress)(Progress::Proceed { permit: *permit }),
            Told::Distrusted(why) => (self.progress)(Progress::Distrusted { why }),
            // These are told as outcomes.
            Told::Terminate(_) | Told::Running { .. } | Told::HasRun { .. } => {}
        }
        standing.tell(told);
    }

    fn report(&mut self, answer: &Answer) {
        let call = Call::Start;
        match answer {
            Answer::NotNow(status) => (self.progress)(Progress::NotNow(status.clone())),
            Answer::InDoubt(status) => (self.progress)(Progress::Repeating {
                call,
                status: status.clone(),
            }),
            Answer::Unverified(why) => (self.progress)(Progress::Repeating {
                call,
                status: Status::data_loss(*why),
            }),
            // These are told as outcomes.
            Answer::Granted(_) | Answer::Never(_) | Answer::Taken(_) | Answer::Refused(_) => {}
        }
    }
}

fn no_pause() -> Sleep {
    sleep(Duration::ZERO)
}
