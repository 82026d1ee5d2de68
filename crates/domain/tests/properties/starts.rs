//! I-05 with the scheduler switched off for ever: random policies with windows, freezes, clock
//! jumps, decisions and starts, and never a settling or a sweep. Each start that is granted lies in
//! `[open, close)` and under no freeze, by an oracle that counts minutes; each that is refused does
//! not.
//!
//! A failure prints its number, which makes the same sequence again.

use std::cell::Cell;

use countersign_domain::batch::{Action, Reply};
use countersign_domain::change_request::{Approve, CreateTask, Revoke};
use countersign_domain::ids::{ClaimId, CrRef};
use countersign_domain::refusal::{NotNow, Refusal};
use countersign_domain::task::{StartTask, TaskSpec, TaskState, Window};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::world::{MINUTE, World};
use crate::harness::facts::reply_name;
use crate::harness::people::{at, spec, task_id};

/// Sequences per test; there are two.
const SEQUENCES: u32 = 52_000;

#[test]
fn i05_no_start_is_granted_outside_its_periods_or_under_a_freeze() {
    many();
}

#[test]
fn i05_no_start_is_granted_outside_its_periods_or_under_a_freeze_too() {
    many();
}

fn many() {
    let seen = Cell::new(Seen::default());
    let mut runner = TestRunner::new(super::cases(SEQUENCES));
    // A sequence is made of its number, so there is nothing to shrink.
    let outcome = runner.run(&any::<u64>().no_shrink(), |number| {
        let mut counted = seen.get();
        let outcome = sequence(number, &mut counted);
        seen.set(counted);
        outcome
    });
    outcome.unwrap();
    let seen = seen.get();
    println!("{SEQUENCES} sequences: {seen:?}");
    let few = [
        seen.started,
        seen.bound_anew,
        seen.by_windows,
        seen.by_freezes,
        seen.ended,
    ];
    assert!(few.iter().all(|count| *count >= 1_000), "{seen:?}");
    assert!(seen.no_period >= 100, "{seen:?}");
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    started: usize,
    bound_anew: usize,
    by_windows: usize,
    by_freezes: usize,
    ended: usize,
    no_period: usize,
}

fn sequence(number: u64, seen: &mut Seen) -> Result<(), TestCaseError> {
    let mut world = World::new(number);
    if !world.create(seen)? {
        return Ok(());
    }
    for _ in 0..10 {
        world.step(seen)?;
    }
    Ok(())
}

impl World {
    /// Creates the task; answers whether there is one.
    fn create(&mut self, seen: &mut Seen) -> Result<bool, TestCaseError> {
        self.now = self.dice.roll(5 * MINUTE);
        let minute = self.now / MINUTE;
        let start = self.dice.one_in(3).then(|| self.dice.roll(40));
        let from = start.unwrap_or(minute).max(minute);
        let end = self.dice.one_in(3).then(|| from + 1 + self.dice.roll(60));
        let asked = TaskSpec {
            window: Window {
                start: start.map(|minute| at(minute * 60)),
                end: end.map(|minute| at(minute * 60)),
            },
            ..spec("t1")
        };
        self.said
            .push_str(&format!("{} create {start:?}..{end:?}\n", self.now));
        self.open = self.open.between(start, end);
        let opens = self.open.first_from(minute);
        self.first = opens.map(|opens| (opens, self.open.end_of(opens)));
        let resultant = self.directory.resultant(&asked);
        let create = CreateTask::prepare(asked, resultant, self.directory.matching_revision());
        let reply = self.run("orc", Action::Create(Box::new(create)));
        let expected = if self.first.is_some() {
            "Done"
        } else {
            "NoPeriod"
        };
        seen.no_period += usize::from(self.first.is_none());
        self.expect(&reply_name(&reply), expected)?;
        self.approved = !self.needs_approval;
        Ok(self.first.is_some())
    }

    fn step(&mut self, seen: &mut Seen) -> Result<(), TestCaseError> {
        self.now += match self.dice.roll(4) {
            0 => self.dice.roll(90) * 1_000_000,
            1 => MINUTE - self.now % MINUTE,
            2 => MINUTE - self.now % MINUTE - 1,
            _ => self.dice.roll(15 * MINUTE),
        };
        match self.dice.roll(9) {
            0 | 1 => self.decide(),
            2 | 3 => self.freeze(),
            4 => self.change_freeze(),
            _ => self.start(seen),
        }
    }

    /// Ann approves, or takes that back.
    fn decide(&mut self) -> Result<(), TestCaseError> {
        let target = CrRef::Task(task_id("t1"));
        let comment = String::new();
        let revokes = self.approved && self.needs_approval && self.dice.one_in(3);
        let action = match revokes {
            true => Action::Revoke(Revoke { target, comment }),
            false => Action::Approve(Approve {
                target,
                comment,
                etag: None,
                artifact_digest: None,
            }),
        };
        let over = self.is_over();
        let reply = self.run("ann", action);
        let started = matches!(self.task().state, TaskState::Running { .. });
        if !over && !started && self.needs_approval {
            self.expect(&reply_name(&reply), "Done")?;
            self.approved = !revokes;
        }
        Ok(())
    }

    /// Starts, with the generation that was signalled last and then with the one that is current.
    fn start(&mut self, seen: &mut Seen) -> Result<(), TestCaseError> {
        if !matches!(
            self.task().state,
            TaskState::Paused { .. } | TaskState::Cleared { .. }
        ) {
            return Ok(());
        }
        let (frozen, open) = (self.is_frozen(), self.is_open());
        let before = self.task().period;
        let mut reply = self.claim();
        let stale = |reply: &Reply| {
            matches!(
                reply,
                Reply::Refused(Refusal::StartNotNow {
                    cause: NotNow::StaleGeneration { .. },
                    ..
                })
            )
        };
        if stale(&reply) {
            reply = self.claim();
        }
        let expected = match (self.is_over(), self.approved, open, frozen) {
            (true, ..) => "StartNever",
            (false, false, ..) => "StartNotNow:approval",
            (false, true, false, _) => "StartNotNow:window",
            (false, true, true, true) => "StartNotNow:freeze",
            (false, true, true, false) => "Done",
        };
        seen.started += usize::from(expected == "Done");
        seen.by_windows += usize::from(expected == "StartNotNow:window");
        seen.by_freezes += usize::from(expected == "StartNotNow:freeze");
        seen.ended += usize::from(expected == "StartNever");
        seen.bound_anew += usize::from(before != self.task().period);
        self.expect(&reply_name(&reply), expected)
    }

    fn claim(&mut self) -> Reply {
        let claim = StartTask {
            task: task_id("t1"),
            generation: self.task().generation,
            artifact_digest: None,
            claim: ClaimId::parse("c1").unwrap(),
        };
        self.run("run", Action::Start(claim))
    }

    fn is_frozen(&self) -> bool {
        let mut matching = self.freezes.iter().filter(|freeze| freeze.matches);
        matching.any(|freeze| freeze.holds(self.now))
    }

    fn is_open(&self) -> bool {
        self.open.has(self.now / MINUTE)
    }

    /// Whether time has ended the task: no period is left for it.
    fn is_over(&self) -> bool {
        let minute = self.now / MINUTE;
        let closed = self.first.is_some_and(|(_, end)| end <= minute);
        match self.has_windows && self.terminates {
            true => closed,
            false => self.open.first_from(minute).is_none(),
        }
    }
}
