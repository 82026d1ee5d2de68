//! Client certificates: which service a URI in one stands for.

use std::collections::{BTreeSet, HashMap};

use countersign_domain::access::{
    CredentialKind, CredentialRef, Grant, Principal, PrincipalKind, Role,
};
use countersign_domain::ids::RunnerName;
use countersign_domain::person::Person;
use countersign_domain::text::{self, Problem};
use serde::Deserialize;

use super::people::grant;
use crate::edge::peer::ClientCertificate;

/// The issuer of everybody who comes with a certificate.
pub(super) const ISSUER: &str = "mtls";

/// A service that comes with a client certificate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceLine {
    /// The one URI among the subject's alternative names, exactly; for example a SPIFFE id.
    pub uri: String,
    /// Its roles.
    #[serde(default)]
    pub roles: BTreeSet<Role>,
    /// The runner it speaks for.
    #[serde(default)]
    pub runner: Option<String>,
    /// The projects it sees and acts on: ids, or `*` alone.
    pub projects: Vec<String>,
    /// The environments it sees and acts on: ids, or `*` alone.
    pub environments: Vec<String>,
}

#[derive(Debug, Clone)]
struct Service {
    roles: BTreeSet<Role>,
    runner: Option<RunnerName>,
    grant: Grant,
}

/// The services that are known by certificate.
#[derive(Debug, Clone, Default)]
pub(super) struct Services(HashMap<String, Service>);

impl Services {
    /// Checks a line and takes it in; answers with the key that is bad and why.
    pub(super) fn take(&mut self, line: &ServiceLine) -> Result<(), (&'static str, Problem)> {
        text::subject(&line.uri).map_err(|problem| ("uri", problem))?;
        if !line.uri.contains("://") {
            let allowed = "a URI, for example spiffe://example.org/ci";
            return Err(("uri", Problem::new(format!("{:?}", line.uri), allowed)));
        }
        let runner = match &line.runner {
            None => None,
            Some(_) if !line.roles.contains(&Role::Runner) => {
                let found = "a runner's name without the role runner";
                return Err(("runner", Problem::new(found, "both, or no name")));
            }
            Some(name) => Some(RunnerName::parse(name).map_err(|problem| ("runner", problem))?),
        };
        let service = Service {
            roles: line.roles.clone(),
            runner,
            grant: grant(&line.projects, &line.environments)?,
        };
        match self.0.insert(line.uri.clone(), service) {
            None => Ok(()),
            Some(_) => {
                let found = format!("{:?}, which stands above as well", line.uri);
                Err(("uri", Problem::new(found, "each URI once")))
            }
        }
    }

    /// Whether nobody is known.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who comes with a verified certificate. One with several URIs names nobody: which of them
    /// would it be?
    pub(super) fn principal(&self, certificate: &ClientCertificate) -> Option<Principal> {
        let [uri] = certificate.uris.as_slice() else {
            return None;
        };
        let service = self.0.get(uri)?;
        Some(Principal {
            person: Person {
                issuer: ISSUER.to_owned(),
                subject: uri.clone(),
            },
            display_name: String::new(),
            kind: PrincipalKind::Service,
            roles: service.roles.clone(),
            claimed_teams: BTreeSet::new(),
            grant: service.grant.clone(),
            runner: service.runner.clone(),
            credential: CredentialRef::new(CredentialKind::Mtls, &certificate.fingerprint),
            expires_at: Some(certificate.expires_at),
            foreign_issuer: false,
        })
    }
}
