//! What a task waits for beside approvals: its own window, its policies' windows, a freeze.

use anyhow::{Context as _, bail, ensure};
use countersign_client::reason;
use countersign_proto::v1::{
    ChangeRequestState, ErrorReason, FreezeState, TaskWindow, TerminationReason, Transition,
    TransitionKind,
};

use super::play::Play;
use crate::demo::callers::now_plus;
use crate::demo::runner::Did;
use crate::demo::schedule::{ZONE, hour_there, office_hours, three_hours_from};

/// When the window of scene 5 opens and that of scene 6 closes.
const WINDOW_SECONDS: i64 = 4;
/// A Friday, 2026-03-27 at noon UTC. On the Sunday after it the clocks in Berlin went forward.
const FRIDAY_SECONDS: i64 = 1_774_612_800;

impl Play<'_> {
    pub(super) async fn window_opens(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(5, "Approved before its window: HOLD until it opens")?;
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

    pub(super) async fn window_closes(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(6, "Its window closes before enough people approved")?;
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

    pub(super) async fn policy_window(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(7, "A policy says when, by the clocks of Berlin")?;
        let friday = Some(prost_types::Timestamp {
            seconds: FRIDAY_SECONDS,
            nanos: 0,
        });
        let tried = self.callers.try_windows(office_hours(), friday, 2).await?;
        self.stage.says(
            "admin",
            "tries out, without saving: Monday to Friday, 09:00 to 17:00",
        )?;
        self.turns(&tried.transitions)?;
        let expected = [
            format!("2026-03-27T17:00:00+01:00[{ZONE}]"),
            format!("2026-03-30T09:00:00+02:00[{ZONE}]"),
        ];
        let found = tried.transitions.iter().map(|turn| &turn.local_time);
        ensure!(found.eq(expected.iter()), "these are not office hours");
        let hour = hour_there()?;
        self.callers
            .windows_policy("web-hours", three_hours_from(hour))
            .await?;
        self.stage.says(
            "admin",
            &format!(
                "web-hours: for three hours from {hour:02}:00 each day; no approvals of its own"
            ),
        )?;
        let preview = self.callers.preview_policy("web-hours", 2).await?;
        ensure!(preview.open, "the window of web-hours is not open");
        self.turns(&preview.transitions)?;
        self.cleared_in_it(&preview.transitions).await
    }

    /// A task under the policy: bound to the period that is open now, and cleared in it.
    async fn cleared_in_it(&mut self, turns: &[Transition]) -> anyhow::Result<()> {
        let closes = turns.first().context("the window never closes")?;
        self.runner.set_busy(true);
        let created = self.callers.deploy("deploy-5", "1.4.6", None).await?;
        let period = created.task.and_then(|task| task.period);
        ensure!(
            period.and_then(|period| period.end) == closes.at,
            "the task was not bound to the period"
        );
        self.stage
            .says("orchestrator", "asks to deploy web 1.4.6")?;
        self.expect(&Did::Held("deploy-5".to_owned())).await?;
        self.callers.approve("alice", "deploy-5").await?;
        let found = self.callers.approve("dave", "deploy-5").await?;
        self.stage.says("alice, dave", "approve")?;
        let task = found.tasks.first().context("the task is gone")?;
        let permit = task.permit.as_ref().context("there is no permit")?;
        ensure!(
            permit.valid_until == closes.at,
            "the permit outlasts the period"
        );
        self.stage
            .answers(&format!("{}, until {}", found.message, closes.local_time))?;
        self.expect(&Did::Cleared("deploy-5".to_owned(), 1)).await?;
        self.stage
            .says("runner", "hears PROCEED (generation 1), but is busy")
    }

    pub(super) async fn frozen(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(8, "A freeze holds what is cleared, and lets it go")?;
        self.callers
            .freeze("database-trouble", "the database is slow")
            .await?;
        self.stage.says(
            "operator",
            "freezes production until further notice: the database is slow",
        )?;
        self.expect(&Did::Held("deploy-5".to_owned())).await?;
        self.stage.says("runner", "hears HOLD")?;
        let found = self.callers.show("deploy-5").await?;
        self.stage.answers(&found.message)?;
        let Err(refused) = self.callers.try_to_start("deploy-5", 1).await? else {
            bail!("a task started in a freeze");
        };
        ensure!(
            reason(&refused) == Some(ErrorReason::StartNotNow),
            "the start was refused for another reason: {refused}"
        );
        self.stage.says("runner", "claims its start all the same")?;
        self.stage
            .answers(&format!("refused: {}", refused.message()))?;
        self.runner.set_busy(false);
        let lifted = self.callers.lift("database-trouble").await?;
        ensure!(
            lifted.state() == FreezeState::Lifted,
            "it was not lifted: {lifted:?}"
        );
        self.stage.says("operator", "lifts the freeze")?;
        self.ran("deploy-5").await?;
        let found = self.callers.show("deploy-5").await?;
        let start = found.tasks.first().and_then(|task| task.start.as_ref());
        ensure!(
            start.is_some_and(|start| start.generation == 2),
            "it did not start with a new permit: {start:?}"
        );
        self.stage
            .answers("started with generation 2; nothing starts with generation 1 any more")
    }

    /// Shows when windows open and close.
    fn turns(&self, turns: &[Transition]) -> anyhow::Result<()> {
        for turn in turns {
            let what = match turn.kind() {
                TransitionKind::Opens => "opens",
                TransitionKind::Closes => "closes",
                other => bail!("a window does not do this: {other:?}"),
            };
            self.stage
                .answers(&format!("{what} at {}", turn.local_time))?;
        }
        ensure!(turns.len() == 2, "it does not come again");
        Ok(())
    }
}
