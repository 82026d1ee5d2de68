//! Who calls, and what the words of a step stand for.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::Instant;
use countersign_domain::access::{
    CredentialKind, CredentialRef, Grant, GrantSide, Principal, PrincipalKind, Role,
};
use countersign_domain::ids::{
    ArtifactDigest, EnvironmentId, FreezeId, PolicyId, ProjectId, RunnerName, Tag, TaskId, TeamId,
    TokenId,
};
use countersign_domain::person::{Creator, Person};
use countersign_domain::task::{TaskKind, TaskSpec, Window};

/// Second 0 of every test.
const BEGIN_MICROS: i64 = 1_800_000_000_000_000;

/// An instant of the test's time.
pub(crate) fn at(second: i64) -> Instant {
    micros(second * 1_000_000)
}

/// An instant of the test's time, in microseconds.
pub(crate) fn micros(micros: i64) -> Instant {
    Instant::from_micros(BEGIN_MICROS + micros).unwrap()
}

/// A person of the test's issuer.
pub(crate) fn person(subject: &str) -> Person {
    Person {
        issuer: "people".to_owned(),
        subject: subject.to_owned(),
    }
}

/// The caller of a name. `ann+blue` is ann with a credential that claims the team blue.
///
/// | name | stands for |
/// |---|---|
/// | `orc` | an orchestrator |
/// | `far` | an orchestrator whose grant covers the project `api` only |
/// | `near` | a person whose grant covers the project `web` only |
/// | `run`, `ran` | two runners with the name `pool` |
/// | `rex` | a runner with the name `edge` |
/// | `svc` | a service without a role |
/// | `adm`, `ops` | people who administer policies, and who operate the server |
/// | `acc` | a person who makes and revokes tokens |
/// | others | people without a role |
pub(crate) fn caller(name: &str) -> Principal {
    let mut parts = name.split('+');
    let name = parts.next().unwrap_or_default();
    let (kind, role, runner) = match name {
        "orc" | "far" => (PrincipalKind::Service, Some(Role::Orchestrator), None),
        "run" | "ran" => (PrincipalKind::Service, Some(Role::Runner), Some("pool")),
        "rex" => (PrincipalKind::Service, Some(Role::Runner), Some("edge")),
        "svc" => (PrincipalKind::Service, None, None),
        "adm" => (PrincipalKind::Person, Some(Role::PolicyAdmin), None),
        "ops" => (PrincipalKind::Person, Some(Role::Operator), None),
        "acc" => (PrincipalKind::Person, Some(Role::AccessAdmin), None),
        _ => (PrincipalKind::Person, None, None),
    };
    let mut grant = Grant::unlimited();
    match name {
        "far" => grant.projects = GrantSide::Only(["api".to_owned()].into()),
        "near" => grant.projects = GrantSide::Only(["web".to_owned()].into()),
        _ => {}
    }
    Principal {
        person: person(name),
        display_name: String::new(),
        kind,
        roles: role.into_iter().collect(),
        claimed_teams: parts.map(team_id).collect(),
        grant,
        runner: runner.map(|name| RunnerName::parse(name).unwrap()),
        credential: CredentialRef::new(CredentialKind::Oidc, format!("token-of-{name}")),
        expires_at: None,
        foreign_issuer: false,
    }
}

/// A deployment of `web` to `prod`, triggered by carl, without a window.
pub(crate) fn spec(id: &str) -> TaskSpec {
    TaskSpec {
        id: task_id(id),
        kind: TaskKind::Deployment,
        project: ProjectId::parse("web").unwrap(),
        environment: EnvironmentId::parse("prod").unwrap(),
        project_tags: BTreeSet::new(),
        environment_tags: BTreeSet::new(),
        release: None,
        tenant: None,
        artifact_digest: None,
        runner: None,
        title: "Deploy web".to_owned(),
        description: String::new(),
        links: Vec::new(),
        labels: BTreeMap::new(),
        creator: Some(creator("carl")),
        window: Window::default(),
    }
}

/// The one who triggered a task.
pub(crate) fn creator(subject: &str) -> Creator {
    Creator {
        person: person(subject),
        display_name: subject.to_owned(),
        service: matches!(subject, "svc" | "orc" | "run"),
    }
}

/// A task's id.
pub(crate) fn task_id(id: &str) -> TaskId {
    TaskId::parse(id).unwrap()
}

/// A policy's id.
pub(crate) fn policy_id(id: &str) -> PolicyId {
    PolicyId::parse(id).unwrap()
}

/// A freeze's id.
pub(crate) fn freeze_id(id: &str) -> FreezeId {
    FreezeId::parse(id).unwrap()
}

/// A token's id.
pub(crate) fn token_id(id: &str) -> TokenId {
    TokenId::parse(id).unwrap()
}

/// A team's id.
pub(crate) fn team_id(id: &str) -> TeamId {
    TeamId::parse(id).unwrap()
}

/// A digest; `none` is none.
pub(crate) fn digest(text: &str) -> Option<ArtifactDigest> {
    (text != "none").then(|| ArtifactDigest::parse(text).unwrap())
}

/// Tags, as `set/tag,set/tag`.
pub(crate) fn tags(texts: &str) -> BTreeSet<Tag> {
    let texts = texts.split(',').filter(|text| !text.is_empty());
    texts.map(|text| Tag::parse(text).unwrap()).collect()
}
