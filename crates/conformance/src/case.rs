//! What a case file holds.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A file: one topic.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// What the cases of this file show; for people.
    #[serde(rename = "about")]
    pub(crate) _about: String,
    /// What every case of the file finds, unless it says otherwise.
    #[serde(default)]
    pub(crate) given: Given,
    pub(crate) cases: Vec<Written>,
}

/// A case, as it stands in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    pub(crate) name: String,
    pub(crate) rules: Vec<String>,
    #[serde(default)]
    pub(crate) needs: Needs,
    #[serde(default)]
    pub(crate) given: Given,
    pub(crate) steps: Vec<Step>,
}

/// A case that can be played.
#[derive(Debug, Clone)]
pub struct Case {
    /// The file it stands in, without extension.
    pub topic: String,
    /// What it shows.
    pub name: String,
    /// The rules it shows.
    pub rules: Vec<String>,
    pub(crate) needs: Needs,
    pub(crate) given: Given,
    pub(crate) steps: Vec<Step>,
}

impl Case {
    /// Topic and name, as they are printed and as `--case` finds them.
    pub fn title(&self) -> String {
        format!("{}: {}", self.topic, self.name)
    }
}

/// What the server must be like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Needs {
    /// Whether it refuses tasks that no policy matches.
    pub(crate) require_policy: Option<bool>,
}

/// What a case finds. Each part that a case names replaces that of its file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// Teams, each a `Team`; created in this order, before the policies.
    pub(crate) teams: Option<Vec<Value>>,
    /// Policies, each a `Policy`; created in this order.
    pub(crate) policies: Option<Vec<Value>>,
    /// What each `TaskSpec` says that a request does not say itself.
    pub(crate) task: Option<serde_json::Map<String, Value>>,
}

impl Given {
    /// This, and from `file` what this does not name.
    pub(crate) fn over(self, file: &Self) -> Self {
        Self {
            teams: self.teams.or_else(|| file.teams.clone()),
            policies: self.policies.or_else(|| file.policies.clone()),
            task: self.task.or_else(|| file.task.clone()),
        }
    }
}

/// One step: a call, a look, or both; perhaps at a time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// When, since the case began. Left out: at once.
    pub(crate) at: Option<String>,
    /// Who calls.
    #[serde(rename = "as")]
    pub(crate) caller: Option<String>,
    /// The method, as `Approve` or `ChangeRequestService/Approve`.
    pub(crate) call: Option<String>,
    pub(crate) request: Option<Value>,
    /// What to keep of the answer: a name, and the path of a field.
    #[serde(default)]
    pub(crate) keep: BTreeMap<String, String>,
    /// Part of the answer. Left out, with `refused` left out too: any answer that is not a refusal.
    pub(crate) expect: Option<Value>,
    pub(crate) refused: Option<Refused>,
    /// What is seen afterwards.
    pub(crate) then: Option<Then>,
}

/// A refusal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) reason: String,
    pub(crate) rule: String,
    /// Part of the metadata of its `ErrorInfo`.
    #[serde(default)]
    pub(crate) metadata: serde_json::Map<String, Value>,
}

/// What is seen afterwards: soon, because time and streams take their moment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Then {
    /// Part of what GetTask shows of each.
    #[serde(default)]
    pub(crate) tasks: BTreeMap<String, Value>,
    /// Part of what GetChangeRequest shows of each, by its number or a task it holds.
    #[serde(default)]
    pub(crate) change_requests: BTreeMap<String, Value>,
    /// Part of the newest signal of each task, on a stream that stays open for the whole case.
    #[serde(default)]
    pub(crate) signals: BTreeMap<String, Value>,
}
