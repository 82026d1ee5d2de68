//! What each step answers, from the facts and the rule book alone.

use std::collections::BTreeMap;

use countersign_domain::Instant;

use super::crowd::{Crowd, Frozen, State, Word, key};
use super::harness::people::at;
use super::model::{Fact, Gone, Model, Team, window};
use super::steps::{Asked, Eyes, Step};
use super::times::bound_to;

/// A reply, and whether the log stays as it is.
pub(crate) struct Predicted {
    pub(crate) reply: &'static str,
    pub(crate) silent: bool,
}

/// A reply, and whether the call did something.
pub(crate) type Answer = (&'static str, bool);

/// What a step is judged by.
struct Moment {
    now: Instant,
    /// The clock is too far behind to judge a start.
    behind: bool,
    /// The generation that a start names.
    named: u64,
}

pub(crate) const DONE: Answer = ("Done", true);
pub(crate) const REPEAT: Answer = ("Done", false);

pub(crate) fn no(reply: &'static str) -> Answer {
    (reply, false)
}

impl Model {
    /// Predicts a step, and makes it true.
    pub(crate) fn predict(&mut self, step: &Step, line: &str, head: Instant) -> Predicted {
        let moment = self.moment(step, head);
        let mut words = line.split_whitespace().skip(1);
        let mut who = words.next().unwrap().split(['+', '!']);
        let who = who.next().unwrap().to_owned();
        let call: Vec<&str> = words.collect();
        let request = call.last().and_then(|word| word.strip_prefix("request="));
        let key = request.map(|id| (who, id.to_owned()));
        if let Some(known) = key.as_ref().and_then(|key| self.requests.get(key)) {
            let same = *known == self.content(step, &call);
            let reply = if same { "Done" } else { "RequestIdReused" };
            return Predicted {
                reply,
                silent: true,
            };
        }
        let content = self.content(step, &call);
        let before = self.clone_facts();
        let (reply, did) = self.answer(step, &moment, head);
        if let (Some(key), true) = (key, did) {
            self.requests.insert(key, content);
        }
        let silent = !did && before == self.clone_facts();
        Predicted { reply, silent }
    }

    /// What a call says; an etag is told by how many tasks had joined when it was read.
    fn content(&self, step: &Step, call: &[&str]) -> String {
        let joined = match step {
            Step::Approve(_, task, ..) | Step::Reject(_, task, ..) => self.tasks.get(task),
            _ => None,
        };
        let joined = joined.map_or(0, |fact| self.crowds[fact.held_by].creators.len());
        call.join(" ")
            .replace("etag=seen", &format!("etag@{joined}"))
            .replace("etag=first", "etag@1")
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
    fn clone_facts(&self) -> (BTreeMap<&'static str, Fact>, Vec<Crowd>) {
        (self.tasks.clone(), self.crowds.clone())
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
                let crowd = fact.held_by;
                self.touch(crowd, moment.now, false);
                if matches!(step, Step::Start(..)) {
                    self.touch(crowd, moment.now, true);
                }
                let answer = self.on_task(step, moment);
                self.touch(crowd, moment.now, false);
                answer
            }
            Step::Settle(task) => {
                if let Some(crowd) = self.tasks.get(task).map(|fact| fact.held_by) {
                    self.touch(crowd, moment.now, false);
                }
                REPEAT
            }
            Step::AcceptClock => {
                self.accepted = Some(head);
                DONE
            }
            Step::Wait(_) | Step::ClockBack(_) => REPEAT,
            Step::MakePolicy(id, draft) => self.make_policy(id, *draft, moment.now),
            Step::EditPolicy(id, draft) => self.edit_policy(id, *draft, moment.now),
            Step::MakeFreeze(id, what) => self.make_freeze(id, what, moment.now),
            Step::EditFreeze(id, everywhere) => self.edit_freeze(id, *everywhere),
            Step::LiftFreeze(id) => self.lift_freeze(id, moment.now),
            Step::DropFreeze(id) => match self.freezes.remove(id) {
                Some(_) => DONE,
                None => no("NotFound"),
            },
            Step::Sweep(_) => REPEAT,
            Step::DropPolicy(id) => match self.policies.remove(id) {
                Some(_) => DONE,
                None => no("NotFound"),
            },
            Step::MakeTeam(id, members, claimed) => self.make_team(id, members, *claimed),
            Step::EditTeam(id, members) => self.edit_team(id, members),
            Step::DropTeam(id) => self.drop_team(id),
        }
    }

    fn on_task(&mut self, step: &Step, moment: &Moment) -> Answer {
        match step {
            Step::Approve(who, task, eyes, _) => self.approve(who, task, eyes, moment.now),
            Step::Reject(who, task, eyes, _) => self.reject(who, task, eyes, moment.now),
            Step::Revoke(who, task, _) => self.revoke(who, task, moment.now),
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
        if let Some(fact) = self.tasks.get(task) {
            if who == "far" && fact.asked.project != "api" {
                return no("OutsideGrant");
            }
            if fact.asked != asked {
                return no("TaskIdTaken");
            }
            self.touch(fact.held_by, now, false);
            return REPEAT;
        }
        let policies = self.matched(&asked);
        let joins = self.find_shared(&asked, &policies, now);
        let (from, until) = window(asked.window);
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            return no("InvalidField");
        }
        if until.is_some_and(|until| until <= now) {
            return no("WindowPast");
        }
        if policies.is_empty() && self.require_policy {
            return no("PolicyRequired");
        }
        if policies.iter().any(|policy| policy.draft.block) && asked.creator == "none" {
            return no("CreatorRequired");
        }
        let Some(period) = bound_to(&policies, &asked, now) else {
            return no("NoPeriod");
        };
        let (from, until) = match period {
            None => (from, until),
            Some((start, end)) => (Some(at(start)), Some(at(end))),
        };
        let held_by = joins.unwrap_or_else(|| {
            let free = policies.iter().all(|policy| policy.draft.min == 0);
            let pending = State::Pending(now);
            let key = key(&asked, &policies);
            self.crowds.push(Crowd {
                key,
                policies,
                creators: Vec::new(),
                said: BTreeMap::new(),
                state: if free {
                    State::Approved(false)
                } else {
                    pending
                },
            });
            self.crowds.len() - 1
        });
        self.crowds[held_by].creators.push(asked.creator);
        let fact = Fact {
            asked,
            held_by,
            from,
            until,
            gone: None,
            started: None,
            succeeded: None,
            cleared: false,
            held_for: "approval",
            generation: 0,
        };
        self.tasks.insert(task, fact);
        self.touch(held_by, now, false);
        DONE
    }

    /// The policies that match now, as they are now.
    fn matched(&self, asked: &Asked) -> Vec<Frozen> {
        let binds = |id: &str| asked.env == "prod" && (id == "q" || asked.project == "web");
        let policies = self.policies.iter();
        let matched = policies.filter(|(id, (draft, _))| binds(id) && !draft.disabled);
        let incarnation = |id| (id, self.teams[id].incarnation);
        matched
            .map(|(_, &(draft, mark))| Frozen {
                draft,
                mark,
                teams: names(draft.teams).map(incarnation).collect(),
            })
            .collect()
    }

    /// S2 to S4: the newest change request of the task's key, if it may join that.
    fn find_shared(&mut self, asked: &Asked, policies: &[Frozen], now: Instant) -> Option<usize> {
        let key = key(asked, policies)?;
        let newest = self.crowds.iter().rposition(|it| it.key == Some(key))?;
        self.touch(newest, now, false);
        let found = &self.crowds[newest];
        let approved = found.approvals().any(|(name, _)| name == asked.creator);
        let joins = !found.is_over() && found.policies == policies;
        (joins && !(found.blocks() && approved)).then_some(newest)
    }

    /// Through what a person, with what their credential claims, is an approver.
    fn named(&self, who: &str, crowd: &Crowd) -> (bool, Vec<&'static str>) {
        let (name, claims) = who.split_once('+').unwrap_or((who, ""));
        let (mut directly, mut through) = (false, Vec::new());
        for policy in &crowd.policies {
            directly |= names(policy.draft.users).any(|user| user == name);
            for (id, incarnation) in &policy.teams {
                let team = self
                    .teams
                    .get(id)
                    .filter(|it| it.incarnation == *incarnation);
                let claimed = |it: &Team| it.claimed && claims == *id;
                if team.is_some_and(|it| claimed(it) || it.members.contains(&name)) {
                    through.push(*id);
                }
            }
        }
        (directly, through)
    }

    fn approve(&mut self, who: &'static str, task: &str, eyes: &Eyes, now: Instant) -> Answer {
        let fact = &self.tasks[task];
        let crowd = &self.crowds[fact.held_by];
        let name = name(who);
        if matches!(who, "svc" | "orc") {
            return no("CannotDecide");
        }
        if crowd.approvals().any(|(other, _)| other == name) {
            let unseen = self.unseen(fact, eyes).filter(|_| !crowd.is_over());
            return unseen.map_or(REPEAT, no);
        }
        let (directly, through) = self.named(who, crowd);
        if !directly && through.is_empty() {
            return no("NotAnApprover");
        }
        if crowd.blocks() && crowd.creators.contains(&name) {
            return no("CreatorBlocked");
        }
        let login = at(self.login());
        let ages = crowd.terms().map(|terms| terms.age);
        if ages
            .filter(|&age| age > 0)
            .any(|age| now.micros_since(login) > age * 1_000_000)
        {
            return no("AuthenticationTooOld");
        }
        if crowd.is_over() {
            return no("ChangeRequestEnded");
        }
        if let Some(refusal) = self.unseen(fact, eyes) {
            return no(refusal);
        }
        let held_by = fact.held_by;
        if matches!(crowd.state, State::Approved(true)) {
            self.crowds[held_by].state = State::Approved(false);
        }
        self.say(held_by, name, 'a', (directly, through), now)
    }

    fn reject(&mut self, who: &'static str, task: &str, eyes: &Eyes, now: Instant) -> Answer {
        let fact = &self.tasks[task];
        let (held_by, name) = (fact.held_by, name(who));
        let crowd = &self.crowds[held_by];
        if matches!(who, "svc" | "orc") {
            return no("CannotDecide");
        }
        if crowd.said.get(name).is_some_and(|word| word.said == 'x') {
            return REPEAT;
        }
        let (directly, through) = self.named(who, crowd);
        if !directly && through.is_empty() && crowd.creators[0] != name {
            return no("NotAnApprover");
        }
        if crowd.is_over() {
            return no("ChangeRequestEnded");
        }
        let unseen = self.unseen(fact, eyes);
        if !self.crowd_could_start(held_by) {
            return no("NothingCanStart");
        }
        if let Some(refusal) = unseen {
            return no(refusal);
        }
        for fact in self.open(held_by) {
            fact.end(Gone::Rejected);
        }
        self.crowds[held_by].state = State::Rejected;
        self.say(held_by, name, 'x', (directly, through), now)
    }

    fn revoke(&mut self, who: &'static str, task: &str, now: Instant) -> Answer {
        let held_by = self.tasks[task].held_by;
        let name = name(who);
        if matches!(who, "svc" | "orc") {
            return no("CannotDecide");
        }
        let crowd = &self.crowds[held_by];
        match crowd.said.get(name).map(|word| word.said) {
            Some('r') => REPEAT,
            Some('a') if crowd.is_over() => no("ChangeRequestEnded"),
            Some('a') if !self.crowd_could_start(held_by) => no("NothingCanStart"),
            Some('a') => self.say(held_by, name, 'r', (false, Vec::new()), now),
            _ => no("NothingToRevoke"),
        }
    }

    fn unseen(&self, fact: &Fact, eyes: &Eyes) -> Option<&'static str> {
        let joined = self.crowds[fact.held_by].creators.len() > 1;
        if eyes.etag == "other" || (eyes.etag == "first" && joined) {
            return Some("EtagMismatch");
        }
        let named = match eyes.digest {
            "own" => fact.asked.digest,
            other => other,
        };
        (!matches!(named, "" | "none") && named != fact.asked.digest).then_some("DigestMismatch")
    }

    fn say(
        &mut self,
        crowd: usize,
        name: &'static str,
        said: char,
        named: (bool, Vec<&'static str>),
        at: Instant,
    ) -> Answer {
        self.made += 1;
        let (directly, through) = named;
        let word = Word {
            said,
            at,
            number: self.made,
            directly,
            through,
        };
        self.crowds[crowd].said.insert(name, word);
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
            Some(Gone::Rejected | Gone::Closed | Gone::Expired) | None => no("NotWithdrawable"),
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
            return no(match fact.held_for {
                "window" => "StartNotNow:window",
                "freeze" => "StartNotNow:freeze",
                _ => "StartNotNow:approval",
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
}

fn acts_on(who: &str, fact: &Fact) -> bool {
    fact.asked.runner.is_empty() || matches!(who, "run" | "ran")
}

pub(crate) fn names(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(',').filter(|name| !name.is_empty())
}

fn name(who: &'static str) -> &'static str {
    who.split_once('+').map_or(who, |(name, _)| name)
}
