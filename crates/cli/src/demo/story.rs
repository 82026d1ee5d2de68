//! The story, scene by scene. Each scene checks what it shows: a demo that goes wrong fails.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use countersign_proto::v1::{Approvers, ChangeRequestState, TaskWindow, TerminationReason};
use tokio::sync::mpsc::UnboundedReceiver;

use super::callers::{Callers, now_plus, person};
use super::process::Process;
use super::runner::{self, Did};
use super::stage::Stage;

/// How long a scene waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(15);
/// When the window of scene 4 opens and that of scene 5 closes.
const WINDOW_SECONDS: i64 = 4;

struct Play<'a> {
    stage: &'a Stage,
    callers: Callers,
    runner: UnboundedReceiver<Did>,
}

/// Plays all scenes.
pub(crate) async fn play(
    stage: &Stage,
    process: &mut Process,
    folder: &Path,
) -> anyhow::Result<()> {
    let callers = Callers::new(&process.address());
    let runner = runner::start(callers.connection("runner:web-1")?, folder);
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
    play.killed(process).await?;
    play.verified(process.store(), folder).await
}

impl Play<'_> {
    async fn policies_merge(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(1, "Two policies match, and merge into one")?;
        let users = Approvers {
            users: vec![person("alice"), person("bob"), person("carol")],
            teams: Vec::new(),
        };
        self.callers
            .policy("prod-four-eyes", users, 2, true)
            .await?;
        self.callers.team("security", &["dave"]).await?;
        let teams = Approvers {
            users: Vec::new(),
            teams: vec!["security".to_owned()],
        };
        self.callers.policy("web-security", teams, 1, false).await?;
        self.stage.says(
            "admin",
            "prod-four-eyes: 2 of alice, bob, carol; not the creator",
        )?;
        self.stage
            .says("admin", "web-security: 1 of team security")?;
        let created = self.callers.deploy("deploy-1", "1.4.2", None).await?;
        let found = created.change_request.context("no change request")?;
        let policy = found.resultant_policy.unwrap_or_default();
        ensure!(
            policy.policies.len() == 2 && policy.minimum_approvals == 2,
            "they did not merge"
        );
        self.stage.says(
            "orchestrator",
            "asks to deploy web 1.4.2, triggered by carol",
        )?;
        self.stage.answers(&created.message)?;
        let names: Vec<_> = policy
            .policies
            .iter()
            .map(|matched| matched.id.as_str())
            .collect();
        self.stage.answers(&format!(
            "{} approvals, from {} approvers, by {}",
            policy.minimum_approvals,
            policy.approvers.len(),
            names.join(" and ")
        ))
    }

    async fn approved(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(2, "Approved: the runner hears PROCEED and claims its start")?;
        self.expect(&Did::Held("deploy-1".to_owned())).await?;
        self.stage.says("runner", "hears HOLD")?;
        let Err(refused) = self.callers.try_to_approve("carol", "deploy-1").await? else {
            bail!("carol approved her own deployment");
        };
        self.stage.says("carol", "tries to approve")?;
        self.stage
            .answers(&format!("refused: {}", refused.message()))?;
        let found = self.callers.approve("alice", "deploy-1").await?;
        self.stage.says("alice", "approves")?;
        self.stage.answers(&found.message)?;
        let found = self.callers.approve("bob", "deploy-1").await?;
        ensure!(
            found.state() == ChangeRequestState::Approved,
            "it is not approved"
        );
        self.stage.says("bob", "approves")?;
        self.ran("deploy-1").await
    }

    async fn rejected(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(3, "Rejected: TERMINATE, and nothing runs")?;
        self.callers.deploy("deploy-2", "1.4.3", None).await?;
        self.expect(&Did::Held("deploy-2".to_owned())).await?;
        self.stage
            .says("orchestrator", "asks to deploy web 1.4.3")?;
        let answer = self.callers.reject("dave", "deploy-2").await?;
        self.stage
            .says("dave", "rejects: the error budget is spent")?;
        self.stage.answers(&format!(
            "stopped {}",
            answer.terminated_task_ids.join(", ")
        ))?;
        self.expect(&Did::Stopped(
            "deploy-2".to_owned(),
            TerminationReason::Rejected,
        ))
        .await?;
        self.stage
            .says("runner", "hears TERMINATE (rejected), runs nothing")
    }

    async fn window_opens(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(4, "Approved before its window: HOLD until it opens")?;
        let window = TaskWindow {
            start: now_plus(WINDOW_SECONDS),
            ..TaskWindow::default()
        };
        self.callers
            .deploy("deploy-3", "1.4.4", Some(window))
            .await?;
        self.expect(&Did::Held("deploy-3".to_owned())).await?;
        self.stage.says(
            "orchestrator",
            &format!("asks to deploy web 1.4.4, in {WINDOW_SECONDS} seconds at the earliest"),
        )?;
        self.callers.approve("alice", "deploy-3").await?;
        let found = self.callers.approve("dave", "deploy-3").await?;
        self.stage.says("alice, dave", "approve")?;
        self.stage.answers(&found.message)?;
        self.expect(&Did::Held("deploy-3".to_owned())).await?;
        self.ran("deploy-3").await
    }

    async fn window_closes(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(5, "Its window closes before enough people approved")?;
        let window = TaskWindow {
            end: now_plus(WINDOW_SECONDS),
            ..TaskWindow::default()
        };
        self.callers
            .deploy("deploy-4", "1.4.5", Some(window))
            .await?;
        self.expect(&Did::Held("deploy-4".to_owned())).await?;
        self.stage.says(
            "orchestrator",
            &format!("asks to deploy web 1.4.5, within {WINDOW_SECONDS} seconds"),
        )?;
        self.callers.approve("alice", "deploy-4").await?;
        self.stage.says("alice", "approves; one is still missing")?;
        let stopped = Did::Stopped("deploy-4".to_owned(), TerminationReason::WindowClosed);
        self.expect(&stopped).await?;
        self.stage
            .says("runner", "hears TERMINATE (window closed), runs nothing")?;
        let found = self.callers.show("deploy-4").await?;
        ensure!(
            found.state() == ChangeRequestState::Expired,
            "it did not expire"
        );
        self.stage.answers(&found.message)
    }

    async fn killed(&mut self, process: &mut Process) -> anyhow::Result<()> {
        self.stage
            .scene(6, "kill -9 in the middle: nothing is lost")?;
        self.callers.deploy("deploy-5", "1.4.6", None).await?;
        self.expect(&Did::Held("deploy-5".to_owned())).await?;
        self.callers.approve("alice", "deploy-5").await?;
        self.stage.says("alice", "approves web 1.4.6")?;
        process.kill_and_restart().await?;
        self.stage.says(
            "server",
            "is killed with -9, and started again on the same file",
        )?;
        let found = self.callers.show("deploy-5").await?;
        ensure!(found.approvals_counted == 1, "the approval was lost");
        self.stage.answers(&found.message)?;
        self.expect(&Did::Held("deploy-5".to_owned())).await?;
        self.stage
            .says("runner", "has connected again by itself, and hears HOLD")?;
        self.callers.approve("bob", "deploy-5").await?;
        self.stage.says("bob", "approves")?;
        self.ran("deploy-5").await
    }

    async fn verified(&mut self, store: &Path, folder: &Path) -> anyhow::Result<()> {
        self.stage.scene(7, "The log is verified")?;
        let deployed = std::fs::read_to_string(folder.join("deployed")).unwrap_or_default();
        let deployed: Vec<&str> = deployed.lines().collect();
        ensure!(
            deployed == ["deploy-1", "deploy-3", "deploy-5"],
            "other tasks ran than were granted: {deployed:?}"
        );
        self.stage.says(
            "runner",
            "executed exactly deploy-1, deploy-3 and deploy-5, once each",
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

    /// Waits until the runner has executed a task.
    async fn ran(&mut self, id: &str) -> anyhow::Result<()> {
        let Did::Ran(_, output) = self.next(id).await? else {
            bail!("the runner did not run {id}");
        };
        self.stage.says(
            "runner",
            &format!("hears PROCEED, is granted the start: {output}"),
        )
    }

    async fn expect(&mut self, wanted: &Did) -> anyhow::Result<()> {
        let (Did::Held(id) | Did::Ran(id, _) | Did::Stopped(id, _)) = wanted;
        let found = self.next(id).await?;
        ensure!(found == *wanted, "the runner did {found:?}, not {wanted:?}");
        Ok(())
    }

    /// The next thing that the runner did with a task.
    async fn next(&mut self, wanted: &str) -> anyhow::Result<Did> {
        loop {
            let did = tokio::time::timeout(PATIENCE, self.runner.recv()).await;
            let did = did.with_context(|| format!("the runner heard nothing about {wanted}"))?;
            let did = did.context("the runner has stopped")?;
            let (Did::Held(id) | Did::Ran(id, _) | Did::Stopped(id, _)) = &did;
            if id == wanted {
                return Ok(did);
            }
        }
    }
}
