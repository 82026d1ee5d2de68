//! Four bounded lanes, so that a lone rejection is never behind a storm of creates.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use countersign_domain::batch::{Action, Answer, Command};
use tokio::sync::{Notify, oneshot};

use crate::failure::Failure;

/// Which lane a command waits in. A batch is filled round robin, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Rejections and withdrawals.
    Stop,
    /// Approvals, revocations, starts, outcomes, administration.
    Go,
    /// Creations.
    New,
    /// Settling.
    Time,
}

impl Lane {
    const ALL: [Self; 4] = [Self::Stop, Self::Go, Self::New, Self::Time];

    /// The lane of an action.
    pub(crate) fn of(action: &Action) -> Self {
        match action {
            Action::Reject(_) | Action::Withdraw(_) => Self::Stop,
            Action::Approve(_)
            | Action::Revoke(_)
            | Action::Start(_)
            | Action::Finish(_)
            | Action::Directory(_)
            | Action::AcceptClock { .. } => Self::Go,
            Action::Create(_) => Self::New,
            Action::Settle(_) => Self::Time,
        }
    }

    /// Its name in metrics and refusals.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Go => "go",
            Self::New => "new",
            Self::Time => "time",
        }
    }
}

/// What became of a command, or that it must be prepared again.
#[derive(Debug)]
pub(crate) enum Done {
    Answered(Result<Answer, Failure>),
    Stale,
}

/// A command that waits for its batch.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) command: Command,
    /// How often it was found to be prepared on an older directory.
    pub(crate) stale: u32,
    pub(crate) answer: oneshot::Sender<Done>,
}

/// The lanes.
#[derive(Debug)]
pub(crate) struct Lanes {
    state: Mutex<State>,
    capacity: usize,
    filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    queues: [VecDeque<Waiting>; 4],
    /// The lane that the next batch begins with.
    turn: usize,
    closed: bool,
}

impl Lanes {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State::default()),
            capacity,
            filled: Notify::new(),
        }
    }

    /// Puts a command in its lane, if there is room.
    pub(crate) fn push(&self, waiting: Waiting) -> Result<(), Failure> {
        let lane = Lane::of(&waiting.command.action);
        let mut state = self.lock();
        if state.closed {
            return Err(Failure::ShuttingDown);
        }
        let queue = &mut state.queues[lane as usize];
        if queue.len() >= self.capacity {
            return Err(Failure::LaneFull {
                lane: lane.name(),
                limit: self.capacity,
            });
        }
        queue.push_back(waiting);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits until a command is there. `false` once the lanes are closed and empty.
    pub(crate) async fn filled(&self) -> bool {
        loop {
            // Registering first: a command pushed after the look below still wakes this.
            let notified = self.filled.notified();
            {
                let state = self.lock();
                if state.queues.iter().any(|queue| !queue.is_empty()) {
                    return true;
                }
                if state.closed {
                    return false;
                }
            }
            notified.await;
        }
    }

    /// Takes the next batch: one command from each lane in turn, until it is full. A command that
    /// must be alone is taken only as the first.
    pub(crate) fn take(&self, limit: usize) -> Vec<Waiting> {
        let mut state = self.lock();
        let mut batch: Vec<Waiting> = Vec::new();
        let mut passed = 0;
        while batch.len() < limit && passed < Lane::ALL.len() {
            let turn = state.turn;
            state.turn = (turn + 1) % Lane::ALL.len();
            let alone = match state.queues[turn].front() {
                None => {
                    passed += 1;
                    continue;
                }
                Some(front) => front.command.action.is_alone(),
            };
            if alone && !batch.is_empty() {
                passed += 1;
                continue;
            }
            passed = 0;
            batch.extend(state.queues[turn].pop_front());
            if alone {
                break;
            }
        }
        batch
    }

    /// How many commands wait.
    pub(crate) fn depths(&self) -> [(&'static str, usize); 4] {
        let state = self.lock();
        Lane::ALL.map(|lane| (lane.name(), state.queues[lane as usize].len()))
    }

    /// Takes no more commands; those that wait are still served.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::ids::CrNumber;

    use super::*;

    fn settle(number: u64) -> Waiting {
        waiting(Action::Settle(CrNumber(number)))
    }

    fn admin() -> Waiting {
        waiting(Action::AcceptClock {
            comment: String::new(),
        })
    }

    fn waiting(action: Action) -> Waiting {
        let (answer, _) = oneshot::channel();
        let command = Command {
            caller: None,
            action,
            request: None,
        };
        Waiting {
            command,
            stale: 0,
            answer,
        }
    }

    #[test]
    fn a_full_lane_refuses_only_its_own_kind() {
        let lanes = Lanes::new(1);
        lanes.push(settle(1)).unwrap();
        assert_eq!(
            lanes.push(settle(2)),
            Err(Failure::LaneFull {
                lane: "time",
                limit: 1
            })
        );
        lanes.push(admin()).unwrap();
    }

    #[test]
    fn what_must_be_alone_is_alone_and_nothing_starves() {
        let lanes = Lanes::new(10);
        lanes.push(settle(1)).unwrap();
        lanes.push(settle(2)).unwrap();
        lanes.push(admin()).unwrap();
        lanes.push(settle(3)).unwrap();
        let mut sizes = Vec::new();
        loop {
            let batch = lanes.take(10);
            if batch.is_empty() {
                break;
            }
            let alone = batch.iter().filter(|w| w.command.action.is_alone()).count();
            assert!(alone == 0 || batch.len() == 1);
            sizes.push(batch.len());
        }
        assert_eq!(sizes.iter().sum::<usize>(), 4);
    }

    #[test]
    fn closed_lanes_take_nothing_and_give_what_they_have() {
        let lanes = Lanes::new(10);
        lanes.push(settle(1)).unwrap();
        lanes.close();
        assert_eq!(lanes.push(settle(2)), Err(Failure::ShuttingDown));
        assert_eq!(lanes.take(10).len(), 1);
    }
}
