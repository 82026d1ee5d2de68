//! T1, I-01, I-02: any event on any state either is an edge of the state machine or is refused.

use std::sync::Arc;

use countersign_domain::calendar::Period;
use countersign_domain::change_request::{
    self, ChangeRequest, CrEvent, CrState, Eligibility, ExpiryCause,
};
use countersign_domain::directory::{PolicyEvent, Team, TeamEvent, apply_policy, apply_team};
use countersign_domain::freeze::{Freeze, FreezeDraft, FreezeEvent, Sweep, apply_freeze};
use countersign_domain::ids::{ClaimId, CrNumber};
use countersign_domain::log::{AggregateKey, Event, Stamp};
use countersign_domain::policy::Policy;
use countersign_domain::task::{
    self, Outcome, Start, Task, TaskEvent, TaskState, TerminationReason, WaitingFor,
};

use crate::harness::Gate;
use crate::harness::facts::task_word;
use crate::harness::people::{at, caller, digest, freeze_id, person, task_id};

const STAMP: u64 = 1_000;

/// From which states an event leads, and where to.
const TASK_EDGES: &[(&str, &str, &str)] = &[
    ("absent", "created", "PAUSED:approval"),
    ("PAUSED:approval", "held for window", "PAUSED:window"),
    ("PAUSED:approval", "cleared", "CLEARED"),
    ("PAUSED:approval", "terminated", "TERMINATED:rejected"),
    ("PAUSED:window", "held for approval", "PAUSED:approval"),
    ("PAUSED:window", "cleared", "CLEARED"),
    ("PAUSED:window", "terminated", "TERMINATED:rejected"),
    ("PAUSED:approval", "held for freeze", "PAUSED:freeze"),
    ("PAUSED:approval", "bound", "PAUSED:approval"),
    ("PAUSED:window", "held for freeze", "PAUSED:freeze"),
    ("PAUSED:window", "bound", "PAUSED:window"),
    ("PAUSED:freeze", "held for approval", "PAUSED:approval"),
    ("PAUSED:freeze", "held for window", "PAUSED:window"),
    ("PAUSED:freeze", "cleared", "CLEARED"),
    ("PAUSED:freeze", "terminated", "TERMINATED:rejected"),
    // Whether a freeze holds in the next period, only a settling says.
    ("PAUSED:freeze", "bound", "PAUSED:window"),
    ("CLEARED", "held for freeze", "PAUSED:freeze"),
    ("CLEARED", "bound", "PAUSED:window"),
    ("CLEARED", "held for approval", "PAUSED:approval"),
    ("CLEARED", "held for window", "PAUSED:window"),
    ("CLEARED", "started", "RUNNING"),
    ("CLEARED", "terminated", "TERMINATED:rejected"),
    ("RUNNING", "succeeded", "SUCCEEDED"),
    ("RUNNING", "failed", "FAILED"),
];

#[test]
fn t1_a_task_knows_its_edges_and_no_others() {
    let mut found = Vec::new();
    for state in task_states() {
        for (name, event) in task_events() {
            let before = state.as_ref().map_or("absent".to_owned(), task_word);
            let Ok(after) = task::apply(state.as_ref(), &event, stamp()) else {
                continue;
            };
            assert_eq!(after.stamp, stamp());
            let cleared = u64::from(name == "cleared");
            assert_eq!(
                after.generation,
                state.as_ref().map_or(0, |it| it.generation) + cleared
            );
            found.push((before, name, task_word(&after)));
        }
    }
    found.sort();
    let mut expected: Vec<_> = TASK_EDGES
        .iter()
        .map(|(before, event, after)| ((*before).to_owned(), *event, (*after).to_owned()))
        .collect();
    expected.sort();
    assert_eq!(found, expected);
}

/// From which states an event leads, and where to.
const CR_EDGES: &[(&str, &str, &str)] = &[
    ("absent", "created", "PENDING"),
    ("PENDING", "approval_recorded", "PENDING"),
    ("PENDING", "approval_revoked", "PENDING"),
    ("PENDING", "quorum_reached", "APPROVED"),
    ("PENDING", "rejected", "REJECTED"),
    ("PENDING", "expired", "EXPIRED"),
    ("PENDING", "withdrawn", "WITHDRAWN"),
    ("APPROVED", "approval_recorded", "APPROVED"),
    ("APPROVED", "approval_revoked", "APPROVED"),
    ("APPROVED", "quorum_lost", "PENDING"),
    ("APPROVED", "rejected", "REJECTED"),
    ("APPROVED", "expired", "EXPIRED"),
    ("APPROVED", "task_joined", "APPROVED"),
    ("APPROVED", "time_to_live_passed", "APPROVED"),
    ("PENDING", "task_joined", "PENDING"),
];

#[test]
fn t1_a_change_request_knows_its_edges_and_no_others() {
    let mut found = Vec::new();
    for state in cr_states() {
        for event in cr_events() {
            let before = state.as_ref().map_or("absent", |it| it.state.name());
            let Ok(after) = change_request::apply(state.as_ref(), &event, stamp()) else {
                continue;
            };
            assert_eq!(after.stamp, stamp());
            let name = event.name().strip_prefix("change_request.").unwrap();
            found.push((before, name, after.state.name()));
        }
    }
    found.sort_unstable();
    let mut expected = CR_EDGES.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_start_or_a_clearing_of_another_generation_is_no_edge() {
    for state in task_states().into_iter().flatten() {
        for generation in [0, 1, 3, 4, 5, u64::MAX] {
            let cleared = TaskEvent::Cleared { generation };
            let legal = matches!(state.state, TaskState::Paused { .. }) && generation == 4;
            assert_eq!(task::apply(Some(&state), &cleared, stamp()).is_ok(), legal);
            let legal = matches!(state.state, TaskState::Cleared { .. }) && generation == 3;
            let started = started(generation);
            assert_eq!(task::apply(Some(&state), &started, stamp()).is_ok(), legal);
        }
    }
}

#[test]
fn w4_a_task_is_bound_to_later_periods_only() {
    let task = bound_task();
    for (start, end, legal) in [
        (100, 200, true),
        (101, 102, true),
        (99, 200, false),
        (0, 100, false),
        (0, 50, false),
    ] {
        let next = task::apply(Some(&task), &bound(start, end), stamp());
        assert_eq!(next.is_ok(), legal, "{start}..{end}");
    }
    let free = Task {
        period: None,
        ..task.clone()
    };
    assert!(task::apply(Some(&free), &bound(100, 200), stamp()).is_err());
    for event in task_events().into_iter().map(|(_, event)| event) {
        let kept = task::apply(Some(&task), &event, stamp()).map(|next| next.period);
        let expected = match &event {
            TaskEvent::Bound { period } => Some(*period),
            _ => task.period,
        };
        assert_eq!(kept.unwrap_or(expected), expected, "{event:?}");
    }
}

/// From which states of a freeze an event leads, and where to.
const FREEZE_EDGES: &[(&str, &str, &str)] = &[
    ("absent", "created", "due"),
    ("settled", "updated", "due"),
    ("settled", "lifted", "due"),
    ("settled", "deleted and due", "remains"),
    ("settled", "deleted", "absent"),
    ("due", "updated", "due"),
    ("due", "lifted", "due"),
    ("due", "deleted and due", "remains"),
    ("due", "deleted", "absent"),
    ("due", "swept in part", "due"),
    ("due", "swept", "settled"),
    ("remains", "created", "due"),
    ("remains", "swept in part", "remains"),
    ("remains", "swept", "absent"),
];

#[test]
fn f3_a_freeze_knows_its_edges_and_no_others() {
    let gate = Gate::played("0 adm freeze f");
    let due = gate.directory.freeze(&freeze_id("f")).unwrap().as_ref();
    let events = freeze_events(&due.draft);
    let after = |event: usize| apply_freeze(Some(due), &events[event].1, stamp()).unwrap();
    let states = [None, Some(due.clone()), after(6), after(3)];
    let mut found = Vec::new();
    for state in &states {
        for (name, event) in &events {
            if let Ok(next) = apply_freeze(state.as_ref(), event, stamp()) {
                assert!(next.as_ref().is_none_or(|next| next.stamp == stamp()));
                found.push((freeze_word(state), *name, freeze_word(&next)));
            }
        }
    }
    found.sort_unstable();
    let mut expected = FREEZE_EDGES.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

fn freeze_word(freeze: &Option<Freeze>) -> &'static str {
    match freeze {
        None => "absent",
        Some(freeze) if freeze.deleted => "remains",
        Some(freeze) if freeze.due_at.is_some() => "due",
        Some(_) => "settled",
    }
}

fn freeze_events(draft: &FreezeDraft) -> [(&'static str, FreezeEvent); 7] {
    let draft = Box::new(draft.clone());
    let due_at = Some(at(50));
    let part = Sweep {
        began_at: at(50),
        through: CrNumber(1),
    };
    let swept = |sweep, due_at| FreezeEvent::Swept { sweep, due_at };
    let updated = FreezeEvent::Updated {
        draft: draft.clone(),
        stays_lifted: false,
        due_at,
    };
    let lifted = FreezeEvent::Lifted {
        until: at(90),
        comment: String::new(),
        due_at,
    };
    [
        ("created", FreezeEvent::Created { draft, due_at }),
        ("updated", updated),
        ("lifted", lifted),
        ("deleted and due", FreezeEvent::Deleted { due_at }),
        ("deleted", FreezeEvent::Deleted { due_at: None }),
        ("swept in part", swept(Some(part), due_at)),
        ("swept", swept(None, None)),
    ]
}

#[test]
fn policies_and_teams_are_created_once_and_changed_while_they_live() {
    let gate = Gate::played("0 adm team t members=ann\n 0 adm policy p users=ann");
    let policy: &Policy = gate.directory.policies().next().unwrap();
    let draft = Box::new(policy.draft.clone());
    let rows = [
        (
            PolicyEvent::Created {
                draft: draft.clone(),
            },
            true,
            false,
        ),
        (PolicyEvent::Updated { draft }, false, true),
        (PolicyEvent::Deleted, false, true),
    ];
    for (event, on_absent, on_present) in rows {
        assert_eq!(
            apply_policy(None, &event, stamp()).is_ok(),
            on_absent,
            "{event:?}"
        );
        assert_eq!(
            apply_policy(Some(policy), &event, stamp()).is_ok(),
            on_present,
            "{event:?}"
        );
    }
    let team: &Team = gate.directory.teams_after(None).next().unwrap();
    let draft = Box::new(team.draft.clone());
    let rows = [
        (
            TeamEvent::Created {
                draft: draft.clone(),
            },
            true,
            false,
        ),
        (TeamEvent::Updated { draft }, false, true),
        (TeamEvent::Deleted, false, true),
    ];
    for (event, on_absent, on_present) in rows {
        assert_eq!(
            apply_team(None, &event, stamp()).is_ok(),
            on_absent,
            "{event:?}"
        );
        assert_eq!(
            apply_team(Some(team), &event, stamp()).is_ok(),
            on_present,
            "{event:?}"
        );
    }
}

fn stamp() -> Stamp {
    Stamp {
        sequence: STAMP,
        instant: at(50),
    }
}

/// A task that is bound to a period up to second 100.
fn bound_task() -> Task {
    let gate = Gate::played("0 adm policy p users=ann windows=0..100\n 1 orc create t1");
    gate.case("t1").unwrap().tasks[&task_id("t1")].clone()
}

/// A task in each state, cleared three times so far.
fn task_states() -> Vec<Option<Task>> {
    let task = bound_task();
    let start = || Start {
        claim: ClaimId::parse("c1").unwrap(),
        generation: 3,
        runner: person("run"),
        at: at(2),
    };
    let finished = |outcome| TaskState::Finished {
        start: start(),
        outcome,
        comment: String::new(),
        at: at(3),
    };
    let terminated = |reason| TaskState::Terminated { reason, at: at(3) };
    let states = [
        TaskState::Paused {
            waiting_for: WaitingFor::Approval,
        },
        TaskState::Paused {
            waiting_for: WaitingFor::Window,
        },
        TaskState::Paused {
            waiting_for: WaitingFor::Freeze,
        },
        TaskState::Cleared { since: at(2) },
        TaskState::Running { start: start() },
        finished(Outcome::Succeeded),
        finished(Outcome::Failed),
        terminated(TerminationReason::Rejected),
        terminated(TerminationReason::WindowClosed),
        terminated(TerminationReason::Withdrawn),
    ];
    let in_state = |state| Task {
        state,
        generation: 3,
        ..task.clone()
    };
    std::iter::once(None)
        .chain(states.map(in_state).map(Some))
        .collect()
}

fn task_events() -> Vec<(&'static str, TaskEvent)> {
    let held = |waiting_for| TaskEvent::Held { waiting_for };
    let finished = |outcome| TaskEvent::Finished {
        outcome,
        comment: String::new(),
    };
    let gate = Gate::played("0 adm policy p users=ann\n 1 orc create t1");
    let content = Arc::clone(&gate.case("t1").unwrap().tasks[&task_id("t1")].content);
    let terminated = TaskEvent::Terminated {
        reason: TerminationReason::Rejected,
        comment: String::new(),
    };
    vec![
        (
            "created",
            TaskEvent::Created {
                content,
                period: None,
            },
        ),
        ("cleared", TaskEvent::Cleared { generation: 4 }),
        ("held for approval", held(WaitingFor::Approval)),
        ("held for window", held(WaitingFor::Window)),
        ("held for freeze", held(WaitingFor::Freeze)),
        ("bound", bound(200, 300)),
        ("started", started(3)),
        ("succeeded", finished(Outcome::Succeeded)),
        ("failed", finished(Outcome::Failed)),
        ("terminated", terminated),
    ]
}

fn bound(start: i64, end: i64) -> TaskEvent {
    TaskEvent::Bound {
        period: Period {
            start: at(start),
            end: at(end),
        },
    }
}

fn started(generation: u64) -> TaskEvent {
    TaskEvent::Started {
        claim: ClaimId::parse("c1").unwrap(),
        generation,
        runner: person("run"),
        artifact_digest: digest("none"),
    }
}

fn cr_states() -> Vec<Option<ChangeRequest>> {
    let gate = Gate::played("0 adm policy p users=ann\n 1 orc create t1");
    let pending = gate.case("t1").unwrap().change_request.clone();
    let states = [
        CrState::Pending { since: at(1) },
        CrState::Approved {
            since: at(1),
            ttl_passed: false,
        },
        CrState::Rejected {
            by: person("ann"),
            at: at(2),
            stopped: Vec::new(),
        },
        CrState::Expired {
            cause: ExpiryCause::WindowClosed,
            due_at: None,
            at: at(2),
        },
        CrState::Withdrawn { at: at(2) },
    ];
    let in_state = |state| ChangeRequest {
        state,
        ..pending.clone()
    };
    std::iter::once(None)
        .chain(states.map(in_state).map(Some))
        .collect()
}

fn cr_events() -> Vec<CrEvent> {
    let gate = Gate::played("0 adm policy p users=ann\n 1 orc create t1");
    let number = gate.case("t1").unwrap().number();
    let first = &gate.store.history[&AggregateKey::ChangeRequest(number)][0];
    let Event::ChangeRequest(_, created) = first.body.typed_event().unwrap() else {
        panic!("not a creation");
    };
    let credential = caller("ann").credential;
    vec![
        created,
        CrEvent::ApprovalRecorded {
            person: person("ann"),
            comment: String::new(),
            eligibility: Eligibility::default(),
            artifact_digest: None,
            credential: credential.clone(),
        },
        CrEvent::ApprovalRevoked {
            person: person("ann"),
            comment: String::new(),
            credential: credential.clone(),
        },
        CrEvent::QuorumReached,
        CrEvent::QuorumLost,
        CrEvent::Rejected {
            person: person("ann"),
            comment: String::new(),
            eligibility: Eligibility::default(),
            artifact_digest: None,
            credential,
            stops: Vec::new(),
        },
        CrEvent::Expired {
            cause: ExpiryCause::WindowClosed,
            due_at: None,
        },
        CrEvent::Withdrawn,
        CrEvent::TaskJoined {
            task: task_id("t2"),
            etag: String::new(),
        },
        // Nobody has approved, so nobody's approval can lapse.
        CrEvent::ApprovalLapsed {
            person: person("ann"),
        },
        CrEvent::TimeToLivePassed,
    ]
}
