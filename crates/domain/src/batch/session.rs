//! The state of a running batch: the head as it grows, the entries, and what was touched.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::working_set::ResultantRow;
use super::{Answer, Changes, Context, KnownRequest, WorkingSet};
use crate::access::apply_token;
use crate::change_request::{self, Case, Recheck, Step, settle};
use crate::directory::{apply_policy, apply_team};
use crate::freeze::apply_freeze;
use crate::ids::{CrNumber, TaskId};
use crate::invariants::{self, Violation};
use crate::log::{AggregateKey, Body, Cause, Entry, Event, Head, IllegalEdge, Stamp, append};
use crate::policy::ResultantPolicy;
use crate::rows::{CrRow, FreezeRow, PolicyRow, TaskRow, TeamRow, TokenRow};
use crate::task;

/// A batch while it runs.
pub(super) struct Session<'a> {
    pub(super) context: Context<'a>,
    pub(super) set: WorkingSet,
    pub(super) entries: Vec<Entry>,
    pub(super) changes: Changes,
    new_change_requests: BTreeSet<CrNumber>,
    new_tasks: BTreeSet<TaskId>,
    began_at: u64,
}

/// What a command that breaks an invariant is taken back to.
pub(super) struct Mark {
    head: Head,
    entries: usize,
    resultants: usize,
    case: Option<Case>,
}

impl<'a> Session<'a> {
    pub(super) fn new(set: WorkingSet, context: Context<'a>) -> Self {
        let began_at = set.head.sequence;
        Self {
            context,
            set,
            entries: Vec::new(),
            changes: Changes::default(),
            new_change_requests: BTreeSet::new(),
            new_tasks: BTreeSet::new(),
            began_at,
        }
    }

    /// Remembers where a command on this change request begins.
    pub(super) fn mark(&self, number: CrNumber) -> Mark {
        Mark {
            head: self.set.head,
            entries: self.entries.len(),
            resultants: self.changes.resultants.len(),
            case: self.set.cases.get(&number).cloned(),
        }
    }

    /// Takes back everything since a mark.
    pub(super) fn take_back(&mut self, number: CrNumber, mark: Mark) {
        self.set.head = mark.head;
        self.changes.resultants.truncate(mark.resultants);
        let undone = self.entries.split_off(mark.entries);
        for entry in undone {
            if let Some(request) = entry.request {
                self.set.requests.remove(&request);
            }
        }
        let kept = mark.case.as_ref().map(|case| &case.tasks);
        if let Some(undone) = self.set.cases.remove(&number) {
            let gone = |task: &TaskId| {
                undone.tasks.contains_key(task) && kept.is_none_or(|kept| !kept.contains_key(task))
            };
            self.set.holders.retain(|task, _| !gone(task));
            self.new_tasks.retain(|task| !gone(task));
        }
        match mark.case {
            Some(case) => {
                self.set.cases.insert(number, case);
            }
            None => {
                self.new_change_requests.remove(&number);
            }
        }
    }

    /// Makes an event happen: applies it, and appends its entry. The only way anything changes.
    pub(super) fn emit(&mut self, event: &Event, cause: Cause) -> Result<Stamp, IllegalEdge> {
        let stamp = Stamp {
            sequence: self.set.head.sequence + 1,
            instant: self.context.now,
        };
        let seal = self.apply(event, stamp)?;
        let next = event.advance(&self.set.head);
        let body = Body::new(event, cause, &next, seal);
        let entry = append(&self.set.head, stamp, event, &body);
        if let Some((person, mark)) = body.cause.request() {
            let known = KnownRequest {
                digest: mark.digest.clone(),
                aggregate: entry.aggregate.clone(),
            };
            self.set
                .requests
                .insert((person.clone(), mark.id.clone()), known);
        }
        self.set.head = entry.head;
        self.entries.push(entry);
        Ok(stamp)
    }

    /// Puts a new change request under its number before its task is created.
    pub(super) fn open_case(
        &mut self,
        event: &Event,
        resultant: &Arc<ResultantPolicy>,
        cause: Cause,
    ) -> Result<(), IllegalEdge> {
        let Event::ChangeRequest(number, created) = event else {
            return Ok(());
        };
        let stamp = Stamp {
            sequence: self.set.head.sequence + 1,
            instant: self.context.now,
        };
        let change_request = change_request::apply(None, created, stamp)?;
        let digest = change_request.content.resultant.clone();
        let known = self
            .changes
            .resultants
            .iter()
            .any(|row| row.digest == digest);
        if !known {
            self.changes
                .resultants
                .push(ResultantRow::new(&digest, resultant));
        }
        let body = Body::new(event, cause, &event.advance(&self.set.head), None);
        let entry = append(&self.set.head, stamp, event, &body);
        self.set.head = entry.head;
        self.entries.push(entry);
        if let Some(key) = &change_request.content.sharing_key {
            self.set.shared.insert(key.clone(), *number);
        }
        let resultant = Arc::clone(resultant);
        let case = Case {
            change_request,
            resultant,
            tasks: std::collections::BTreeMap::new(),
        };
        self.set.cases.insert(*number, case);
        self.new_change_requests.insert(*number);
        Ok(())
    }

    /// Applies an event to what is loaded; answers with the seal of an aggregate that ended by it.
    fn apply(&mut self, event: &Event, stamp: Stamp) -> Result<Option<String>, IllegalEdge> {
        match event {
            Event::Store(_)
            | Event::Policy(..)
            | Event::Team(..)
            | Event::Freeze(..)
            | Event::Token(..) => Ok(None),
            Event::ChangeRequest(number, event) => {
                let found = self.set.cases.get_mut(number);
                let before = found.as_ref().map(|case| &case.change_request);
                let next = change_request::apply(before, event, stamp)?;
                let ended = next.state.has_ended();
                let seal = ended.then(|| CrRow::new(&next).seal());
                if let Some(case) = found {
                    case.change_request = next;
                }
                Ok(seal)
            }
            Event::Task(id, event) => {
                let held_by = match event {
                    task::TaskEvent::Created { content, .. } => {
                        self.new_tasks.insert(id.clone());
                        self.set.holders.insert(id.clone(), content.change_request);
                        Some(content.change_request)
                    }
                    task::TaskEvent::Bound { .. }
                    | task::TaskEvent::Cleared { .. }
                    | task::TaskEvent::Held { .. }
                    | task::TaskEvent::Started { .. }
                    | task::TaskEvent::Finished { .. }
                    | task::TaskEvent::Terminated { .. } => self.set.holders.get(id).copied(),
                };
                let case = held_by.and_then(|number| self.set.cases.get_mut(&number));
                let before = case.as_ref().and_then(|case| case.tasks.get(id));
                let next = task::apply(before, event, stamp)?;
                let seal = next.has_ended().then(|| TaskRow::new(&next).seal());
                if let Some(case) = case {
                    case.tasks.insert(id.clone(), next);
                }
                Ok(seal)
            }
        }
    }

    /// Settles a change request to the instant of the transaction. What a decision made due carries
    /// its cause; what time made due says so, with the due instant.
    pub(super) fn settle(
        &mut self,
        number: CrNumber,
        recheck: Recheck,
        cause: &Cause,
    ) -> Result<(), Violation> {
        let Some(case) = self.set.cases.get(&number) else {
            return Ok(());
        };
        // Each task can be bound anew and close, and be held or cleared; each approval can lapse;
        // the change request can turn and end.
        let most = case.tasks.len() * 3 + case.change_request.decisions.len() + 4;
        for _ in 0..most {
            let Some(case) = self.set.cases.get(&number) else {
                return Ok(());
            };
            let steps = settle(case, self.context.directory, recheck, self.context.now);
            if steps.is_empty() {
                return self.check(number);
            }
            for Step { event, due_at } in steps {
                let cause = match due_at {
                    Some(_) => Cause::Time { due_at },
                    None => cause.clone(),
                };
                self.emit(&event, cause)
                    .map_err(|edge| broken(number, &edge))?;
            }
        }
        Err(Violation {
            name: "settling ends",
            subject: format!("change request {}", number.0),
        })
    }

    fn check(&self, number: CrNumber) -> Result<(), Violation> {
        self.set
            .cases
            .get(&number)
            .map_or(Ok(()), invariants::check)
    }

    /// What is left to be written.
    pub(super) fn finish(mut self) -> (Vec<Entry>, Changes, Head) {
        let began_at = self.began_at;
        for (number, case) in &self.set.cases {
            if case.change_request.stamp.sequence > began_at {
                let row = CrRow::new(&case.change_request);
                if self.new_change_requests.contains(number) {
                    self.changes.new_change_requests.push(row);
                } else {
                    self.changes.change_requests.push(row);
                }
            }
            for (id, task) in &case.tasks {
                if task.stamp.sequence > began_at {
                    let row = TaskRow::new(task);
                    if self.new_tasks.contains(id) {
                        self.changes.new_tasks.push(row);
                    } else {
                        self.changes.tasks.push(row);
                    }
                }
            }
        }
        (self.entries, self.changes, self.set.head)
    }
}

/// An illegal edge met while running is a broken invariant of its change request.
pub(super) fn broken(number: CrNumber, edge: &IllegalEdge) -> Violation {
    Violation {
        name: "I-02 legal edges only",
        subject: format!("change request {}: {edge}", number.0),
    }
}

/// What an aggregate's change request is, if it belongs to one.
pub(super) fn number_of(set: &WorkingSet, aggregate: &AggregateKey) -> Option<CrNumber> {
    match aggregate {
        AggregateKey::ChangeRequest(number) => Some(*number),
        AggregateKey::Task(id) => set.holders.get(id).copied(),
        AggregateKey::Store
        | AggregateKey::Policy(_)
        | AggregateKey::Team(_)
        | AggregateKey::Freeze(_)
        | AggregateKey::Token(_) => None,
    }
}

/// Leaves the row of a policy, team, freeze or token event, and answers it.
pub(super) fn directory_answer(
    session: &mut Session<'_>,
    event: &Event,
    stamp: Stamp,
) -> Result<Answer, IllegalEdge> {
    let directory = session.context.directory;
    match event {
        Event::Policy(id, event) => {
            let next = apply_policy(directory.policy(id).map(Arc::as_ref), event, stamp)?;
            session
                .changes
                .policies
                .push((id.clone(), next.as_ref().map(PolicyRow::new)));
            Ok(next.map_or(Answer::PolicyDeleted, |policy| {
                Answer::Policy(Arc::new(policy))
            }))
        }
        Event::Team(id, event) => {
            let before = directory.team(id);
            let incarnation = before.map_or(stamp.sequence, |team| team.created.sequence);
            let next = apply_team(before.map(Arc::as_ref), event, stamp)?;
            session
                .changes
                .teams
                .push((id.clone(), next.as_ref().map(TeamRow::new)));
            let deleted = Answer::TeamDeleted {
                id: id.clone(),
                incarnation,
            };
            Ok(next.map_or(deleted, |team| Answer::Team(Arc::new(team))))
        }
        Event::Freeze(id, event) => {
            let before = directory.freeze_or_remains(id);
            let next = apply_freeze(before, event, stamp)?;
            session
                .changes
                .freezes
                .push((id.clone(), next.as_ref().map(FreezeRow::new)));
            let living = next.filter(|freeze| !freeze.deleted);
            Ok(living.map_or(Answer::FreezeDeleted, |freeze| {
                Answer::Freeze(Arc::new(freeze))
            }))
        }
        Event::Token(id, event) => {
            let next = apply_token(directory.token(id).map(Arc::as_ref), event, stamp)?;
            session.changes.tokens.push(TokenRow::new(&next));
            Ok(Answer::Token(Arc::new(next)))
        }
        Event::Store(_) | Event::ChangeRequest(..) | Event::Task(..) => Ok(Answer::Settled),
    }
}
