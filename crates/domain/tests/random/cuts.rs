//! One batch of n commands leaves what n batches of one leave, and any cut between.

use proptest::collection::vec;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::harness::Gate;
use super::harness::people::at;
use super::model::Model;
use super::steps::{Step, begin, step, work};
use countersign_domain::Instant;
use countersign_domain::batch::{Command, Reply};

#[test]
fn a_batch_may_be_cut_anywhere() {
    let before = (begin(), vec(step(), 20));
    let strategy = (before, vec(work(), 2..30), vec(1usize..8, 30));
    let mut runner = TestRunner::new(super::config(400));
    let outcome = runner.run(&strategy, |((mut before, more), steps, cuts)| {
        before.extend(more);
        cut(&before, &steps, &cuts)
    });
    outcome.unwrap();
}

fn cut(before: &[Step], steps: &[Step], cuts: &[usize]) -> Result<(), TestCaseError> {
    let mut gate = Gate::new();
    let mut model = Model::new(false);
    for step in before {
        let Some(line) = model.line(step) else {
            continue;
        };
        model.predict(step, &line, gate.store.head.instant);
        gate.say(&line);
    }
    let clock = at(model.now());
    let lines: Vec<String> = steps.iter().filter_map(|step| model.line(step)).collect();
    let commands: Vec<Command> = lines.iter().map(|line| gate.read(line).0).collect();
    let mut whole = gate.clone();
    let mut single = gate.clone();
    let at_once = whole.run(&commands, clock).replies;
    let one_by_one = replies(&mut single, &commands, &[1], clock);
    let in_parts = replies(&mut gate, &commands, cuts, clock);
    let text = lines.join("\n");
    if at_once != one_by_one || at_once != in_parts {
        return Err(TestCaseError::fail(format!("other replies:\n{text}")));
    }
    if whole.store.log != single.store.log || whole.store.log != gate.store.log {
        return Err(TestCaseError::fail(format!("another log:\n{text}")));
    }
    if whole.store.cases != single.store.cases || whole.store.cases != gate.store.cases {
        return Err(TestCaseError::fail(format!("other rows:\n{text}")));
    }
    whole.check_all();
    Ok(())
}

fn replies(gate: &mut Gate, commands: &[Command], cuts: &[usize], clock: Instant) -> Vec<Reply> {
    let mut rest = commands;
    let mut found = Vec::new();
    for size in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (part, later) = rest.split_at((*size).min(rest.len()));
        found.extend(gate.run(part, clock).replies);
        rest = later;
    }
    found
}
