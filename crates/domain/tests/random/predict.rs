//! What each step answers, from the facts and the rule book alone.

use std::collections::BTreeMap;

use countersign_domain::Instant;

use super::harness::people::at;
use super::model::{Fact, Gone, Model, Team, window};
use super::steps::{Asked, Draft, Eyes, Step};

/// A reply, and whether the log stays as it is.
pub(crate) struct Predicted {
    pub(crate) reply: &'static str,
    pub(crate) silent: bool,
}

/// A reply, and whether the call did something.
type Answer = (&'static str, bool);

/// What a step is judged by.
struct Moment {
    now: Instant,
    /// The clock is too far behind to judge a start.
    behind: bool,
    /// The generation that a start names.
    named: u64,
}

const DONE: Answer = ("Done", true);
const REPEAT: Answer = ("Done", false);

fn no(reply: &'static str) -> Answer {
    (reply, false)
}

impl Model {
    /// Predicts a step, and makes it true.
    pub(crate) fn predict(&mut self, step: &Step, line: &str, head: Instant) -> Predicted {
        let moment = self.moment(step, head);
        let mut words = line.split_whitespace().skip(1);
        let who = words.next().unwrap().split('+').next().unwrap().to_owned();
        let call: Vec<&str> = words.collect();
        let request = call.last().and_then(|word| word.strip_prefix("request="));
        let key = request.map(|id| (who, id.to_owned()));
        if let Some(known) = key.as_ref().and_then(|key| self.requests.get(key)) {
            let same = *known == call.join(" ");
            let reply = if same { "Done" } else { "RequestIdReused" };
            return Predicted {
                reply,
                silent: true,
            };
        }
        let before = self.clone_facts();
        let (reply, did) = self.answer(step, &moment, head);
        if let (Some(key), true) = (key, did) {
            self.requests.insert(key, call.join(" "));
        }
        let silent = !did && before == self.clone_facts();
        Predicted { reply, silent }
    }

    fn moment(&self, step: &Step, head: Instant) -> Moment {
        let clock = at(self.now());
        let late = head.micros_since(clock) > 5_000_000;
        let named = match step {
            Step::Start(_, task, generation, ..) => self.named_generation(task, *generation),
            _ => 0,
        };
        Moment {
            now: clock.max(head),
            behind: late && self.accepted.is_none_or(|accepted| head > accepted),
            named,
        }
    }

    /// What a settling may change.
    fn clone_facts(&self) -> Vec<(bool, bool, &'static str)> {
        let facts = self.tasks.values();
        facts
            .map(|fact| (fact.could_start(), fact.cleared, fact.held_for))
            .collect()
    }

    fn answer(&mut self, step: &Step, moment: &Moment, head: Instant) -> Answer {
        match step {
            Step::Create(who, task, asked) => self.create(who, task, *asked, moment.now),
            Step::Again(who, task) => self.create(who, task, self.tasks[task].asked, moment.now),
            Step::Approve(_, task, ..)
            | Step::Reject(_, task, ..)
            | Step::Revoke(_, task, _)
            | Step::Withdraw(_, task, _)
            | Step::Start(_, task, ..)
            | Step::Finish(_, task, ..) => {
                let Some(fact) = self.tasks.get(task) else {
                    return no("NotFound");
                };
                if matches!(step, Step::Withdraw("far", ..)) && fact.asked.project != "api" {
                    return no("NotFound");
                }
                self.touch(task, moment.now);
                let answer = self.on_task(step, moment);
                self.touch(task, moment.now);
                answer
            }
            Step::Settle(task) => {
                self.touch(task, moment.now);
                REPEAT
            }
            Step::AcceptClock => {
                self.accepted = Some(head);
                DONE
            }
            Step::Wait(_) | Step::ClockBack(_) => REPEAT,
            Step::MakePolicy(id, draft) => self.make_policy(id, *draft),
            Step::EditPolicy(id, draft) => self.edit_policy(id, *draft),
            Step::DropPolicy(id) => match self.policies.remove(id) {
                Some(_) => DONE,
                None => no("NotFound"),
            },
            Step::MakeTeam(id, members, claimed) => self.make_team(id, members, *claimed),
            Step::EditTeam(id, members) => self.edit_team(id, members),
            Step::DropTeam(id) => self.drop_team(id),
        }
    }

    fn touch(&mut self, task: &str, now: Instant) {
        if let Some(fact) = self.tasks.get_mut(task) {
            fact.touch(now);
        }
    }

    fn on_task(&mut self, step: &Step, moment: &Moment) -> Answer {
        match step {
            Step::Approve(who, task, eyes, _) => self.approve(who, task, eyes),
            Step::Reject(who, task, eyes, _) => self.reject(who, task, eyes),
            Step::Revoke(who, task, _) => self.revoke(who, task),
            Step::Withdraw(who, task, _) => self.withdraw(who, task),
            Step::Start(who, task, _, digest, claim) => {
                let digest = self.digest(task, digest);
                self.start(who, claim, task, digest, moment)
            }
            Step::Finish(who, task, claim, succeeded, _) => {
                self.finish(who, claim, task, *succeeded)
            }
            other => panic!("{other:?} is on no task"),
        }
    }

    fn create(&mut self, who: &str, task: &'static str, asked: Asked, now: Instant) -> Answer {
        if who == "far" && asked.project != "api" {
            return no("OutsideGrant");
        }
        if let Some(fact) = self.tasks.get_mut(task) {
            if who == "far" && fact.asked.project != "api" {
                return no("OutsideGrant");
            }
            if fact.asked != asked {
                return no("TaskIdTaken");
            }
            fact.touch(now);
            return REPEAT;
        }
        let (from, until) = window(asked.window);
        let binds = |id: &str| asked.env == "prod" && (id == "q" || asked.project == "web");
        let policies = self.policies.iter();
        let matched: Vec<Draft> = policies
            .filter(|(id, draft)| binds(id) && !draft.disabled)
            .map(|(_, draft)| *draft)
            .collect();
        let block = matched.iter().any(|draft| draft.block);
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            return no("InvalidField");
        }
        if until.is_some_and(|until| until <= now) {
            return no("WindowPast");
        }
        if matched.is_empty() && self.require_policy {
            return no("PolicyRequired");
        }
        if block && asked.creator == "none" {
            return no("CreatorRequired");
        }
        let teams = matched.iter().flat_map(|draft| names(draft.teams));
        let mut fact = Fact {
            asked,
            from,
            until,
            free: matched.is_empty(),
            users: matched
                .iter()
                .flat_map(|draft| names(draft.users))
                .collect(),
            teams: teams.map(|id| (id, self.teams[id].incarnation)).collect(),
            min: matched
                .iter()
                .map(|draft| draft.min)
                .max()
                .unwrap_or_default(),
            block,
            said: BTreeMap::new(),
            gone: None,
            approved_then: false,
            started: None,
            succeeded: None,
            cleared: false,
            held_for: "approval",
            generation: 0,
        };
        fact.touch(now);
        self.tasks.insert(task, fact);
        DONE
    }

    /// Whether a person, with what their credential claims, is an approver.
    fn is_approver(&self, who: &str, fact: &Fact) -> bool {
        let (name, claims) = who.split_once('+').unwrap_or((who, ""));
        let through = |(id, incarnation): &(&'static str, u64)| {
            self.teams.get(id).is_some_and(|team| {
                let member = if team.claimed {
                    claims == *id
                } else {
                    team.members.contains(&name)
                };
                team.incarnation == *incarnation && member
            })
        };
        fact.users.contains(&name) || fact.teams.iter().any(through)
    }

    fn approve(&mut self, who: &'static str, task: &str, eyes: &Eyes) -> Answer {
        let fact = &self.tasks[task];
        let name = name(who);
        if matches!(who, "svc" | "orc") {
            return no("CannotDecide");
        }
        if fact.said.get(name) == Some(&'a') {
            let unseen = self.unseen(fact, eyes).filter(|_| !fact.is_over());
            return unseen.map_or(REPEAT, no);
        }
        if !self.is_approver(who, fact) {
            return no("NotAnApprover");
        }
        if fact.block && fact.asked.creator == name {
            return no("CreatorBlocked");
        }
        if fact.is_over() {
            return no("ChangeRequestEnded");
        }
        if let Some(refusal) = self.unseen(fact, eyes) {
            return no(refusal);
        }
        self.say(task, name, 'a')
    }

    fn reject(&mut self, who: &'static str, task: &str, eyes: &Eyes) -> Answer {
        let fact = &self.tasks[task];
        let name = name(who);
        if matches!(who, "svc" | "orc") {
            return no("CannotDecide");
        }
        if fact.said.get(name) == Some(&'x') {
            return REPEAT;
        }
        if !self.is_approver(who, fact) && fact.asked.creator != name {
            return no("NotAnApprover");
        }
        if fact.is_over() {
            return no("ChangeRequestEnded");
        }
        if !fact.could_start() {
            return no("NothingCanStart");
        }
        if let Some(refusal) = self.unseen(fact, eyes) {
            return no(refusal);
        }
        self.tasks.get_mut(task).unwrap().end(Gone::Rejected);
        self.say(task, name, 'x')
    }

    fn revoke(&mut self, who: &'static str, task: &str) -> Answer {
        let fact = &self.tasks[task];
        let name = name(who);
        if matches!(who, "svc" | "orc") {
            return no("CannotDecide");
        }
        match fact.said.get(name) {
            Some('r') => REPEAT,
            Some('a') if fact.is_over() => no("ChangeRequestEnded"),
            Some('a') if !fact.could_start() => no("NothingCanStart"),
            Some('a') => self.say(task, name, 'r'),
            _ => no("NothingToRevoke"),
        }
    }

    fn unseen(&self, fact: &Fact, eyes: &Eyes) -> Option<&'static str> {
        if eyes.etag == "other" {
            return Some("EtagMismatch");
        }
        let named = match eyes.digest {
            "own" => fact.asked.digest,
            other => other,
        };
        (!matches!(named, "" | "none") && named != fact.asked.digest).then_some("DigestMismatch")
    }

    fn say(&mut self, task: &str, name: &'static str, word: char) -> Answer {
        self.tasks.get_mut(task).unwrap().said.insert(name, word);
        DONE
    }

    fn withdraw(&mut self, who: &str, task: &str) -> Answer {
        let fact = self.tasks.get_mut(task).unwrap();
        if !matches!(who, "orc" | "far") && fact.asked.creator != who {
            return no("NotTheCreator");
        }
        if fact.could_start() {
            fact.end(Gone::Withdrawn);
            return DONE;
        }
        match fact.gone {
            Some(Gone::Withdrawn) => REPEAT,
            Some(Gone::Rejected | Gone::Closed) | None => no("NotWithdrawable"),
        }
    }

    fn start(
        &mut self,
        who: &'static str,
        claim: &'static str,
        task: &str,
        digest: &str,
        moment: &Moment,
    ) -> Answer {
        let fact = self.tasks.get_mut(task).unwrap();
        let right_digest = digest == fact.asked.digest;
        if !acts_on(who, fact) {
            return no("NotFound");
        }
        if fact.gone.is_some() || fact.succeeded.is_some() {
            return no("StartNever");
        }
        if let Some(started) = fact.started {
            return match started == (who, claim, moment.named) {
                true if right_digest => REPEAT,
                true => no("DigestMismatch"),
                false => no("ClaimTaken"),
            };
        }
        if !fact.cleared {
            let for_window = fact.held_for == "window";
            return no(if for_window {
                "StartNotNow:window"
            } else {
                "StartNotNow:approval"
            });
        }
        if moment.named != fact.generation {
            return no("StartNotNow:stale");
        }
        if !right_digest {
            return no("DigestMismatch");
        }
        if moment.behind {
            return no("ClockBehind");
        }
        fact.started = Some((who, claim, moment.named));
        DONE
    }

    fn finish(&mut self, who: &str, claim: &str, task: &str, succeeded: bool) -> Answer {
        let fact = self.tasks.get_mut(task).unwrap();
        if who != "orc" && !acts_on(who, fact) {
            return no("NotFound");
        }
        let Some((holder, held, _)) = fact.started else {
            return no("NotRunning");
        };
        if held != claim || (who != "orc" && who != holder) {
            return no("ClaimTaken");
        }
        match fact.succeeded {
            None => {
                fact.succeeded = Some(succeeded);
                DONE
            }
            Some(before) if before == succeeded => REPEAT,
            Some(_) => no("OutcomeDiffers"),
        }
    }

    fn make_policy(&mut self, id: &'static str, draft: Draft) -> Answer {
        if self.policies.contains_key(id) {
            return no("PolicyIdTaken");
        }
        if !self.is_sound(draft) {
            return no("InvalidField");
        }
        self.policies.insert(id, draft);
        DONE
    }

    fn edit_policy(&mut self, id: &'static str, draft: Draft) -> Answer {
        if !self.policies.contains_key(id) {
            return no("NotFound");
        }
        if !self.is_sound(draft) {
            return no("InvalidField");
        }
        let before = self.policies.insert(id, draft);
        if before == Some(draft) { REPEAT } else { DONE }
    }

    /// Somebody may approve, and all teams exist.
    fn is_sound(&self, draft: Draft) -> bool {
        let nobody = draft.users.is_empty() && draft.teams.is_empty();
        !nobody && names(draft.teams).all(|team| self.teams.contains_key(team))
    }

    fn make_team(&mut self, id: &'static str, members: &'static str, claimed: bool) -> Answer {
        if self.teams.contains_key(id) {
            return no("TeamIdTaken");
        }
        if claimed && !members.is_empty() {
            return no("InvalidField");
        }
        self.made += 1;
        let team = Team {
            incarnation: self.made,
            members: names(members).collect(),
            claimed,
        };
        self.teams.insert(id, team);
        DONE
    }

    fn edit_team(&mut self, id: &str, members: &'static str) -> Answer {
        let Some(team) = self.teams.get_mut(id) else {
            return no("NotFound");
        };
        let members: Vec<&str> = names(members).collect();
        if team.claimed && !members.is_empty() {
            return no("InvalidField");
        }
        if team.members == members {
            return REPEAT;
        }
        team.members = members;
        DONE
    }

    fn drop_team(&mut self, id: &str) -> Answer {
        if !self.teams.contains_key(id) {
            return no("NotFound");
        }
        if self
            .policies
            .values()
            .any(|draft| names(draft.teams).any(|team| team == id))
        {
            return no("TeamInUse");
        }
        self.teams.remove(id);
        DONE
    }
}

fn acts_on(who: &str, fact: &Fact) -> bool {
    fact.asked.runner.is_empty() || matches!(who, "run" | "ran")
}

fn names(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(',').filter(|name| !name.is_empty())
}

fn name(who: &'static str) -> &'static str {
    who.split_once('+').map_or(who, |(name, _)| name)
}
