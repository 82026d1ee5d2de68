//! Listeners: one keeps the newest state of everything that it was told of, and can be cut.

use std::collections::BTreeMap;
use std::fmt::Debug;

use countersign_domain::access::Principal;
use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, TaskId};
use countersign_domain::task::Task;
use countersign_engine::{
    Engine, Failure, Mark, SignalFilter, SignalMessage, StatusFilter, StatusMessage, Subscription,
};
use futures::FutureExt as _;

use crate::gate::LIMIT;

/// What a listener asks for.
pub(super) trait Watch: Clone {
    type Message;
    type Key: Ord + Clone + Debug;
    type State: PartialEq + Clone + Debug;

    async fn open(
        &self,
        engine: &Engine,
        token: Option<&str>,
    ) -> Result<Subscription<Self::Message>, Failure>;
    fn mark(message: &Self::Message) -> Option<&Mark>;
    fn states(message: &Self::Message) -> Vec<(Self::Key, Self::State)>;
    /// The newest entry of a state.
    fn newest(state: &Self::State) -> u64;
    /// What of a change request is told at all, by the rows.
    fn told(&self, case: &Case) -> Vec<(Self::Key, Self::State)>;
}

/// One that listens.
pub(super) struct Listener<W: Watch> {
    pub(super) watch: W,
    engine: Engine,
    subscription: Subscription<W::Message>,
    token: Option<String>,
    marked: u64,
    pub(super) known: BTreeMap<W::Key, W::State>,
    pub(super) messages: u64,
    pub(super) cuts: u64,
}

impl<W: Watch> Listener<W> {
    pub(super) async fn open(engine: &Engine, watch: W) -> Self {
        let subscription = watch.open(engine, None).await.unwrap();
        let mut listener = Self {
            watch,
            engine: engine.clone(),
            subscription,
            token: None,
            marked: 0,
            known: BTreeMap::new(),
            messages: 0,
            cuts: 0,
        };
        // Nothing is there yet, so the first message is a mark: every later one can be cut after.
        listener.read().await;
        assert!(listener.token.is_some());
        listener
    }

    /// Reads one message, which must come.
    pub(super) async fn read(&mut self) {
        let message = tokio::time::timeout(LIMIT, self.subscription.next()).await;
        let message = message.expect("a message comes in time");
        self.note(
            &message
                .expect("the stream goes on")
                .expect("without a failure"),
        );
    }

    /// Reads at most so many of the messages that are there.
    pub(super) fn read_some(&mut self, limit: u64) {
        for _ in 0..limit {
            match self.subscription.next().now_or_never() {
                Some(Some(Ok(message))) => self.note(&message),
                Some(ended) => panic!("the stream ended: {:?}", ended.and_then(Result::err)),
                None => return,
            }
        }
    }

    /// Loses the stream with whatever it had sent, and goes on with the newest token.
    pub(super) async fn cut(&mut self) {
        let token = self.token.as_deref();
        self.subscription = self.watch.open(&self.engine, token).await.unwrap();
        self.cuts += 1;
    }

    /// Reads until a mark says that everything up to an entry was sent.
    pub(super) async fn read_up_to(&mut self, sequence: u64) {
        while self.marked < sequence {
            self.read().await;
        }
    }

    fn note(&mut self, message: &W::Message) {
        self.messages += 1;
        for (key, state) in W::states(message) {
            let known = self.known.get(&key).map_or(0, W::newest);
            assert!(
                known <= W::newest(&state),
                "{key:?} was told at {known} and then at {}",
                W::newest(&state)
            );
            self.known.insert(key, state);
        }
        if let Some(mark) = W::mark(message) {
            let sequence = mark.token.sequence;
            assert!(self.marked <= sequence, "marks go forward");
            (self.marked, self.token) = (sequence, Some(mark.token.encode()));
        }
    }
}

/// The states of change requests.
#[derive(Clone)]
pub(super) struct Statuses {
    pub(super) caller: Principal,
    pub(super) filter: StatusFilter,
}

/// The signals of tasks.
#[derive(Clone)]
pub(super) struct Signals {
    pub(super) caller: Principal,
    pub(super) filter: SignalFilter,
}

impl Watch for Statuses {
    type Message = StatusMessage;
    type Key = CrNumber;
    type State = Case;

    async fn open(
        &self,
        engine: &Engine,
        token: Option<&str>,
    ) -> Result<Subscription<StatusMessage>, Failure> {
        let filter = self.filter.clone();
        engine.watch_status(&self.caller, filter, token).await
    }

    fn mark(message: &StatusMessage) -> Option<&Mark> {
        message.mark.as_ref()
    }

    fn states(message: &StatusMessage) -> Vec<(CrNumber, Case)> {
        let cases = message.cases.iter();
        cases
            .map(|case| (case.number(), Case::clone(case)))
            .collect()
    }

    fn newest(state: &Case) -> u64 {
        state.newest_entry()
    }

    fn told(&self, case: &Case) -> Vec<(CrNumber, Case)> {
        let conditions = &self.filter.conditions;
        let fits = |task: &Task| {
            let spec = &task.content.spec;
            let creator = spec.creator.as_ref().map(|creator| &creator.person);
            (conditions.runner.is_none() || conditions.runner == spec.runner)
                && (conditions.creator.is_none() || conditions.creator.as_ref() == creator)
                && (conditions.labels.is_empty() || conditions.labels == spec.labels)
        };
        let fits = case.tasks.values().any(fits);
        fits.then(|| (case.number(), case.clone()))
            .into_iter()
            .collect()
    }
}

impl Watch for Signals {
    type Message = SignalMessage;
    type Key = TaskId;
    type State = Task;

    async fn open(
        &self,
        engine: &Engine,
        token: Option<&str>,
    ) -> Result<Subscription<SignalMessage>, Failure> {
        let filter = self.filter.clone();
        engine.watch_signals(&self.caller, filter, token).await
    }

    fn mark(message: &SignalMessage) -> Option<&Mark> {
        message.mark.as_ref()
    }

    fn states(message: &SignalMessage) -> Vec<(TaskId, Task)> {
        let tasks = message.tasks.iter();
        tasks
            .map(|(id, case)| (id.clone(), case.tasks[id].clone()))
            .collect()
    }

    fn newest(state: &Task) -> u64 {
        state.stamp.sequence
    }

    fn told(&self, case: &Case) -> Vec<(TaskId, Task)> {
        let labels = &self.filter.conditions.labels;
        let fits = |task: &&Task| {
            let spec = &task.content.spec;
            spec.runner == self.caller.runner && (labels.is_empty() || *labels == spec.labels)
        };
        let tasks = case.tasks.values().filter(fits);
        tasks
            .map(|task| (task.id().clone(), task.clone()))
            .collect()
    }
}
