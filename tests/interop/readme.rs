//! What the pages print is true: their commands are run as they stand there, one after the other,
//! by a shell. Only the port is another one; `shims/` has what a machine may lack.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::program;
use crate::tool::{installed, printed};

/// A folder in which the commands of a page run.
struct Reader {
    folder: TempDir,
    port: u16,
}

impl Reader {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            port: listener.local_addr().unwrap().port(),
        }
    }

    /// Runs the commands under a heading of a page, and answers with what they print.
    async fn run(&self, page: &str, heading: &str) -> String {
        let script = script(page, heading).replace("7733", &self.port.to_string());
        let shims = top().join("tests/interop/shims");
        let path = std::env::var("PATH").unwrap();
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &script])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", shims.display()))
            .env("PROGRAM", program())
            .env("PORT", self.port.to_string())
            .env(
                "BUF",
                installed("COUNTERSIGN_TEST_BUF", "tests/tools/node-tools"),
            )
            .env("HOME", self.folder.path())
            .env_remove("COUNTERSIGN_CREDENTIAL_FILE")
            .env_remove("COUNTERSIGN_DATABASE_URL");
        printed(bash).await
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let servers = std::fs::read_to_string(self.folder.path().join("servers"));
        for server in servers.unwrap_or_default().lines() {
            // One that has ended by itself is no loss.
            kill(Pid::from_raw(server.parse().unwrap()), Signal::SIGKILL).ok();
        }
    }
}

/// The commands that stand under a heading.
fn script(page: &str, heading: &str) -> String {
    let text = std::fs::read_to_string(top().join(page)).unwrap();
    let parts = text.split("\n## ");
    let part = parts
        .into_iter()
        .find(|part| part.lines().next() == Some(heading));
    let part = part.unwrap_or_else(|| panic!("{page} has no part {heading:?}"));
    let mut blocks = part.split("\n```sh\n").skip(1).peekable();
    assert!(blocks.peek().is_some(), "{heading:?} has no commands");
    let blocks = blocks.map(|block| block.split("\n```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[tokio::test]
async fn the_first_approval_of_the_readme_goes_through() {
    let reader = Reader::new();
    let said = reader
        .run("README.md", "A whole approval with grpcurl")
        .await;
    for part in [
        "Deployment blocked by change request CR-1: requires approval from 2 approvers",
        "CHANGE_REQUEST_STATE_APPROVED",
        "SIGNAL_PROCEED",
        "TASK_STATE_SUCCEEDED",
    ] {
        assert!(said.contains(part), "{part}\nnot in\n{said}");
    }
}

#[tokio::test]
async fn the_readme_makes_tokens_that_are_let_in() {
    let reader = Reader::new();
    let said = reader.run("README.md", "Running it").await;
    for part in [
        "alice of local",
        "where a policy names the subject",
        "token ci was revoked at",
    ] {
        assert!(said.contains(part), "{part}\nnot in\n{said}");
    }
    let log = reader.read("serve.log");
    assert!(!log.contains("require_policy is off"), "{log}");
    let secrets: BTreeSet<String> = ["erin", "ci", "alice"]
        .map(|name| reader.read(&format!("{name}.token")))
        .into();
    assert_eq!(secrets.len(), 3);
    for secret in &secrets {
        assert!(!said.contains(secret.trim()) && !log.contains(secret.trim()));
    }
}

#[tokio::test]
async fn the_page_about_security_makes_shows_and_revokes_tokens() {
    let reader = Reader::new();
    let said = reader.run("docs/security.md", "API tokens").await;
    for part in [
        "ROLE_ORCHESTRATOR",
        "erin of local",
        "deployer of local",
        "ci was revoked at",
    ] {
        assert!(said.contains(part), "{part}\nnot in\n{said}");
    }
}

#[tokio::test]
async fn the_page_about_security_lets_certificates_in() {
    let reader = Reader::new();
    let said = reader.run("docs/security.md", "Certificates").await;
    for part in [
        "spiffe://example.org/ci of mtls",
        "orchestrator",
        "credential    mtls ",
        "ROLE_ORCHESTRATOR",
    ] {
        assert!(said.contains(part), "{part}\nnot in\n{said}");
    }
}

#[tokio::test]
async fn the_page_about_security_knows_every_method_and_every_limit() {
    let page = std::fs::read_to_string(top().join("docs/security.md")).unwrap();
    for path in countersign_proto::METHODS {
        let method = path.rsplit('/').next().unwrap();
        assert!(page.contains(&format!("`{method}`")), "{path}");
    }
    let mut help = Command::new(program());
    help.args(["serve", "--help"]);
    let help = printed(help).await;
    let (_, limits) = help.split_once("Limits:").unwrap();
    let options = limits.split_whitespace().filter(|it| it.starts_with("--"));
    let options: BTreeSet<&str> = options.collect();
    assert!(options.len() > 10, "{options:?}");
    for option in options {
        assert!(page.contains(&format!("`{option}`")), "{option}");
    }
}
