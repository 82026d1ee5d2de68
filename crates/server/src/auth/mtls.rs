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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::bench::certificate;

    const CI: &str = "spiffe://example.org/ci";

    fn line(uri: &str, roles: &[Role], runner: Option<&str>) -> ServiceLine {
        ServiceLine {
            uri: uri.to_owned(),
            roles: roles.iter().copied().collect(),
            runner: runner.map(ToOwned::to_owned),
            projects: vec!["web".to_owned()],
            environments: vec!["*".to_owned()],
        }
    }

    fn services(lines: &[ServiceLine]) -> Services {
        let mut services = Services::default();
        for line in lines {
            services.take(line).unwrap();
        }
        services
    }

    #[test]
    fn i12_a_certificate_names_a_service_by_its_one_uri_exactly() {
        let services = services(&[line(CI, &[Role::Orchestrator], None)]);
        let other = "spiffe://example.org/ops";
        for (uris, known) in [
            (&[CI][..], true),
            (&[], false),
            (&[other], false),
            (&[CI, other], false),
            (&[other, CI], false),
            (&[CI, CI], false),
            (&["spiffe://example.org/CI"], false),
            (&["SPIFFE://example.org/ci"], false),
            (&["spiffe://EXAMPLE.org/ci"], false),
            (&["spiffe://example.org/ci/"], false),
            (&["spiffe://example.org/c%69"], false),
            (&["spiffe://example.org/ci?x"], false),
            (&["spiffe://example.org/"], false),
        ] {
            let found = services.principal(&certificate(uris));
            assert_eq!(found.is_some(), known, "{uris:?}");
        }
    }

    #[test]
    fn a_service_gets_what_its_line_says_and_ends_with_its_certificate() {
        let runner = [Role::Runner];
        let lines = [
            line("a://runner", &runner, Some("pool-1")),
            line("a://any", &runner, None),
            line("a://reader", &[], None),
        ];
        let services = services(&lines);
        let of = |uri: &str| services.principal(&certificate(&[uri])).unwrap();
        let shown = certificate(&["a://runner"]);
        let found = services.principal(&shown).unwrap();
        assert_eq!(found.person.issuer, ISSUER);
        assert_eq!(found.person.subject, "a://runner");
        assert_eq!(found.kind, PrincipalKind::Service);
        assert_eq!(found.roles, runner.into());
        assert_eq!(found.runner, RunnerName::parse("pool-1").ok());
        assert_eq!(found.grant.projects.to_ids(), ["web"]);
        assert_eq!(found.credential.id, shown.fingerprint);
        assert_eq!(found.expires_at.unwrap().micros(), 1_924_992_000_000_000);
        assert_eq!(
            (of("a://any").roles, of("a://any").runner),
            (runner.into(), None)
        );
        assert!(of("a://reader").roles.is_empty());
    }

    #[test]
    fn d1_a_service_never_decides_whatever_its_roles() {
        let services = services(&[line(CI, &[Role::PolicyAdmin, Role::Operator], None)]);
        let found = services.principal(&certificate(&[CI])).unwrap();
        assert!(found.has(Role::PolicyAdmin) && !found.may_decide());
    }

    #[test]
    fn bad_lines_are_refused_by_their_key() {
        let fits = || line(CI, &[Role::Runner], Some("pool-1"));
        let bad = |change: fn(&mut ServiceLine)| {
            let mut line = fits();
            change(&mut line);
            let refused = Services::default().take(&line);
            refused.err().map_or("accepted", |(key, _)| key)
        };
        assert_eq!(bad(|_| {}), "accepted");
        assert_eq!(bad(|line| line.uri = String::new()), "uri");
        assert_eq!(bad(|line| line.uri = "ci".to_owned()), "uri");
        assert_eq!(bad(|line| line.uri = "a://b\u{7}".to_owned()), "uri");
        assert_eq!(
            bad(|line| line.uri = format!("a://{}", "x".repeat(200))),
            "uri"
        );
        assert_eq!(bad(|line| line.roles.clear()), "runner");
        assert_eq!(bad(|line| line.runner = Some(String::new())), "runner");
        assert_eq!(bad(|line| line.runner = Some(" x".to_owned())), "runner");
        assert_eq!(bad(|line| line.projects.clear()), "projects");
        assert_eq!(bad(|line| line.projects.push("*".to_owned())), "projects");
        assert_eq!(bad(|line| line.environments.clear()), "environments");
        let mut services = services(&[fits()]);
        let (key, problem) = services.take(&fits()).unwrap_err();
        assert_eq!(key, "uri");
        assert!(problem.found.contains(CI), "{}", problem.found);
        assert!(!services.is_empty() && Services::default().is_empty());
    }
}
