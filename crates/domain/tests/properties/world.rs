//! A small world for starts: policies, one task, freezes and a clock that jumps, each beside what
//! the oracle knows of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_domain::Instant;
use countersign_domain::batch::{Action, Command, Context, Reply, Settings, WorkingSet, run};
use countersign_domain::calendar::{Cron, Elapsed, Length, Period, Recurrence, Zone};
use countersign_domain::change_request::Case;
use countersign_domain::directory::{Directory, DirectoryCommand, decide};
use countersign_domain::freeze::{FreezeDraft, FreezeField};
use countersign_domain::ids::CrNumber;
use countersign_domain::log::{Event, Head, Stamp};
use countersign_domain::policy::{
    Approvers, ChangeWindow, OnClose, Policy, PolicyDraft, Scope, ScopeSide, Terms,
};
use countersign_domain::rows::{CrRow, TaskRow};
use countersign_domain::task::Task;
use proptest::test_runner::TestCaseError;

use super::oracle::{Minutes, Span};
use crate::harness::facts::variant;
use crate::harness::people::{at, caller, freeze_id, micros, person, policy_id, task_id};

pub(crate) const MINUTE: i64 = 60_000_000;

/// Numbers that follow from one another.
pub(crate) struct Dice(u64);

impl Dice {
    /// Less than so much.
    pub(crate) fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed % sides.unsigned_abs()) as i64
    }

    pub(crate) fn one_in(&mut self, sides: i64) -> bool {
        self.roll(sides) == 0
    }

    fn span(&mut self) -> Span {
        if self.one_in(2) {
            let start = self.roll(60);
            Span::Once(start, start + 1 + self.roll(30))
        } else {
            let step = [5, 10, 15, 20, 30][self.roll(5) as usize];
            Span::Every(step, 1 + self.roll(step))
        }
    }
}

/// A freeze as the oracle knows it; times in microseconds.
pub(crate) struct Held {
    pub(crate) name: &'static str,
    pub(crate) matches: bool,
    pub(crate) spans: Minutes,
    pub(crate) from: i64,
    pub(crate) until: Option<i64>,
    pub(crate) lifted: Option<(i64, i64)>,
}

impl Held {
    /// The end of the occurrence that holds, liftings aside.
    fn occurrence(&self, now: i64) -> Option<i64> {
        let inside = self.from <= now && self.until.is_none_or(|until| now < until);
        let minute = now.div_euclid(MINUTE);
        (inside && self.spans.has(minute)).then(|| {
            let end = self.spans.end_of(minute) * MINUTE;
            self.until.map_or(end, |until| until.min(end))
        })
    }

    pub(crate) fn holds(&self, now: i64) -> bool {
        let lifted = self
            .lifted
            .is_some_and(|(from, until)| from <= now && now < until);
        !lifted && self.occurrence(now).is_some()
    }
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) now: i64,
    pub(crate) directory: Directory,
    pub(crate) head: Head,
    pub(crate) case: Option<Case>,
    pub(crate) freezes: Vec<Held>,
    /// What the windows of all policies and the task's own leave; `None`: no policy has windows.
    pub(crate) open: Minutes,
    pub(crate) first: Option<(i64, i64)>,
    pub(crate) has_windows: bool,
    pub(crate) terminates: bool,
    pub(crate) needs_approval: bool,
    pub(crate) approved: bool,
    pub(crate) said: String,
}

type Made = BTreeMap<(i64, i64), Recurrence>;

thread_local! {
    /// What was made once: a cron expression takes longer to read than a sequence to play.
    static MADE: RefCell<Made> = const { RefCell::new(BTreeMap::new()) };
}

fn recurrence(step: i64, length: i64) -> Recurrence {
    let make = || Recurrence {
        starts: Cron::parse(&format!("*/{step} * * * *")).unwrap(),
        zone: Zone::parse("UTC").unwrap(),
        length: Length::Elapsed(Elapsed::from_micros(length * MINUTE).unwrap()),
    };
    MADE.with_borrow_mut(|made| made.entry((step, length)).or_insert_with(make).clone())
}

fn window(span: Span) -> ChangeWindow {
    match span {
        Span::Once(start, end) => ChangeWindow::Once(Period {
            start: at(start * 60),
            end: at(end * 60),
        }),
        Span::Every(step, length) => ChangeWindow::Recurring(recurrence(step, length)),
    }
}

fn scope(environment: &str) -> Vec<Scope> {
    vec![Scope {
        projects: ScopeSide::Any,
        environments: ScopeSide::Ids([environment.to_owned()].into()),
        kinds: BTreeSet::new(),
        tenants: BTreeSet::new(),
    }]
}

impl World {
    pub(crate) fn new(number: u64) -> Self {
        let mut world = Self {
            dice: Dice(number),
            now: 0,
            directory: Directory::default(),
            head: Head::EMPTY,
            case: None,
            freezes: Vec::new(),
            open: Minutes::all(),
            first: None,
            has_windows: false,
            terminates: false,
            needs_approval: false,
            approved: false,
            said: format!("sequence {number}\n"),
        };
        let count = [0, 1, 1, 1, 2, 2][world.dice.roll(6) as usize];
        let policies = (0..count).map(|index| world.policy(index)).collect();
        let nothing = (Vec::new(), Vec::new(), Vec::new());
        world.directory = Directory::from_rows(1, policies, nothing.0, nothing.1, nothing.2);
        world
    }

    fn policy(&mut self, index: u64) -> Policy {
        let windows: Vec<Span> = (0..self.dice.roll(4)).map(|_| self.dice.span()).collect();
        let only_windows = !windows.is_empty() && self.dice.one_in(3);
        let on_close = match self.dice.roll(4) {
            0 if !windows.is_empty() => Some(OnClose::Terminate),
            1 | 2 if !windows.is_empty() => Some(OnClose::Hold),
            _ => None,
        };
        let recurs = windows.iter().any(|span| matches!(span, Span::Every(..)));
        if !windows.is_empty() {
            self.has_windows = true;
            self.open = self.open.and(&Minutes::union(&windows));
            self.terminates |= match on_close {
                Some(on_close) => on_close == OnClose::Terminate,
                None => !recurs,
            };
        }
        self.needs_approval |= !only_windows;
        let users = if only_windows {
            None
        } else {
            Some(person("ann"))
        };
        self.said
            .push_str(&format!("{windows:?} {on_close:?} only: {only_windows}\n"));
        let stamp = Stamp {
            sequence: index + 1,
            instant: at(0),
        };
        Policy {
            draft: PolicyDraft {
                id: policy_id(["p", "q"][index as usize]),
                name: String::new(),
                description: String::new(),
                disabled: false,
                scopes: scope("prod"),
                approvers: Approvers {
                    users: users.into_iter().collect(),
                    teams: BTreeSet::new(),
                },
                minimum_approvals: u32::from(!only_windows),
                block_creator: false,
                terms: Terms {
                    windows: windows.into_iter().map(window).collect(),
                    on_close,
                    ..Terms::default()
                },
            },
            revision: 1,
            created: stamp,
            stamp,
        }
    }

    pub(crate) fn freeze(&mut self) -> Result<(), TestCaseError> {
        let Some(name) = ["f", "g"]
            .into_iter()
            .find(|name| self.find(name).is_none())
        else {
            return Ok(());
        };
        let minute = self.now / MINUTE;
        let start = self.dice.one_in(2).then(|| minute + self.dice.roll(15) - 4);
        let from = start.map_or(self.now, |start| start.max(0) * MINUTE);
        let end = self
            .dice
            .one_in(2)
            .then(|| from.max(self.now) / MINUTE + 2 + self.dice.roll(20));
        let every = self.dice.one_in(2).then(|| {
            let step = [5, 10, 15][self.dice.roll(3) as usize];
            (step, 1 + self.dice.roll(step - 1))
        });
        let matches = !self.dice.one_in(6);
        let draft = FreezeDraft {
            id: freeze_id(name),
            reason: String::new(),
            scopes: scope(if matches { "prod" } else { "dev" }),
            start: start.map(|_| micros(from)),
            end: end.map(|end| at(end * 60)),
            recurrence: every.map(|(step, length)| recurrence(step, length)),
        };
        let said = format!("{} {name} {start:?} {end:?} {every:?} {matches}", self.now);
        self.said.push_str(&format!("{said}\n"));
        if self.ask(&DirectoryCommand::CreateFreeze(Box::new(draft))) == "Done" {
            let spans = every.map(|(step, length)| Minutes::union(&[Span::Every(step, length)]));
            self.freezes.push(Held {
                name,
                matches,
                spans: spans.unwrap_or_else(Minutes::all),
                from,
                until: end.map(|end| end * MINUTE),
                lifted: None,
            });
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.freezes.iter().position(|freeze| freeze.name == name)
    }

    /// Lifts, narrows or drops one.
    pub(crate) fn change_freeze(&mut self) -> Result<(), TestCaseError> {
        if self.freezes.is_empty() {
            return Ok(());
        }
        let index = self.dice.roll(self.freezes.len() as i64) as usize;
        let now = self.now;
        let id = freeze_id(self.freezes[index].name);
        let etag = None;
        let change = self.dice.roll(3);
        self.said
            .push_str(&format!("{now} change {change} of {id}\n"));
        match change {
            0 => {
                let command = DirectoryCommand::LiftFreeze {
                    id,
                    comment: String::new(),
                    etag,
                };
                let reply = self.ask(&command);
                let freeze = &mut self.freezes[index];
                let is_lifted = freeze.lifted.is_some_and(|(_, until)| now < until);
                let end = freeze.occurrence(now).filter(|_| !is_lifted);
                if let Some(end) = end {
                    freeze.lifted = Some((now, end));
                }
                let expected = if end.is_some() || is_lifted {
                    "Done"
                } else {
                    "FreezeNotInForce"
                };
                self.expect(&reply, expected)
            }
            1 => {
                let matches = !self.freezes[index].matches;
                let mut draft = self.directory.freeze(&id).unwrap().draft.clone();
                draft.scopes = scope(if matches { "prod" } else { "dev" });
                let command = DirectoryCommand::UpdateFreeze {
                    draft: Box::new(draft),
                    fields: [FreezeField::Scopes].into(),
                    etag,
                };
                self.freezes[index].matches = matches;
                let reply = self.ask(&command);
                self.expect(&reply, "Done")
            }
            _ => {
                self.freezes.remove(index);
                let reply = self.ask(&DirectoryCommand::DeleteFreeze { id, etag });
                self.expect(&reply, "Done")
            }
        }
    }

    /// Asks the directory, and takes in what it answers.
    fn ask(&mut self, command: &DirectoryCommand) -> String {
        let caller = caller("adm");
        match decide(&self.directory, command, Some(&caller), micros(self.now)) {
            Err(refusal) => variant(&refusal),
            Ok(event) => {
                if let Some(Event::Freeze(id, event)) = event {
                    self.head.sequence += 1;
                    let stamp = Stamp {
                        sequence: self.head.sequence,
                        instant: micros(self.now),
                    };
                    self.directory.apply_freeze(&id, &event, stamp).unwrap();
                }
                "Done".to_owned()
            }
        }
    }

    pub(crate) fn task(&self) -> &Task {
        &self.case.as_ref().unwrap().tasks[&task_id("t1")]
    }

    pub(crate) fn run(&mut self, who: &str, action: Action) -> Reply {
        self.said.push_str(&format!("{} {who}\n", self.now));
        let resultant = match (&action, &self.case) {
            (Action::Create(create), _) => Arc::clone(&create.resultant),
            (_, case) => Arc::clone(&case.as_ref().unwrap().resultant),
        };
        let set = WorkingSet::new(self.head, self.case.clone().into_iter().collect());
        let command = Command {
            caller: Some(caller(who)),
            action,
            request: None,
        };
        let settings = Settings {
            require_policy: false,
        };
        let now: Instant = micros(self.now);
        let context = Context {
            now,
            clock: now,
            directory: &self.directory,
            settings: &settings,
        };
        let mut outcome = run(set, &[command], context);
        self.head = outcome.head;
        let changes = &outcome.changes;
        let requests = changes
            .new_change_requests
            .iter()
            .chain(&changes.change_requests);
        for row in requests {
            let change_request = CrRow::parse(&row.frozen, &row.live).unwrap();
            let tasks = self.case.take().map(|case| case.tasks).unwrap_or_default();
            self.case = Some(Case {
                change_request,
                resultant: Arc::clone(&resultant),
                tasks,
            });
        }
        for row in changes.new_tasks.iter().chain(&changes.tasks) {
            let task = TaskRow::parse(&row.frozen, &row.live).unwrap();
            let case = self.case.as_mut().unwrap();
            assert_eq!(case.number(), CrNumber(1));
            case.tasks.insert(task.id().clone(), task);
        }
        outcome.replies.remove(0)
    }

    pub(crate) fn expect(&self, found: &str, expected: &str) -> Result<(), TestCaseError> {
        if found == expected {
            return Ok(());
        }
        let problem = format!("{}at {}: {found}, expected {expected}", self.said, self.now);
        Err(TestCaseError::fail(problem))
    }
}
