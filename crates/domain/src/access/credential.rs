//! Which credential a call was made with, as it is kept with what the call did.

use serde::{Deserialize, Serialize};

use crate::Instant;

/// How a caller was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// It said who it is, and was believed: for one machine, and for trying things out.
    InsecureDev,
    /// A token that this store made.
    ApiToken,
    /// A token of the identity provider that people come from.
    Oidc,
    /// A client certificate.
    Mtls,
}

impl CredentialKind {
    /// The kind's name on the wire and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::InsecureDev => "insecure_dev",
            Self::ApiToken => "api_token",
            Self::Oidc => "oidc",
            Self::Mtls => "mtls",
        }
    }
}

/// Which credential was used, when and from where; never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRef {
    /// How the caller was authenticated.
    pub kind: CredentialKind,
    /// Which credential of that kind.
    pub id: String,
    /// When the person last proved who they are, where the credential says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Instant>,
    /// The address the call came from, where there is one. It decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
}

impl CredentialRef {
    /// A credential of which no more is known.
    pub fn new(kind: CredentialKind, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
            auth_time: None,
            peer: None,
        }
    }
}
