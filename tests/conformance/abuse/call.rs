//! Any method, called as bytes: so what is done to many fields can be a table.

use countersign_proto::v1::{
    CreateChangeRequestRequest, CreateFreezeRequest, CreatePolicyRequest, CreateTeamRequest,
    CreateTokenRequest, Freeze, Policy, PrincipalKind, Role, TaskSpec, Team, Token,
};
use prost::Message;

use crate::gate::{
    FreezeSpec, Gate, Headers, PolicySpec, Refused, deployment, instant, person, team,
};

/// Who makes each kind of call.
pub(super) const ORCHESTRATOR: &str = "orchestrator:deployer";
pub(super) const RUNNER: &str = "runner:web-1";
pub(super) const ADMIN: &str = "admin:root";
pub(super) const AUDITOR: &str = "auditor:audit";
pub(super) const OPERATOR: &str = "operator:op";
pub(super) const ACCESS: &str = "access:ada";
pub(super) const ALICE: &str = "alice";

/// One call.
pub(super) struct Call {
    path: String,
    bearer: &'static str,
    message: Vec<u8>,
}

impl Call {
    /// Of a method such as `TeamService/CreateTeam`, with this bearer.
    pub(super) fn new(method: &str, bearer: &'static str, message: &impl Message) -> Self {
        Self {
            path: format!("/countersign.v1.{method}"),
            bearer,
            message: message.encode_to_vec(),
        }
    }

    /// Makes the call; of a stream the first message is an answer.
    pub(super) async fn send(&self, gate: &Gate) -> Result<(), Refused> {
        let headers = Headers::authorization(&format!("Bearer {}", self.bearer));
        let (path, message) = (self.path.as_str(), self.message.clone());
        let answer = gate.raw().call(path, &headers, message, |_| true).await;
        Ok(answer.map(drop)?)
    }
}

/// Creates a task of a project that no policy is about.
pub(super) fn task(id: &str, change: impl FnOnce(&mut TaskSpec)) -> Call {
    let mut task = TaskSpec {
        project: "unwatched".to_owned(),
        ..deployment(id)
    };
    change(&mut task);
    let request = CreateChangeRequestRequest {
        task: Some(task),
        validate_only: false,
    };
    Call::new(
        "ChangeRequestService/CreateChangeRequest",
        ORCHESTRATOR,
        &request,
    )
}

/// Creates a policy for tasks that there are none of.
pub(super) fn policy(id: &str, change: impl FnOnce(&mut Policy)) -> Call {
    let policy = PolicySpec::new(id).only(&["none"], &["none"]);
    let request = CreatePolicyRequest {
        policy: Some(policy.users(&["alice"]).with(change).build()),
        ..CreatePolicyRequest::default()
    };
    Call::new("PolicyService/CreatePolicy", ADMIN, &request)
}

/// Creates a freeze of tasks that there are none of.
pub(super) fn freeze(id: &str, change: impl FnOnce(&mut Freeze)) -> Call {
    let freeze = FreezeSpec::new(id).only(&["none"], &["none"]);
    let request = CreateFreezeRequest {
        freeze: Some(freeze.with(change).build()),
        ..CreateFreezeRequest::default()
    };
    Call::new("FreezeService/CreateFreeze", ADMIN, &request)
}

/// Creates a team of alice.
pub(super) fn create_team(id: &str, change: impl FnOnce(&mut Team)) -> Call {
    let mut team = team(id, &["alice"]);
    change(&mut team);
    let request = CreateTeamRequest {
        team: Some(team),
        request_id: String::new(),
    };
    Call::new("TeamService/CreateTeam", ADMIN, &request)
}

/// Makes a token of a runner, for a day.
pub(super) fn token(id: &str, change: impl FnOnce(&mut Token)) -> Call {
    let mut token = Token {
        id: id.to_owned(),
        kind: PrincipalKind::Service.into(),
        person: Some(person("some-runner")),
        roles: vec![Role::Runner.into()],
        projects: vec!["*".to_owned()],
        environments: vec!["*".to_owned()],
        expires_at: instant("2026-11-24T00:00:00Z"),
        ..Token::default()
    };
    change(&mut token);
    let request = CreateTokenRequest { token: Some(token) };
    Call::new("AccessService/CreateToken", ACCESS, &request)
}

/// Calls a method with these fields of its request, and leaves out the others.
macro_rules! ask {
    ($method:literal, $bearer:expr, $request:ident { $($field:ident: $value:expr),+ $(,)? }) => {{
        #[allow(clippy::needless_update, reason = "some requests have no other field")]
        let request = $request {
            $($field: $value,)+
            ..$request::default()
        };
        Call::new($method, $bearer, &request)
    }};
}

pub(super) use ask;
