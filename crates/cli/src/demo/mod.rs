//! `countersign demo`: the whole story on a real server, in about ten seconds.
//!
//! A child process serves an embedded store on a free port of the loopback address. Callers with
//! tokens of their own talk to it over gRPC, and a runner really executes a shell command once its
//! start was granted.

mod callers;
mod process;
mod runner;
mod schedule;
mod stage;
mod story;

use std::time::Duration;

use anyhow::Context as _;

use process::Process;
use stage::Stage;

/// Plays the story. With `keep` the server stays up afterwards, until it is interrupted.
pub(crate) async fn run(keep: bool) -> anyhow::Result<()> {
    let stage = Stage::new();
    let folder = tempfile::tempdir().context("failed to make a folder for the demo")?;
    story::first_token(&stage, folder.path()).await?;
    let mut process = Process::start(folder.path()).await?;
    let played = story::play(&stage, &mut process, folder.path()).await;
    if keep && played.is_ok() {
        stage.calls_to_try(&process.address(), folder.path())?;
        tokio::signal::ctrl_c()
            .await
            .context("failed to wait for an interrupt")?;
    }
    process.stop(Duration::from_secs(10)).await?;
    played
}
