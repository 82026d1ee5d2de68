//! What is set about credentials, as one TOML file.
//!
//! ```toml
//! [oidc]                       # people log in there; without it they come with API tokens
//! issuer = "https://login.example.com"
//! audiences = ["countersign"]
//! groups_claim = "groups"      # names teams that are kept as `claimed`
//!
//! [[people]]                   # the first that fits decides
//! groups = ["platform"]
//! roles = ["policy_admin", "operator"]
//! projects = ["*"]
//! environments = ["*"]
//!
//! [[services]]                 # by client certificate
//! uri = "spiffe://example.org/ci"
//! roles = ["orchestrator"]
//! projects = ["web"]
//! environments = ["*"]
//! ```

use std::path::Path;
use std::{fs, io};

use countersign_domain::person::LOCAL_ISSUER;
use countersign_domain::text::{self, Problem};
use serde::Deserialize;

use super::mtls::{self, ServiceLine, Services};
use super::oidc::{OidcConfig, OidcError};
use super::people::{PeopleLine, PeopleRule};

/// Why settings of access are not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file cannot be read.
    #[error("the access file cannot be read")]
    Unreadable(#[from] io::Error),
    /// It is not TOML of this form; the source tells line and column.
    #[error("the access file is not accepted")]
    Malformed(#[from] toml::de::Error),
    /// A value in it is not allowed.
    #[error("the access file, {place}: found {found}; allowed: {allowed}")]
    Refused {
        /// Where in it, for example `services[3].uri`.
        place: String,
        /// What was found.
        found: String,
        /// What would be allowed.
        allowed: String,
    },
    /// What it says of the identity provider is not allowed.
    #[error("the access file, oidc")]
    Oidc(#[from] OidcError),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    people_issuer: Option<String>,
    #[serde(default)]
    oidc: Option<OidcConfig>,
    #[serde(default)]
    people: Vec<PeopleLine>,
    #[serde(default)]
    services: Vec<ServiceLine>,
}

/// What credentials are checked against, beside the API tokens of the store.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    pub(super) people_issuer: String,
    pub(super) oidc: Option<OidcConfig>,
    pub(super) people: Vec<PeopleRule>,
    pub(super) services: Services,
    pub(super) insecure_dev: bool,
}

impl Default for AccessSettings {
    /// API tokens only.
    fn default() -> Self {
        Self {
            people_issuer: LOCAL_ISSUER.to_owned(),
            oidc: None,
            people: Vec::new(),
            services: Services::default(),
            insecure_dev: false,
        }
    }
}

impl AccessSettings {
    /// Also believes whatever a caller says about itself. For one machine, and for trying things
    /// out.
    pub fn insecure_dev() -> Self {
        Self {
            insecure_dev: true,
            ..Self::default()
        }
    }

    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, AccessError> {
        Self::parse(&fs::read_to_string(path)?)
    }

    /// Checks the text of a file.
    pub fn parse(text: &str) -> Result<Self, AccessError> {
        let file: FileText = toml::from_str(text)?;
        if let Some(oidc) = &file.oidc {
            oidc.check()?;
        } else if !file.people.is_empty() {
            let allowed = "people only with an identity provider: `[oidc]`; API tokens say \
                           themselves what their bearers may do";
            return Err(refused("people", Problem::new("people", allowed)));
        }
        let people_issuer = people_issuer(&file)?;
        let rules = file.people.iter().enumerate().map(|(place, line)| {
            PeopleRule::of(line)
                .map_err(|(key, problem)| refused(&format!("people[{place}].{key}"), problem))
        });
        let people = rules.collect::<Result<_, _>>()?;
        let mut services = Services::default();
        for (place, line) in file.services.iter().enumerate() {
            services
                .take(line)
                .map_err(|(key, problem)| refused(&format!("services[{place}].{key}"), problem))?;
        }
        Ok(Self {
            people_issuer,
            oidc: file.oidc,
            people,
            services,
            insecure_dev: false,
        })
    }

    /// Whether anybody who can connect can be anybody.
    pub fn is_insecure(&self) -> bool {
        self.insecure_dev
    }

    /// Whether services are known by certificate, so that client authorities are needed.
    pub fn knows_certificates(&self) -> bool {
        !self.services.is_empty()
    }

    /// The issuer that people are accepted from.
    pub fn people_issuer(&self) -> &str {
        &self.people_issuer
    }

    /// The issuer of the identity provider that people log in at.
    pub fn provider(&self) -> Option<&str> {
        self.oidc.as_ref().map(|oidc| oidc.issuer.as_str())
    }
}

impl std::fmt::Display for AccessSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.insecure_dev {
            return f.write_str("insecure-dev: the bearer text is the subject");
        }
        f.write_str("API tokens")?;
        if let Some(issuer) = self.provider() {
            write!(f, ", people of {issuer}")?;
        }
        if self.knows_certificates() {
            f.write_str(", client certificates")?;
        }
        Ok(())
    }
}

/// People come from the identity provider, or from the issuer that is set, or are local.
fn people_issuer(file: &FileText) -> Result<String, AccessError> {
    let issuer = match (&file.oidc, &file.people_issuer) {
        (Some(_), Some(_)) => {
            let allowed = "it or `oidc`: with a provider, people come from its issuer";
            return Err(refused("people_issuer", Problem::new("both", allowed)));
        }
        (Some(oidc), None) => oidc.issuer.clone(),
        (None, Some(issuer)) => issuer.clone(),
        (None, None) => LOCAL_ISSUER.to_owned(),
    };
    text::subject(&issuer).map_err(|problem| refused("people_issuer", problem))?;
    if issuer == mtls::ISSUER {
        let problem = Problem::new(format!("{issuer:?}"), "another: certificates come from it");
        return Err(refused("people_issuer", problem));
    }
    Ok(issuer)
}

fn refused(place: &str, problem: Problem) -> AccessError {
    AccessError::Refused {
        place: place.to_owned(),
        found: problem.found,
        allowed: problem.allowed,
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::access::Role;

    use super::*;
    use crate::auth::bench::certificate;

    fn place(text: &str) -> String {
        match AccessSettings::parse(text) {
            Ok(_) => "accepted".to_owned(),
            Err(AccessError::Refused { place, .. }) => place,
            Err(AccessError::Malformed(problem)) => format!("malformed: {problem}"),
            Err(other) => other.to_string(),
        }
    }

    const OIDC: &str = "[oidc]\nissuer = \"https://login.example.com\"\naudiences = [\"gate\"]\n";
    const ALL: &str = "projects = [\"*\"]\nenvironments = [\"*\"]\n";

    #[test]
    fn people_come_from_one_issuer() {
        let of = |text: &str| AccessSettings::parse(text).unwrap().people_issuer;
        assert_eq!(of(""), "local");
        assert_eq!(of("people_issuer = \"corp\""), "corp");
        assert_eq!(of(OIDC), "https://login.example.com");
        assert_eq!(
            place(&format!("people_issuer = \"corp\"\n{OIDC}")),
            "people_issuer"
        );
        assert_eq!(place("people_issuer = \"mtls\""), "people_issuer");
        assert_eq!(place("people_issuer = \"\""), "people_issuer");
    }

    #[test]
    fn bad_lines_are_refused_by_place() {
        let people = |line: &str| place(&format!("{OIDC}[[people]]\n{line}"));
        assert_eq!(people(ALL), "accepted");
        assert_eq!(
            people(&format!("roles = [\"runner\"]\n{ALL}")),
            "people[0].roles"
        );
        assert_eq!(
            people("projects = []\nenvironments = [\"*\"]"),
            "people[0].projects"
        );
        assert!(people("projects = [\"*\"]").starts_with("malformed"));
        assert_eq!(place(&format!("[[people]]\n{ALL}")), "people");
        let service = |line: &str| place(&format!("[[services]]\n{line}{ALL}"));
        assert_eq!(service("uri = \"spiffe://example.org/ci\"\n"), "accepted");
        assert_eq!(service("uri = \"ci\"\n"), "services[0].uri");
        assert_eq!(
            service("uri = \"a://b\"\nrunner = \"web-1\"\n"),
            "services[0].runner"
        );
        let twice = format!("[[services]]\nuri = \"a://b\"\n{ALL}");
        assert_eq!(place(&twice.repeat(2)), "services[1].uri");
        assert!(place("token = 1").starts_with("malformed"));
    }

    #[test]
    fn what_is_not_known_is_refused_and_never_passed_over() {
        let people = |line: &str| place(&format!("{OIDC}[[people]]\n{line}{ALL}"));
        let service = |line: &str| place(&format!("[[services]]\nuri = \"a://b\"\n{line}{ALL}"));
        for found in [
            place("people_issuers = \"corp\""),
            place("[oidc]\nissuer = \"https://login.example.com\""),
            place(&format!("{OIDC}audience = \"gate\"\n")),
            people("role = [\"auditor\"]\n"),
            people("roles = [\"Auditor\"]\n"),
            people("roles = [\"admin\"]\n"),
            people("roles = \"auditor\"\n"),
            service("role = [\"runner\"]\n"),
            service("roles = [\"root\"]\n"),
            service("kind = \"person\"\n"),
            place("insecure_dev = true"),
        ] {
            assert!(found.starts_with("malformed"), "{found}");
        }
        assert_eq!(service("roles = [\"runner\"]\n"), "accepted");
        assert_eq!(people("roles = [\"auditor\"]\n"), "accepted");
    }

    #[test]
    fn a_refusal_says_what_was_found_and_what_would_be_allowed() {
        let text = format!("[[services]]\nuri = \"ci\"\n{ALL}");
        let said = AccessSettings::parse(&text).unwrap_err().to_string();
        for part in ["services[0].uri", "found \"ci\"", "spiffe://example.org/ci"] {
            assert!(said.contains(part), "{said}");
        }
        let missing = AccessSettings::load(Path::new("/nowhere/access.toml"));
        assert!(matches!(missing, Err(AccessError::Unreadable(_))));
        let no_issuer = "[oidc]\nissuer = \"\"\naudiences = [\"gate\"]\n";
        let refused = AccessSettings::parse(no_issuer);
        assert!(matches!(refused, Err(AccessError::Oidc(_))));
    }

    #[test]
    fn settings_say_who_is_let_in() {
        let service = format!("[[services]]\nuri = \"a://b\"\n{ALL}");
        for (text, said, certificates) in [
            ("", "API tokens", false),
            (
                OIDC,
                "API tokens, people of https://login.example.com",
                false,
            ),
            (&service, "API tokens, client certificates", true),
        ] {
            let settings = AccessSettings::parse(text).unwrap();
            assert_eq!(settings.to_string(), said);
            assert_eq!(settings.knows_certificates(), certificates);
            assert!(!settings.is_insecure());
        }
        let insecure = AccessSettings::insecure_dev();
        assert!(insecure.is_insecure() && insecure.to_string().contains("insecure"));
    }

    #[test]
    fn roles_of_services_and_people_are_read_by_their_names() {
        for role in Role::ALL {
            let text = format!(
                "[[services]]\nuri = \"a://b\"\nroles = [\"{}\"]\n{ALL}",
                role.name()
            );
            let settings = AccessSettings::parse(&text).unwrap();
            let found = settings.services.principal(&certificate(&["a://b"]));
            assert_eq!(found.unwrap().roles, [role].into());
        }
    }
}
