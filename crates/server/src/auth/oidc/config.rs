//! Which provider people come from, and what is refused as such a setting.

use std::io;
use std::path::PathBuf;

use countersign_domain::text::{self, Problem};
use http::Uri;
use serde::Deserialize;

/// The provider that people are accepted from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OidcConfig {
    /// What `iss` of a token must be, byte for byte: https, or http on a loopback host.
    pub issuer: String,
    /// `aud` of a token must hold one of these.
    pub audiences: Vec<String>,
    /// Where the keys are. Without it and `jwks_file`, the provider's discovery document tells.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// A file with the keys, which is read again when it changes.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// The authorities (PEM) that the provider's certificate may come from, instead of those that
    /// are built in. Read once, at the start.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The claim that names a person's groups: an array of strings, or one string. A name as it
    /// stands, not a path.
    #[serde(default)]
    pub groups_claim: Option<String>,
    /// The claim that names a person for people to read. It decides nothing.
    #[serde(default = "name_claim")]
    pub name_claim: String,
}

fn name_claim() -> String {
    "name".to_owned()
}

/// Why people cannot be accepted from a provider.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// A setting is not allowed.
    #[error("the setting {key} of OIDC: found {found}; allowed: {allowed}")]
    Refused {
        /// The setting, for example `audiences[0]`.
        key: String,
        /// What was found.
        found: String,
        /// What would be allowed.
        allowed: String,
    },
    /// The file of authorities cannot be read.
    #[error("failed to read the ca_file {} of OIDC", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of authorities holds none, or one that is broken.
    #[error("the ca_file {} of OIDC: found {found}; allowed: certificates in PEM", .path.display())]
    NoAuthorities {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// TLS cannot be set up.
    #[error("failed to set up TLS for OIDC")]
    Tls(#[from] rustls::Error),
}

impl OidcError {
    fn refused(key: impl Into<String>, problem: Problem) -> Self {
        Self::Refused {
            key: key.into(),
            found: problem.found,
            allowed: problem.allowed,
        }
    }
}

impl OidcConfig {
    /// Refuses what would let in nobody, or anybody.
    pub(crate) fn check(&self) -> Result<(), OidcError> {
        self.discovery().map(|_| ())?;
        if self.audiences.is_empty() {
            let problem = Problem::new("nothing", "at least one audience that tokens are for");
            return Err(OidcError::refused("audiences", problem));
        }
        for (place, audience) in self.audiences.iter().enumerate() {
            text::subject(audience)
                .map_err(|problem| OidcError::refused(format!("audiences[{place}]"), problem))?;
        }
        self.keys_at().map(|_| ())?;
        if self.jwks_url.is_some() && self.jwks_file.is_some() {
            let problem = Problem::new("jwks_url as well", "one of the two, or none");
            return Err(OidcError::refused("jwks_file", problem));
        }
        let claims = [
            ("groups_claim", self.groups_claim.as_deref()),
            ("name_claim", Some(self.name_claim.as_str())),
        ];
        for (key, claim) in claims {
            let checked = claim.map_or(Ok(()), text::name);
            checked.map_err(|problem| OidcError::refused(key, problem))?;
        }
        Ok(())
    }

    /// Where the provider describes itself.
    pub(super) fn discovery(&self) -> Result<Uri, OidcError> {
        let refused = |problem| OidcError::refused("issuer", problem);
        text::subject(&self.issuer).map_err(refused)?;
        endpoint(&self.issuer).map_err(refused)?;
        if self.issuer.contains('?') {
            return Err(refused(Problem::new("a query", "a URL without query")));
        }
        let issuer = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
        endpoint(&format!("{issuer}/.well-known/openid-configuration")).map_err(refused)
    }

    /// Where the keys are, if it was said.
    pub(super) fn keys_at(&self) -> Result<Option<Uri>, OidcError> {
        let url = self.jwks_url.as_deref().map(endpoint).transpose();
        url.map_err(|problem| OidcError::refused("jwks_url", problem))
    }
}

/// An address that keys may be fetched from: nobody on the way can change what it answers.
pub(super) fn endpoint(url: &str) -> Result<Uri, Problem> {
    let refused = || {
        let allowed = "an https URL, or http on a loopback host, without user and fragment";
        // What stands before an `@` may be a password.
        let found = match url.contains('@') {
            true => "a URL with an `@`".to_owned(),
            false => shown(url),
        };
        Problem::new(found, allowed)
    };
    let uri: Uri = url.parse().map_err(|_| refused())?;
    let authority = uri.authority().ok_or_else(refused)?;
    let scheme_fits = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_loopback(authority.host()),
        _ => false,
    };
    let fits = scheme_fits
        && !authority.host().is_empty()
        && !authority.as_str().contains('@')
        && !url.contains('#');
    fits.then_some(uri).ok_or_else(refused)
}

/// The beginning of a text from elsewhere, fit for a log.
pub(super) fn shown(text: &str) -> String {
    let beginning: String = text.chars().take(text::NAME_LIMIT).collect();
    format!("{beginning:?}")
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    match bare.unwrap_or(host).parse::<std::net::IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "issuer = 'https://login.example.com/'\naudiences = ['countersign']\n";

    fn check(text: &str) -> String {
        let config: OidcConfig = match toml::from_str(text) {
            Ok(config) => config,
            Err(error) => return error.message().to_owned(),
        };
        match config.check() {
            Ok(()) => "accepted".to_owned(),
            Err(OidcError::Refused { key, .. }) => key,
            Err(other) => other.to_string(),
        }
    }

    fn changed(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        check(&GOOD.replace(from, to))
    }

    #[test]
    fn a_short_setting_is_enough() {
        assert_eq!(check(GOOD), "accepted");
        let config: OidcConfig = toml::from_str(GOOD).unwrap();
        assert_eq!(config.name_claim, "name");
        assert_eq!(
            config.discovery().unwrap().to_string(),
            "https://login.example.com/.well-known/openid-configuration"
        );
    }

    #[test]
    fn all_settings_are_read() {
        let more = "jwks_url = 'https://keys.example.com/set?v=1'\nca_file = 'ca.pem'\n\
            groups_claim = 'https://example.com/groups'\nname_claim = 'preferred_username'\n";
        assert_eq!(check(&format!("{GOOD}{more}")), "accepted");
        assert_eq!(check(&format!("{GOOD}jwks_file = 'keys.json'")), "accepted");
    }

    #[test]
    fn no_start_without_issuer_and_audience() {
        let issuer = "issuer = 'https://login.example.com/'\n";
        assert_eq!(changed(issuer, ""), "missing field `issuer`");
        assert_eq!(changed("https://login.example.com/", ""), "issuer");
        let audiences = "audiences = ['countersign']\n";
        assert_eq!(changed(audiences, ""), "missing field `audiences`");
        assert_eq!(changed("'countersign'", ""), "audiences");
        assert_eq!(changed("'countersign'", "'web', ''"), "audiences[1]");
    }

    #[test]
    fn unknown_and_contradicting_settings_are_refused() {
        let both = "jwks_url = 'https://a.example.com'\njwks_file = 'keys.json'";
        for (more, expected) in [
            (both, "jwks_file"),
            ("groups_claim = ''", "groups_claim"),
            ("name_claim = ''", "name_claim"),
            ("jwks_url = 'ftp://a.example.com'", "jwks_url"),
        ] {
            assert_eq!(check(&format!("{GOOD}{more}")), expected, "{more}");
        }
        assert!(check(&format!("{GOOD}audience = 'web'")).contains("unknown field `audience`"));
    }

    #[test]
    fn addresses_are_those_that_nobody_can_change_on_the_way() {
        let good = [
            "https://a.example.com",
            "https://a.example.com:8443/keys?v=1",
            "http://localhost:8080/keys",
            "http://127.0.0.1/keys",
            "http://127.9.9.9/keys",
            "http://[::1]:80/keys",
            "HTTPS://a.example.com",
        ];
        for url in good {
            assert!(endpoint(url).is_ok(), "{url}");
        }
        let bad = [
            "",
            "a.example.com",
            "/keys",
            "https://",
            "https:///keys",
            "https://a.example.com#keys",
            "https://user@a.example.com/keys",
            "https://user:word@a.example.com/keys",
            "http://a.example.com",
            "http://10.0.0.1",
            "http://[2001:db8::1]",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost@a.example.com",
            "file:///etc/keys.json",
            "ftp://localhost/keys",
            "https://a.example.com/a b",
        ];
        for url in bad {
            assert!(endpoint(url).is_err(), "{url}");
        }
        assert_eq!(changed("example.com/", "example.com/?tenant=web"), "issuer");
    }

    #[test]
    fn errors_repeat_no_password() {
        let problem = endpoint("https://user:word@a.example.com/keys").unwrap_err();
        assert!(!problem.found.contains("word"), "{problem:?}");
    }

    #[test]
    fn an_error_says_what_was_found_and_what_is_allowed() {
        let text = GOOD.replace("https", "http");
        let config: OidcConfig = toml::from_str(&text).unwrap();
        let error = config.check().unwrap_err().to_string();
        assert_eq!(
            error,
            "the setting issuer of OIDC: found \"http://login.example.com/\"; allowed: an https \
             URL, or http on a loopback host, without user and fragment"
        );
    }
}
