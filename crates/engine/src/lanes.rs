//! Four bounded lanes, so that a lone rejection is never behind a storm of creates.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use countersign_domain::batch::{Action, Answer, Command};
use countersign_domain::directory::DirectoryCommand;
use tokio::sync::{Notify, oneshot};

use crate::failure::Failure;

/// Which lane a command waits in. A batch is filled round robin, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Rejections, withdrawals, freezes, and tokens that are revoked.
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
            Action::Reject(_)
            | Action::Withdraw(_)
            | Action::Directory(
                DirectoryCommand::CreateFreeze(_)
                | DirectoryCommand::UpdateFreeze { .. }
                | DirectoryCommand::RevokeToken { .. },
            ) => Self::Stop,
            Action::Approve(_)
            | Action::Revoke(_)
            | Action::Start(_)
            | Action::Finish(_)
            | Action::Directory(_)
            | Action::AcceptClock { .. } => Self::Go,
            Action::Create(_) => Self::New,
            Action::Settle { .. } | Action::Sweep(_) => Self::Time,
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

/// How many commands a batch holds at the most once it holds all that is to be stopped.
const SHORT_BATCH: usize = 16;

const STOP: usize = Lane::Stop as usize;

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
    /// The lane that the next batch goes on with.
    turn: usize,
    /// The lane whose next command must be alone and was passed over: it begins the next batch.
    owed: Option<usize>,
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
    /// must be alone is taken only as the first. What is to be stopped goes first, and in a short
    /// batch, so that it does not wait for a storm to be written with it.
    pub(crate) fn take(&self, limit: usize) -> Vec<Waiting> {
        let mut state = self.lock();
        let mut batch: Vec<Waiting> = Vec::new();
        if let Some(owed) = state.owed.take() {
            state.turn = owed;
        } else if !state.queues[STOP].is_empty() {
            state.turn = STOP;
        }
        let mut stops = false;
        let mut passed = 0;
        while batch.len() < limit && passed < Lane::ALL.len() {
            let turn = state.turn;
            let short = stops && state.queues[STOP].is_empty();
            if short && batch.len() >= SHORT_BATCH {
                break;
            }
            state.turn = (turn + 1) % Lane::ALL.len();
            let Some(front) = state.queues[turn].front() else {
                passed += 1;
                continue;
            };
            let alone = front.command.action.is_alone();
            if alone && !batch.is_empty() {
                state.owed = Some(turn);
                passed += 1;
                continue;
            }
            passed = 0;
            stops |= turn == STOP;
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

    /// Whether commands are taken.
    pub(crate) fn are_open(&self) -> bool {
        !self.lock().closed
    }

    /// Takes no more commands and lets go of those that wait: nobody will serve them.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        for queue in &mut state.queues {
            queue.clear();
        }
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
    use countersign_domain::change_request::Reject;
    use countersign_domain::ids::{CrNumber, CrRef};

    use super::*;

    fn settle(number: u64) -> Waiting {
        waiting(Action::Settle {
            number: CrNumber(number),
            due_at: None,
        })
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

    fn reject(number: u64) -> Waiting {
        waiting(Action::Reject(Reject {
            target: CrRef::Number(CrNumber(number)),
            comment: String::new(),
            etag: None,
            artifact_digest: None,
        }))
    }

    #[test]
    fn a_lone_rejection_goes_first_and_in_a_short_batch() {
        let lanes = Lanes::new(1_000);
        for number in 0..100 {
            lanes.push(settle(number)).unwrap();
        }
        lanes.push(reject(1)).unwrap();
        let batch = lanes.take(128);
        assert!(matches!(batch[0].command.action, Action::Reject(_)));
        assert_eq!(batch.len(), SHORT_BATCH, "the storm gets some turns in it");
        assert_eq!(lanes.take(128).len(), 101 - SHORT_BATCH);
    }

    #[test]
    fn what_must_be_alone_is_not_starved_by_what_goes_first() {
        let lanes = Lanes::new(1_000);
        lanes.push(admin()).unwrap();
        let mut batches = 0;
        loop {
            lanes.push(reject(batches)).unwrap();
            batches += 1;
            if lanes.take(128)[0].command.action.is_alone() {
                break;
            }
            assert!(batches < 3);
        }
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
