//! T: the states, and what time does to them. Cases with several tasks are made by hand: a change
//! request that is shared has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_domain::Instant;
use countersign_domain::change_request::{
    self, Approve, Case, CrEvent, CreateTask, Recheck, Reject, Revoke, approve, create, reject,
    revoke, settle,
};
use countersign_domain::directory::Directory;
use countersign_domain::ids::{CrNumber, CrRef};
use countersign_domain::log::{Event, Stamp};
use countersign_domain::policy::ResultantPolicy;
use countersign_domain::rows::CrRow;
use countersign_domain::task::{self, TaskContent, TaskEvent, TerminationReason, Window};

use crate::harness::Gate;
use crate::harness::facts::task_word;
use crate::harness::people::{at, caller, spec, task_id};

#[test]
fn t1_an_approved_change_request_may_be_pending_again_any_number_of_times() {
    Gate::played(
        "0 adm policy p users=ann,bob
         1 orc create t1                       -> PENDING  PAUSED:approval
         2 ann approve t1                      -> APPROVED CLEARED gen=1
         3 ann revoke t1                       -> PENDING  PAUSED:approval gen=1
         4 bob approve t1                      -> APPROVED CLEARED gen=2
         5 bob revoke t1                       -> PENDING  PAUSED:approval gen=2
         6 ann approve t1                      -> APPROVED CLEARED gen=3
         7 run start t1                        -> APPROVED RUNNING gen=3",
    );
}

#[test]
fn t2_a_pending_change_request_ends_with_its_last_waiting_task() {
    Gate::played(
        "0 adm policy p users=ann
         1 orc create t1 window=..10
         1 orc create t2 window=..10
         1 orc create t3 window=..10
         1 orc create t4 window=..10
         2 orc withdraw t1                     -> WITHDRAWN TERMINATED:withdrawn
         3 ann approve t3
         3 ann approve t4
         4 orc withdraw t3                     -> APPROVED TERMINATED:withdrawn
         10 time settle t2                     -> EXPIRED TERMINATED:window_closed
         10 time settle t4                     -> APPROVED TERMINATED:window_closed",
    );
}

#[test]
fn t2_the_last_of_several_tasks_says_how_the_change_request_ends() {
    // windows of the tasks, what is done to them, the end of the change request
    type Row<'a> = (&'a [(&'a str, i64)], &'a [(&'a str, i64)], i64, &'a str);
    let rows: [Row<'_>; 5] = [
        (&[("a", 10), ("b", 20)], &[], 15, "PENDING"),
        (&[("a", 10), ("b", 20)], &[], 20, "EXPIRED"),
        (&[("a", 10), ("b", 20)], &[("b", 5)], 10, "EXPIRED"),
        (&[("a", 10), ("b", 20)], &[("b", 15)], 15, "WITHDRAWN"),
        (
            &[("a", 10), ("b", 20)],
            &[("a", 5), ("b", 6)],
            30,
            "WITHDRAWN",
        ),
    ];
    for (windows, withdrawn, until, expected) in rows {
        let mut joined = Joined::new("users=ann", windows);
        for (id, second) in withdrawn {
            joined.settle(at(*second));
            joined.emit(&terminated(id, TerminationReason::Withdrawn), at(*second));
            joined.settle(at(*second));
        }
        joined.settle(at(until));
        let found = joined.case.change_request.state.name();
        assert_eq!(found, expected, "{windows:?} {withdrawn:?} until {until}");
    }
}

#[test]
fn t3_the_state_column_tells_what_needs_approval() {
    let gate = Gate::played(
        "0 adm policy p users=ann
         1 orc create t1
         1 orc create t2
         2 ann approve t2
         1 orc create t3
         2 ann reject t3",
    );
    for (id, state, ended) in [
        ("t1", "PENDING", false),
        ("t2", "APPROVED", false),
        ("t3", "REJECTED", true),
    ] {
        let change_request = &gate.case(id).unwrap().change_request;
        assert_eq!(CrRow::new(change_request).state, state);
        assert_eq!(change_request.state.has_ended(), ended);
    }
}

#[test]
fn t4_tasks_end_in_the_order_of_their_due_instants() {
    let mut joined = Joined::new("users=ann", &[("a", 30), ("b", 10), ("c", 20), ("d", 10)]);
    let steps = joined.settle(at(40));
    let expected = [
        ("b", "task.terminated", Some(at(10))),
        ("d", "task.terminated", Some(at(10))),
        ("c", "task.terminated", Some(at(20))),
        ("a", "task.terminated", Some(at(30))),
        ("1", "change_request.expired", Some(at(30))),
    ];
    assert_eq!(
        steps,
        expected.map(|(id, event, due)| (id.to_owned(), event, due))
    );
}

#[test]
fn t4_a_late_settling_gives_the_ends_of_a_punctual_one() {
    let windows = [("a", 30), ("b", 10), ("c", 20)];
    for approved in [false, true] {
        let mut late = Joined::new("users=ann", &windows);
        let mut punctual = Joined::new("users=ann", &windows);
        for joined in [&mut late, &mut punctual] {
            if approved {
                joined.approve("ann", at(2));
            }
        }
        for second in 3..40 {
            punctual.settle(at(second));
        }
        late.settle(at(39));
        assert_eq!(late.words(), punctual.words());
        let names = [&late, &punctual].map(|joined| joined.case.change_request.state.name());
        assert_eq!(names[0], names[1]);
    }
}

#[test]
fn t4_holds_and_clears_reflect_only_now() {
    let mut gate = Gate::new();
    gate.play("0 orc create t1 window=10..20");
    let (_, entries) = gate.say("20 time settle t1");
    assert_eq!(entries, 1, "it was open, but nobody may start it any more");
    let task = &gate.case("t1").unwrap().tasks[&task_id("t1")];
    assert_eq!(
        (task.generation, task_word(task).as_str()),
        (0, "TERMINATED:window_closed")
    );
}

#[test]
fn t4_entries_keep_the_due_instant_and_the_log_instant() {
    let mut gate = Gate::new();
    gate.play("0 orc create t1 window=10..20\n 12.5 time settle t1 -> CLEARED");
    gate.play("33 time settle t1 -> TERMINATED:window_closed");
    let key = countersign_domain::log::AggregateKey::Task(task_id("t1"));
    let found: Vec<_> = gate.store.history[&key]
        .iter()
        .map(|kept| (kept.event, due(&kept.body.cause), kept.stamp.instant))
        .collect();
    let half_past = at(12).plus_micros(500_000).unwrap();
    let expected = [
        ("task.created", None, at(0)),
        ("task.held", None, at(0)),
        ("task.cleared", Some(at(10)), half_past),
        ("task.terminated", Some(at(20)), at(33)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn d5_a_rejection_stops_what_could_start_and_nothing_else() {
    let mut joined = Joined::new("users=ann", &[("a", 90), ("b", 90), ("c", 90)]);
    joined.approve("ann", at(2));
    joined.start("b", at(3));
    joined.reject("ann", at(4));
    assert_eq!(
        joined.words(),
        ["TERMINATED:rejected", "RUNNING", "TERMINATED:rejected"]
    );
}

#[test]
fn d7_a_lost_quorum_holds_what_could_start_and_nothing_else() {
    let mut joined = Joined::new("users=ann", &[("a", 90), ("b", 90)]);
    joined.approve("ann", at(2));
    joined.start("b", at(3));
    joined.revoke("ann", at(4));
    assert_eq!(joined.words(), ["PAUSED:approval", "RUNNING"]);
    assert_eq!(joined.case.change_request.state.name(), "PENDING");
    // The window of the waiting one closes: the change request ends, the started one runs on.
    joined.settle(at(90));
    assert_eq!(joined.words(), ["TERMINATED:window_closed", "RUNNING"]);
    assert_eq!(joined.case.change_request.state.name(), "EXPIRED");
}

#[test]
fn d1_creators_of_all_tasks_are_barred() {
    let mut joined = Joined::new("users=ann,carl,dan block", &[("a", 90), ("b", 90)]);
    let task = joined.case.tasks.get_mut(&task_id("b")).unwrap();
    let creator = crate::harness::people::creator("dan");
    Arc::make_mut(&mut task.content).spec.creator = Some(creator);
    let names = [("carl", false), ("dan", false), ("ann", true)];
    for (name, allowed) in names {
        let command = approval();
        let found = approve(&joined.case, &command, &caller(name), &joined.directory);
        assert_eq!(found.is_ok(), allowed, "{name}");
    }
}

/// A change request with several tasks, whose windows are open and close at a second.
struct Joined {
    case: Case,
    directory: Directory,
    sequence: u64,
}

type Said = (String, &'static str, Option<Instant>);

impl Joined {
    fn new(policy: &str, windows: &[(&str, i64)]) -> Self {
        let mut gate = Gate::new();
        gate.play(&format!("0 adm policy p {policy}"));
        let resultant: ResultantPolicy = gate.directory.resultant(&spec("a"));
        let command = CreateTask::prepare(spec(windows[0].0), resultant, 1);
        let [opened, _] = create(&command, None, CrNumber(1), true, at(1)).unwrap();
        let Event::ChangeRequest(_, event @ CrEvent::Created { .. }) = opened else {
            panic!("not a creation");
        };
        let stamp = Stamp {
            sequence: 2,
            instant: at(1),
        };
        let mut joined = Self {
            case: Case {
                change_request: change_request::apply(None, &event, stamp).unwrap(),
                resultant: Arc::clone(&command.resultant),
                tasks: BTreeMap::new(),
            },
            directory: gate.directory,
            sequence: 2,
        };
        for (id, second) in windows {
            let mut spec = spec(id);
            spec.window = Window {
                start: None,
                end: Some(at(*second)),
            };
            let content = Arc::new(TaskContent {
                spec,
                change_request: CrNumber(1),
                created_at: at(1),
            });
            joined.emit(
                &Event::Task(task_id(id), TaskEvent::Created { content }),
                at(1),
            );
        }
        joined.settle(at(1));
        joined
    }

    fn emit(&mut self, event: &Event, instant: Instant) {
        self.sequence += 1;
        let stamp = Stamp {
            sequence: self.sequence,
            instant,
        };
        match event {
            Event::ChangeRequest(_, event) => {
                let before = Some(&self.case.change_request);
                self.case.change_request = change_request::apply(before, event, stamp).unwrap();
            }
            Event::Task(id, event) => {
                let task = task::apply(self.case.tasks.get(id), event, stamp).unwrap();
                self.case.tasks.insert(id.clone(), task);
            }
            Event::Store(_) | Event::Policy(..) | Event::Team(..) => panic!("{event:?}"),
        }
    }

    /// Settles; answers with what happened to what, and when it was due.
    fn settle(&mut self, now: Instant) -> Vec<Said> {
        let mut said = Vec::new();
        while let Some(step) = settle(&self.case, &self.directory, Recheck::AtThreshold, now) {
            said.push((step.event.aggregate().id(), step.event.name(), step.due_at));
            self.emit(&step.event, now);
        }
        countersign_domain::invariants::check(&self.case).unwrap();
        said
    }

    fn approve(&mut self, name: &str, now: Instant) {
        let event = approve(&self.case, &approval(), &caller(name), &self.directory);
        let event = Event::ChangeRequest(CrNumber(1), event.unwrap().unwrap());
        self.emit(&event, now);
        self.settle(now);
    }

    fn reject(&mut self, name: &str, now: Instant) {
        let command = Reject {
            target: CrRef::Number(CrNumber(1)),
            comment: String::new(),
            etag: None,
            artifact_digest: None,
        };
        for event in reject(&self.case, &command, &caller(name), &self.directory).unwrap() {
            self.emit(&event, now);
        }
        assert_eq!(self.settle(now), []);
    }

    fn revoke(&mut self, name: &str, now: Instant) {
        let command = Revoke {
            target: CrRef::Number(CrNumber(1)),
            comment: String::new(),
        };
        let event = revoke(&self.case, &command, &caller(name))
            .unwrap()
            .unwrap();
        self.emit(&Event::ChangeRequest(CrNumber(1), event), now);
        self.settle(now);
    }

    fn start(&mut self, id: &str, now: Instant) {
        let event = TaskEvent::Started {
            claim: countersign_domain::ids::ClaimId::parse("c1").unwrap(),
            generation: 1,
            runner: caller("run").person,
            artifact_digest: None,
        };
        self.emit(&Event::Task(task_id(id), event), now);
        self.settle(now);
    }

    fn words(&self) -> Vec<String> {
        self.case.tasks.values().map(task_word).collect()
    }
}

fn approval() -> Approve {
    Approve {
        target: CrRef::Number(CrNumber(1)),
        comment: String::new(),
        etag: None,
        artifact_digest: None,
    }
}

fn terminated(id: &str, reason: TerminationReason) -> Event {
    let comment = String::new();
    Event::Task(task_id(id), TaskEvent::Terminated { reason, comment })
}

fn due(cause: &countersign_domain::log::Cause) -> Option<Instant> {
    use countersign_domain::log::Cause;
    match cause {
        Cause::Time { due_at } => *due_at,
        Cause::Call { .. } | Cause::Program => None,
    }
}
