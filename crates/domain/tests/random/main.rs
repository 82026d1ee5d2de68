//! Random commands over few tasks, people and policies, against a simpler model that predicts.
//!
//! A failure is shrunk by proptest, which prints the steps as text and the seed that replays it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of tests fail loudly"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod count;
mod crowd;
mod cuts;
mod model;
mod offices;
mod predict;
mod steps;
mod times;

use std::cell::RefCell;

use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};

use count::Seen;
use harness::Gate;
use harness::facts::{reply_name, states};
use harness::people::{at, task_id};
use model::Model;
use steps::{Step, TASKS, begin, probe, step};

/// Sequences per test, and steps in the longest of them; there are two tests.
const SEQUENCES: u32 = 560;
const STEPS: usize = 120;

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
    seen.report();
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
        if take(&mut gate, &mut model, step, &mut text, seen)? {
            probe_all(&gate, &model, &text, seen)?;
        }
    }
    gate.check_all();
    Ok(())
}

/// Takes one step, and compares what it did with what the model predicts; answers whether there
/// was anything to do.
fn take(
    gate: &mut Gate,
    model: &mut Model,
    step: &Step,
    text: &mut String,
    seen: &mut Seen,
) -> Result<bool, TestCaseError> {
    let Some(line) = model.line(step) else {
        return Ok(false);
    };
    text.push_str(&line);
    let head = gate.store.head.instant;
    let predicted = model.predict(step, &line, head);
    seen.before(gate, step, model.now());
    let (reply, entries) = gate.say(&line);
    seen.after(gate, &reply, entries);
    let found = reply_name(&reply);
    text.push_str(&format!("  -> {found} entries={entries}\n"));
    let is_sweep = matches!(step, Step::Sweep(_));
    if is_sweep && entries > 0 {
        model.sweep(at(model.now()).max(head));
    }
    // Whether tasks have to be looked at is no fact of theirs.
    let silent_as_expected = is_sweep || (entries == 0) == predicted.silent;
    if found != predicted.reply || !silent_as_expected {
        let problem = format!("{text}expected {} {:?}", predicted.reply, predicted.silent);
        return Err(TestCaseError::fail(problem));
    }
    for task in TASKS {
        let [expected, found] = [model.states(task), states(gate, task)];
        if expected != found {
            let problem = format!("{text}{task} is {found}, expected {expected}");
            return Err(TestCaseError::fail(problem));
        }
        let case = gate.case(task);
        let generation = case.map_or(0, |case| case.tasks[&task_id(task)].generation);
        if generation != model.generation(task) {
            let problem = format!("{text}{task} has generation {generation}");
            return Err(TestCaseError::fail(problem));
        }
        seen.generation = seen.generation.max(generation);
    }
    Ok(true)
}

/// Where a task stands as few did before, tries each command that few tried there, aside.
fn probe_all(gate: &Gate, model: &Model, text: &str, seen: &mut Seen) -> Result<(), TestCaseError> {
    for task in TASKS {
        for command in seen.wanted(gate, task) {
            let (mut gate, mut model, mut text) = (gate.clone(), model.clone(), text.to_owned());
            for step in probe(command, task, seen.steps) {
                take(&mut gate, &mut model, &step, &mut text, seen)?;
            }
            // That state is rare itself, so what is rare in it is tried at once.
            if command == "withdraw all" {
                probe_all(&gate, &model, &text, seen)?;
            }
        }
    }
    Ok(())
}
