//! A whole approval with `buf curl`, which knows the API from nothing but reflection.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::{Database, Server};
use crate::tool::{printed, tool};

const SERVICES: [&str; 7] = [
    "AccessService",
    "ChangeRequestService",
    "FreezeService",
    "LogService",
    "PolicyService",
    "RunnerService",
    "TeamService",
];

/// One version of reflection, on both stores.
macro_rules! through {
    ($version:ident, $protocol:literal) => {
        mod $version {
            #[tokio::test]
            async fn sqlite() {
                let folder = tempfile::tempdir().unwrap();
                let database = super::Database::sqlite(&folder);
                super::approve(&database, &folder, $protocol).await;
            }

            #[tokio::test]
            async fn postgres() {
                let folder = tempfile::tempdir().unwrap();
                let database = super::Database::postgres().await;
                super::approve(&database, &folder, $protocol).await;
            }
        }
    };
}

through!(v1, "grpc-v1");
through!(v1alpha, "grpc-v1alpha");

async fn approve(database: &Database, folder: &TempDir, reflection: &'static str) {
    let mut server = Server::start(database).await;
    let curl = Curl {
        address: server.address(),
        reflection,
        home: folder,
    };

    let services: BTreeSet<String> = curl.list("--list-services").await;
    for service in SERVICES {
        assert!(
            services.contains(&format!("countersign.v1.{service}")),
            "{services:?}"
        );
    }
    let methods = curl.list("--list-methods").await;
    assert!(
        methods.contains("countersign.v1.RunnerService/StartTask"),
        "{methods:?}"
    );

    curl.call("admin:root", "PolicyService/CreatePolicy", &policy())
        .await;
    let created = curl
        .call(
            "orchestrator:ci",
            "ChangeRequestService/CreateChangeRequest",
            &task(),
        )
        .await;
    assert_eq!(
        created["message"],
        "Deployment blocked by change request CR-1: requires approval from 1 approver"
    );
    let approval = json!({"change_request": "CR-1", "comment": "looks good"});
    let mut approved = curl
        .call("alice", "ChangeRequestService/Approve", &approval)
        .await;
    assert_eq!(
        approved["changeRequest"]["state"],
        "CHANGE_REQUEST_STATE_APPROVED"
    );

    let named = json!({"change_request": "deploy-1"});
    let mut got = curl
        .call("bob", "ChangeRequestService/GetChangeRequest", &named)
        .await;
    forget_when(&mut approved);
    forget_when(&mut got);
    assert_eq!(got, approved, "what was answered is what is kept");
    assert_eq!(got["changeRequest"]["tasks"][0]["signal"], "SIGNAL_PROCEED");
    server.kill().await;
    database.verify().await;
}

/// The earliest start of a task that may start is now, and now moves on.
fn forget_when(answer: &mut Value) {
    let task = &mut answer["changeRequest"]["tasks"][0];
    let when = task.as_object_mut().unwrap().remove("earliestStart");
    assert!(when.is_some(), "it may start");
}

fn policy() -> Value {
    json!({"policy": {
        "id": "four-eyes",
        "scopes": [{"projects": {"ids": ["web"]}, "environments": {"ids": ["production"]}}],
        "approvers": {"users": [{"subject": "alice"}]},
        "minimum_approvals": 1,
    }})
}

fn task() -> Value {
    json!({"task": {
        "id": "deploy-1",
        "kind": "TASK_KIND_DEPLOYMENT",
        "project": "web",
        "environment": "production",
        "creator": {"person": {"subject": "carol"}},
    }})
}

/// Calls a server that is known by reflection only.
struct Curl<'a> {
    address: String,
    reflection: &'static str,
    home: &'a TempDir,
}

impl Curl<'_> {
    /// The lines of a list.
    async fn list(&self, what: &str) -> BTreeSet<String> {
        let mut command = self.command();
        command.arg(what).arg(format!("http://{}", self.address));
        printed(command).await.lines().map(str::to_owned).collect()
    }

    /// The answer to a request, as the bearer of a credential.
    async fn call(&self, bearer: &str, method: &str, request: &Value) -> Value {
        let mut command = self.command();
        command
            .args(["--header", &format!("authorization: Bearer {bearer}")])
            .args(["--data", &request.to_string()])
            .arg(format!("http://{}/countersign.v1.{method}", self.address));
        serde_json::from_str(&printed(command).await).unwrap()
    }

    fn command(&self) -> Command {
        let mut command = tool("COUNTERSIGN_TEST_BUF", "tests/tools/node-tools");
        // It keeps a cache, and reads a user's settings, where these say.
        let home = self.home.path();
        command
            .env("HOME", home)
            .env("XDG_CACHE_HOME", home)
            .current_dir(home);
        command.args(["curl", "--protocol", "grpc", "--http2-prior-knowledge"]);
        command.args(["--reflect-protocol", self.reflection]);
        command
    }
}
