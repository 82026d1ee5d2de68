//! Leaving a store as it was found, as far as its log allows: no case leaves a policy, a team, a
//! freeze or a task that somebody would wait for.

use prost_reflect::MethodDescriptor;
use serde_json::{Value, json};

use crate::Target;
use crate::variables::at_path;

/// What a case has made, in the server's words.
#[derive(Debug, Default)]
pub(crate) struct Made {
    tasks: Vec<String>,
    policies: Vec<String>,
    teams: Vec<String>,
    freezes: Vec<String>,
}

impl Made {
    /// Takes note of a call that was not refused.
    pub(crate) fn note(&mut self, method: &MethodDescriptor, request: &Value) {
        let (list, path) = match method.name() {
            "CreateChangeRequest" => (&mut self.tasks, "task.id"),
            "CreatePolicy" => (&mut self.policies, "policy.id"),
            "CreateTeam" => (&mut self.teams, "team.id"),
            "CreateFreeze" => (&mut self.freezes, "freeze.id"),
            _ => return,
        };
        if let Some(Value::String(id)) = at_path(request, path) {
            list.push(id.clone());
        }
    }

    /// Ends tasks, and deletes policies, teams and freezes. What is refused had ended or gone
    /// before.
    pub(crate) async fn clean_up(self, target: &Target) {
        for task in &self.tasks {
            let withdrawn = call(
                target,
                "orchestrator",
                "WithdrawTask",
                json!({"task_id": task}),
            );
            if withdrawn.await.is_none() {
                finish(target, task).await;
            }
        }
        for policy in &self.policies {
            call(
                target,
                "admin",
                "DeletePolicy",
                json!({"policy_id": policy}),
            )
            .await;
        }
        for team in &self.teams {
            call(target, "admin", "DeleteTeam", json!({"team_id": team})).await;
        }
        for freeze in &self.freezes {
            call(
                target,
                "admin",
                "DeleteFreeze",
                json!({"freeze_id": freeze}),
            )
            .await;
        }
    }
}

/// Ends a task that runs.
async fn finish(target: &Target, task: &str) {
    let shown = call(target, "orchestrator", "GetTask", json!({"task_id": task})).await;
    let claim = shown
        .as_ref()
        .and_then(|it| at_path(it, "task.start.claim_id"));
    if let Some(claim) = claim {
        let request = json!({"task_id": task, "claim_id": claim, "outcome": "TASK_OUTCOME_FAILED"});
        call(target, "orchestrator", "FinishTask", request).await;
    }
}

async fn call(target: &Target, caller: &str, name: &str, request: Value) -> Option<Value> {
    let method = target.schema.method(name)?;
    target.calls.unary(caller, &method, &request).await.ok()
}
