//! The calls of the story, one short function each.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use countersign_client::Connection;
use countersign_proto::v1::{
    ApproveRequest, Approvers, ChangeRequest, CreateChangeRequestRequest,
    CreateChangeRequestResponse, CreatePolicyRequest, CreateTeamRequest, Creator,
    GetChangeRequestRequest, Person, Policy, RejectRequest, RejectResponse, Scope, ScopeSide,
    TaskKind, TaskSpec, TaskWindow, Team,
};
use tonic::Status;

/// Everyone who calls: the same server, a token each.
pub(crate) struct Callers {
    url: String,
    folder: PathBuf,
}

impl Callers {
    /// Whoever has a token in a folder.
    pub(crate) fn new(address: &str, folder: &Path) -> Self {
        Self {
            url: format!("http://{address}"),
            folder: folder.to_owned(),
        }
    }

    /// Where the server is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The file with somebody's token.
    pub(super) fn token_file(&self, who: &str) -> PathBuf {
        self.folder.join(format!("{who}.token"))
    }

    /// A connection as the bearer of somebody's token.
    pub(crate) fn connection(&self, who: &str) -> anyhow::Result<Connection> {
        let token = std::fs::read_to_string(self.token_file(who));
        let token = token.with_context(|| format!("{who} has no token"))?;
        Ok(Connection::new(&self.url, token.trim())?)
    }

    pub(crate) async fn team(&self, id: &str, members: &[&str]) -> anyhow::Result<()> {
        let team = Team {
            id: id.to_owned(),
            members: members.iter().map(|&member| person(member)).collect(),
            ..Team::default()
        };
        let request = CreateTeamRequest {
            team: Some(team),
            request_id: String::new(),
        };
        self.connection("root")?
            .teams()
            .create_team(request)
            .await?;
        Ok(())
    }

    /// A policy for `web` in `production`.
    pub(crate) async fn policy(
        &self,
        id: &str,
        approvers: Approvers,
        minimum_approvals: u32,
        block_creator: bool,
    ) -> anyhow::Result<()> {
        let policy = Policy {
            id: id.to_owned(),
            scopes: vec![scope("web")],
            approvers: Some(approvers),
            minimum_approvals,
            block_creator,
            ..Policy::default()
        };
        self.create_policy(policy).await
    }

    pub(super) async fn create_policy(&self, policy: Policy) -> anyhow::Result<()> {
        let request = CreatePolicyRequest {
            policy: Some(policy),
            ..CreatePolicyRequest::default()
        };
        self.connection("root")?
            .policies()
            .create_policy(request)
            .await?;
        Ok(())
    }

    /// A deployment of `web` to `production` that `carol` triggered.
    pub(crate) async fn deploy(
        &self,
        id: &str,
        release: &str,
        window: Option<TaskWindow>,
    ) -> anyhow::Result<CreateChangeRequestResponse> {
        let task = TaskSpec {
            id: id.to_owned(),
            kind: TaskKind::Deployment.into(),
            project: "web".to_owned(),
            environment: "production".to_owned(),
            release: release.to_owned(),
            runner: "web-1".to_owned(),
            title: format!("Deploy web {release}"),
            creator: Some(Creator {
                person: Some(person("carol")),
                ..Creator::default()
            }),
            window,
            ..TaskSpec::default()
        };
        let request = CreateChangeRequestRequest {
            task: Some(task),
            validate_only: false,
        };
        let orchestrator = self.connection("ci")?;
        Ok(orchestrator
            .change_requests()
            .create_change_request(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn approve(&self, who: &str, target: &str) -> anyhow::Result<ChangeRequest> {
        let answer = self.try_to_approve(who, target).await?;
        Ok(answer?)
    }

    /// An approval that may be refused.
    pub(crate) async fn try_to_approve(
        &self,
        who: &str,
        target: &str,
    ) -> anyhow::Result<Result<ChangeRequest, Status>> {
        let request = ApproveRequest {
            change_request: target.to_owned(),
            comment: "looks good".to_owned(),
            ..ApproveRequest::default()
        };
        let answer = self
            .connection(who)?
            .change_requests()
            .approve(request)
            .await;
        let found = answer.map(|answer| answer.into_inner().change_request.unwrap_or_default());
        Ok(found)
    }

    pub(crate) async fn reject(&self, who: &str, target: &str) -> anyhow::Result<RejectResponse> {
        let request = RejectRequest {
            change_request: target.to_owned(),
            comment: "the error budget is spent".to_owned(),
            ..RejectRequest::default()
        };
        Ok(self
            .connection(who)?
            .change_requests()
            .reject(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn show(&self, target: &str) -> anyhow::Result<ChangeRequest> {
        let request = GetChangeRequestRequest {
            change_request: target.to_owned(),
        };
        let answer = self
            .connection("alice")?
            .change_requests()
            .get_change_request(request)
            .await;
        answer?
            .into_inner()
            .change_request
            .context("the answer holds no change request")
    }
}

/// A project, or all of them as `*`, in `production`.
pub(super) fn scope(project: &str) -> Scope {
    let side = |id: &str| {
        Some(ScopeSide {
            ids: vec![id.to_owned()],
            tags: Vec::new(),
        })
    };
    Scope {
        projects: side(project),
        environments: side("production"),
        ..Scope::default()
    }
}

/// A person of the server's own issuer.
pub(crate) fn person(subject: &str) -> Person {
    Person {
        issuer: String::new(),
        subject: subject.to_owned(),
    }
}

/// The instant some seconds from now, for windows.
#[expect(
    clippy::disallowed_methods,
    reason = "a caller's own clock, for the windows it asks for"
)]
pub(crate) fn now_plus(seconds: i64) -> Option<prost_types::Timestamp> {
    let at = jiff::Timestamp::now().as_second() + seconds;
    Some(prost_types::Timestamp {
        seconds: at,
        nanos: 0,
    })
}
