//! Playing one case: what is given, then step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prost_reflect::{MessageDescriptor, MethodDescriptor};
use serde_json::{Value, json};

use crate::calling::refusal;
use crate::case::Step;
use crate::cleanup::Made;
use crate::compare::{differences, show};
use crate::look::Followed;
use crate::names::Names;
use crate::spell::{Speller, span};
use crate::variables::{Kept, at_path, fill};
use crate::{Case, Clock, Failure, Target, Verdict};

/// A case that takes longer than this is slow, where the time is real.
const SHORT: SignedDuration = SignedDuration::from_secs(5);

/// How cases are played.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of this run; no two runs on one store may have the same.
    pub run: String,
    /// Whether slow cases are played in real time too.
    pub slow: bool,
    /// How long to wait for what must be seen.
    pub patience: Duration,
}

/// Plays cases against a server.
pub struct Player<C> {
    pub(crate) target: Target,
    pub(crate) clock: C,
    pub(crate) options: Options,
}

impl<C: Clock> Player<C> {
    /// For this server, by this clock.
    pub fn new(target: Target, clock: C, options: Options) -> Self {
        Self {
            target,
            clock,
            options,
        }
    }

    /// Plays a case. Its number is its own within the run.
    pub async fn play(&self, number: usize, case: &Case) -> Verdict {
        if let Some(why) = self.reason_to_skip(case) {
            return Verdict::Skipped(why);
        }
        let mut play = Play {
            player: self,
            case,
            names: Names::new(&self.options.run, number, &self.target.callers),
            begun: Timestamp::UNIX_EPOCH,
            kept: Kept::new(),
            followed: Followed::new(),
            made: Made::default(),
        };
        let played = play.all().await;
        drop(play.followed);
        play.made.clean_up(&self.target).await;
        match played {
            Ok(()) => Verdict::Passed,
            Err(failure) => Verdict::Failed(failure),
        }
    }

    fn reason_to_skip(&self, case: &Case) -> Option<String> {
        let requires = self.target.require_policy;
        if case.needs.require_policy.is_some_and(|it| it != requires) {
            let does = if requires {
                "requires"
            } else {
                "does not require"
            };
            return Some(format!("the server {does} a policy for every task"));
        }
        let last = case
            .steps
            .iter()
            .filter_map(|it| span(it.at.as_deref()?))
            .max();
        let last = last.filter(|it| *it > SHORT && !self.clock.is_driven())?;
        (!self.options.slow).then(|| format!("it takes {last:#}: it needs --slow"))
    }
}

/// One case that is being played.
pub(crate) struct Play<'a, C> {
    pub(crate) player: &'a Player<C>,
    case: &'a Case,
    pub(crate) names: Names<'a>,
    begun: Timestamp,
    /// What was kept of answers, in the server's words.
    kept: Kept,
    pub(crate) followed: Followed,
    made: Made,
}

impl<C: Clock> Play<'_, C> {
    async fn all(&mut self) -> Result<(), Failure> {
        self.begin();
        let given = &self.case.given;
        let teams = given.teams.iter().flatten();
        let teams = teams.map(|team| ("CreateTeam", json!({"team": team})));
        let policies = given.policies.iter().flatten();
        let policies = policies.map(|policy| ("CreatePolicy", json!({"policy": policy})));
        for (call, request) in teams.chain(policies) {
            let step = Step {
                at: None,
                caller: Some("admin".to_owned()),
                call: Some(call.to_owned()),
                request: Some(request),
                keep: BTreeMap::new(),
                expect: None,
                refused: None,
                then: None,
            };
            self.step("given", &step).await?;
        }
        self.begin();
        for (index, step) in self.case.steps.iter().enumerate() {
            let number = format!("step {}", index + 1);
            self.step(&number, step).await?;
        }
        Ok(())
    }

    /// The case begins now; whole milliseconds are easier to read.
    fn begin(&mut self) {
        let now = self.player.clock.now().as_millisecond();
        self.begun = Timestamp::from_millisecond(now).unwrap_or(Timestamp::MAX);
    }

    async fn step(&mut self, number: &str, step: &Step) -> Result<(), Failure> {
        let mut place = number.to_owned();
        if let Some(at) = &step.at {
            place.push_str(&format!(" at {at}"));
            let instant = span(at).and_then(|at| self.begun.checked_add(at).ok());
            let why = || Failure::new(&place, vec!["the time cannot be reached".to_owned()]);
            self.player.clock.reach(instant.ok_or_else(why)?).await;
        }
        if let (Some(caller), Some(call)) = (&step.caller, &step.call) {
            place.push_str(&format!(": {caller} calls {call}"));
            self.call(&place, step, caller, call).await?;
        }
        match &step.then {
            Some(then) => {
                let seen = self.see(then).await;
                seen.map_err(|told| Failure::new(&format!("{place}, then"), told))
            }
            None => Ok(()),
        }
    }

    async fn call(
        &mut self,
        place: &str,
        step: &Step,
        caller: &str,
        call: &str,
    ) -> Result<(), Failure> {
        let fail = |why: String| Failure::new(place, vec![why]);
        let method = self.player.target.schema.method(call);
        let method = method.ok_or_else(|| fail(format!("there is no method {call}")))?;
        let request = self.request(step, &method).map_err(fail)?;
        let calls = &self.player.target.calls;
        let answer = calls.unary(caller, &method, &request).await;
        let failed = |told: Vec<String>| Failure {
            step: place.to_owned(),
            sent: Some(format!(
                "{}/{call} '{request}'",
                method.parent_service().full_name()
            )),
            told,
        };
        match (answer, &step.refused) {
            (Ok(answer), None) => {
                self.made.note(&method, &request);
                self.keep(step, &answer).map_err(|why| failed(vec![why]))?;
                let Some(expect) = &step.expect else {
                    return Ok(());
                };
                let told = self.compare(&method.output(), expect, &answer);
                if told.is_empty() {
                    Ok(())
                } else {
                    Err(failed(told))
                }
            }
            (Ok(answer), Some(refused)) => {
                self.made.note(&method, &request);
                let expected = format!("expected a refusal: {} {}", refused.code, refused.reason);
                let found = format!("found an answer: {}", show(&self.names.read(&answer)));
                Err(failed(vec![expected, found]))
            }
            (Err(status), None) => {
                let found = self.names.read(&refusal(&status));
                Err(failed(vec![
                    "expected an answer".to_owned(),
                    format!("found a refusal: {found}"),
                ]))
            }
            (Err(status), Some(refused)) => {
                let expected = json!({"code": refused.code, "reason": refused.reason,
                    "rule": refused.rule, "metadata": refused.metadata});
                let found = self.names.read(&refusal(&status));
                let told = self.filled(&expected, &found);
                if told.is_empty() {
                    Ok(())
                } else {
                    Err(failed(told))
                }
            }
        }
    }

    /// What is sent: the request of the step, completed and spelled out, in the server's words.
    fn request(&self, step: &Step, method: &MethodDescriptor) -> Result<Value, String> {
        let mut request = step.request.clone().unwrap_or_else(|| json!({}));
        if let (Some(common), Some(Value::Object(task))) =
            (&self.case.given.task, request.get_mut("task"))
        {
            for (name, value) in common {
                task.entry(name).or_insert_with(|| value.clone());
            }
        }
        let speller = Speller {
            begun: self.begun,
            names: Some(&self.names),
        };
        let spelled = speller
            .message(&method.input(), &request)
            .map_err(|misfit| misfit.to_string())?;
        fill(&spelled, &self.kept).map_err(|name| format!("${name} was not kept"))
    }

    fn keep(&mut self, step: &Step, answer: &Value) -> Result<(), String> {
        for (name, path) in &step.keep {
            let value = at_path(answer, path)
                .filter(|it| !it.is_null())
                .ok_or_else(|| format!("keep: the answer has no {path}: {}", show(answer)))?;
            self.kept.insert(name.clone(), value.clone());
        }
        Ok(())
    }

    /// Where a message that was sent does not hold what is expected of it.
    pub(crate) fn compare(
        &self,
        of: &MessageDescriptor,
        expected: &Value,
        found: &Value,
    ) -> Vec<String> {
        let speller = Speller {
            begun: self.begun,
            names: None,
        };
        match speller.message(of, expected) {
            Ok(expected) => self.filled(&expected, &self.names.read(found)),
            Err(misfit) => vec![misfit.to_string()],
        }
    }

    /// The same, of what is spelled out, with all variables in the words of the case.
    fn filled(&self, expected: &Value, found: &Value) -> Vec<String> {
        let kept = self.kept.iter();
        let kept = kept.map(|(name, value)| (name.clone(), self.names.read(value)));
        match fill(expected, &kept.collect()) {
            Ok(expected) => differences(&expected, found)
                .iter()
                .map(ToString::to_string)
                .collect(),
            Err(name) => vec![format!("${name} was not kept")],
        }
    }

    /// The server's word for a task, or for a change request whose number was kept.
    pub(crate) fn id(&self, written: &str) -> Result<String, String> {
        let sent = Value::String(self.names.sent("task_id", written));
        match fill(&sent, &self.kept) {
            Ok(Value::String(id)) => Ok(id),
            _ => Err(format!("{written} is not the name of anything")),
        }
    }
}
