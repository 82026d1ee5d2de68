//! API tokens from a file that holds only their hashes. Read once, at the start.
//!
//! ```json
//! {
//!   "issuer": "local",
//!   "tokens": [
//!     {
//!       "id": "ci",
//!       "sha256": "<the SHA-256 of the token, in hexadecimal>",
//!       "subject": "deployer",
//!       "kind": "service",
//!       "display_name": "the deployment service",
//!       "roles": ["orchestrator"],
//!       "teams": [],
//!       "runner": null,
//!       "projects": ["*"],
//!       "environments": ["*"]
//!     }
//!   ]
//! }
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, fs, io};

use countersign_domain::access::{CredentialRef, Grant, GrantSide, Principal, PrincipalKind, Role};
use countersign_domain::ids::{RunnerName, TeamId};
use countersign_domain::person::Person;
use countersign_domain::text::{self, Problem};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A shorter token could be guessed, so it is never looked up.
const SHORTEST_TOKEN: usize = 16;
/// Stands for everything where ids are listed.
const EVERYTHING: &str = "*";

type Hash = [u8; 32];

/// Why a tokens file is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// It cannot be read.
    #[error("failed to read the tokens file {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not JSON of this form; the source tells line and column.
    #[error("the tokens file {} is not accepted", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// A value in it is not allowed.
    #[error("the tokens file {}, {place}: found {found}; allowed: {allowed}", .path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Where in it, for example `tokens[3].sha256`.
        place: String,
        /// What was found.
        found: String,
        /// What would be allowed.
        allowed: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    issuer: String,
    tokens: Vec<TokenText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenText {
    id: String,
    sha256: String,
    subject: String,
    kind: PrincipalKind,
    /// For whoever reads the file; decides nothing.
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    roles: BTreeSet<Role>,
    #[serde(default)]
    teams: Vec<String>,
    #[serde(default)]
    runner: Option<String>,
    projects: Vec<String>,
    environments: Vec<String>,
}

/// The tokens that are accepted, by their hashes. What is compared is a hash of what was presented,
/// so how long a look-up takes tells nothing about the tokens.
pub(crate) struct Tokens {
    issuer: String,
    by_hash: HashMap<Hash, Arc<Principal>>,
}

impl Tokens {
    /// Reads and checks a file.
    pub(crate) fn load(path: &Path) -> Result<Self, TokensError> {
        let unreadable = |source| TokensError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, TokensError> {
        let malformed = |source| TokensError::Malformed {
            path: path.to_owned(),
            source,
        };
        let file: FileText = serde_json::from_str(text).map_err(malformed)?;
        Checked::of(&file).map_err(|(place, problem)| TokensError::Refused {
            path: path.to_owned(),
            place,
            found: problem.found,
            allowed: problem.allowed,
        })
    }

    /// The issuer of everybody here.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whom a presented token belongs to.
    pub(crate) fn find(&self, token: &str) -> Option<Arc<Principal>> {
        if token.len() < SHORTEST_TOKEN {
            return None;
        }
        let hash: Hash = Sha256::digest(token.as_bytes()).into();
        self.by_hash.get(&hash).cloned()
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "API tokens: {} of issuer {:?}",
            self.by_hash.len(),
            self.issuer
        )
    }
}

/// A place in the file, and what is wrong there.
type Fault = (String, Problem);

/// What was read of a file so far.
#[derive(Default)]
struct Checked<'a> {
    by_hash: HashMap<Hash, Arc<Principal>>,
    ids: BTreeSet<&'a str>,
    kinds: BTreeMap<&'a str, PrincipalKind>,
}

impl<'a> Checked<'a> {
    fn of(file: &'a FileText) -> Result<Tokens, Fault> {
        text::subject(&file.issuer).map_err(|problem| ("issuer".to_owned(), problem))?;
        let mut checked = Self::default();
        for (place, token) in file.tokens.iter().enumerate() {
            checked
                .take(token, &file.issuer)
                .map_err(|(key, problem)| (format!("tokens[{place}].{key}"), problem))?;
        }
        Ok(Tokens {
            issuer: file.issuer.clone(),
            by_hash: checked.by_hash,
        })
    }

    fn take(&mut self, token: &'a TokenText, issuer: &str) -> Result<(), Fault> {
        let at = |key: &str| {
            let key = key.to_owned();
            move |problem| (key, problem)
        };
        let taken =
            |what: &str| Problem::new(format!("a {what} that stands above as well"), "another");
        text::name(&token.id).map_err(at("id"))?;
        if !self.ids.insert(&token.id) {
            return Err(at("id")(taken("token id")));
        }
        text::line(&token.display_name).map_err(at("display_name"))?;
        text::subject(&token.subject).map_err(at("subject"))?;
        let kind = *self.kinds.entry(&token.subject).or_insert(token.kind);
        if kind != token.kind {
            let allowed = "one kind: a subject is a person or a service, never both";
            return Err(at("kind")(Problem::new("another kind than above", allowed)));
        }
        let hash = hash(&token.sha256).map_err(at("sha256"))?;
        let principal = principal(token, issuer)?;
        match self.by_hash.insert(hash, Arc::new(principal)) {
            None => Ok(()),
            Some(_) => Err(at("sha256")(taken("hash"))),
        }
    }
}

fn hash(text: &str) -> Result<Hash, Problem> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
    // Not told what was found: somebody may have pasted the token itself.
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| {
            Problem::new(
                "another text",
                "the SHA-256 of the token as 64 hexadecimal digits",
            )
        })
}

fn principal(token: &TokenText, issuer: &str) -> Result<Principal, Fault> {
    let at = |key: &'static str| move |problem| (key.to_owned(), problem);
    let serves = [Role::Orchestrator, Role::Runner];
    if token.kind == PrincipalKind::Person
        && let Some(role) = serves.iter().find(|role| token.roles.contains(role))
    {
        let found = format!("the role {} of a person", role.name());
        let problem = Problem::new(found, "that role for a service only");
        return Err(at("roles")(problem));
    }
    let runner = match &token.runner {
        None => None,
        Some(_) if !token.roles.contains(&Role::Runner) => {
            let problem = Problem::new("a runner's name without the role runner", "both, or none");
            return Err(at("runner")(problem));
        }
        Some(name) => Some(RunnerName::parse(name).map_err(at("runner"))?),
    };
    let teams = token.teams.iter().map(|team| TeamId::parse(team));
    Ok(Principal {
        person: Person {
            issuer: issuer.to_owned(),
            subject: token.subject.clone(),
        },
        kind: token.kind,
        roles: token.roles.clone(),
        claimed_teams: teams.collect::<Result<_, _>>().map_err(at("teams"))?,
        grant: Grant {
            projects: side(&token.projects).map_err(at("projects"))?,
            environments: side(&token.environments).map_err(at("environments"))?,
        },
        runner,
        credential: CredentialRef {
            kind: "api_token".to_owned(),
            id: token.id.clone(),
        },
    })
}

fn side(ids: &[String]) -> Result<GrantSide, Problem> {
    let allowed = "ids, or `*` alone for everything";
    match ids {
        [] => Err(Problem::new("nothing", allowed)),
        [id] if id == EVERYTHING => Ok(GrantSide::Any),
        ids if ids.iter().any(|id| id == EVERYTHING) => {
            Err(Problem::new("`*` among other ids", allowed))
        }
        ids => {
            ids.iter().try_for_each(|id| text::name(id))?;
            Ok(GrantSide::Only(ids.iter().cloned().collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::log::sha256_hex;
    use serde_json::{Value, json};

    use super::*;

    const TOKEN: &str = "a-token-long-enough";

    fn token() -> Value {
        json!({
            "id": "ci",
            "sha256": sha256_hex(TOKEN.as_bytes()),
            "subject": "deployer",
            "kind": "service",
            "display_name": "the deployment service",
            "roles": ["orchestrator", "runner"],
            "teams": ["security"],
            "runner": "pool-1",
            "projects": ["*"],
            "environments": ["staging", "production"],
        })
    }

    fn parse(tokens: &[Value]) -> Result<Tokens, TokensError> {
        let file = json!({ "issuer": "local", "tokens": tokens });
        Tokens::parse(&file.to_string(), Path::new("tokens.json"))
    }

    /// An error with what caused it, as the binary prints it.
    fn chain(error: &TokensError) -> String {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        format!("{error}: {}", cause.unwrap_or_default())
    }

    fn place(tokens: &[Value]) -> String {
        match parse(tokens) {
            Err(TokensError::Refused { place, .. }) => place,
            Err(other) => chain(&other),
            Ok(_) => "accepted".to_owned(),
        }
    }

    #[test]
    fn a_token_is_who_its_line_says() {
        let tokens = parse(&[token()]).unwrap();
        let found = tokens.find(TOKEN).unwrap();
        assert_eq!(found.person.issuer, "local");
        assert_eq!(found.person.subject, "deployer");
        assert_eq!(
            found.credential,
            CredentialRef {
                kind: "api_token".into(),
                id: "ci".into()
            }
        );
        assert_eq!(found.roles, [Role::Orchestrator, Role::Runner].into());
        assert_eq!(found.runner, RunnerName::parse("pool-1").ok());
        assert_eq!(found.grant.projects, GrantSide::Any);
        let only = GrantSide::Only(["staging".to_owned(), "production".to_owned()].into());
        assert_eq!(found.grant.environments, only);
    }

    #[test]
    fn nothing_else_is_a_token() {
        let mut short = token();
        short["sha256"] = json!(sha256_hex(b"fifteen-letters"));
        short["id"] = json!("short");
        let tokens = parse(&[token(), short]).unwrap();
        let hash = sha256_hex(TOKEN.as_bytes());
        let upper = TOKEN.to_uppercase();
        let longer = format!("{TOKEN} ");
        for text in [
            "",
            &TOKEN[1..],
            &hash,
            &upper,
            &longer,
            "fifteen-letters",
            "ci",
        ] {
            assert!(tokens.find(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn bad_lines_are_refused_by_place() {
        let rows: Vec<(&str, &str, Value)> = vec![
            ("id", "id", json!("")),
            ("sha256", "sha256", json!("abc")),
            ("sha256", "sha256", json!(TOKEN)),
            ("sha256", "sha256", json!("zz".repeat(32))),
            ("sha256", "sha256", json!("ab".repeat(31))),
            ("subject", "subject", json!("")),
            ("subject", "subject", json!("a\u{202e}b")),
            ("kind", "roles", json!("person")),
            ("teams", "teams", json!([""])),
            ("runner", "runner", json!("")),
            ("projects", "projects", json!([])),
            ("projects", "projects", json!(["*", "web"])),
            ("environments", "environments", json!([" production"])),
        ];
        for (key, named, value) in rows {
            let mut bad = token();
            bad[key] = value.clone();
            assert_eq!(
                place(&[bad]),
                format!("tokens[0].{named}"),
                "{key}: {value}"
            );
        }
        let mut no_role = token();
        no_role["roles"] = json!(["orchestrator"]);
        assert_eq!(place(&[no_role]), "tokens[0].runner");
    }

    #[test]
    fn d2_what_stands_twice_is_refused() {
        assert_eq!(place(&[token(), token()]), "tokens[1].id");
        let mut second = token();
        second["id"] = json!("ci-2");
        assert_eq!(place(&[token(), second.clone()]), "tokens[1].sha256");
        second["sha256"] = json!("0F".repeat(32));
        assert_eq!(place(&[token(), second.clone()]), "accepted");
        second["kind"] = json!("person");
        second["roles"] = json!([]);
        assert_eq!(place(&[token(), second]), "tokens[1].kind");
    }

    #[test]
    fn files_of_another_form_are_refused_with_line_and_column() {
        let mut unknown = token();
        unknown["role"] = json!("admin");
        assert!(place(&[unknown]).contains("unknown field `role`"));
        let mut role = token();
        role["roles"] = json!(["superuser"]);
        assert!(place(&[role]).contains("unknown variant `superuser`"));
        for key in [
            "id",
            "sha256",
            "subject",
            "kind",
            "projects",
            "environments",
        ] {
            let mut partial = token();
            partial.as_object_mut().unwrap().remove(key);
            assert!(place(&[partial]).contains(&format!("missing field `{key}`")));
        }
        let path = Path::new("tokens.json");
        let error = chain(&Tokens::parse("{\n  \"issuer\": 7\n}", path).err().unwrap());
        assert!(
            error.contains("tokens.json") && error.contains("line 2"),
            "{error}"
        );
    }

    #[test]
    fn errors_do_not_repeat_what_may_be_a_secret() {
        let mut pasted = token();
        pasted["sha256"] = json!(TOKEN);
        let error = chain(&parse(&[pasted]).err().unwrap());
        assert!(!error.contains(TOKEN), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let path = Path::new("no-such-tokens-file.json");
        let error = Tokens::load(path).err().unwrap().to_string();
        assert!(error.contains("no-such-tokens-file.json"), "{error}");
    }
}
