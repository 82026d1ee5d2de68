//! A server's folder, and connections of whoever calls it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use countersign_client::{Connection, Tls};
use tempfile::TempDir;
use tokio::process::Command;

use super::authority::{Authority, Pair};
use crate::process::{Database, Server, Setup, program};
use crate::tool::printed;

/// Creates change requests.
pub(super) const CI: &str = "spiffe://example.org/ci";
/// Runs tasks.
pub(super) const RUNNER: &str = "spiffe://example.org/runner/web-1";
/// Sets policies, and reads the log.
pub(super) const ADMIN: &str = "spiffe://example.org/admin";

/// The files of a server that speaks TLS and knows services by certificate.
pub(super) struct Place {
    folder: TempDir,
    /// Vouches for the server.
    pub(super) authority: Authority,
    /// Vouches for the services.
    pub(super) clients: Authority,
}

impl Place {
    /// Where people come from an issuer.
    pub(super) fn new(issuer: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self {
            folder,
            authority: Authority::new("gate"),
            clients: Authority::new("services"),
        };
        place.show(&place.authority.server());
        place.believe(&place.clients);
        std::fs::write(place.path("authority.pem"), place.authority.pem()).unwrap();
        std::fs::write(place.path("access.toml"), access(issuer)).unwrap();
        place
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A store in the folder.
    pub(super) fn sqlite(&self) -> Database {
        Database::sqlite(&self.folder)
    }

    /// Has the server show this certificate from now on.
    pub(super) fn show(&self, pair: &Pair) {
        std::fs::write(self.path("server.pem"), &pair.certificate).unwrap();
        std::fs::write(self.path("server.key"), &pair.key).unwrap();
        let secret = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(self.path("server.key"), secret).unwrap();
    }

    /// Has the server believe the client certificates of this authority, and of no other.
    pub(super) fn believe(&self, clients: &Authority) {
        std::fs::write(self.path("clients.pem"), clients.pem()).unwrap();
    }

    /// What the server is told.
    pub(super) fn setup(&self) -> Setup {
        let file = |name: &str| self.path(name).display().to_string();
        let options = [
            ("--tls-cert", "server.pem"),
            ("--tls-key", "server.key"),
            ("--client-ca", "clients.pem"),
        ];
        let arguments = options
            .iter()
            .flat_map(|(option, name)| [(*option).to_owned(), file(name)]);
        Setup {
            arguments: arguments.collect(),
            authority: Some(self.authority.pem().into_bytes()),
            access: Some(self.path("access.toml")),
            ..Setup::default()
        }
    }

    pub(super) async fn serve(&self, database: &Database) -> Server {
        Server::start_with(database, self.setup()).await
    }

    /// A service that shows a certificate of its URI.
    pub(super) fn service(&self, server: &Server, uri: &str) -> Connection {
        self.shows(server, &self.clients.client(&[uri]))
    }

    /// Somebody who shows a certificate.
    pub(super) fn shows(&self, server: &Server, pair: &Pair) -> Connection {
        let tls = Tls {
            identity: Some((
                pair.certificate.clone().into_bytes(),
                pair.key.clone().into_bytes(),
            )),
            ..trusting(&self.authority)
        };
        connection(server, tls)
    }

    /// Somebody without a credential.
    pub(super) fn nobody(&self, server: &Server) -> Connection {
        connection(server, trusting(&self.authority))
    }

    /// Makes an API token of carol's at the store itself; answers with its text.
    pub(super) async fn token(&self, database: &Database) -> String {
        let (option, store) = match database {
            Database::Sqlite(path) => ("--sqlite", path.display().to_string()),
            Database::Postgres(url) => ("--database-url", url.clone()),
        };
        let options = "--id pat --kind person --subject carol --role auditor --project * \
                       --environment * --expires-in 1d --access access.toml";
        let mut create = Command::new(program());
        create
            .args(["token", "create", option, &store])
            .args(options.split_whitespace())
            .current_dir(self.folder.path())
            .env_remove("COUNTERSIGN_CREDENTIAL_FILE")
            .env_remove("COUNTERSIGN_DATABASE_URL");
        printed(create).await.trim().to_owned()
    }
}

/// Somebody without a credential who believes this authority alone.
pub(super) fn trusts(server: &Server, authority: &Authority) -> Connection {
    connection(server, trusting(authority))
}

fn trusting(authority: &Authority) -> Tls {
    Tls {
        authorities_pem: Some(authority.pem().into_bytes()),
        ..Tls::default()
    }
}

fn connection(server: &Server, tls: Tls) -> Connection {
    let address = format!("https://{}", server.address());
    Connection::secure(&address, None, tls).unwrap()
}

fn access(issuer: &str) -> String {
    format!(
        r#"
        [oidc]
        issuer = "{issuer}"
        audiences = ["countersign"]
        groups_claim = "groups"

        [[people]]
        groups = ["release"]
        roles = ["auditor"]
        projects = ["*"]
        environments = ["*"]

        [[people]]
        projects = ["web"]
        environments = ["*"]

        [[services]]
        uri = "{CI}"
        roles = ["orchestrator"]
        projects = ["web"]
        environments = ["*"]

        [[services]]
        uri = "{RUNNER}"
        roles = ["runner"]
        runner = "web-1"
        projects = ["web"]
        environments = ["*"]

        [[services]]
        uri = "{ADMIN}"
        roles = ["policy_admin", "auditor"]
        projects = ["*"]
        environments = ["*"]
        "#
    )
}
