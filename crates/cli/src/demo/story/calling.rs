//! Everybody gets a token; one is revoked.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use countersign_client::reason;
use countersign_proto::v1::{ErrorReason, WhoAmIRequest, WhoAmIResponse};
use tokio::process::Command;
use tonic::Status;

use crate::demo::callers::Callers;
use crate::demo::stage::Stage;

/// Who makes the tokens of all others.
const ADMINISTRATOR: &str = "erin";
/// The others: each with the options that say who it is.
const CAST: [(&str, &str); 8] = [
    ("ci", "--kind service --role orchestrator"),
    ("web-1", "--kind service --role runner --runner web-1"),
    ("root", "--kind person --role policy_admin"),
    ("olga", "--kind person --role operator"),
    ("alice", "--kind person"),
    ("bob", "--kind person"),
    ("carol", "--kind person"),
    ("dave", "--kind person"),
];
const EVERYTHING: &str = "--project * --environment * --expires-in 1d";

/// Makes the first token, at the store itself and before any server runs.
pub(crate) async fn first_token(stage: &Stage, folder: &Path) -> anyhow::Result<()> {
    stage.scene(1, "Everybody calls with a token of their own")?;
    let who = "--kind person --role access_admin";
    stage.says(
        ADMINISTRATOR,
        "makes the first token, at the store itself, before a server runs",
    )?;
    let call = create(ADMINISTRATOR, who, EVERYTHING);
    stage.types(&call)?;
    run(&call, folder).await.map(drop)
}

/// Everybody gets a token from the server. One more comes and goes again.
pub(super) async fn everybody_calls(
    stage: &Stage,
    callers: &Callers,
    folder: &Path,
) -> anyhow::Result<()> {
    let at = format!(
        "--address {} --credential-file {ADMINISTRATOR}.token",
        callers.url()
    );
    for (name, who) in CAST {
        let call = format!("{} {at}", create(name, who, EVERYTHING));
        run(&call, folder).await?;
    }
    let names = CAST.map(|(name, _)| name).join(", ");
    stage.says(
        ADMINISTRATOR,
        &format!("makes all others through the server: {names}"),
    )?;
    let limits = "--project web --environment * --expires-in 8h";
    stage.says(ADMINISTRATOR, "makes one for mallory, who may see web only")?;
    let call = format!("{} {at}", create("mallory", "--kind person", limits));
    stage.types(&call)?;
    run(&call, folder).await?;
    let found = who_am_i(callers, "mallory")
        .await?
        .context("mallory is refused")?;
    let person = found.person.unwrap_or_default();
    stage.says("mallory", "asks who she is")?;
    stage.answers(&format!(
        "{} of {}, a person; projects {}",
        person.subject,
        person.issuer,
        found.projects.join(", ")
    ))?;
    stage.says(ADMINISTRATOR, "revokes it")?;
    let call = format!("countersign token revoke mallory --comment left {at}");
    stage.types(&call)?;
    stage.answers(run(&call, folder).await?.trim())?;
    let Err(refused) = who_am_i(callers, "mallory").await? else {
        bail!("a token was let in after it was revoked");
    };
    ensure!(
        reason(&refused) == Some(ErrorReason::Unauthenticated),
        "the token was refused for another reason: {refused}"
    );
    stage.says("mallory", "asks again")?;
    stage.answers(&format!("refused: {}", refused.message()))
}

async fn who_am_i(callers: &Callers, who: &str) -> anyhow::Result<Result<WhoAmIResponse, Status>> {
    let connection = callers.connection(who)?;
    let answer = connection.access().who_am_i(WhoAmIRequest {}).await;
    Ok(answer.map(tonic::Response::into_inner))
}

fn create(name: &str, who: &str, limits: &str) -> String {
    format!(
        "countersign token create --id {name} {who} --subject {name} {limits} --out {name}.token"
    )
}

/// Runs this program as somebody types it, in a folder with nothing but the demo's files.
async fn run(call: &str, folder: &Path) -> anyhow::Result<String> {
    let program = std::env::current_exe().context("failed to find this program")?;
    let output = Command::new(program)
        .args(call.split_whitespace().skip(1))
        .current_dir(folder)
        // The store is the one in this folder, whatever a shell is set to.
        .env_remove("COUNTERSIGN_DATABASE_URL")
        .output()
        .await
        .with_context(|| format!("failed to run {call}"))?;
    let complained = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{call}\n{complained}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
