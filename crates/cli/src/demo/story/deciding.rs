//! Policies, approvals, a rejection.

use anyhow::{Context as _, bail, ensure};
use countersign_proto::v1::{Approvers, ChangeRequestState, TerminationReason};

use super::play::Play;
use crate::demo::callers::person;
use crate::demo::runner::Did;

impl Play<'_> {
    pub(super) async fn policies_merge(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(2, "Two policies match, and merge into one")?;
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

    pub(super) async fn approved(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(3, "Approved: the runner hears PROCEED and claims its start")?;
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

    pub(super) async fn rejected(&mut self) -> anyhow::Result<()> {
        self.stage
            .scene(4, "Rejected: TERMINATE, and nothing runs")?;
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
}
