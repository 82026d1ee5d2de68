//! The runner of the demo: hears signals, claims starts, and really executes a shell command.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// It heard PROCEED with a permit of this generation while it was busy, and did not claim.
    Cleared(String, u64),
    /// It was granted the start and executed the command, which printed this.
    Ran(String, String),
    /// It heard TERMINATE.
    Stopped(String, TerminationReason),
}

impl Did {
    /// The task that it is about.
    pub(crate) fn task(&self) -> &str {
        let (Self::Held(id) | Self::Cleared(id, _) | Self::Ran(id, _) | Self::Stopped(id, _)) =
            self;
        id
    }
}

/// The runner `web-1`.
pub(crate) struct Runner {
    heard: mpsc::UnboundedReceiver<Did>,
    busy: Arc<AtomicBool>,
}

impl Runner {
    /// Starts it.
    pub(crate) fn start(connection: Connection, folder: &Path) -> Self {
        let (told, heard) = mpsc::unbounded_channel();
        let busy = Arc::new(AtomicBool::new(false));
        tokio::spawn(follow(
            connection,
            folder.to_owned(),
            Arc::clone(&busy),
            told,
        ));
        Self { heard, busy }
    }

    /// The next thing it did.
    pub(crate) async fn next(&mut self) -> Option<Did> {
        self.heard.recv().await
    }

    /// Has it claim no start, or claim starts again from the next signal on.
    pub(crate) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::SeqCst);
    }
}

async fn follow(
    connection: Connection,
    folder: PathBuf,
    busy: Arc<AtomicBool>,
    told: mpsc::UnboundedSender<Did>,
) {
    let mut signals = Signals::new(connection.clone(), Vec::new());
    while let Ok(event) = signals.next().await {
        // What a lost stream told is tried all the same: only the gate's OK starts anything.
        let news = match event {
            Event::News(news) => news,
            Event::Synced | Event::Lost(_) | Event::Anew(_) => Vec::new(),
        };
        for signal in news {
            let busy = busy.load(Ordering::SeqCst);
            if let Some(did) = act(&connection, &signal, busy, &folder).await
                && told.send(did).is_err()
            {
                return;
            }
        }
    }
}

/// Acts on one signal. Whatever goes wrong on the way to a start means "do not start": the next
/// signal, or the same one after a reconnection, tries again.
async fn act(
    connection: &Connection,
    signal: &TaskSignal,
    busy: bool,
    folder: &Path,
) -> Option<Did> {
    let id = signal.task_id.clone();
    match signal.signal() {
        Signal::Hold => Some(Did::Held(id)),
        Signal::Terminate => Some(Did::Stopped(id, signal.termination_reason())),
        Signal::Proceed => {
            let generation = signal.permit.as_ref()?.generation;
            if busy {
                return Some(Did::Cleared(id, generation));
            }
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
