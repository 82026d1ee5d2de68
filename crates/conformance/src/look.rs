//! What is seen after a step: tasks, change requests, signals. Each is waited for, with a limit.

use std::collections::BTreeMap;
use std::time::Duration;

use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tonic::Streaming;

use crate::Clock;
use crate::calling::{json_of, refusal};
use crate::case::Then;
use crate::play::Play;

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(50);
/// Who follows signals. A task of a case that has them looked at names this runner, or none.
const FOLLOWER: &str = "web-1";

/// The streams of a case, by task; each stays open from when it was first looked at.
pub(crate) type Followed = BTreeMap<String, Follower>;

/// A stream with the signals of one task.
pub(crate) struct Follower {
    stream: Streaming<DynamicMessage>,
    /// The newest signal that came.
    newest: Value,
}

impl Follower {
    /// Reads the next message.
    async fn read(&mut self, task_id: &str) -> Result<(), String> {
        let message = self.stream.message().await;
        let message =
            message.map_err(|status| format!("the stream ended: {}", refusal(&status)))?;
        let message = message.ok_or("the stream ended")?;
        let shown = json_of(&message).map_err(|status| status.to_string())?;
        let signals = shown["signals"].as_array().into_iter().flatten();
        if let Some(signal) = signals.rev().find(|it| it["task_id"] == *task_id) {
            self.newest = signal.clone();
        }
        Ok(())
    }
}

impl<C: Clock> Play<'_, C> {
    /// Waits until everything is seen. An error says what was not.
    pub(crate) async fn see(&mut self, then: &Then) -> Result<(), Vec<String>> {
        for (id, expected) in &then.tasks {
            self.shown("GetTask", "task_id", "task", id, expected)
                .await?;
        }
        for (id, expected) in &then.change_requests {
            let (field, answer) = ("change_request", "change_request");
            self.shown("GetChangeRequest", field, answer, id, expected)
                .await?;
        }
        for (id, expected) in &then.signals {
            self.signalled(id, expected).await?;
        }
        Ok(())
    }

    /// Waits until a method that shows one thing shows it like this.
    async fn shown(
        &self,
        method: &str,
        field: &str,
        answer: &str,
        id: &str,
        expected: &Value,
    ) -> Result<(), Vec<String>> {
        let sent = self.id(id).map_err(|why| vec![why])?;
        let schema = &self.player.target.schema;
        let method = schema
            .method(method)
            .ok_or_else(|| vec![method.to_owned()])?;
        let of = field_of(&method.output(), answer)?;
        let request = json!({ field: sent });
        let mut told = Vec::new();
        let looking = async {
            loop {
                let calls = &self.player.target.calls;
                told = match calls.unary("orchestrator", &method, &request).await {
                    Ok(found) => self.compare(&of, expected, &found[answer]),
                    Err(status) => vec![format!("found a refusal: {}", refusal(&status))],
                };
                if told.is_empty() {
                    return;
                }
                sleep(PAUSE).await;
            }
        };
        let seen = timeout(self.player.options.patience, looking).await;
        seen.map_err(|_| named(id, told))
    }

    /// Waits until the newest signal of a task is like this.
    async fn signalled(&mut self, id: &str, expected: &Value) -> Result<(), Vec<String>> {
        let task_id = self.id(id).map_err(|why| vec![why])?;
        let schema = &self.player.target.schema;
        let method = schema.method("WatchSignals");
        let method = method.ok_or_else(|| vec!["there is no WatchSignals".to_owned()])?;
        let of = field_of(&method.output(), "signals")?;
        let mut follower = match self.followed.remove(&task_id) {
            Some(follower) => follower,
            None => {
                let request = json!({"task_ids": [task_id]});
                let calls = &self.player.target.calls;
                let stream = calls.stream(FOLLOWER, &method, &request).await;
                let stream = stream.map_err(|status| {
                    named(id, vec![format!("no stream: {}", refusal(&status))])
                })?;
                let newest = Value::Null;
                Follower { stream, newest }
            }
        };
        let mut told = Vec::new();
        let looking = async {
            loop {
                told = self.compare(&of, expected, &follower.newest);
                if told.is_empty() {
                    return Ok(());
                }
                follower.read(&task_id).await?;
            }
        };
        let seen: Result<Result<(), String>, _> =
            timeout(self.player.options.patience, looking).await;
        match seen {
            Ok(Ok(())) => {
                self.followed.insert(task_id, follower);
                Ok(())
            }
            Ok(Err(why)) => Err(named(id, vec![why])),
            Err(_) => Err(named(id, told)),
        }
    }
}

/// The message in a field.
fn field_of(of: &MessageDescriptor, field: &str) -> Result<MessageDescriptor, Vec<String>> {
    let found = of.get_field_by_name(field);
    let found = found.and_then(|it| it.kind().as_message().cloned());
    found.ok_or_else(|| vec![format!("{} has no message {field}", of.name())])
}

fn named(id: &str, told: Vec<String>) -> Vec<String> {
    told.into_iter().map(|it| format!("{id}: {it}")).collect()
}
