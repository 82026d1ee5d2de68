//! Random commands over few tasks, people and policies, against a simpler model that predicts.
//!
//! A failure is shrunk by proptest, which prints the steps as text and the seed that replays it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail loudly"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod cuts;
mod model;
mod predict;
mod steps;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};

use harness::Gate;
use harness::facts::{reply_name, states};
use model::Model;
use steps::{Step, TASKS, begin, step};

/// Sequences per test, and steps in the longest of them; there are two tests.
const SEQUENCES: u32 = 620;
const STEPS: usize = 120;

/// Every reply that commands can get here; `TooManyPolicies` would take 65 policies.
const REPLIES: &[&str] = &[
    "Done",
    "OutsideGrant",
    "CannotDecide",
    "NotAnApprover",
    "CreatorBlocked",
    "NotTheCreator",
    "NotFound",
    "InvalidField",
    "WindowPast",
    "PolicyRequired",
    "CreatorRequired",
    "TaskIdTaken",
    "PolicyIdTaken",
    "TeamIdTaken",
    "RequestIdReused",
    "EtagMismatch",
    "DigestMismatch",
    "ChangeRequestEnded",
    "NothingCanStart",
    "NothingToRevoke",
    "StartNotNow:approval",
    "StartNotNow:window",
    "StartNotNow:stale",
    "StartNever",
    "ClaimTaken",
    "NotWithdrawable",
    "NotRunning",
    "OutcomeDiffers",
    "TeamInUse",
    "ClockBehind",
];

/// Every state of a change request with its task.
const STATES: &[&str] = &[
    "absent",
    "PENDING PAUSED:approval",
    "APPROVED PAUSED:window",
    "APPROVED CLEARED",
    "APPROVED RUNNING",
    "APPROVED SUCCEEDED",
    "APPROVED FAILED",
    "REJECTED TERMINATED:rejected",
    "EXPIRED TERMINATED:window_closed",
    "WITHDRAWN TERMINATED:withdrawn",
    "APPROVED TERMINATED:window_closed",
    "APPROVED TERMINATED:withdrawn",
];

#[derive(Default)]
struct Seen {
    steps: usize,
    replies: BTreeMap<String, usize>,
    states: BTreeMap<String, usize>,
    generation: u64,
}

#[test]
fn random_steps_do_what_the_model_predicts() {
    many();
}

#[test]
fn random_steps_do_what_the_model_predicts_too() {
    many();
}

fn many() {
    let seen = RefCell::new(Seen::default());
    let steps = vec(step(), STEPS / 2..=STEPS);
    let strategy = (weighted(0.2), begin(), steps);
    let mut runner = TestRunner::new(config(SEQUENCES));
    let outcome = runner.run(&strategy, |(require_policy, mut steps, more)| {
        steps.extend(more);
        sequence(require_policy, &steps, &mut seen.borrow_mut())
    });
    outcome.unwrap();
    let seen = seen.into_inner();
    assert!(seen.steps >= 50_000, "{} steps", seen.steps);
    let replies: BTreeSet<&str> = seen.replies.keys().map(String::as_str).collect();
    assert_eq!(
        replies,
        REPLIES.iter().copied().collect(),
        "{:?}",
        seen.replies
    );
    let states: BTreeSet<&str> = seen.states.keys().map(String::as_str).collect();
    assert_eq!(
        states,
        STATES.iter().copied().collect(),
        "{:?}",
        seen.states
    );
    assert!(seen.generation >= 2, "cleared {} times", seen.generation);
}

/// Seeds of failures are kept beside the test and run first.
fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("seeds"))),
        source_file: Some(file!()),
        max_shrink_iters: 4_000,
        ..Config::default()
    }
}

fn sequence(require_policy: bool, steps: &[Step], seen: &mut Seen) -> Result<(), TestCaseError> {
    let mut gate = Gate::new();
    gate.settings.require_policy = require_policy;
    let mut model = Model::new(require_policy);
    let mut text = String::new();
    for step in steps {
        let Some(line) = model.line(step) else {
            continue;
        };
        text.push_str(&line);
        let head = gate.store.head.instant;
        let predicted = model.predict(step, &line, head);
        let (reply, entries) = gate.say(&line);
        let found = reply_name(&reply);
        text.push_str(&format!("  -> {found} entries={entries}\n"));
        if found != predicted.reply || (entries == 0) != predicted.silent {
            let problem = format!("{text}expected {} {:?}", predicted.reply, predicted.silent);
            return Err(TestCaseError::fail(problem));
        }
        for task in TASKS {
            let [expected, found] = [model.states(task), states(&gate, task)];
            if expected != found {
                let problem = format!("{text}{task} is {found}, expected {expected}");
                return Err(TestCaseError::fail(problem));
            }
            let case = gate.case(task);
            let generation = case.map_or(0, |case| {
                case.tasks.values().map(|task| task.generation).sum()
            });
            if generation != model.generation(task) {
                let problem = format!("{text}{task} has generation {generation}");
                return Err(TestCaseError::fail(problem));
            }
            seen.generation = seen.generation.max(generation);
            *seen.states.entry(found).or_default() += 1;
        }
        seen.steps += 1;
        *seen.replies.entry(found).or_default() += 1;
    }
    gate.check_all();
    Ok(())
}
