//! The caller, as its verified credential names it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{CredentialRef, Grant};
use crate::Instant;
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
    /// Changes policies and teams, declares and lifts freezes.
    PolicyAdmin,
    /// Reads the log.
    Auditor,
    /// Operates the store: declares and lifts freezes, accepts a clock.
    Operator,
    /// Makes and revokes API tokens, and so can let anybody in as anybody.
    AccessAdmin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 6] = [
        Self::Orchestrator,
        Self::Runner,
        Self::PolicyAdmin,
        Self::Auditor,
        Self::Operator,
        Self::AccessAdmin,
    ];

    /// Whether only services have it.
    pub fn is_for_services(self) -> bool {
        match self {
            Self::Orchestrator | Self::Runner => true,
            Self::PolicyAdmin | Self::Auditor | Self::Operator | Self::AccessAdmin => false,
        }
    }

    /// The role's name in configuration and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orchestrator => "orchestrator",
            Self::Runner => "runner",
            Self::PolicyAdmin => "policy_admin",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::AccessAdmin => "access_admin",
        }
    }
}

/// The caller of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who it is.
    pub person: Person,
    /// How to show them, where the credential says so; decides nothing.
    pub display_name: String,
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
    /// From this instant on the credential is worth nothing.
    pub expires_at: Option<Instant>,
    /// People are accepted from another issuer than this one, so it decides nothing: else one
    /// person could count twice (D2).
    pub foreign_issuer: bool,
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
            && !self.foreign_issuer
            && !self.roles.iter().any(|role| role.is_for_services())
    }
}
