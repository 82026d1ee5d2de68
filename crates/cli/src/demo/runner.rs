//! The runner of the demo: hears signals, claims starts, and really executes a shell command.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use countersign_client::{Connection, Event, Signals};
use countersign_proto::v1::{
    FinishTaskRequest, Signal, StartTaskRequest, TaskOutcome, TaskSignal, TerminationReason,
};
use tokio::process::Command;
use tokio::sync::mpsc;

/// What the runner did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Did {
    /// It heard HOLD.
    Held(String),
    /// It was granted the start and executed the command, which printed this.
    Ran(String, String),
    /// It heard TERMINATE.
    Stopped(String, TerminationReason),
}

/// Starts the runner `web-1`; what it does comes out of the channel.
pub(crate) fn start(connection: Connection, folder: &Path) -> mpsc::UnboundedReceiver<Did> {
    let (told, heard) = mpsc::unbounded_channel();
    let folder = folder.to_owned();
    tokio::spawn(async move {
        let mut signals = Signals::new(connection.clone(), Vec::new());
        while let Ok(event) = signals.next().await {
            // What a lost stream told is tried all the same: only the gate's OK starts anything.
            let news = match event {
                Event::News(news) => news,
                Event::Synced | Event::Lost(_) | Event::Anew(_) => Vec::new(),
            };
            for signal in news {
                if let Some(did) = act(&connection, &signal, &folder).await
                    && told.send(did).is_err()
                {
                    return;
                }
            }
        }
    });
    heard
}

/// Acts on one signal. Whatever goes wrong on the way to a start means "do not start": the next
/// signal, or the same one after a reconnection, tries again.
async fn act(connection: &Connection, signal: &TaskSignal, folder: &Path) -> Option<Did> {
    let id = signal.task_id.clone();
    match signal.signal() {
        Signal::Hold => Some(Did::Held(id)),
        Signal::Terminate => Some(Did::Stopped(id, signal.termination_reason())),
        Signal::Proceed => {
            let generation = signal.permit.as_ref()?.generation;
            let output = execute(connection, &id, generation, folder).await.ok()?;
            Some(Did::Ran(id, output))
        }
        Signal::Unspecified => None,
    }
}

/// Claims the start, executes the command only when it was granted, and reports the outcome.
async fn execute(
    connection: &Connection,
    id: &str,
    generation: u64,
    folder: &Path,
) -> anyhow::Result<String> {
    let claim_id = format!("web-1/{id}/{generation}");
    let start = StartTaskRequest {
        task_id: id.to_owned(),
        generation,
        artifact_digest: String::new(),
        claim_id: claim_id.clone(),
    };
    connection.runner().start_task(start).await?;
    let output = shell(id, &folder.join("deployed")).await;
    let outcome = if output.is_ok() {
        TaskOutcome::Succeeded
    } else {
        TaskOutcome::Failed
    };
    let finish = FinishTaskRequest {
        task_id: id.to_owned(),
        claim_id,
        outcome: outcome.into(),
        comment: String::new(),
    };
    connection.runner().finish_task(finish).await?;
    output
}

async fn shell(id: &str, deployed: &PathBuf) -> anyhow::Result<String> {
    let output = Command::new("sh")
        .args([
            "-c",
            r#"echo "$TASK" >> "$DEPLOYED" && echo "deployed by process $$""#,
        ])
        .env("TASK", id)
        .env("DEPLOYED", deployed)
        .stdin(Stdio::null())
        .output()
        .await
        .context("failed to execute the command")?;
    if !output.status.success() {
        bail!("the command failed: {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
