//! Somebody signs in at a certified provider and approves from Python, over TLS. The orchestrator
//! and the runner come with client certificates.

use std::future::pending;

use countersign_client::{Connection, Gate, Outcome, Progress, Subject, reason};
use countersign_proto::v1::{
    AggregateKind, ErrorReason, ListEntriesRequest, PrincipalKind, Role, TaskOutcome,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Code;

use super::place::{ADMIN, CI, Place, RUNNER};
use super::provider::{Provider, script};
use super::scene::{self, LIMIT, who};
use crate::process::{Database, Server};
use crate::tool::printed;

#[tokio::test]
async fn sqlite() {
    play(None).await;
}

#[tokio::test]
async fn postgres() {
    play(Some(Database::postgres().await)).await;
}

async fn play(database: Option<Database>) {
    let provider = Provider::start().await;
    let place = Place::new(&provider.issuer);
    let database = database.unwrap_or_else(|| place.sqlite());
    let mut server = place.serve(&database).await;
    let admin = place.service(&server, ADMIN);
    scene::claimed_team(&admin, "security").await;
    scene::policy(&admin, "production", "security", 300).await;
    let (ci, runner) = (place.service(&server, CI), place.service(&server, RUNNER));
    services_are_known(&ci, &runner).await;
    scene::ask(&ci, "web-1", "production").await;

    let (told, mut hears) = mpsc::unbounded_channel();
    let mut gate = Gate::new(runner).with_progress(move |step| drop(told.send(step)));
    let passing = tokio::spawn(async move {
        let subject = Subject::Existing {
            task_id: "web-1".to_owned(),
            artifact_digest: String::new(),
        };
        let outcome = gate.pass(subject, "claim-1", pending()).await;
        (gate, outcome)
    });
    until_told(&mut hears, |step| matches!(step, Progress::Held { .. })).await;

    generate_stubs(&place).await;
    let bob = in_python(&place, &server, &provider, "bob").await;
    assert_eq!(bob["refused"]["reason"], "NOT_AN_APPROVER", "{bob}");
    assert_eq!(bob["refused"]["code"], "PERMISSION_DENIED", "{bob}");
    assert!(!passing.is_finished(), "nobody has approved");
    let alice = in_python(&place, &server, &provider, "alice").await;
    assert!(alice["approved"].is_object(), "{}", alice["refused"]);
    is_alice(&alice["who"], &provider.issuer);

    until_told(&mut hears, |step| matches!(step, Progress::Proceed { .. })).await;
    let (mut gate, outcome) = timeout(LIMIT, passing).await.unwrap().unwrap();
    let Outcome::Granted(grant) = outcome else {
        panic!("the start was not granted: {outcome:?}");
    };
    let done = TaskOutcome::Succeeded;
    gate.finish(grant.claim(), done, "", pending())
        .await
        .unwrap();
    the_log_says_how(&admin, &provider.issuer, &alice["who"]).await;
    server.kill().await;
    database.verify().await;
}

async fn until_told(
    hears: &mut mpsc::UnboundedReceiver<Progress>,
    fits: impl Fn(&Progress) -> bool,
) {
    let heard = timeout(LIMIT, async {
        while !fits(&hears.recv().await.expect("the gate was left")) {}
    });
    heard.await.expect("the runner hears nothing of it");
}

/// What Python needs before it can call a gate.
pub(super) async fn generate_stubs(place: &Place) {
    let mut generate = script("generate.py");
    generate.arg(place.path("stubs"));
    printed(generate).await;
}

/// Signs somebody in who then approves `web-1`.
pub(super) async fn in_python(
    place: &Place,
    server: &Server,
    provider: &Provider,
    user: &str,
) -> Value {
    let mut approve = script("oidc_approve.py");
    approve
        .env("PYTHONPATH", place.path("stubs"))
        .args(["--address", &server.address()])
        .arg("--authority")
        .arg(place.path("authority.pem"))
        .args(["--issuer", &provider.issuer])
        .args(["--user", user, "--task", "web-1"]);
    serde_json::from_str(&printed(approve).await).unwrap()
}

async fn services_are_known(ci: &Connection, runner: &Connection) {
    let rows = [
        (ci, CI, Role::Orchestrator, ""),
        (runner, RUNNER, Role::Runner, "web-1"),
    ];
    for (caller, uri, role, name) in rows {
        let found = who(caller).await.unwrap();
        let person = found.person.unwrap();
        assert_eq!(
            (person.issuer.as_str(), person.subject.as_str()),
            ("mtls", uri)
        );
        assert_eq!(found.kind, i32::from(PrincipalKind::Service));
        assert_eq!(found.roles, [i32::from(role)]);
        assert_eq!(found.runner, name);
        assert_eq!(found.projects, ["web"]);
        assert_eq!(found.credential.unwrap().kind, "mtls");
        assert!(found.expires_at.is_some() && !found.may_decide);
    }
}

fn is_alice(who: &Value, issuer: &str) {
    assert_eq!(who["person"], json!({"issuer": issuer, "subject": "alice"}));
    assert_eq!(who["displayName"], "Alice");
    assert_eq!(who["kind"], "PRINCIPAL_KIND_PERSON");
    assert_eq!(who["roles"], json!(["ROLE_AUDITOR"]));
    assert_eq!(who["teams"], json!(["release", "security"]));
    assert_eq!(who["credential"]["kind"], "oidc");
    assert_eq!(who["mayDecide"], true);
    assert_eq!(who["peopleIssuer"], issuer);
    assert!(who["credential"]["authTime"].is_string() && who["expiresAt"].is_string());
}

/// The entry of the decision keeps who it was, how they proved it, when, and from where.
async fn the_log_says_how(auditor: &Connection, issuer: &str, who: &Value) {
    let request = ListEntriesRequest {
        aggregate: AggregateKind::ChangeRequest.into(),
        page_size: 1_000,
        ..ListEntriesRequest::default()
    };
    let entries = auditor
        .log()
        .list_entries(request)
        .await
        .unwrap()
        .into_inner()
        .entries;
    let mut approvals = entries
        .iter()
        .filter(|entry| entry.event == "change_request.approval_recorded");
    let body: Value = serde_json::from_str(&approvals.next().unwrap().body).unwrap();
    assert!(approvals.next().is_none());
    let person = json!({"issuer": issuer, "subject": "alice"});
    let signed_in: jiff::Timestamp = who["credential"]["authTime"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let credential = json!({
        "kind": "oidc",
        "id": who["credential"]["id"],
        "auth_time": signed_in.as_microsecond(),
        "peer": "127.0.0.1",
    });
    // Once for the call, and once for the decision.
    for (key, expected) in [("person", person), ("credential", credential)] {
        let found = all(&body, key);
        assert_eq!(found, [&expected, &expected], "{key} in {body}");
    }
}

/// All values of a key, however deep.
fn all<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    let inner: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(values) => values.iter().collect(),
        _ => Vec::new(),
    };
    let own = value.get(key).into_iter();
    own.chain(inner.into_iter().flat_map(|it| all(it, key)))
        .collect()
}

#[tokio::test]
async fn a_login_can_be_too_old() {
    let provider = Provider::start().await;
    let place = Place::new(&provider.issuer);
    let database = place.sqlite();
    let mut server = place.serve(&database).await;
    let (admin, ci) = (place.service(&server, ADMIN), place.service(&server, CI));
    scene::claimed_team(&admin, "security").await;
    for (task_id, environment, seconds) in [("web-1", "production", 300), ("web-2", "hotfix", 1)] {
        scene::policy(&admin, environment, "security", seconds).await;
        scene::ask(&ci, task_id, environment).await;
    }
    let alice = server.as_(&provider.login("alice").await.access_token);
    let credential = who(&alice).await.unwrap().credential.unwrap();
    let signed_in = credential.auth_time.unwrap().seconds as f64;
    scene::until("a second", async || scene::now() > signed_in + 1.5).await;
    let status = scene::approve(&alice, "web-2").await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    assert_eq!(reason(&status), Some(ErrorReason::AuthenticationTooOld));
    scene::approve(&alice, "web-1").await.unwrap();
    server.kill().await;
    database.verify().await;
}
