//! People, policies, tasks and commands to test with.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::access::{
    CredentialKind, CredentialRef, Grant, Principal, PrincipalKind, Role, SecretHash, TokenDraft,
};
use countersign_domain::batch::{Action, Command};
use countersign_domain::change_request::{Approve, CreateTask, Reject};
use countersign_domain::directory::{Directory, DirectoryCommand, TeamDraft};
use countersign_domain::freeze::{FreezeDraft, SweepFreeze};
use countersign_domain::ids::{
    ClaimId, CrNumber, CrRef, EnvironmentId, FreezeId, PolicyId, ProjectId, ReleaseId, RequestId,
    RunnerName, TaskId, TeamId, TokenId,
};
use countersign_domain::log::RequestMark;
use countersign_domain::person::Person;
use countersign_domain::policy::{Approvers, PolicyDraft, Scope, ScopeSide};
use countersign_domain::task::{
    FinishTask, Outcome, StartTask, TaskKind, TaskSpec, Window, WithdrawTask,
};

pub(crate) fn person(name: &str) -> Person {
    Person {
        issuer: "https://id.example".to_owned(),
        subject: name.to_owned(),
    }
}

pub(crate) fn caller(name: &str, roles: &[Role]) -> Principal {
    let services = [Role::Orchestrator, Role::Runner];
    let is_service = roles.iter().any(|role| services.contains(role));
    Principal {
        person: person(name),
        display_name: String::new(),
        kind: if is_service {
            PrincipalKind::Service
        } else {
            PrincipalKind::Person
        },
        roles: roles.iter().copied().collect(),
        claimed_teams: BTreeSet::new(),
        grant: Grant::unlimited(),
        runner: roles
            .contains(&Role::Runner)
            .then(|| RunnerName::parse("pool").unwrap()),
        credential: CredentialRef::new(CredentialKind::Oidc, name),
        expires_at: None,
        foreign_issuer: false,
    }
}

pub(crate) fn task(id: &str) -> TaskSpec {
    TaskSpec {
        id: TaskId::parse(id).unwrap(),
        kind: TaskKind::Deployment,
        project: ProjectId::parse("web").unwrap(),
        environment: EnvironmentId::parse("production").unwrap(),
        project_tags: BTreeSet::new(),
        environment_tags: BTreeSet::new(),
        release: Some(ReleaseId::parse("1.2.3").unwrap()),
        tenant: None,
        artifact_digest: None,
        runner: Some(RunnerName::parse("pool").unwrap()),
        title: "Deploy \"web\" \u{1f680}".to_owned(),
        description: "First line\nSecond line with a backslash \\ and a quote '".to_owned(),
        links: Vec::new(),
        labels: BTreeMap::new(),
        creator: None,
        window: Window::default(),
    }
}

pub(crate) fn create(directory: &Directory, spec: TaskSpec) -> Command {
    let resultant = directory.resultant(&spec);
    let create = CreateTask::prepare(spec, resultant, directory.revision());
    Command {
        caller: Some(caller("ci", &[Role::Orchestrator])),
        action: Action::Create(Box::new(create)),
        request: None,
    }
}

pub(crate) fn approve(who: &str, number: CrNumber) -> Command {
    let approval = Approve {
        target: CrRef::Number(number),
        comment: "looks good".to_owned(),
        etag: None,
        artifact_digest: None,
    };
    by(who, Action::Approve(approval))
}

pub(crate) fn reject(who: &str, task: &str) -> Command {
    let rejection = Reject {
        target: CrRef::Task(TaskId::parse(task).unwrap()),
        comment: "not today".to_owned(),
        etag: None,
        artifact_digest: None,
    };
    by(who, Action::Reject(rejection))
}

pub(crate) fn start(task: &str) -> Command {
    let claim = StartTask {
        task: TaskId::parse(task).unwrap(),
        claim: ClaimId::parse("claim").unwrap(),
        generation: 1,
        artifact_digest: None,
    };
    Command {
        caller: Some(caller("agent", &[Role::Runner])),
        action: Action::Start(claim),
        request: None,
    }
}

pub(crate) fn finish(task: &str) -> Command {
    let report = FinishTask {
        task: TaskId::parse(task).unwrap(),
        claim: ClaimId::parse("claim").unwrap(),
        outcome: Outcome::Succeeded,
        comment: String::new(),
    };
    Command {
        caller: Some(caller("agent", &[Role::Runner])),
        action: Action::Finish(report),
        request: None,
    }
}

pub(crate) fn withdraw(task: &str) -> Command {
    let withdrawal = WithdrawTask {
        task: TaskId::parse(task).unwrap(),
        comment: String::new(),
    };
    Command {
        caller: Some(caller("ci", &[Role::Orchestrator])),
        action: Action::Withdraw(withdrawal),
        request: None,
    }
}

pub(crate) fn with_request(mut command: Command, id: &str, digest: &str) -> Command {
    let id = RequestId::parse(id).unwrap();
    command.request = Some(RequestMark {
        id,
        digest: digest.to_owned(),
    });
    command
}

pub(crate) fn create_policy(draft: PolicyDraft) -> Command {
    by(
        "admin",
        Action::Directory(DirectoryCommand::CreatePolicy(Box::new(draft))),
    )
}

/// In production alice must approve.
pub(crate) fn four_eyes() -> Command {
    create_policy(policy("four-eyes", "production", &["alice"], &[]))
}

pub(crate) fn delete_policy(id: &str) -> Command {
    let id = PolicyId::parse(id).unwrap();
    by(
        "admin",
        Action::Directory(DirectoryCommand::DeletePolicy { id, etag: None }),
    )
}

pub(crate) fn create_team(id: &str, members: &[&str]) -> Command {
    let draft = TeamDraft {
        id: TeamId::parse(id).unwrap(),
        name: id.to_owned(),
        description: String::new(),
        members: members.iter().map(|name| person(name)).collect(),
        claimed: false,
    };
    by(
        "admin",
        Action::Directory(DirectoryCommand::CreateTeam(Box::new(draft))),
    )
}

pub(crate) fn policy(id: &str, environment: &str, users: &[&str], teams: &[&str]) -> PolicyDraft {
    PolicyDraft {
        id: PolicyId::parse(id).unwrap(),
        name: id.to_owned(),
        description: String::new(),
        disabled: false,
        scopes: vec![scope(environment)],
        approvers: Approvers {
            users: users.iter().map(|name| person(name)).collect(),
            teams: teams.iter().map(|id| TeamId::parse(id).unwrap()).collect(),
        },
        minimum_approvals: 1,
        block_creator: false,
        terms: countersign_domain::policy::Terms::default(),
    }
}

fn scope(environment: &str) -> Scope {
    Scope {
        projects: ScopeSide::Any,
        environments: ScopeSide::Ids([environment.to_owned()].into()),
        kinds: BTreeSet::new(),
        tenants: BTreeSet::new(),
    }
}

/// A freeze of an environment from now on, until it is lifted or deleted.
pub(crate) fn freeze(id: &str, environment: &str) -> FreezeDraft {
    FreezeDraft {
        id: FreezeId::parse(id).unwrap(),
        reason: "Nobody is there \u{2744}".to_owned(),
        scopes: vec![scope(environment)],
        start: None,
        end: None,
        recurrence: None,
    }
}

pub(crate) fn create_freeze(draft: FreezeDraft) -> Command {
    let draft = Box::new(draft);
    by(
        "admin",
        Action::Directory(DirectoryCommand::CreateFreeze(draft)),
    )
}

pub(crate) fn lift_freeze(id: &str) -> Command {
    let lifting = DirectoryCommand::LiftFreeze {
        id: FreezeId::parse(id).unwrap(),
        comment: "this one must go".to_owned(),
        etag: None,
    };
    by("admin", Action::Directory(lifting))
}

pub(crate) fn delete_freeze(id: &str) -> Command {
    let id = FreezeId::parse(id).unwrap();
    by(
        "admin",
        Action::Directory(DirectoryCommand::DeleteFreeze { id, etag: None }),
    )
}

/// Says that tasks were looked at because of a freeze: through a change request, or all of them.
pub(crate) fn sweep(directory: &Directory, id: &str, through: Option<u64>) -> Command {
    let freeze = directory.freeze_or_remains(&FreezeId::parse(id).unwrap());
    let freeze = freeze.unwrap();
    let swept = SweepFreeze {
        id: freeze.draft.id.clone(),
        seen: freeze.stamp.sequence,
        directory_revision: directory.revision(),
        through: through.map(CrNumber),
    };
    Command {
        caller: None,
        action: Action::Sweep(swept),
        request: None,
    }
}

/// A token of a person, for everything, until second 9000.
pub(crate) fn token(id: &str) -> TokenDraft {
    TokenDraft {
        id: TokenId::parse(id).unwrap(),
        description: String::new(),
        kind: PrincipalKind::Person,
        person: person(id),
        roles: BTreeSet::new(),
        teams: BTreeSet::new(),
        runner: None,
        grant: Grant::unlimited(),
        expires_at: crate::gate::second(9_000),
        secret_hash: SecretHash::of(&format!("secret of {id}")),
    }
}

pub(crate) fn create_token(draft: TokenDraft) -> Command {
    let draft = Box::new(draft);
    by(
        "admin",
        Action::Directory(DirectoryCommand::CreateToken(draft)),
    )
}

pub(crate) fn revoke_token(id: &str) -> Command {
    let revocation = DirectoryCommand::RevokeToken {
        id: TokenId::parse(id).unwrap(),
        comment: "it leaked".to_owned(),
    };
    by("admin", Action::Directory(revocation))
}

/// The same, asked by whoever runs the program at the store.
pub(crate) fn at_the_store(command: Command) -> Command {
    Command {
        caller: None,
        ..command
    }
}

pub(crate) fn settle(number: CrNumber) -> Command {
    Command {
        caller: None,
        action: Action::Settle {
            number,
            due_at: None,
        },
        request: None,
    }
}

fn by(who: &str, action: Action) -> Command {
    let roles: &[Role] = if who == "admin" {
        &[Role::PolicyAdmin]
    } else {
        &[]
    };
    Command {
        caller: Some(caller(who, roles)),
        action,
        request: None,
    }
}
