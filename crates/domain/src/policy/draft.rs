//! A policy as kept, and as somebody wants it to be (M1, M5).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Scope, Terms};
use crate::ids::{PolicyId, TeamId};
use crate::log::Stamp;
use crate::person::Person;

/// Those who may approve.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Approvers {
    /// People.
    pub users: BTreeSet<Person>,
    /// Teams.
    pub teams: BTreeSet<TeamId>,
}

/// What people say about a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDraft {
    /// Its id.
    pub id: PolicyId,
    /// Its name for people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Switched off.
    pub disabled: bool,
    /// What it applies to.
    pub scopes: Vec<Scope>,
    /// Who may approve.
    pub approvers: Approvers,
    /// How many distinct people must.
    pub minimum_approvals: u32,
    /// Whether the creator may not.
    pub block_creator: bool,
    /// Its other terms.
    #[serde(flatten)]
    pub terms: Terms,
}

impl PolicyDraft {
    /// Takes over the named fields of another draft.
    pub fn merge(&mut self, other: Self, fields: &BTreeSet<PolicyField>) {
        for field in fields {
            match field {
                PolicyField::Name => self.name.clone_from(&other.name),
                PolicyField::Description => self.description.clone_from(&other.description),
                PolicyField::Disabled => self.disabled = other.disabled,
                PolicyField::Scopes => self.scopes.clone_from(&other.scopes),
                PolicyField::Approvers => self.approvers.clone_from(&other.approvers),
                PolicyField::MinimumApprovals => self.minimum_approvals = other.minimum_approvals,
                PolicyField::BlockCreator => self.block_creator = other.block_creator,
                PolicyField::Quorum => self.terms.quorum = other.terms.quorum,
                PolicyField::Sharing => self.terms.sharing = other.terms.sharing,
                PolicyField::RecheckApprovers => {
                    self.terms.recheck_approvers = other.terms.recheck_approvers;
                }
                PolicyField::ApprovalTtl => self.terms.approval_ttl = other.terms.approval_ttl,
                PolicyField::ExecutionTtl => self.terms.execution_ttl = other.terms.execution_ttl,
                PolicyField::MaxAuthAge => self.terms.max_auth_age = other.terms.max_auth_age,
                PolicyField::Windows => self.terms.windows.clone_from(&other.terms.windows),
                PolicyField::OnClose => self.terms.on_close = other.terms.on_close,
            }
        }
    }
}

/// A field that an update may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyField {
    /// The name for people.
    Name,
    /// What it is for.
    Description,
    /// Switched off.
    Disabled,
    /// What it applies to.
    Scopes,
    /// Who may approve.
    Approvers,
    /// How many must.
    MinimumApprovals,
    /// Whether the creator may not.
    BlockCreator,
    /// Whose approvals meet the minimum.
    Quorum,
    /// Which tasks share a change request.
    Sharing,
    /// Whether approvals are checked again.
    RecheckApprovers,
    /// How long a change request may stay pending.
    ApprovalTtl,
    /// How long an approval is good for.
    ExecutionTtl,
    /// How long ago an approver may have proven who they are.
    MaxAuthAge,
    /// When tasks may start.
    Windows,
    /// What becomes of a task when its period closes.
    OnClose,
}

/// A policy as kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// What people said.
    pub draft: PolicyDraft,
    /// How often it was changed, from 1.
    pub revision: u64,
    /// Its first entry in the log.
    pub created: Stamp,
    /// Its newest entry in the log.
    pub stamp: Stamp,
}

impl Policy {
    /// Changes with each change; the sequence of its newest entry is in no other policy's history.
    pub fn etag(&self) -> String {
        self.stamp.sequence.to_string()
    }
}
