//! What callers do, and what they have to hear.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use countersign_client::{Connection, reason, within};
use countersign_proto::v1::{
    ApproveRequest, Approvers, CreateChangeRequestRequest, CreatePolicyRequest, CreateTeamRequest,
    Creator, ErrorReason, Person, Policy, Scope, ScopeSide, TaskKind, TaskSpec, Team,
    WatchStatusRequest, WatchStatusResponse, WhoAmIRequest, WhoAmIResponse,
};
use tokio::time::{sleep, timeout};
use tonic::{Code, Status, Streaming};

/// How long is waited for what must come.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// Who a caller is.
pub(super) async fn who(caller: &Connection) -> Result<WhoAmIResponse, Status> {
    let mut access = caller.access();
    within(LIMIT, WhoAmIRequest {}, async |request| {
        access.who_am_i(request).await
    })
    .await
}

/// The caller's credential must be refused, by the gate.
pub(super) async fn nobody(caller: &Connection) {
    let status = who(caller).await.unwrap_err();
    ends_unauthenticated(&status);
}

pub(super) fn ends_unauthenticated(status: &Status) {
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    assert_eq!(
        reason(status),
        Some(ErrorReason::Unauthenticated),
        "{status:?}"
    );
}

/// Keeps a team whose members the provider names.
pub(super) async fn claimed_team(admin: &Connection, id: &str) {
    let team = Team {
        id: id.to_owned(),
        name: id.to_owned(),
        claimed: true,
        ..Team::default()
    };
    let request = CreateTeamRequest {
        team: Some(team),
        ..CreateTeamRequest::default()
    };
    admin.teams().create_team(request).await.unwrap();
}

/// In an environment, one of a team approves, who signed in so many seconds ago at the most.
pub(super) async fn policy(admin: &Connection, environment: &str, team: &str, seconds: i64) {
    let only = |id: &str| {
        Some(ScopeSide {
            ids: vec![id.to_owned()],
            ..ScopeSide::default()
        })
    };
    let policy = Policy {
        id: environment.to_owned(),
        scopes: vec![Scope {
            projects: only("web"),
            environments: only(environment),
            ..Scope::default()
        }],
        approvers: Some(Approvers {
            teams: vec![team.to_owned()],
            ..Approvers::default()
        }),
        minimum_approvals: 1,
        max_auth_age: Some(prost_types::Duration { seconds, nanos: 0 }),
        ..Policy::default()
    };
    let request = CreatePolicyRequest {
        policy: Some(policy),
        ..CreatePolicyRequest::default()
    };
    admin.policies().create_policy(request).await.unwrap();
}

/// Asks for a deployment, which carol triggered.
pub(super) async fn ask(ci: &Connection, task_id: &str, environment: &str) {
    let task = TaskSpec {
        id: task_id.to_owned(),
        kind: TaskKind::Deployment.into(),
        project: "web".to_owned(),
        environment: environment.to_owned(),
        release: "1.4.2".to_owned(),
        runner: "web-1".to_owned(),
        creator: Some(Creator {
            person: Some(Person {
                subject: "carol".to_owned(),
                ..Person::default()
            }),
            ..Creator::default()
        }),
        ..TaskSpec::default()
    };
    let request = CreateChangeRequestRequest {
        task: Some(task),
        ..CreateChangeRequestRequest::default()
    };
    ci.change_requests()
        .create_change_request(request)
        .await
        .unwrap();
}

pub(super) async fn approve(person: &Connection, task_id: &str) -> Result<(), Status> {
    let request = ApproveRequest {
        change_request: task_id.to_owned(),
        comment: "read it".to_owned(),
        ..ApproveRequest::default()
    };
    person.change_requests().approve(request).await.map(|_| ())
}

/// A stream of the change requests of project `web`.
pub(super) struct Listening(Streaming<WatchStatusResponse>);

impl Listening {
    pub(super) async fn open(caller: &Connection) -> Self {
        let request = WatchStatusRequest {
            project: "web".to_owned(),
            ..WatchStatusRequest::default()
        };
        let answer = caller.change_requests().watch_status(request).await;
        Self(answer.unwrap().into_inner())
    }

    /// Waits until it tells of a task.
    pub(super) async fn hears(&mut self, task_id: &str) {
        let heard = timeout(LIMIT, async {
            loop {
                let told = self.0.message().await.unwrap().expect("the stream ended");
                let mut tasks = told.change_requests.iter().flat_map(|it| &it.tasks);
                if tasks.any(|task| task.id == task_id) {
                    return;
                }
            }
        });
        heard
            .await
            .unwrap_or_else(|_| panic!("nothing was heard of {task_id}"));
    }

    /// Waits until it ends, which it must by this time; answers with how.
    pub(super) async fn end(mut self, limit: Duration) -> Status {
        let ended = timeout(limit, async {
            loop {
                match self.0.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("the stream ended with OK"),
                    Err(status) => return status,
                }
            }
        });
        ended.await.expect("the stream goes on")
    }
}

/// Waits until something is so.
pub(super) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let waited = timeout(LIMIT, async {
        while !is_so().await {
            sleep(PAUSE).await;
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("{what}: this did not come"));
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a real server and a real provider judge by the real time"
)]
pub(super) fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}
