//! The caller, as its verified credential names it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Grant;
use crate::ids::{RunnerName, TeamId};
use crate::person::Person;

/// Whether a credential stands for a person or for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// A person, who may approve where a policy names them.
    Person,
    /// A service, which never approves.
    Service,
}

/// What a credential may do beyond what policies say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Creates change requests, withdraws tasks, reports outcomes.
    Orchestrator,
    /// Follows signals, claims starts, reports outcomes.
    Runner,
    /// Changes policies and teams.
    PolicyAdmin,
    /// Reads the log.
    Auditor,
    /// Operates the store: accepts a clock.
    Operator,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [
        Self::Orchestrator,
        Self::Runner,
        Self::PolicyAdmin,
        Self::Auditor,
        Self::Operator,
    ];

    /// The role's name in configuration and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orchestrator => "orchestrator",
            Self::Runner => "runner",
            Self::PolicyAdmin => "policy_admin",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }
}

/// Which credential was used; never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRef {
    /// How the caller was authenticated.
    pub kind: String,
    /// Which credential of that kind.
    pub id: String,
}

/// The caller of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who it is.
    pub person: Person,
    /// Person or service.
    pub kind: PrincipalKind,
    /// Its roles.
    pub roles: BTreeSet<Role>,
    /// Teams the credential claims; they count only for teams declared as claimed.
    pub claimed_teams: BTreeSet<TeamId>,
    /// What it may act on.
    pub grant: Grant,
    /// The runner it speaks for, if any.
    pub runner: Option<RunnerName>,
    /// The credential itself.
    pub credential: CredentialRef,
}

impl Principal {
    /// Whether the credential carries a role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether this caller can ever decide on a change request: people can, services and the
    /// credentials of orchestrators and runners never.
    pub fn may_decide(&self) -> bool {
        self.kind == PrincipalKind::Person
            && !self.has(Role::Orchestrator)
            && !self.has(Role::Runner)
    }
}
