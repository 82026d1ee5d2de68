//! `countersign token` and `countersign whoami`: at the store itself, and beside a running server.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::process::{Database, Server, program};
use crate::tool::{output, printed};

/// Another process has heard of what was written long before this.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);
const CI: &str = "--id ci --kind service --subject deployer --role orchestrator \
                  --project * --environment * --expires-in 90d";
const ACCESS: &str = "--id access --kind person --subject erin --role access_admin \
                      --project * --environment * --expires-in 12h";

/// The program, in a folder of its own, without anything that a shell is set to.
fn countersign(folder: &TempDir, words: &str) -> Command {
    let mut command = Command::new(program());
    command
        .args(words.split_whitespace())
        .current_dir(folder.path())
        .env_remove("COUNTERSIGN_CREDENTIAL_FILE")
        .env_remove("COUNTERSIGN_DATABASE_URL");
    command
}

async fn run(folder: &TempDir, words: &str) -> String {
    printed(countersign(folder, words)).await
}

/// Why the program refuses; it must not print a result.
async fn refused(folder: &TempDir, words: &str) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = output(countersign(folder, words)).await;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(stdout.is_empty(), "{words}");
    String::from_utf8(stderr).unwrap()
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn at(server: &Server, credential: &Path) -> String {
    format!(
        "--address http://{} --credential-file {}",
        server.address(),
        credential.display()
    )
}

/// The store of a test, as the program is told of it.
fn place(database: &Database) -> String {
    match database {
        Database::Sqlite(path) => format!("--sqlite {}", path.display()),
        Database::Postgres(url) => format!("--database-url {url}"),
    }
}

/// The tokens that are listed, as machines read them.
async fn listed(folder: &TempDir, place: &str) -> Vec<Value> {
    let said = run(folder, &format!("token list --output json {place}")).await;
    let found: Value = serde_json::from_str(&said).unwrap();
    found.as_array().unwrap().clone()
}

#[tokio::test]
async fn the_first_tokens_are_made_at_the_store_and_the_others_at_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::sqlite(&folder);
    let store = place(&database);
    let secret = run(&folder, &format!("token create {ACCESS} {store}")).await;
    let credential = write(&folder, "access.token", &secret);
    assert_eq!(secret.lines().count(), 1, "the text stands alone");
    assert!(secret.starts_with("csn_"), "{}", secret.len());

    let mut server = Server::start(&database).await;
    let place = at(&server, &credential);
    let said = run(&folder, &format!("whoami {place}")).await;
    for part in ["erin of local", "access_admin", "api_token access, expires"] {
        assert!(said.contains(part), "{said}");
    }
    let ci = run(&folder, &format!("token create {CI} {place}")).await;
    let ci = at(&server, &write(&folder, "ci.token", &ci));
    let said = run(&folder, &format!("whoami --output json {ci}")).await;
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(found["person"]["subject"], "deployer");
    assert_eq!(found["roles"], serde_json::json!(["ROLE_ORCHESTRATOR"]));
    assert_eq!(found["may_decide"], false);
    let denied = refused(&folder, &format!("token list {ci}")).await;
    assert!(denied.contains("(ROLE_REQUIRED)"), "{denied}");

    let said = run(
        &folder,
        &format!("token revoke ci --comment leaked {place}"),
    )
    .await;
    assert!(said.starts_with("token ci was revoked at "), "{said}");
    let denied = refused(&folder, &format!("whoami {ci}")).await;
    assert!(denied.contains("(UNAUTHENTICATED)"), "{denied}");
    let said = run(&folder, &format!("token show ci {place}")).await;
    for part in ["revoked", "erin of local", "leaked", "deployer of local"] {
        assert!(said.contains(part), "{said}");
    }
    let said = run(&folder, &format!("token list {place}")).await;
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("id      kind     subject"), "{said}");
    assert!(
        lines[1].starts_with("access  person   erin of local"),
        "{said}"
    );
    assert!(lines[2].ends_with("revoked"), "{said}");
    let live = run(&folder, &format!("token list --live {place}")).await;
    assert!(!live.contains("deployer"), "{live}");
    server.kill().await;
    database.verify().await;
}

#[tokio::test]
async fn a_running_server_holds_a_sqlite_store() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::sqlite(&folder);
    let server = Server::start(&database).await;
    let store = place(&database);
    for call in [&format!("create {CI}"), "list", "show ci", "revoke ci"] {
        let said = refused(&folder, &format!("token {call} {store}")).await;
        for part in ["--address URL", "--credential-file FILE", "store.db"] {
            assert!(said.contains(part), "{said}");
        }
    }
    drop(server);
}

#[tokio::test]
async fn a_postgres_store_takes_tokens_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::postgres().await;
    let mut server = Server::start(&database).await;
    let store = place(&database);
    let secret = run(&folder, &format!("token create {ACCESS} {store}")).await;
    let credential = at(&server, &write(&folder, "access.token", &secret));
    let whoami = format!("whoami {credential}");
    until(|| async { output(countersign(&folder, &whoami)).await.status.success() }).await;

    // Both ways show the same.
    run(&folder, &format!("token create {CI} {credential}")).await;
    assert_eq!(
        listed(&folder, &store).await,
        listed(&folder, &credential).await
    );
    let said = run(&folder, &format!("token revoke access {store}")).await;
    assert!(said.starts_with("token access was revoked at "), "{said}");
    until(|| async { !output(countersign(&folder, &whoami)).await.status.success() }).await;
    let denied = refused(&folder, &whoami).await;
    assert!(denied.contains("(UNAUTHENTICATED)"), "{denied}");
    let shown = run(&folder, &format!("token show access {store}")).await;
    assert_eq!(shown.matches("at the store itself").count(), 2, "{shown}");
    server.kill().await;
    database.verify().await;
}

/// Waits until something is so.
async fn until<F: Future<Output = bool>>(is_so: impl Fn() -> F) {
    let waited = timeout(PATIENCE, async {
        while !is_so().await {
            sleep(PAUSE).await;
        }
    });
    waited.await.unwrap();
}

#[tokio::test]
async fn a_secret_goes_into_a_new_file_of_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let said = output(countersign(
        &folder,
        &format!("token create {CI} --out ci.token"),
    ))
    .await;
    assert!(said.status.success() && said.stdout.is_empty());
    let file = folder.path().join("ci.token");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let secret = std::fs::read_to_string(&file).unwrap();
    assert!(secret.starts_with("csn_"));

    // What is there is not written over, and without a token there is no file.
    let other = CI.replace("--id ci", "--id other");
    let denied = refused(&folder, &format!("token create {other} --out ci.token")).await;
    assert!(denied.contains("ci.token"), "{denied}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), secret);
    let denied = refused(&folder, &format!("token create {CI} --out again.token")).await;
    assert!(denied.contains("(TOKEN_ID_TAKEN)"), "{denied}");
    assert!(!folder.path().join("again.token").exists());
    let found = listed(&folder, "").await;
    assert_eq!(found.len(), 1, "{found:?}");
    for hidden in [&secret, secret.trim_start_matches("csn_")] {
        assert!(!format!("{found:?}").contains(hidden.trim()));
    }
}

#[tokio::test]
async fn both_ways_refuse_in_the_same_words() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&Database::sqlite(&folder)).await;
    let through = at(&server, &write(&folder, "root", "root:erin"));
    let service = "--kind service --subject deployer";
    let all = "--project * --environment *";
    let rows = [
        (
            format!("{service} {all} --expires-in 367d"),
            "at most 366 days from now",
        ),
        (format!("{service} {all} --expires-in 0m"), "which is past"),
        (
            format!("{service} {all} --expires-in 1d --runner web-1"),
            "without the role runner",
        ),
        (
            format!("{service} --project web {all} --expires-in 1d"),
            "among other ids",
        ),
        (
            format!("--kind person --subject alice --role runner {all} --expires-in 1d"),
            "the role runner of a person",
        ),
        (
            format!("--kind person --subject alice --issuer elsewhere {all} --expires-in 1d"),
            "the issuer that people are accepted from",
        ),
    ];
    // Instants differ between two calls, so only what is allowed is compared.
    let allowed = |text: &str| text.rsplit("allowed: ").next().unwrap().to_owned();
    for (options, said) in rows {
        let call = format!("token create --id ci {options}");
        let at_store = refused(&folder, &format!("{call} --sqlite own.db")).await;
        let at_server = refused(&folder, &format!("{call} {through}")).await;
        assert!(at_store.contains(said), "{at_store}");
        assert_eq!(allowed(&at_store), allowed(&at_server));
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_is_only_made_to_keep_a_token() {
    let folder = tempfile::tempdir().unwrap();
    for call in ["list", "show ci", "revoke ci"] {
        let said = refused(&folder, &format!("token {call} --sqlite typo.db")).await;
        assert!(said.contains("there is no store at typo.db"), "{said}");
        assert!(!folder.path().join("typo.db").exists());
    }
    let said = refused(&folder, &format!("token create {CI} --credential-file a")).await;
    assert!(said.contains("name the server with --address"), "{said}");
    assert!(!folder.path().join("countersign.db").exists());
    run(&folder, &format!("token create {CI} --prefix OCT")).await;
    let other = CI.replace("--id ci", "--id other");
    let said = refused(&folder, &format!("token create {other} --prefix CR")).await;
    assert!(said.contains("created with OCT"), "{said}");
    let said = refused(&folder, "serve --listen 127.0.0.1:0 --prefix CR").await;
    assert!(said.contains("created with OCT"), "{said}");
}

#[tokio::test]
async fn who_does_not_answer_and_what_is_not_sent_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "a.token", "csn_1\n").display().to_string();
    let named = format!("--credential-file {file}");
    for (options, said) in [
        (format!("http://127.0.0.1:1 {named}"), "does not answer: "),
        (format!("http://gate.example:7733 {named}"), "use https"),
        (
            "http://127.0.0.1:1".to_owned(),
            "--credential-file or COUNTERSIGN_CREDENTIAL_FILE",
        ),
        (
            "http://127.0.0.1:1 --credential-file missing".to_owned(),
            "failed to read missing",
        ),
    ] {
        let found = refused(&folder, &format!("whoami --address {options}")).await;
        assert!(found.contains(said), "{found}");
        assert!(!found.contains("csn_1"), "{found}");
    }
}
