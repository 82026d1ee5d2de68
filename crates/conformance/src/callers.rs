//! Who calls in the cases, and with which credential.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// What a caller of the cases may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerRole {
    /// A service that creates change requests.
    Orchestrator,
    /// A service that claims starts; its runner name is that of the caller.
    Runner,
    /// Who changes policies and teams.
    PolicyAdmin,
    /// A person without roles.
    Person,
}

impl fmt::Display for CallerRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Orchestrator => "a service with the role orchestrator",
            Self::Runner => "a service with the role runner, each with a runner name of its own",
            Self::PolicyAdmin => "the role policy_admin",
            Self::Person => "a person without roles",
        })
    }
}

/// Everybody that the cases know. Each needs an unlimited grant.
pub const CALLERS: &[(&str, CallerRole)] = &[
    ("orchestrator", CallerRole::Orchestrator),
    ("web-1", CallerRole::Runner),
    ("web-2", CallerRole::Runner),
    ("admin", CallerRole::PolicyAdmin),
    ("alice", CallerRole::Person),
    ("bob", CallerRole::Person),
    ("carol", CallerRole::Person),
    ("dave", CallerRole::Person),
    ("erin", CallerRole::Person),
    ("mallory", CallerRole::Person),
];

/// Why credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CallersError {
    /// The file is not one of credentials.
    #[error("the credentials cannot be read: {0}")]
    Text(String),
    /// The cases know nobody of this name.
    #[error("the cases know no caller {0:?}; `--callers` lists them")]
    Unknown(String),
    /// Somebody has no credential.
    #[error("there is no credential for {0}; `--callers` lists who needs one")]
    Missing(String),
}

/// One caller's credential, and who it makes them to the server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Caller {
    pub(crate) token: String,
    /// The subject. Left out: the caller's name.
    pub(crate) subject: Option<String>,
    /// The issuer. Left out: the one that the server accepts people from.
    #[serde(default)]
    pub(crate) issuer: String,
    /// The name of the runner. Left out: the caller's name.
    pub(crate) runner: Option<String>,
}

/// The credentials of everybody.
#[derive(Debug, Clone)]
pub struct Callers(BTreeMap<String, Caller>);

impl Callers {
    /// For a server that runs with `--insecure-dev`.
    pub fn insecure_dev() -> Self {
        let all = CALLERS.iter().map(|(name, role)| {
            let token = match role {
                CallerRole::Orchestrator => "orchestrator:ci".to_owned(),
                CallerRole::Runner => format!("runner:{name}"),
                CallerRole::PolicyAdmin => "admin:root".to_owned(),
                CallerRole::Person => (*name).to_owned(),
            };
            let caller = Caller {
                subject: Some(token.clone()),
                token,
                issuer: String::new(),
                runner: None,
            };
            ((*name).to_owned(), caller)
        });
        Self(all.collect())
    }

    /// From the text of a file, in YAML or JSON: a map from each caller to its credential.
    pub fn read(text: &str) -> Result<Self, CallersError> {
        let callers: BTreeMap<String, Caller> =
            serde_saphyr::from_str(text).map_err(|error| CallersError::Text(error.to_string()))?;
        if let Some(name) = callers.keys().find(|name| !is_caller(name)) {
            return Err(CallersError::Unknown(name.clone()));
        }
        let missing: Vec<&str> = CALLERS
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| !callers.contains_key(*name))
            .collect();
        if !missing.is_empty() {
            return Err(CallersError::Missing(missing.join(", ")));
        }
        Ok(Self(callers))
    }

    /// Everybody, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Caller)> {
        self.0.iter().map(|(name, caller)| (name.as_str(), caller))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Caller> {
        self.0.get(name)
    }
}

/// Whether the cases know somebody of this name.
pub(crate) fn is_caller(name: &str) -> bool {
    CALLERS.iter().any(|(known, _)| *known == name)
}

/// Whether it is the name of a runner.
pub(crate) fn is_runner(name: &str) -> bool {
    CALLERS.contains(&(name, CallerRole::Runner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_everybody_and_nobody_else() {
        let all: String = CALLERS
            .iter()
            .map(|(name, _)| format!("{name}: {{token: secret-{name}}}\n"))
            .collect();
        let callers = Callers::read(&all).unwrap();
        assert_eq!(callers.get("alice").unwrap().token, "secret-alice");
        let without = all.replace("alice: {token: secret-alice}\n", "");
        let missing = Callers::read(&without).unwrap_err().to_string();
        assert!(missing.contains("no credential for alice;"), "{missing}");
        let more = format!("{all}zoe: {{token: x}}\n");
        assert!(matches!(
            Callers::read(&more),
            Err(CallersError::Unknown(_))
        ));
        let typo = all.replace("token: secret-bob", "tokens: secret-bob");
        assert!(matches!(Callers::read(&typo), Err(CallersError::Text(_))));
    }
}
