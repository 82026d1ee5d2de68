//! Change requests for the tests of this room, made by the rules themselves.

use std::sync::Arc;

use countersign_domain::Instant;
use countersign_domain::access::Principal;
use countersign_domain::batch::{
    Action, Answer, Command, Context, Reply, Settings, WorkingSet, run,
};
use countersign_domain::change_request::{Case, CreateTask, deficit};
use countersign_domain::directory::Directory;
use countersign_domain::ids::CrPrefix;
use countersign_domain::log::{Head, Stamp};
use countersign_domain::policy::{Policy, change_request_warnings};
use countersign_engine::{CrView, Standing};
use countersign_proto::v1;

use super::policy_draft;
use super::task_spec::task_spec;
use crate::auth::insecure_dev;

/// The instant at which the fixtures begin.
pub(crate) fn begin() -> Instant {
    Instant::from_seconds_and_nanos(1_795_392_000, 0).unwrap()
}

/// The prefix of the fixtures.
pub(crate) fn prefix() -> CrPrefix {
    CrPrefix::parse("CR").unwrap()
}

/// A store in memory: a directory with one policy, and one case.
pub(crate) struct Bench {
    directory: Directory,
    set: WorkingSet,
}

impl Bench {
    /// With a policy like this, or none.
    pub(crate) fn new(policy: Option<&v1::Policy>) -> Self {
        let stamp = Stamp {
            sequence: 1,
            instant: begin(),
        };
        let policy = policy.map(|message| Policy {
            draft: policy_draft::tests::read(message).unwrap(),
            revision: 1,
            created: stamp,
            stamp,
        });
        let policies = policy.into_iter().collect();
        let directory = Directory::from_rows(0, policies, Vec::new(), Vec::new(), Vec::new());
        Self {
            directory,
            set: WorkingSet::new(Head::EMPTY, Vec::new()),
        }
    }

    /// Creates a task.
    pub(crate) fn create(&mut self, message: &v1::TaskSpec) -> Arc<Case> {
        let spec = task_spec(message, &prefix(), "local").unwrap();
        let resultant = self.directory.resultant(&spec);
        let create = CreateTask::prepare(spec, resultant, self.directory.revision());
        self.act("orchestrator:ci", Action::Create(Box::new(create)))
    }

    /// Does something as a caller.
    pub(crate) fn act(&mut self, caller: &str, action: Action) -> Arc<Case> {
        let mut caller: Principal = insecure_dev::principal(caller).unwrap();
        // The policy asks for a recent login.
        caller.credential.auth_time = Some(begin());
        let command = Command {
            caller: Some(caller),
            action,
            request: None,
        };
        let settings = Settings {
            require_policy: false,
        };
        let context = Context {
            now: begin(),
            clock: begin(),
            directory: &self.directory,
            settings: &settings,
        };
        let mut outcome = run(self.set.clone(), &[command], context);
        let Some(Reply::Done(Answer::Case { case, .. })) = outcome.replies.pop() else {
            panic!("refused");
        };
        self.set = WorkingSet::new(outcome.head, vec![case.as_ref().clone()]);
        case
    }

    /// What is shown of a case beside its facts.
    pub(crate) fn view(&self, case: &Case) -> CrView {
        CrView {
            standing: Standing {
                deficit: deficit(case, &self.directory),
                freezes: Vec::new(),
            },
            warnings: change_request_warnings(&case.resultant, &case.creators(), &self.directory),
        }
    }
}
