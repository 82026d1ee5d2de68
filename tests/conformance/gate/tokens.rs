//! API tokens of the store, for tests that need what a name alone does not give: a limited grant,
//! claimed teams, several credentials of one person.

use std::collections::BTreeSet;

use countersign_domain::Instant;
use countersign_domain::access::{Grant, GrantSide, PrincipalKind, Role, SecretHash, TokenDraft};
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::{RunnerName, TeamId, TokenId};
use countersign_domain::person::Person;
use countersign_engine::Engine;
use countersign_server::AccessSettings;

use super::server::BEGINNING_MICROS;
use super::{Caller, Gate, Setup};

/// How long tokens of tests live where nothing else is said.
const YEAR_SECONDS: i64 = 365 * 86_400;

/// One token. Its id is what [`Gate::with_token`] takes.
pub(crate) struct TokenSpec(TokenDraft);

impl TokenSpec {
    /// Of a person; unlimited, and without roles.
    pub(crate) fn person(id: &str, subject: &str) -> Self {
        Self::of(id, subject, PrincipalKind::Person)
    }

    /// Of a service; unlimited.
    pub(crate) fn service(id: &str, roles: &[&str]) -> Self {
        Self::of(id, id, PrincipalKind::Service).roles(roles)
    }

    fn of(id: &str, subject: &str, kind: PrincipalKind) -> Self {
        Self(TokenDraft {
            id: TokenId::parse(id).unwrap(),
            description: String::new(),
            kind,
            person: Person {
                issuer: "local".to_owned(),
                subject: subject.to_owned(),
            },
            roles: BTreeSet::new(),
            teams: BTreeSet::new(),
            runner: None,
            grant: Grant::unlimited(),
            expires_at: after_beginning(YEAR_SECONDS),
            secret_hash: SecretHash::of(&secret(id)),
        })
    }

    pub(crate) fn roles(mut self, roles: &[&str]) -> Self {
        self.0.roles = roles.iter().map(|name| role(name)).collect();
        self
    }

    /// Stands for somebody else than the one its id says.
    pub(crate) fn subject(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.0.person.subject);
        self
    }

    /// Speaks for this runner.
    pub(crate) fn runner(mut self, name: &str) -> Self {
        self.0.runner = Some(RunnerName::parse(name).unwrap());
        self
    }

    /// Of this issuer.
    pub(crate) fn issuer(mut self, issuer: &str) -> Self {
        issuer.clone_into(&mut self.0.person.issuer);
        self
    }

    /// Worth nothing from so many seconds after the beginning on.
    pub(crate) fn expires(mut self, seconds: i64) -> Self {
        self.0.expires_at = after_beginning(seconds);
        self
    }

    /// Limited to these projects, in every environment.
    pub(crate) fn projects(mut self, projects: &[&str]) -> Self {
        self.0.grant.projects = side(projects);
        self
    }

    /// Limited to these environments, in every project.
    pub(crate) fn environments(mut self, environments: &[&str]) -> Self {
        self.0.grant.environments = side(environments);
        self
    }

    /// Says that its bearer is in these teams.
    pub(crate) fn claims(mut self, teams: &[&str]) -> Self {
        self.0.teams = teams.iter().map(|it| TeamId::parse(it).unwrap()).collect();
        self
    }
}

fn role(name: &str) -> Role {
    let found = Role::ALL.into_iter().find(|role| role.name() == name);
    found.unwrap_or_else(|| panic!("no such role: {name}"))
}

fn side(ids: &[&str]) -> GrantSide {
    let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
    GrantSide::parse(&ids).unwrap()
}

fn after_beginning(seconds: i64) -> Instant {
    Instant::from_micros(BEGINNING_MICROS + seconds * 1_000_000).unwrap()
}

/// The text of a token.
pub(crate) fn secret(id: &str) -> String {
    format!("csn_{id}-is-long-enough-to-be-one")
}

/// Makes tokens at the store itself.
pub(super) async fn make(engine: &Engine, tokens: Vec<TokenSpec>) {
    for TokenSpec(draft) in tokens {
        let command = DirectoryCommand::CreateToken(Box::new(draft));
        engine.change_tokens(command).await.unwrap();
    }
}

impl Setup {
    /// A server that accepts these tokens and nothing else.
    pub(crate) fn with_tokens(tokens: fn() -> Vec<TokenSpec>) -> Self {
        Self {
            tokens,
            access: AccessSettings::default,
            ..Self::default()
        }
    }
}

impl Gate {
    /// The bearer of a token that was made before the test began.
    pub(crate) fn with_token(&self, id: &str) -> Caller {
        self.as_(&secret(id))
    }
}
