//! What a stream is narrowed to. Only what never changes after creation: what fits once, fits for
//! ever, so nothing ever has to be taken back from a subscriber.

use std::collections::BTreeMap;

use countersign_domain::access::Grant;
use countersign_domain::change_request::Case;
use countersign_domain::ids::{EnvironmentId, ProjectId, RunnerName};
use countersign_domain::person::Person;
use countersign_domain::task::Task;

/// Conditions on tasks; all must hold, and those that are left out hold for any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Of this environment.
    pub environment: Option<EnvironmentId>,
    /// Of this runner.
    pub runner: Option<RunnerName>,
    /// Triggered by this person.
    pub creator: Option<Person>,
    /// With all of these labels, each of this value.
    pub labels: BTreeMap<String, String>,
}

impl Conditions {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the store cannot look for all of it, so that what it finds has to be sifted.
    pub(crate) fn needs_sifting(&self) -> bool {
        self.creator.is_some() || !self.labels.is_empty()
    }

    /// Whether a task fits.
    pub(crate) fn fit_task(&self, task: &Task) -> bool {
        let spec = &task.content.spec;
        let creator = || spec.creator.as_ref().map(|creator| &creator.person);
        holds(self.project.as_ref(), Some(&spec.project))
            && holds(self.environment.as_ref(), Some(&spec.environment))
            && holds(self.runner.as_ref(), spec.runner.as_ref())
            && holds(self.creator.as_ref(), creator())
            && self
                .labels
                .iter()
                .all(|(key, value)| spec.labels.get(key) == Some(value))
    }

    /// Whether a change request fits: one of its tasks does. They share project and environment.
    pub(crate) fn fit(&self, case: &Case) -> bool {
        case.tasks.values().any(|task| self.fit_task(task))
    }
}

fn holds<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
    wanted.is_none() || wanted == found
}

/// What a subscriber is given: what fits, and what it may see.
#[derive(Debug, Clone)]
pub(crate) struct Interest {
    pub(crate) conditions: Conditions,
    /// `None`: a task that names the caller's runner is open to it wherever it is (P5).
    pub(crate) grant: Option<Grant>,
}

impl Interest {
    /// Whether a change request is to be given.
    pub(crate) fn covers(&self, case: &Case) -> bool {
        let content = &case.change_request.content;
        let granted = |grant: &Grant| grant.covers(&content.project, &content.environment);
        self.grant.as_ref().is_none_or(granted) && self.conditions.fit(case)
    }
}
