//! The command line of `countersign token`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use countersign_proto::v1;

use super::life;
use crate::output::Output;
use crate::remote::Caller;
use crate::store::Store;

/// Options of `token`.
#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// What to do about tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make a token. Its text is printed alone on standard output, once, and is kept nowhere.
    Create(Box<Create>),
    /// List tokens.
    List(List),
    /// Show one token.
    Show(Show),
    /// Revoke a token. Its bearer is let in no more, and open streams end within a second.
    Revoke(Revoke),
}

/// Where the tokens are: at the store itself, which asks for no credential, or at a server. While a
/// server holds a SQLite file, only the server can be asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "At the store itself, or at a server")]
pub(super) struct Where {
    #[command(flatten)]
    pub(super) store: Store,
    /// The settings of access that `serve` is given, where they name an identity provider or
    /// another issuer of people. Only at the store itself.
    #[arg(long, value_name = "FILE", conflicts_with = "address")]
    pub(super) access: Option<PathBuf>,
    /// The server to ask, for example http://127.0.0.1:7733, as an access administrator.
    #[arg(long, value_name = "URL", conflicts_with = "Store")]
    pub(super) address: Option<String>,
    #[command(flatten)]
    pub(super) caller: Caller,
}

/// Options of `token create`.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// The token's id, which is in every entry of the log that it causes. Never used again.
    #[arg(long)]
    pub(super) id: String,
    /// Whether it stands for a person, who may approve where a policy names them, or for a service.
    #[arg(long)]
    pub(super) kind: Kind,
    /// Whom it stands for, exactly as policies and teams name them.
    #[arg(long)]
    pub(super) subject: String,
    /// The issuer of the subject. Left out: the one that people are accepted from; of services,
    /// `local`.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(super) issuer: String,
    /// A role; as often as needed. None: read, and approve where a policy names the subject.
    #[arg(long = "role", value_name = "ROLE")]
    pub(super) roles: Vec<RoleName>,
    /// A team that is kept as claimed and that its bearer is in; as often as needed.
    #[arg(long = "team", value_name = "TEAM")]
    pub(super) teams: Vec<String>,
    /// The runner its bearer speaks for. Only with the role runner.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(super) runner: String,
    /// A project it may act on; as often as needed, or '*' alone for all.
    #[arg(long = "project", value_name = "PROJECT", required = true)]
    pub(super) projects: Vec<String>,
    /// An environment it may act on; as often as needed, or '*' alone for all.
    #[arg(long = "environment", value_name = "ENVIRONMENT", required = true)]
    pub(super) environments: Vec<String>,
    #[command(flatten)]
    pub(super) life: Life,
    /// What it is for.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(super) description: String,
    /// Write the text of the token to this new file, which only its owner can read, and not to
    /// standard output.
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// What stands before change request numbers, if this is what creates the store: it is fixed
    /// then.
    #[arg(long, value_name = "PREFIX", conflicts_with = "address")]
    pub(super) prefix: Option<String>,
    #[command(flatten)]
    pub(super) place: Where,
}

/// How long a token is to live.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Life {
    /// How long it is to live: days, hours or minutes, for example 90d, 12h or 30m.
    #[arg(long, value_name = "SPAN", value_parser = life::seconds)]
    pub(super) expires_in: Option<i64>,
    /// From when on it is to be worth nothing, for example 2027-03-01T00:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    pub(super) expires_at: Option<jiff::Timestamp>,
}

/// Options of `token list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those that are neither revoked nor expired.
    #[arg(long)]
    pub(super) live: bool,
    /// How they are shown.
    #[arg(long, value_enum, default_value = "text")]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) place: Where,
}

/// Options of `token show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The token's id.
    pub(super) id: String,
    /// How it is shown.
    #[arg(long, value_enum, default_value = "text")]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) place: Where,
}

/// Options of `token revoke`.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The token's id.
    pub(super) id: String,
    /// Why; it is kept in the log.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(super) comment: String,
    #[command(flatten)]
    pub(super) place: Where,
}

/// What a token stands for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    /// A person.
    Person,
    /// A service, which never approves.
    Service,
}

impl From<Kind> for v1::PrincipalKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Person => Self::Person,
            Kind::Service => Self::Service,
        }
    }
}

/// A role, as settings and messages spell it.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum RoleName {
    /// Creates change requests, withdraws tasks, reports outcomes; a service.
    Orchestrator,
    /// Follows signals, claims starts, reports outcomes; a service.
    Runner,
    /// Changes policies and teams, declares and lifts freezes.
    PolicyAdmin,
    /// Reads the log.
    Auditor,
    /// Declares and lifts freezes, accepts a clock.
    Operator,
    /// Makes and revokes tokens, and so can let anybody in as anybody.
    AccessAdmin,
}

impl From<RoleName> for v1::Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Orchestrator => Self::Orchestrator,
            RoleName::Runner => Self::Runner,
            RoleName::PolicyAdmin => Self::PolicyAdmin,
            RoleName::Auditor => Self::Auditor,
            RoleName::Operator => Self::Operator,
            RoleName::AccessAdmin => Self::AccessAdmin,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::arguments::Arguments;

    const CREATE: &str = "create --id ci --kind service --subject deployer --role orchestrator \
                          --project * --environment * --expires-in 90d";

    fn accepts(line: &str) -> Result<(), String> {
        let words = ["countersign", "token"].into_iter();
        let parsed = Arguments::try_parse_from(words.chain(line.split_whitespace()));
        parsed.map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn tokens_are_at_the_store_or_at_a_server() {
        let rows = [
            ("", true),
            ("--sqlite a.db", true),
            ("--sqlite a.db --access access.toml", true),
            ("--address http://127.0.0.1:7733", true),
            ("--address http://127.0.0.1:7733 --credential-file a", true),
            ("--address http://127.0.0.1:7733 --sqlite a.db", false),
            ("--address http://127.0.0.1:7733 --access a.toml", false),
            ("--address http://127.0.0.1:7733 --prefix OCT", false),
            ("--sqlite a.db --database-url postgres://host/db", false),
            ("--prefix OCT", true),
        ];
        for (options, accepted) in rows {
            let found = accepts(&format!("{CREATE} {options}"));
            assert_eq!(found.is_ok(), accepted, "{options}: {found:?}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_is_allowed() {
        for (from, to, said) in [
            ("--expires-in 90d", "", "--expires-in"),
            (
                "--expires-in 90d",
                "--expires-in 90d --expires-at 2027-03-01T00:00:00Z",
                "cannot be used with",
            ),
            ("--expires-in 90d", "--expires-in 90", "90d, 12h or 30m"),
            ("--role orchestrator", "--role admin", "access_admin"),
            ("--kind service", "--kind robot", "person, service"),
            ("--project *", "", "--project"),
            ("--environment *", "", "--environment"),
        ] {
            let found = accepts(&CREATE.replace(from, to)).unwrap_err();
            assert!(found.contains(said), "{to}: {found}");
        }
        assert_eq!(accepts(CREATE), Ok(()));
    }
}
