//! `countersign conformance` against a server that really serves, in real time.

use std::process::Output;

use countersign_proto::v1::freeze_service_client::FreezeServiceClient;
use countersign_proto::v1::{CreateFreezeRequest, Freeze, Scope, ScopeSide};
use tokio::process::Command;

use crate::process::{Database, Server, program};
use crate::tool::output;

/// Why cases may be skipped on such a server.
const SKIPPED: &[&str] = &[
    "the server does not require a policy for every task",
    "it needs --slow",
];

async fn conformance(server: &Server, arguments: &[&str]) -> (Output, String) {
    let mut command = Command::new(program());
    let address = format!("http://{}", server.address());
    command
        .args(["conformance", "--address", &address])
        .args(arguments);
    let output = output(command).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, said)
}

async fn passes(database: &Database) {
    let mut server = Server::start(database).await;
    let (output, said) = conformance(&server, &[]).await;
    assert!(output.status.success(), "{said}");
    for line in said.lines() {
        let passed = line.starts_with("ok ");
        let skipped = line.starts_with("skipped ") && SKIPPED.iter().any(|it| line.ends_with(it));
        let summary = line.contains(" passed, 0 failed, ");
        assert!(passed || skipped || summary, "{line}");
    }
    let skipped = said
        .lines()
        .filter(|line| line.starts_with("skipped "))
        .count();
    assert!(skipped <= 3, "{said}");
    server.kill().await;
    database.verify().await;
}

#[tokio::test]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    passes(&Database::sqlite(&folder)).await;
}

#[tokio::test]
async fn postgres() {
    passes(&Database::postgres().await).await;
}

#[tokio::test]
async fn a_case_of_ones_own_that_fails_is_told_and_fails_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&Database::sqlite(&folder)).await;
    let case = "about: Mine.\ncases:\n  - name: a task that nobody knows\n    rules: [E1]\n    \
                steps:\n      - as: alice\n        call: GetTask\n        \
                request: {task_id: deploy-1}\n        expect: {task: {state: PAUSED}}\n";
    std::fs::write(folder.path().join("mine.yaml"), case).unwrap();
    let own = folder.path().display().to_string();
    let (output, said) = conformance(&server, &["--cases", &own]).await;
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        "failed   mine: a task that nobody knows (E1)",
        "step 1: alice calls GetTask",
        "found a refusal: {\"code\":\"NOT_FOUND\"",
        "0 passed, 1 failed, 0 skipped",
    ] {
        assert!(said.contains(part), "{part}\nnot in\n{said}");
    }
}

#[tokio::test]
async fn a_freeze_in_the_way_is_told_before_any_case_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&Database::sqlite(&folder)).await;
    let everything = || {
        Some(ScopeSide {
            ids: vec!["*".to_owned()],
            tags: Vec::new(),
        })
    };
    let freeze = Freeze {
        id: "year-end".to_owned(),
        reason: "Nobody is here.".to_owned(),
        scopes: vec![Scope {
            projects: everything(),
            environments: everything(),
            ..Scope::default()
        }],
        ..Freeze::default()
    };
    let request = CreateFreezeRequest {
        freeze: Some(freeze),
        ..CreateFreezeRequest::default()
    };
    let mut freezes = FreezeServiceClient::new(server.as_("admin:root").channel());
    freezes.create_freeze(request).await.unwrap();
    let (output, said) = conformance(&server, &[]).await;
    let complained = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.as_str()), (Some(1), ""));
    assert!(
        complained.contains("freezes of the server hold tasks"),
        "{complained}"
    );
    assert!(complained.contains(": year-end"), "{complained}");
}

#[tokio::test]
async fn credentials_are_read_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&Database::sqlite(&folder)).await;
    let mut credentials = String::new();
    // To this server everybody is who the token says, so they may be called anything.
    for (name, token) in [
        ("orchestrator", "orchestrator:deployer"),
        ("web-1", "runner:pool-1"),
        ("web-2", "runner:pool-2"),
        ("admin", "admin:policies"),
        ("alice", "u-1"),
        ("bob", "u-2"),
        ("carol", "u-3"),
        ("dave", "u-4"),
        ("erin", "u-5"),
        ("mallory", "u-6"),
    ] {
        let runner = token.strip_prefix("runner:");
        let runner = runner.map_or(String::new(), |it| format!(", runner: {it}"));
        credentials += &format!("{name}: {{token: \"{token}\", subject: \"{token}\"{runner}}}\n");
    }
    let file = folder.path().join("credentials.yaml");
    std::fs::write(&file, credentials).unwrap();
    let file = file.display().to_string();
    for topic in ["starting", "approving", "lists"] {
        let arguments = ["--credentials", &file, "--case", &format!("{topic}:")];
        let (output, said) = conformance(&server, &arguments).await;
        assert!(output.status.success(), "{said}");
    }
}
