//! What is wrong with a case before any server is asked.

use countersign_proto::v1::ErrorReason;
use jiff::{SignedDuration, Timestamp};
use prost_reflect::MessageDescriptor;
use serde_json::{Map, Value, json};

use crate::Callers;
use crate::callers::is_caller;
use crate::calling::is_code;
use crate::case::{Case, Step, Then};
use crate::names::Names;
use crate::rules;
use crate::schema::{Schema, from_json};
use crate::spell::{Speller, span};
use crate::variables::{Kept, fill, has_variable};

/// A case has at most so many steps, and is given at most so many policies or teams.
const LENGTH_MAX: usize = 100;

/// Says what is wrong, if anything is.
pub(crate) fn check(case: &Case, schema: &Schema) -> Result<(), String> {
    if case.rules.is_empty() {
        return Err("it names no rule".to_owned());
    }
    if let Some(rule) = case.rules.iter().find(|rule| !rules::is_known(rule)) {
        return Err(format!("there is no rule {rule}"));
    }
    if case.steps.is_empty() || case.steps.len() > LENGTH_MAX {
        let found = case.steps.len();
        return Err(format!("found {found} steps; allowed: 1 to {LENGTH_MAX}"));
    }
    let checker = Checker { case, schema };
    checker.given().map_err(|why| format!("given: {why}"))?;
    let mut kept = Kept::new();
    let mut before = SignedDuration::ZERO;
    for (index, step) in case.steps.iter().enumerate() {
        let place = |why| format!("step {}: {why}", index + 1);
        if let Some(at) = &step.at {
            let at = span(at).filter(|at| *at >= before).ok_or_else(|| {
                place(format!(
                    "at: found {at:?}; allowed: a span such as 5s, not \
                                              before the last one"
                ))
            })?;
            before = at;
        }
        checker.step(step, &mut kept).map_err(place)?;
    }
    Ok(())
}

struct Checker<'a> {
    case: &'a Case,
    schema: &'a Schema,
}

impl Checker<'_> {
    fn given(&self) -> Result<(), String> {
        let given = &self.case.given;
        let none = Kept::new();
        let lists = [
            ("team", "Team", &given.teams),
            ("policy", "Policy", &given.policies),
        ];
        for (what, message, list) in lists {
            let list = list.as_deref().unwrap_or_default();
            if list.len() > LENGTH_MAX {
                return Err(format!(
                    "found {} of {what}; allowed: {LENGTH_MAX}",
                    list.len()
                ));
            }
            for (index, value) in list.iter().enumerate() {
                let of = self.message(message)?;
                self.sent(&of, value, &none)
                    .map_err(|why| format!("{what} {}: {why}", index + 1))?;
            }
        }
        if let Some(task) = &given.task {
            let of = self.message("TaskSpec")?;
            self.sent(&of, &Value::Object(task.clone()), &none)
                .map_err(|why| format!("task: {why}"))?;
        }
        Ok(())
    }

    fn step(&self, step: &Step, kept: &mut Kept) -> Result<(), String> {
        match (&step.call, &step.caller) {
            (Some(call), Some(caller)) => self.call(step, call, caller, kept)?,
            (Some(_), None) => return Err("`call` needs `as`".to_owned()),
            (None, _) if step.then.is_none() => return Err("it does nothing".to_owned()),
            (None, caller) => {
                let of_call = caller.is_some()
                    || step.request.is_some()
                    || step.expect.is_some()
                    || step.refused.is_some()
                    || !step.keep.is_empty();
                if of_call {
                    return Err("without `call` only `at` and `then` have a meaning".to_owned());
                }
            }
        }
        step.then.as_ref().map_or(Ok(()), |then| {
            self.then(then, kept).map_err(|why| format!("then: {why}"))
        })
    }

    fn call(&self, step: &Step, call: &str, caller: &str, kept: &mut Kept) -> Result<(), String> {
        if !is_caller(caller) {
            return Err(format!("the cases know no caller {caller}"));
        }
        let method = self
            .schema
            .method(call)
            .ok_or_else(|| format!("there is no method {call}"))?;
        if method.is_server_streaming() {
            return Err(format!(
                "{call} is a stream; `then` with `signals` follows one"
            ));
        }
        let request = step.request.clone().unwrap_or_else(|| json!({}));
        self.sent(&method.input(), &request, kept)
            .map_err(|why| format!("request: {why}"))?;
        for name in step.keep.keys() {
            // Of any type: what it will be is known when the case is played.
            kept.insert(name.clone(), Value::String(name.clone()));
        }
        match (&step.expect, &step.refused) {
            (Some(_), Some(_)) => Err("an answer and a refusal are expected at once".to_owned()),
            (Some(expect), None) => self
                .expected(&method.output(), expect, kept)
                .map_err(|why| format!("expect: {why}")),
            (None, Some(refused)) => {
                if !is_code(&refused.code) {
                    return Err(format!("there is no code {}", refused.code));
                }
                if ErrorReason::from_wire_name(&refused.reason).is_none() {
                    return Err(format!("there is no reason {}", refused.reason));
                }
                if !self.case.rules.contains(&refused.rule) {
                    let rule = &refused.rule;
                    return Err(format!(
                        "is refused by {rule}, which the case does not name"
                    ));
                }
                known(&Value::Object(refused.metadata.clone()), kept)
            }
            (None, None) => Ok(()),
        }
    }

    fn then(&self, then: &Then, kept: &Kept) -> Result<(), String> {
        let lists = [
            ("Task", &then.tasks),
            ("ChangeRequest", &then.change_requests),
            ("TaskSignal", &then.signals),
        ];
        for (message, list) in lists {
            let of = self.message(message)?;
            for (id, expected) in list {
                known(&Value::String(id.clone()), kept)?;
                self.expected(&of, expected, kept)
                    .map_err(|why| format!("{id}: {why}"))?;
            }
        }
        Ok(())
    }

    fn sent(&self, of: &MessageDescriptor, value: &Value, kept: &Kept) -> Result<(), String> {
        let callers = Callers::insecure_dev();
        let names = Names::new("run", 0, &callers);
        let spelled = speller(Some(&names))
            .message(of, value)
            .map_err(|misfit| misfit.to_string())?;
        known(&spelled, kept)?;
        if matches_everything(&spelled) {
            return Err("a scope with `*` on both sides would match tasks of others".to_owned());
        }
        if has_variable(&spelled.to_string()) {
            return Ok(());
        }
        let read = from_json(of.clone(), &spelled);
        read.map(drop).map_err(|error| error.to_string())
    }

    fn expected(&self, of: &MessageDescriptor, value: &Value, kept: &Kept) -> Result<(), String> {
        let spelled = speller(None)
            .message(of, value)
            .map_err(|misfit| misfit.to_string())?;
        known(&spelled, kept)
    }

    fn message(&self, name: &str) -> Result<MessageDescriptor, String> {
        let found = self.schema.message(name);
        found.ok_or_else(|| format!("there is no message {name}"))
    }
}

fn speller<'a>(names: Option<&'a Names<'a>>) -> Speller<'a> {
    let begun = Timestamp::UNIX_EPOCH;
    Speller { begun, names }
}

/// Whether all variables are kept by then.
fn known(value: &Value, kept: &Kept) -> Result<(), String> {
    fill(value, kept)
        .map(drop)
        .map_err(|name| format!("no step before keeps ${name}"))
}

/// Whether some scope in here holds for every task of every project. Its `*` is sent as it is.
fn matches_everything(value: &Value) -> bool {
    match value {
        Value::Object(fields) => is_everything(fields) || fields.values().any(matches_everything),
        Value::Array(items) => items.iter().any(matches_everything),
        _ => false,
    }
}

fn is_everything(scope: &Map<String, Value>) -> bool {
    ["projects", "environments"]
        .iter()
        .all(|side| scope.get(*side).is_some_and(|it| it["ids"] == json!(["*"])))
}
