//! An API token as somebody wants it to be, as the log tells it, and as it is kept.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{CredentialKind, CredentialRef, Grant, Principal, PrincipalKind, Role};
use crate::Instant;
use crate::ids::{RunnerName, TeamId, TokenId};
use crate::log::Stamp;
use crate::person::Person;

/// The SHA-256 of a token's text. What is presented is hashed before it is looked up, so how long
/// that takes tells nothing about the tokens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(String);

impl SecretHash {
    /// The hash of a token's text.
    pub fn of(secret: &str) -> Self {
        Self(HEXLOWER.encode(&Sha256::digest(secret.as_bytes())))
    }
}

/// What somebody says about a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenDraft {
    /// Its id, which is never used again.
    pub id: TokenId,
    /// What it is for.
    pub description: String,
    /// Whether it stands for a person or for a service.
    pub kind: PrincipalKind,
    /// Whom it stands for (D2).
    pub person: Person,
    /// What its bearer may do beyond what policies say.
    pub roles: BTreeSet<Role>,
    /// The claimed teams its bearer is in.
    pub teams: BTreeSet<TeamId>,
    /// The runner its bearer speaks for.
    pub runner: Option<RunnerName>,
    /// What its bearer may act on.
    pub grant: Grant,
    /// From this instant on it is worth nothing.
    pub expires_at: Instant,
    /// The hash of its text, which nobody keeps.
    pub secret_hash: SecretHash,
}

/// One thing that happened to one token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenEvent {
    /// It came into being.
    Created {
        /// As this.
        draft: Box<TokenDraft>,
        /// By whom; `None`: at the store itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Person>,
    },
    /// It was revoked.
    Revoked {
        /// Why.
        comment: String,
        /// By whom; `None`: at the store itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Person>,
    },
}

impl TokenEvent {
    /// The event's name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "token.created",
            Self::Revoked { .. } => "token.revoked",
        }
    }
}

/// That a token was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: Instant,
    /// By whom; `None`: at the store itself.
    pub by: Option<Person>,
    /// Why.
    pub comment: String,
}

/// A token as kept. It stays after it has ended, so that its id and its history do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What was said about it.
    pub draft: TokenDraft,
    /// Who made it; `None`: it was made at the store itself.
    pub created_by: Option<Person>,
    /// Its first entry in the log.
    pub created: Stamp,
    /// That it was revoked.
    pub revoked: Option<Revocation>,
    /// Its newest entry in the log.
    pub stamp: Stamp,
}

impl Token {
    /// Whether its bearer is let in at an instant.
    pub fn is_live(&self, now: Instant) -> bool {
        self.revoked.is_none() && now < self.draft.expires_at
    }

    /// Whether a caller may see it: it acts on no more than the caller. `None` is whoever runs the
    /// program at the store, who sees all.
    pub fn is_shown_to(&self, caller: Option<&Principal>) -> bool {
        caller.is_none_or(|caller| caller.grant.includes(&self.draft.grant))
    }

    /// Who its bearer is.
    pub fn principal(&self) -> Principal {
        let draft = &self.draft;
        Principal {
            person: draft.person.clone(),
            display_name: String::new(),
            kind: draft.kind,
            roles: draft.roles.clone(),
            claimed_teams: draft.teams.clone(),
            grant: draft.grant.clone(),
            runner: draft.runner.clone(),
            credential: CredentialRef::new(CredentialKind::ApiToken, draft.id.as_str()),
            expires_at: Some(draft.expires_at),
            foreign_issuer: false,
        }
    }
}
