//! Where many tests begin: a policy with one approver, and a task that has come some way.

use countersign_proto::v1::{Task, TaskSpec, TaskState, TaskWindow};
use prost_types::Timestamp;
use tonic::transport::{Channel, Endpoint};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::{Expect, Gate, LIMIT, PolicySpec};

/// A task window; either side may be left out.
pub(crate) fn window(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<TaskWindow> {
    Some(TaskWindow {
        start,
        end,
        duration: None,
    })
}

impl Gate {
    /// One policy for everything: `alice` approves.
    pub(crate) async fn alice_approves(&self) {
        self.admin()
            .policy(PolicySpec::new("prod").users(&["alice"]))
            .await
            .granted();
    }

    /// A task that waits for approval.
    pub(crate) async fn waiting(&self, task: TaskSpec) -> Task {
        let created = self.orchestrator().create(task).await.granted();
        let task = created.task.expect("an answer holds the task");
        assert_eq!(task.state(), TaskState::Paused, "{task:?}");
        task
    }

    /// A task that `alice` has approved, wherever its window puts it.
    pub(crate) async fn approved(&self, task: TaskSpec) -> Task {
        let id = self.waiting(task).await.id;
        self.as_("alice").approve(&id).await.granted();
        self.task(&id).await
    }

    /// A task that was cleared once.
    pub(crate) async fn cleared(&self, task: TaskSpec) -> Task {
        let task = self.approved(task).await;
        assert_eq!(
            (task.state(), task.generation),
            (TaskState::Cleared, 1),
            "{task:?}"
        );
        task
    }

    /// A task that runs under a claim of the runner `web-1`.
    pub(crate) async fn running(&self, task: TaskSpec, claim: &str) -> Task {
        let id = self.cleared(task).await.id;
        self.runner().start(&id, 1, claim).await.granted()
    }

    /// A task as the log has it.
    pub(crate) async fn task(&self, id: &str) -> Task {
        self.orchestrator().task(id).await.granted()
    }

    /// A channel without a credential.
    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(self.url()).unwrap().connect_lazy()
    }

    /// Waits until the health is told as this.
    pub(crate) async fn becomes(&self, status: ServingStatus) {
        let mut health = HealthClient::new(self.channel());
        let mut told = health
            .watch(HealthCheckRequest::default())
            .await
            .unwrap()
            .into_inner();
        let wanted = tonic_health::pb::health_check_response::ServingStatus::from(status);
        let following = async {
            while told
                .message()
                .await
                .unwrap()
                .expect("the health is told")
                .status()
                != wanted
            {}
        };
        let found = tokio::time::timeout(LIMIT, following).await;
        found.unwrap_or_else(|_| panic!("the health does not become {status}"));
    }
}
