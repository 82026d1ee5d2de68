//! What happens in one history: commands chosen at random, many of which are refused.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::Instant;
use countersign_domain::access::{
    CredentialKind, CredentialRef, Grant, Principal, PrincipalKind, Role,
};
use countersign_domain::batch::{Action, Command};
use countersign_domain::change_request::{Approve, Reject, Revoke};
use countersign_domain::ids::{ClaimId, CrRef, EnvironmentId, ProjectId, RunnerName, TaskId};
use countersign_domain::person::{Creator, Person};
use countersign_domain::task::{
    FinishTask, Outcome, StartTask, TaskKind, TaskSpec, Window, WithdrawTask,
};
use countersign_engine::Engine;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// How many tasks one history creates at most.
const TASKS_LIMIT: usize = 4;
const MICROS: i64 = 1_000_000;

/// One history.
pub(super) struct History {
    pub(super) number: u64,
    pub(super) random: StdRng,
    tasks: Vec<TaskId>,
}

/// One of a few people.
pub(super) fn person(subject: &str) -> Person {
    Person {
        issuer: "local".to_owned(),
        subject: subject.to_owned(),
    }
}

/// A caller, as a server would know it.
pub(super) fn caller(subject: &str, roles: &[Role], runner: Option<RunnerName>) -> Principal {
    let is_service = roles.contains(&Role::Orchestrator) || roles.contains(&Role::Runner);
    Principal {
        person: person(subject),
        display_name: String::new(),
        kind: if is_service {
            PrincipalKind::Service
        } else {
            PrincipalKind::Person
        },
        roles: roles.iter().copied().collect(),
        claimed_teams: BTreeSet::new(),
        grant: Grant::unlimited(),
        runner,
        credential: CredentialRef::new(CredentialKind::InsecureDev, subject),
        expires_at: None,
        foreign_issuer: false,
    }
}

impl History {
    pub(super) fn new(seed: u64, number: u64) -> Self {
        Self {
            number,
            random: StdRng::seed_from_u64(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            tasks: Vec::new(),
        }
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.random.random_range(0..limit)
    }

    pub(super) fn project(&self) -> ProjectId {
        ProjectId::parse(&format!("project-{}", self.number)).unwrap()
    }

    /// One of the two runners of this history.
    pub(super) fn runner(&self, which: u64) -> RunnerName {
        RunnerName::parse(&format!("runner-{}-{which}", self.number)).unwrap()
    }

    /// Takes one step. What is refused is a step as well.
    pub(super) async fn step(&mut self, engine: &Engine, now: Instant) {
        let choice = self.below(100);
        if self.tasks.is_empty() || (choice < 25 && self.tasks.len() < TASKS_LIMIT) {
            let spec = self.spec(now);
            self.tasks.push(spec.id.clone());
            let orchestrator = caller("ci", &[Role::Orchestrator], None);
            engine.create(&orchestrator, spec).await.unwrap();
            return;
        }
        let at = usize::try_from(self.below(self.tasks.len() as u64)).unwrap();
        let task = self.tasks[at].clone();
        let (caller, action) = self.act(task, choice);
        let command = Command {
            caller: Some(caller),
            action,
            request: None,
        };
        drop(engine.execute(command).await);
    }

    fn act(&mut self, task: TaskId, choice: u64) -> (Principal, Action) {
        let approver = caller(if self.below(2) == 0 { "alice" } else { "bob" }, &[], None);
        let runner = self.runner(self.below_two());
        let runner = caller("runner", &[Role::Runner], Some(runner));
        let target = CrRef::Task(task.clone());
        let comment = String::new();
        let claim = ClaimId::parse("claim").unwrap();
        match choice {
            0..60 => (
                approver,
                Action::Approve(Approve {
                    target,
                    comment,
                    etag: None,
                    artifact_digest: None,
                }),
            ),
            60..66 => (
                approver,
                Action::Reject(Reject {
                    target,
                    comment,
                    etag: None,
                    artifact_digest: None,
                }),
            ),
            66..76 => (approver, Action::Revoke(Revoke { target, comment })),
            76..80 => {
                let orchestrator = caller("ci", &[Role::Orchestrator], None);
                (
                    orchestrator,
                    Action::Withdraw(WithdrawTask { task, comment }),
                )
            }
            80..92 => {
                let generation = 1 + self.below(2);
                let start = StartTask {
                    task,
                    generation,
                    artifact_digest: None,
                    claim,
                };
                (runner, Action::Start(start))
            }
            _ => {
                let outcome = Outcome::Succeeded;
                let finish = FinishTask {
                    task,
                    claim,
                    outcome,
                    comment,
                };
                (runner, Action::Finish(finish))
            }
        }
    }

    fn below_two(&self) -> u64 {
        // Of the tasks, not of chance: half of the starts come from the runner that is named.
        self.tasks.len() as u64 % 2
    }

    fn spec(&mut self, now: Instant) -> TaskSpec {
        let id = format!("task-{}-{}", self.number, self.tasks.len());
        let environment = ["production", "staging"][usize::from(self.below(3) == 0)];
        let creator = ["carol", "dave"][usize::from(self.below(2) == 0)];
        let label = ["red", "blue"][usize::from(self.below(2) == 0)];
        let runner = self.below(2);
        let opens = i64::try_from(self.below(3) * 5).unwrap();
        let lasts = i64::try_from(5 + self.below(4) * 10).unwrap();
        let in_window = self.below(2) == 0;
        let at = |seconds: i64| Instant::from_micros(now.micros() + seconds * MICROS);
        TaskSpec {
            id: TaskId::parse(&id).unwrap(),
            kind: TaskKind::Deployment,
            project: self.project(),
            environment: EnvironmentId::parse(environment).unwrap(),
            project_tags: BTreeSet::new(),
            environment_tags: BTreeSet::new(),
            release: None,
            tenant: None,
            artifact_digest: None,
            runner: Some(self.runner(runner)),
            title: String::new(),
            description: String::new(),
            links: Vec::new(),
            labels: BTreeMap::from([("colour".to_owned(), label.to_owned())]),
            creator: Some(Creator {
                person: person(creator),
                display_name: String::new(),
                service: false,
            }),
            window: Window {
                start: if in_window { at(opens) } else { None },
                end: if in_window { at(opens + lasts) } else { None },
            },
        }
    }
}
