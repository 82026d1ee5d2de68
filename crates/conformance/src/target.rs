//! What is found out about a server before the first case is played on it.

use countersign_client::BadAddress;
use jiff::{SignedDuration, Timestamp};
use prost_reflect::MethodDescriptor;
use serde_json::{Value, json};
use tonic::Status;

use crate::Callers;
use crate::calling::{Calls, refusal};
use crate::clock::here;
use crate::schema::Schema;
use crate::variables::at_path;

/// Why no case can be played on a server.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The address or a credential cannot be used.
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// The server refuses what every case needs.
    #[error("{caller} cannot do what every case needs: {refusal}")]
    Refused {
        /// Who called.
        caller: &'static str,
        /// What was answered.
        refusal: Value,
    },
    /// Policies of the server reach into every case.
    #[error(
        "policies of the server match tasks of projects it does not know, so no case would show \
         what it says: {0}"
    )]
    Interfering(String),
    /// Freezes of the server hold what every case creates.
    #[error(
        "freezes of the server hold tasks of projects it does not know, so no case would show what \
         it says: {0}"
    )]
    Frozen(String),
    /// The server does not speak this API.
    #[error("the server's answers are not those of this API: {0}")]
    Foreign(String),
}

/// A server, and what it is like.
pub struct Target {
    pub(crate) schema: Schema,
    pub(crate) calls: Calls,
    pub(crate) callers: Callers,
    /// Whether it refuses tasks that no policy matches.
    pub(crate) require_policy: bool,
    /// How far its clock is ahead of this machine's.
    pub ahead: SignedDuration,
}

impl Target {
    /// Looks at a server: makes a team under the name of this run, deletes it again, and asks what
    /// would happen to a task that nobody's policy was written for.
    pub async fn look(address: &str, callers: Callers, run: &str) -> Result<Self, TargetError> {
        let schema = Schema::new().map_err(|error| TargetError::Foreign(error.to_string()))?;
        let calls = Calls::new(address, &callers)?;
        let method = |name: &str| {
            let found = schema.method(name);
            found.ok_or_else(|| TargetError::Foreign(format!("there is no method {name}")))
        };
        let ahead = clock(&calls, run, &method("CreateTeam")?, &method("DeleteTeam")?).await?;
        let require_policy = preview(&calls, run, &method("CreateChangeRequest")?).await?;
        Ok(Self {
            schema,
            calls,
            callers,
            require_policy,
            ahead,
        })
    }
}

/// How far the server's clock is ahead, by the instant at which it made a team.
async fn clock(
    calls: &Calls,
    run: &str,
    create: &MethodDescriptor,
    delete: &MethodDescriptor,
) -> Result<SignedDuration, TargetError> {
    let id = format!("{run}-look");
    let sent = here();
    let made = calls
        .unary("admin", create, &json!({"team": {"id": id}}))
        .await
        .map_err(|status| refused("admin", &status))?;
    let answered = here();
    let deleted = calls.unary("admin", delete, &json!({"team_id": id})).await;
    deleted.map_err(|status| refused("admin", &status))?;
    let created = at_path(&made, "team.created_at").and_then(Value::as_str);
    let created: Option<Timestamp> = created.and_then(|it| it.parse().ok());
    let created = created.ok_or_else(|| TargetError::Foreign(made.to_string()))?;
    let halfway = answered.duration_since(sent) / 2;
    Ok(created.duration_since(sent) - halfway)
}

/// Whether the server refuses tasks that no policy matches.
async fn preview(calls: &Calls, run: &str, create: &MethodDescriptor) -> Result<bool, TargetError> {
    let task = json!({
        "id": format!("{run}-look"),
        "kind": "TASK_KIND_DEPLOYMENT",
        "project": format!("{run}-web"),
        "environment": format!("{run}-production"),
        "creator": {"service": true, "person": {"subject": "conformance"}},
    });
    let request = json!({"task": task, "validate_only": true});
    let answer = match calls.unary("orchestrator", create, &request).await {
        Ok(answer) => answer,
        Err(status) if refusal(&status)["reason"] == "POLICY_REQUIRED" => return Ok(true),
        Err(status) => return Err(refused("orchestrator", &status)),
    };
    match at_path(&answer, "change_request.resultant_policy.policies") {
        Some(Value::Array(policies)) if policies.is_empty() => match freezes(&answer).as_slice() {
            [] => Ok(false),
            holding => Err(TargetError::Frozen(holding.join(", "))),
        },
        Some(Value::Array(policies)) => {
            let ids: Vec<&str> = policies.iter().filter_map(|it| it["id"].as_str()).collect();
            Err(TargetError::Interfering(ids.join(", ")))
        }
        _ => Err(TargetError::Foreign(answer.to_string())),
    }
}

/// The freezes that would hold the task.
fn freezes(answer: &Value) -> Vec<&str> {
    let blockers = at_path(answer, "task.blockers").and_then(Value::as_array);
    let ids = blockers.into_iter().flatten();
    ids.filter_map(|it| at_path(it, "freeze.freeze_id")?.as_str())
        .collect()
}

fn refused(caller: &'static str, status: &Status) -> TargetError {
    let refusal = refusal(status);
    TargetError::Refused { caller, refusal }
}
