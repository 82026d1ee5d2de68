//! Credentials of a tokens file, for tests that need what a name alone does not give: a limited
//! grant, claimed teams, several credentials of one person.

use countersign_domain::log::sha256_hex;
use countersign_server::Authenticator;
use serde_json::{Value, json};

use super::{Caller, Gate, Setup};

/// One credential. Its id is what [`Gate::with_token`] takes.
pub(crate) struct TokenSpec(Value);

impl TokenSpec {
    /// Of a person; unlimited, and without roles.
    pub(crate) fn person(id: &str, subject: &str) -> Self {
        Self::of(id, subject, "person", &[])
    }

    /// Of a service; unlimited.
    pub(crate) fn service(id: &str, roles: &[&str]) -> Self {
        Self::of(id, id, "service", roles)
    }

    fn of(id: &str, subject: &str, kind: &str, roles: &[&str]) -> Self {
        Self(json!({
            "id": id,
            "sha256": sha256_hex(secret(id).as_bytes()),
            "subject": subject,
            "kind": kind,
            "roles": roles,
            "teams": [],
            "projects": ["*"],
            "environments": ["*"],
        }))
    }

    pub(crate) fn roles(self, roles: &[&str]) -> Self {
        self.with("roles", roles)
    }

    /// Limited to these projects, in every environment.
    pub(crate) fn projects(self, projects: &[&str]) -> Self {
        self.with("projects", projects)
    }

    /// Limited to these environments, in every project.
    pub(crate) fn environments(self, environments: &[&str]) -> Self {
        self.with("environments", environments)
    }

    /// Says that its bearer is in these teams.
    pub(crate) fn claims(self, teams: &[&str]) -> Self {
        self.with("teams", teams)
    }

    fn with(mut self, key: &str, values: &[&str]) -> Self {
        self.0[key] = json!(values);
        self
    }
}

/// The token of a credential.
fn secret(id: &str) -> String {
    format!("{id}-is-long-enough-to-be-one")
}

impl Setup {
    /// A server that accepts these credentials and no others.
    pub(crate) fn with_tokens(tokens: fn() -> Vec<TokenSpec>) -> Self {
        Self {
            tokens: Some(tokens),
            ..Self::default()
        }
    }

    /// What the server checks credentials against.
    pub(super) fn authenticator(&self) -> Authenticator {
        let Some(tokens) = self.tokens else {
            return Authenticator::insecure_dev();
        };
        let tokens: Vec<Value> = tokens().into_iter().map(|token| token.0).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = json!({ "issuer": "local", "tokens": tokens }).to_string();
        std::fs::write(file.path(), text).unwrap();
        Authenticator::tokens_file(file.path()).unwrap()
    }
}

impl Gate {
    /// The bearer of a credential of the tokens file.
    pub(crate) fn with_token(&self, id: &str) -> Caller {
        self.as_(&secret(id))
    }
}
