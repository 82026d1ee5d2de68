//! A server that is killed, and the proof of the log.

use std::path::Path;

use anyhow::{Context as _, ensure};

use super::play::Play;
use crate::demo::process::Process;
use crate::demo::runner::Did;

impl Play<'_> {
    pub(super) async fn killed(&mut self, process: &mut Process) -> anyhow::Result<()> {
        self.stage
            .scene(9, "kill -9 in the middle: nothing is lost")?;
        self.callers.deploy("deploy-6", "1.4.7", None).await?;
        self.expect(&Did::Held("deploy-6".to_owned())).await?;
        self.callers.approve("alice", "deploy-6").await?;
        self.stage.says("alice", "approves web 1.4.7")?;
        process.kill_and_restart().await?;
        self.stage.says(
            "server",
            "is killed with -9, and started again on the same file",
        )?;
        let found = self.callers.show("deploy-6").await?;
        ensure!(found.approvals_counted == 1, "the approval was lost");
        self.stage.answers(&found.message)?;
        self.expect(&Did::Held("deploy-6".to_owned())).await?;
        self.stage
            .says("runner", "has connected again by itself, and hears HOLD")?;
        self.callers.approve("bob", "deploy-6").await?;
        self.stage.says("bob", "approves")?;
        self.ran("deploy-6").await
    }

    pub(super) async fn verified(&mut self, store: &Path, folder: &Path) -> anyhow::Result<()> {
        self.stage.scene(10, "The log is verified")?;
        let deployed = std::fs::read_to_string(folder.join("deployed")).unwrap_or_default();
        let deployed: Vec<&str> = deployed.lines().collect();
        ensure!(
            deployed == ["deploy-1", "deploy-3", "deploy-5", "deploy-6"],
            "other tasks ran than were granted: {deployed:?}"
        );
        self.stage.says(
            "runner",
            "executed exactly deploy-1, deploy-3, deploy-5 and deploy-6, once each",
        )?;
        let program = std::env::current_exe().context("failed to find this program")?;
        let mut verify = tokio::process::Command::new(program);
        let output = verify
            .arg("verify")
            .arg("--sqlite")
            .arg(store)
            .output()
            .await?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        self.stage.says("auditor", "countersign verify")?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            self.stage.answers(line)?;
        }
        Ok(())
    }
}
