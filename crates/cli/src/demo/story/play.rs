//! Who plays, in which order, and how a scene waits for the runner.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use super::calling::everybody_calls;
use crate::demo::callers::Callers;
use crate::demo::process::Process;
use crate::demo::runner::{Did, Runner};
use crate::demo::stage::Stage;

/// How long a scene waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(15);

/// All who play.
pub(super) struct Play<'a> {
    pub(super) stage: &'a Stage,
    pub(super) callers: Callers,
    pub(super) runner: Runner,
}

/// Plays all scenes.
pub(crate) async fn play(
    stage: &Stage,
    process: &mut Process,
    folder: &Path,
) -> anyhow::Result<()> {
    let callers = Callers::new(&process.address(), folder);
    everybody_calls(stage, &callers, folder).await?;
    let runner = Runner::start(callers.connection("web-1")?, folder);
    let mut play = Play {
        stage,
        callers,
        runner,
    };
    play.policies_merge().await?;
    play.approved().await?;
    play.rejected().await?;
    play.window_opens().await?;
    play.window_closes().await?;
    play.policy_window().await?;
    play.frozen().await?;
    play.killed(process).await?;
    play.verified(process.store(), folder).await
}

impl Play<'_> {
    /// Waits until the runner has executed a task.
    pub(super) async fn ran(&mut self, id: &str) -> anyhow::Result<()> {
        let Did::Ran(_, output) = self.next(id).await? else {
            bail!("the runner did not run {id}");
        };
        self.stage.says(
            "runner",
            &format!("hears PROCEED, is granted the start: {output}"),
        )
    }

    /// Waits until the runner does something with a task, which must be this.
    pub(super) async fn expect(&mut self, wanted: &Did) -> anyhow::Result<()> {
        let found = self.next(wanted.task()).await?;
        ensure!(found == *wanted, "the runner did {found:?}, not {wanted:?}");
        Ok(())
    }

    /// The next thing that the runner did with a task.
    async fn next(&mut self, wanted: &str) -> anyhow::Result<Did> {
        loop {
            let did = tokio::time::timeout(PATIENCE, self.runner.next()).await;
            let did = did.with_context(|| format!("the runner heard nothing about {wanted}"))?;
            let did = did.context("the runner has stopped")?;
            if did.task() == wanted {
                return Ok(did);
            }
        }
    }
}
