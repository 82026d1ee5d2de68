//! What calls are about: made afresh whenever a call has used the one before up.

use countersign_proto::v1::TaskSpec;

use super::callers::ROLES;
use crate::gate::{Caller, Expect, FreezeSpec, Gate, PolicySpec, deployment, team};

/// What a call is about. All of it is of the project `web`, which nobody sees from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    /// Nothing in particular.
    Nothing,
    /// A name that nothing has yet.
    Name,
    /// A task that waits for approval, and names the runner `web-1`.
    Waiting,
    /// The same, by the number of its change request.
    ChangeRequest,
    /// A task that waits for approval, and names no runner.
    WaitingForAnyRunner,
    /// A task that `alice` has approved.
    Cleared,
    /// The same, without a runner.
    ClearedForAnyRunner,
    /// A task that `web-1` has started.
    Running,
    /// The same, though the task names no runner.
    RunningByAnyRunner,
    Policy,
    Freeze,
    Team,
    Token,
}

/// The claim that tasks run under.
pub(super) const CLAIM: &str = "claim";

impl Object {
    /// Makes one. Answers with the name that calls use for it.
    pub(super) async fn make(self, gate: &Gate, number: usize) -> String {
        let id = format!("object-{number:04}");
        let admin = gate.with_token("admin");
        match self {
            Self::Nothing => return String::new(),
            Self::Name => {}
            Self::Policy => {
                let policy = PolicySpec::new(&id)
                    .only(&["web"], &["*"])
                    .users(&["alice"]);
                admin.policy(policy).await.granted();
            }
            Self::Freeze => {
                let freeze = FreezeSpec::new(&id).only(&["web"], &["*"]);
                admin.freeze(freeze).await.granted();
            }
            Self::Team => {
                admin.team(team(&id, &["alice"])).await.granted();
            }
            Self::Token => {
                let token = gate.token_of(&id, "bob");
                gate.with_token("access")
                    .create_token(token)
                    .await
                    .granted();
            }
            Self::ChangeRequest => return create(gate, &id, "web-1").await,
            Self::Waiting => {
                create(gate, &id, "web-1").await;
            }
            Self::WaitingForAnyRunner => {
                create(gate, &id, "").await;
            }
            Self::Cleared | Self::Running => clear(gate, &id, "web-1").await,
            Self::ClearedForAnyRunner | Self::RunningByAnyRunner => clear(gate, &id, "").await,
        }
        if matches!(self, Self::Running | Self::RunningByAnyRunner) {
            let runner = gate.with_token("web-1");
            runner.start(&id, 1, CLAIM).await.granted();
        }
        id
    }
}

/// What the objects need: a policy by which `alice` approves.
pub(super) async fn stage(gate: &Gate) {
    let policy = PolicySpec::new("prod")
        .only(&["web"], &["*"])
        .users(&[ROLES[0]]);
    gate.with_token("admin").policy(policy).await.granted();
}

/// Answers with the number of the change request.
async fn create(gate: &Gate, id: &str, runner: &str) -> String {
    let task = TaskSpec {
        runner: runner.to_owned(),
        ..deployment(id)
    };
    let orchestrator: Caller = gate.with_token("deployer");
    orchestrator.opened(task).await.id
}

async fn clear(gate: &Gate, id: &str, runner: &str) {
    create(gate, id, runner).await;
    gate.with_token("alice").approve(id).await.granted();
}

/// A name that nothing has, as long as one that something has.
pub(super) fn absent(name: &str) -> String {
    match name.strip_prefix("CR-") {
        Some(number) => format!("CR-{}", "9".repeat(number.len())),
        None => name.replace("object", "absent"),
    }
}
