//! Each answer and signal says something else than it should.

use countersign_proto::v1::*;

use crate::cell::broken;
use crate::fault::{Fault, Rpc, Spoil, Times};

type Row<A> = (&'static str, fn(&mut A));

fn task(answer: &mut StartTaskResponse) -> &mut Task {
    answer.task.as_mut().unwrap()
}

fn start(answer: &mut StartTaskResponse) -> &mut TaskStart {
    task(answer).start.as_mut().unwrap()
}

const STARTS: &[Row<StartTaskResponse>] = &[
    ("empty", |it| it.task = None),
    ("empty task", |it| it.task = Some(Task::default())),
    ("another task", |it| task(it).id = "deploy-8".to_owned()),
    ("no task id", |it| task(it).id.clear()),
    ("a longer task id", |it| task(it).id.push(' ')),
    ("no spec", |it| task(it).spec = None),
    ("another spec", |it| {
        task(it).spec.as_mut().unwrap().id.push('0');
    }),
    ("another digest", |it| {
        task(it).spec.as_mut().unwrap().artifact_digest.push('0');
    }),
    ("no digest", |it| {
        task(it).spec.as_mut().unwrap().artifact_digest.clear();
    }),
    ("no start", |it| task(it).start = None),
    ("empty start", |it| {
        task(it).start = Some(TaskStart::default());
    }),
    ("another claim", |it| {
        start(it).claim_id = "claim-2".to_owned();
    }),
    ("no claim", |it| start(it).claim_id.clear()),
    ("another case", |it| {
        start(it).claim_id.make_ascii_uppercase();
    }),
    ("generation 0", |it| start(it).generation = 0),
    ("next generation", |it| start(it).generation += 1),
    ("largest generation", |it| start(it).generation = u64::MAX),
    ("state unspecified", |it| task(it).state = 0),
    ("state paused", |it| task(it).state = 1),
    ("state cleared", |it| task(it).state = 2),
    ("state succeeded", |it| task(it).state = 4),
    ("state failed", |it| task(it).state = 5),
    ("state terminated", |it| task(it).state = 6),
    ("state unknown", |it| task(it).state = 99),
    ("state negative", |it| task(it).state = -1),
];

const CREATIONS: &[Row<CreateChangeRequestResponse>] = &[
    ("empty", |it| *it = CreateChangeRequestResponse::default()),
    ("no task", |it| it.task = None),
    ("no change request", |it| it.change_request = None),
    ("another task", |it| {
        it.task.as_mut().unwrap().id.push('0');
    }),
    ("no task id", |it| it.task.as_mut().unwrap().id.clear()),
    ("another number", |it| {
        it.change_request.as_mut().unwrap().id.push('0');
    }),
    ("no number", |it| {
        it.change_request.as_mut().unwrap().id.clear();
        it.task.as_mut().unwrap().change_request.clear();
    }),
];

const FINISHES: &[Row<FinishTaskResponse>] = &[
    ("empty", |it| it.task = None),
    ("another task", |it| {
        it.task.as_mut().unwrap().id.push('0');
    }),
    ("no start", |it| it.task.as_mut().unwrap().start = None),
    ("another claim", |it| {
        it.task
            .as_mut()
            .unwrap()
            .start
            .as_mut()
            .unwrap()
            .claim_id
            .push('0');
    }),
    ("state running", |it| it.task.as_mut().unwrap().state = 3),
    ("state failed", |it| it.task.as_mut().unwrap().state = 5),
    ("state unknown", |it| it.task.as_mut().unwrap().state = 99),
];

/// Changes each PROCEED.
fn proceeds(message: &mut WatchSignalsResponse, change: impl Fn(&mut TaskSignal)) {
    let proceed = i32::from(Signal::Proceed);
    message
        .signals
        .iter_mut()
        .filter(|it| it.signal == proceed)
        .for_each(change);
}

fn permit(signal: &mut TaskSignal) -> &mut Permit {
    signal.permit.as_mut().unwrap()
}

/// Signals, and how often PROCEED or its mark is lost by them: with these the gate never opens as
/// long as they last.
const SIGNALS: &[Row<WatchSignalsResponse>] = &[
    ("empty messages", |it| *it = WatchSignalsResponse::default()),
    ("no signals", |it| it.signals.clear()),
    ("no marks", |it| it.mark = None),
    ("marks unspecified", |it| {
        it.mark.iter_mut().for_each(|mark| mark.kind = 0);
    }),
    ("marks unknown", |it| {
        it.mark.iter_mut().for_each(|mark| mark.kind = 99);
    }),
    ("marks without token", |it| {
        it.mark
            .iter_mut()
            .for_each(|mark| mark.resume_token.clear());
    }),
    ("signal unspecified", |it| proceeds(it, |it| it.signal = 0)),
    ("signal unknown", |it| proceeds(it, |it| it.signal = 99)),
    ("signal negative", |it| proceeds(it, |it| it.signal = -1)),
    ("signal largest", |it| {
        proceeds(it, |it| it.signal = i32::MAX);
    }),
    ("no permit", |it| proceeds(it, |it| it.permit = None)),
    ("generation 0", |it| {
        proceeds(it, |it| permit(it).generation = 0);
    }),
    ("next generation", |it| {
        proceeds(it, |it| permit(it).generation += 1);
    }),
    ("largest generation", |it| {
        proceeds(it, |it| permit(it).generation = u64::MAX);
    }),
    ("state unspecified", |it| proceeds(it, |it| it.state = 0)),
    ("state paused", |it| proceeds(it, |it| it.state = 1)),
    ("state running", |it| proceeds(it, |it| it.state = 3)),
    ("state succeeded", |it| proceeds(it, |it| it.state = 4)),
    ("state failed", |it| proceeds(it, |it| it.state = 5)),
    ("state terminated", |it| proceeds(it, |it| it.state = 6)),
    ("state unknown", |it| proceeds(it, |it| it.state = 99)),
    ("another task", |it| proceeds(it, |it| it.task_id.push('0'))),
    ("no task", |it| proceeds(it, |it| it.task_id.clear())),
    ("empty signal", |it| {
        proceeds(it, |it| *it = TaskSignal::default());
    }),
];

/// These end the waiting: whoever says them once has said them for ever.
const ENDS: &[Row<WatchSignalsResponse>] = &[
    ("terminate", |it| proceeds(it, |it| it.signal = 3)),
    ("terminate, reason unknown", |it| {
        proceeds(it, |it| {
            it.signal = 3;
            it.termination_reason = 99;
        });
    }),
    ("running under another claim", |it| {
        proceeds(it, |it| {
            it.signal = 0;
            it.state = 3;
            it.start = Some(TaskStart::default());
        });
    }),
    ("has run", |it| {
        proceeds(it, |it| {
            it.signal = 0;
            it.state = 4;
        });
    }),
];

#[test]
fn p8_answers_that_say_something_else_are_not_believed() {
    let rows = STARTS
        .iter()
        .map(|(name, change)| (*name, Rpc::Start, Spoil::Start(*change)));
    let rows = rows.chain(
        CREATIONS
            .iter()
            .map(|(name, change)| (*name, Rpc::Create, Spoil::Create(*change))),
    );
    let mut cells = 0;
    for (name, rpc, spoil) in rows {
        for times in Times::BOTH {
            let cell = broken(name, rpc, Fault::Spoilt(spoil), times);
            assert_eq!(cell.is_granted(), times == Times::Once, "{name} {cell:?}");
            cells += 1;
        }
    }
    for (name, change) in FINISHES {
        for times in Times::BOTH {
            let spoil = Fault::Spoilt(Spoil::Finish(*change));
            let cell = broken(name, Rpc::Finish, spoil, times);
            assert_eq!(cell.finished, Some(times == Times::Once), "{name} {cell:?}");
            cells += 1;
        }
    }
    println!("{cells} cells: 39 changed answers x once and always");
    assert_eq!(cells, 78);
}

#[test]
fn p8_signals_that_say_something_else_are_not_believed() {
    let mut cells = 0;
    for (name, change) in SIGNALS {
        for times in Times::BOTH {
            let cell = broken(
                name,
                Rpc::Watch,
                Fault::Spoilt(Spoil::Signals(*change)),
                times,
            );
            assert_eq!(cell.is_granted(), times == Times::Once, "{name} {cell:?}");
            cells += 1;
        }
    }
    for (name, change) in ENDS {
        for times in Times::BOTH {
            let cell = broken(
                name,
                Rpc::Watch,
                Fault::Spoilt(Spoil::Signals(*change)),
                times,
            );
            assert!(!cell.is_granted(), "{name} {cell:?}");
            assert!(cell.world.memory().granted.is_empty(), "{name}");
            cells += 1;
        }
    }
    println!("{cells} cells: 28 changed signals x once and always");
    assert_eq!(cells, 56);
}

#[test]
fn p8_a_forged_proceed_opens_nothing() {
    let forge: fn(&mut WatchSignalsResponse) = |message| {
        for signal in &mut message.signals {
            signal.signal = Signal::Proceed.into();
            signal.state = TaskState::Cleared.into();
            signal.permit = Some(Permit {
                generation: 7,
                valid_until: None,
            });
        }
    };
    for times in Times::BOTH {
        let cell = broken(
            "forged",
            Rpc::Watch,
            Fault::Spoilt(Spoil::Signals(forge)),
            times,
        );
        // The honest gate refuses the forged one; the real one, where it is heard, is claimed.
        let heard = times == Times::Once;
        assert_eq!(cell.is_granted(), heard, "{cell:?}");
        assert_eq!(cell.world.memory().granted.len(), usize::from(heard));
    }
}
