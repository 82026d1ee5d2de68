//! How often each refusal, each blocker and each cell of states and commands was reached.
//!
//! The lists are matches without a wildcard: whoever adds a variant has to say here whether random
//! steps reach it.

use std::collections::BTreeMap;

use countersign_domain::batch::Reply;
use countersign_domain::change_request::{Case, deficit};
use countersign_domain::refusal::{NotNow, Refusal};
use countersign_domain::task::{Blocker, WaitingFor, blockers};

use super::harness::Gate;
use super::harness::facts::{outlook_of, task_word};
use super::harness::people::{at, task_id};
use super::steps::{RARE, Step, TASKS};

/// How often each one must be reached in one test.
const AT_LEAST: usize = 100;

/// What happened so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) steps: usize,
    pub(crate) generation: u64,
    /// Joined tasks, lapses and the like: what the policies are there for.
    events: BTreeMap<&'static str, usize>,
    refusals: BTreeMap<&'static str, usize>,
    blockers: BTreeMap<&'static str, usize>,
    tasks: BTreeMap<(String, &'static str), usize>,
    change_requests: BTreeMap<(String, &'static str), usize>,
}

/// Every refusal; `None` where random steps cannot get it, and why.
fn refusal(found: &Refusal) -> Option<&'static str> {
    Some(match found {
        Refusal::OutsideGrant => "OutsideGrant",
        Refusal::CannotDecide => "CannotDecide",
        Refusal::NotAnApprover { .. } => "NotAnApprover",
        Refusal::CreatorBlocked { .. } => "CreatorBlocked",
        Refusal::NotTheCreator { .. } => "NotTheCreator",
        Refusal::NotFound { .. } => "NotFound",
        Refusal::InvalidField { .. } => "InvalidField",
        Refusal::WindowPast { .. } => "WindowPast",
        Refusal::PolicyRequired { .. } => "PolicyRequired",
        Refusal::CreatorRequired { .. } => "CreatorRequired",
        Refusal::TaskIdTaken { .. } => "TaskIdTaken",
        Refusal::PolicyIdTaken { .. } => "PolicyIdTaken",
        Refusal::TeamIdTaken { .. } => "TeamIdTaken",
        Refusal::RequestIdReused { .. } => "RequestIdReused",
        Refusal::EtagMismatch { .. } => "EtagMismatch",
        Refusal::DigestMismatch { .. } => "DigestMismatch",
        Refusal::ChangeRequestEnded { .. } => "ChangeRequestEnded",
        Refusal::NothingCanStart { .. } => "NothingCanStart",
        Refusal::NothingToRevoke { .. } => "NothingToRevoke",
        Refusal::StartNotNow { cause, .. } => match cause {
            NotNow::Held { waiting_for, .. } => match waiting_for {
                WaitingFor::Approval => "StartNotNow:approval",
                WaitingFor::Window => "StartNotNow:window",
                WaitingFor::Freeze => "StartNotNow:freeze",
            },
            NotNow::StaleGeneration { .. } => "StartNotNow:stale",
        },
        Refusal::StartNever { .. } => "StartNever",
        Refusal::ClaimTaken { .. } => "ClaimTaken",
        Refusal::NotWithdrawable { .. } => "NotWithdrawable",
        Refusal::NotRunning { .. } => "NotRunning",
        Refusal::OutcomeDiffers { .. } => "OutcomeDiffers",
        Refusal::TeamInUse { .. } => "TeamInUse",
        Refusal::ClockBehind { .. } => "ClockBehind",
        Refusal::NoPeriod { .. } => "NoPeriod",
        Refusal::FreezeIdTaken { .. } => "FreezeIdTaken",
        Refusal::FreezeNotInForce { .. } => "FreezeNotInForce",
        Refusal::AuthenticationTooOld { .. } => "AuthenticationTooOld",
        // Here nobody with a limited grant changes the directory, and nobody bears a token; see the
        // rules of reaching and of tokens.
        Refusal::ScopeOutsideGrant { .. }
        | Refusal::CredentialEnded
        | Refusal::TokenIdTaken { .. } => return None,
        // It takes 65 policies, and these sequences have two; see the rules of merging.
        Refusal::TooManyPolicies { .. } => return None,
    })
}

/// As many as [`refusal`] names.
const REFUSALS: usize = 34;

fn blocker(found: &Blocker) -> &'static str {
    match found {
        Blocker::Approval(_) => "approval",
        Blocker::Window { .. } => "window",
        Blocker::Freeze(_) => "freeze",
        Blocker::Settling => "settling",
    }
}

const BLOCKERS: usize = 4;

/// The kind of a step on a task, and that task.
fn command(step: &Step) -> Option<(&'static str, &'static str)> {
    Some(match step {
        Step::Create(_, task, _) => ("create", task),
        Step::Again(_, task) => ("repeat", task),
        Step::Approve(_, task, ..) => ("approve", task),
        Step::Reject(_, task, ..) => ("reject", task),
        Step::Revoke(_, task, _) => ("revoke", task),
        Step::Withdraw(_, task, _) => ("withdraw", task),
        Step::Start(_, task, ..) => ("start", task),
        Step::Finish(_, task, ..) => ("finish", task),
        Step::Settle(task) => ("settle", task),
        Step::Wait(_)
        | Step::ClockBack(_)
        | Step::MakePolicy(..)
        | Step::EditPolicy(..)
        | Step::DropPolicy(_)
        | Step::MakeTeam(..)
        | Step::EditTeam(..)
        | Step::DropTeam(_)
        | Step::MakeFreeze(..)
        | Step::EditFreeze(..)
        | Step::LiftFreeze(_)
        | Step::DropFreeze(_)
        | Step::Sweep(_)
        | Step::AcceptClock => return None,
    })
}

const COMMANDS: [&str; 9] = [
    "create", "repeat", "approve", "reject", "revoke", "withdraw", "start", "finish", "settle",
];

const TASK_STATES: [&str; 12] = [
    "absent",
    "PAUSED:approval",
    "PAUSED:window",
    "PAUSED:freeze",
    "CLEARED",
    "RUNNING",
    "SUCCEEDED",
    "FAILED",
    "TERMINATED:rejected",
    "TERMINATED:window_closed",
    "TERMINATED:withdrawn",
    "TERMINATED:expired",
];

const CR_STATES: [&str; 5] = ["PENDING", "APPROVED", "REJECTED", "EXPIRED", "WITHDRAWN"];

/// With one task, and with several.
const COMPANIES: [&str; 2] = ["alone", "shared"];

/// What the new rules leave in the log.
const EVENTS: [&str; 11] = [
    "task.bound",
    "freeze.created",
    "freeze.updated",
    "freeze.lifted",
    "freeze.deleted",
    "freeze.swept",
    "change_request.task_joined",
    "change_request.approval_lapsed",
    "change_request.quorum_lost",
    "change_request.expired",
    "change_request.time_to_live_passed",
];

/// Why a cell cannot be reached.
fn unreachable(state: &str, command: &str) -> Option<&'static str> {
    match (state, command) {
        ("absent", "repeat") => Some("what was not created is not created again"),
        _ => None,
    }
}

/// The state of a change request, and its company.
fn state_of(case: &Case) -> String {
    let company = COMPANIES[usize::from(case.tasks.len() > 1)];
    format!("{} {company}", case.change_request.state.name())
}

impl Seen {
    /// Counts what a step finds, before it is taken.
    pub(crate) fn before(&mut self, gate: &Gate, step: &Step, now: i64) {
        for id in TASKS {
            let Some(case) = gate.case(id) else {
                continue;
            };
            let now = at(now).max(gate.store.head.instant);
            let missing = deficit(case, &gate.directory);
            let outlook = outlook_of(gate, id, now);
            for found in blockers(&case.tasks[&task_id(id)], &missing, &outlook, now) {
                *self.blockers.entry(blocker(&found)).or_default() += 1;
            }
        }
        let Some((command, id)) = command(step) else {
            return;
        };
        let case = gate.case(id);
        let task = case.map_or("absent".to_owned(), |it| task_word(&it.tasks[&task_id(id)]));
        *self.tasks.entry((task, command)).or_default() += 1;
        if let Some(case) = case {
            *self
                .change_requests
                .entry((state_of(case), command))
                .or_default() += 1;
        }
    }

    /// The commands that were not tried often enough on a task that stands as this one does.
    pub(crate) fn wanted(&self, gate: &Gate, id: &str) -> Vec<&'static str> {
        let few = |count: Option<&usize>| count.copied().unwrap_or_default() < AT_LEAST;
        let case = gate.case(id);
        let task = case.map_or("absent".to_owned(), |it| task_word(&it.tasks[&task_id(id)]));
        let rare = RARE.iter().filter(|(on, to, _)| {
            let of_state = || self.change_requests.get(&((*to).to_owned(), "settle"));
            let count = self
                .refusals
                .get(to)
                .or(self.events.get(to))
                .or_else(of_state);
            *on == task && few(count)
        });
        let mut wanted: Vec<&str> = rare.map(|(.., steps)| *steps).collect();
        if let Some(case) = case {
            let state = state_of(case);
            wanted.extend(COMMANDS.iter().filter(|&&command| {
                few(self.tasks.get(&(task.clone(), command)))
                    || few(self.change_requests.get(&(state.clone(), command)))
            }));
        }
        wanted
    }

    /// Counts what a step left.
    pub(crate) fn after(&mut self, gate: &Gate, reply: &Reply, entries: usize) {
        self.steps += 1;
        if let Reply::Refused(found) = reply {
            *self.refusals.entry(refusal(found).unwrap()).or_default() += 1;
        }
        for entry in &gate.store.log[gate.store.log.len() - entries..] {
            *self.events.entry(entry.event).or_default() += 1;
        }
    }

    /// Prints the tables, and asserts that everything was reached often enough.
    pub(crate) fn report(&self) {
        let mut rare: Vec<String> = Vec::new();
        println!(
            "{} steps, cleared up to {} times",
            self.steps, self.generation
        );
        println!(
            "refusals: {:?}\nblockers: {:?}",
            self.refusals, self.blockers
        );
        assert_eq!(
            (self.refusals.len(), self.blockers.len()),
            (REFUSALS, BLOCKERS)
        );
        let named = self.refusals.iter().chain(&self.blockers);
        rare.extend(
            named
                .filter(|it| *it.1 < AT_LEAST)
                .map(|it| format!("{it:?}")),
        );
        for event in EVENTS {
            let count = self.events.get(event).copied().unwrap_or_default();
            println!("{event}: {count}");
            rare.extend((count < AT_LEAST).then(|| event.to_owned()));
        }
        table(&TASK_STATES.map(str::to_owned), &self.tasks, &mut rare);
        let states = CR_STATES.map(|state| COMPANIES.map(|it| format!("{state} {it}")));
        table(&states.concat(), &self.change_requests, &mut rare);
        assert!(
            rare.is_empty(),
            "reached less than {AT_LEAST} times: {rare:#?}"
        );
        assert!(self.generation >= 2);
    }
}

fn table(
    states: &[String],
    counts: &BTreeMap<(String, &'static str), usize>,
    rare: &mut Vec<String>,
) {
    println!(
        "{:26} {:>9}",
        "",
        COMMANDS.map(|it| format!("{it:>9}")).join(" ")
    );
    for state in states {
        let mut line = format!("{state:26}");
        for command in COMMANDS {
            let count = counts
                .get(&(state.clone(), command))
                .copied()
                .unwrap_or_default();
            let why = unreachable(state, command);
            let shown = why.map_or(count.to_string(), |_| "-".to_owned());
            line.push_str(&format!(" {shown:>9}"));
            if why.is_none() && count < AT_LEAST {
                rare.push(format!("{state} × {command}: {count}"));
            }
            assert!(why.is_none() || count == 0, "{state} × {command}: {why:?}");
        }
        println!("{line}");
    }
    let known = counts.keys().all(|(state, _)| states.contains(state));
    assert!(known, "a state that is in no table: {counts:?}");
}
