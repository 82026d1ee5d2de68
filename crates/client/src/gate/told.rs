//! What a signal is believed to say.

use countersign_proto::v1::{Permit, Signal, TaskSignal, TaskState, TerminationReason};

use super::outcome::Termination;

/// What was told about the task last.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    /// Wait.
    Hold {
        change_request: String,
        message: String,
    },
    /// Claim the start with this permit.
    Proceed(Permit),
    /// Stop.
    Terminate(Termination),
    /// It runs, under this claim and generation.
    Running { claim_id: String, generation: u64 },
    /// It has run.
    HasRun { message: String },
    /// Something that is not understood, or contradicts itself. Nothing follows from it.
    Distrusted(&'static str),
}

/// Reads a signal. To go on, everything must fit; to stop, the word TERMINATE is enough.
pub(super) fn read(signal: TaskSignal) -> Told {
    let state = TaskState::try_from(signal.state).unwrap_or(TaskState::Unspecified);
    let Ok(word) = Signal::try_from(signal.signal) else {
        return Told::Distrusted("a signal that this build does not know");
    };
    match word {
        Signal::Hold => Told::Hold {
            change_request: signal.change_request,
            message: signal.message,
        },
        Signal::Proceed => proceed(state, signal.permit),
        Signal::Terminate => Told::Terminate(Termination {
            reason: TerminationReason::try_from(signal.termination_reason)
                .unwrap_or(TerminationReason::Unspecified),
            message: signal.message,
        }),
        Signal::Unspecified => without_signal(state, signal),
    }
}

fn proceed(state: TaskState, permit: Option<Permit>) -> Told {
    match (state, permit) {
        (TaskState::Cleared, Some(permit)) if permit.generation > 0 => Told::Proceed(permit),
        (TaskState::Cleared, Some(_)) => Told::Distrusted("PROCEED with generation 0"),
        (TaskState::Cleared, None) => Told::Distrusted("PROCEED without a permit"),
        (
            TaskState::Unspecified
            | TaskState::Paused
            | TaskState::Running
            | TaskState::Succeeded
            | TaskState::Failed
            | TaskState::Terminated,
            _,
        ) => Told::Distrusted("PROCEED for a task that is not CLEARED"),
    }
}

fn without_signal(state: TaskState, signal: TaskSignal) -> Told {
    match (state, signal.start) {
        (TaskState::Running, Some(start)) => Told::Running {
            claim_id: start.claim_id,
            generation: start.generation,
        },
        (TaskState::Running, None) => Told::Distrusted("RUNNING without a start"),
        (TaskState::Succeeded | TaskState::Failed, _) => Told::HasRun {
            message: signal.message,
        },
        (
            TaskState::Unspecified | TaskState::Paused | TaskState::Cleared | TaskState::Terminated,
            _,
        ) => Told::Distrusted("no signal for a task that has not started"),
    }
}

#[cfg(test)]
mod tests {
    use countersign_proto::v1::TaskStart;

    use super::*;

    fn kind(told: &Told) -> &'static str {
        match told {
            Told::Hold { .. } => "hold",
            Told::Proceed(_) => "proceed",
            Told::Terminate(_) => "terminate",
            Told::Running { .. } => "running",
            Told::HasRun { .. } => "has run",
            Told::Distrusted(_) => "distrusted",
        }
    }

    #[test]
    fn p8_only_a_whole_proceed_is_one() {
        let permits = [None, Some(0), Some(4)];
        let mut proceeds = 0;
        for signal in -1..=99 {
            for state in -1..=99 {
                for generation in permits {
                    let permit = generation.map(|generation| Permit {
                        generation,
                        valid_until: None,
                    });
                    let told = read(TaskSignal {
                        signal,
                        state,
                        permit,
                        ..TaskSignal::default()
                    });
                    let whole = signal == i32::from(Signal::Proceed)
                        && state == i32::from(TaskState::Cleared)
                        && generation == Some(4);
                    assert_eq!(kind(&told) == "proceed", whole, "{signal} {state}");
                    proceeds += usize::from(whole);
                }
            }
        }
        assert_eq!(proceeds, 1);
    }

    #[test]
    fn p1_each_signal_is_read() {
        use {Signal as S, TaskState as T};
        let rows = [
            (S::Hold, T::Paused, "hold"),
            (S::Terminate, T::Terminated, "terminate"),
            (S::Terminate, T::Unspecified, "terminate"),
            (S::Unspecified, T::Running, "running"),
            (S::Unspecified, T::Succeeded, "has run"),
            (S::Unspecified, T::Failed, "has run"),
            (S::Unspecified, T::Unspecified, "distrusted"),
            (S::Unspecified, T::Cleared, "distrusted"),
            (S::Unspecified, T::Terminated, "distrusted"),
        ];
        for (signal, state, expected) in rows {
            let told = read(TaskSignal {
                signal: signal.into(),
                state: state.into(),
                start: Some(TaskStart::default()),
                ..TaskSignal::default()
            });
            assert_eq!(kind(&told), expected, "{signal:?} {state:?}");
        }
    }

    #[test]
    fn a_reason_that_is_not_known_still_terminates() {
        let told = read(TaskSignal {
            signal: Signal::Terminate.into(),
            termination_reason: 99,
            ..TaskSignal::default()
        });
        let expected = Termination {
            reason: TerminationReason::Unspecified,
            message: String::new(),
        };
        assert_eq!(told, Told::Terminate(expected));
    }
}
