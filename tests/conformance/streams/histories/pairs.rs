//! Pairs of listeners to one history: one is never cut, the other one again and again.

use std::collections::BTreeMap;

use countersign_domain::access::Role;
use countersign_domain::change_request::Case;
use countersign_engine::{Conditions, Engine, SignalFilter, StatusFilter};

use super::acting::{History, caller, person};
use super::listening::{Listener, Signals, Statuses, Watch};

/// How many messages, cuts and compared states there were.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) histories: u64,
    pub(super) messages: u64,
    pub(super) cuts: u64,
    pub(super) states: u64,
}

/// Two that listen to the same.
pub(super) struct Pair<W: Watch> {
    whole: Listener<W>,
    cut: Listener<W>,
}

/// A pair of either kind.
pub(super) enum AnyPair {
    Statuses(Box<Pair<Statuses>>),
    Signals(Box<Pair<Signals>>),
}

impl AnyPair {
    /// A pair that follows a history by conditions chosen at random, before anything happens in it.
    pub(super) async fn open(engine: &Engine, history: &mut History) -> Self {
        let choice = history.below(8);
        let project = Some(history.project());
        let mut conditions = Conditions {
            project,
            ..Conditions::default()
        };
        let colour = |conditions: &mut Conditions| {
            conditions.labels = BTreeMap::from([("colour".to_owned(), "red".to_owned())]);
        };
        if choice >= 5 {
            if choice == 5 {
                colour(&mut conditions);
            } else {
                conditions.project = None;
            }
            let runner = Some(history.runner(choice % 2));
            let filter = SignalFilter {
                tasks: Vec::new(),
                conditions,
            };
            let caller = caller("runner", &[Role::Runner], runner);
            return Self::Signals(Box::new(
                Pair::open(engine, Signals { caller, filter }).await,
            ));
        }
        match choice {
            1 => conditions.runner = Some(history.runner(0)),
            2 => conditions.creator = Some(person("carol")),
            3 => colour(&mut conditions),
            _ => {}
        }
        let filter = StatusFilter {
            conditions,
            open_only: choice == 4,
            ..StatusFilter::default()
        };
        let caller = caller("watcher", &[], None);
        Self::Statuses(Box::new(
            Pair::open(engine, Statuses { caller, filter }).await,
        ))
    }

    /// Lets both read some, and cuts one of them now and then.
    pub(super) async fn step(&mut self, history: &mut History) {
        match self {
            Self::Statuses(pair) => pair.step(history).await,
            Self::Signals(pair) => pair.step(history).await,
        }
    }

    /// Reads both to the head, and compares them with each other and with the rows.
    pub(super) async fn compare(&mut self, head: u64, rows: &[Case], counts: &mut Counts) {
        match self {
            Self::Statuses(pair) => pair.compare(head, rows, counts).await,
            Self::Signals(pair) => pair.compare(head, rows, counts).await,
        }
    }
}

impl<W: Watch> Pair<W> {
    async fn open(engine: &Engine, watch: W) -> Self {
        Self {
            whole: Listener::open(engine, watch.clone()).await,
            cut: Listener::open(engine, watch).await,
        }
    }

    async fn step(&mut self, history: &mut History) {
        self.whole.read_some(8);
        self.cut.read_some(history.below(4));
        if history.below(5) == 0 {
            self.cut.cut().await;
            // Cut again after the first message, after the mark, or only later.
            for _ in 0..history.below(3) {
                if history.below(2) == 0 {
                    self.cut.read().await;
                    self.cut.cut().await;
                }
            }
        }
    }

    async fn compare(&mut self, head: u64, rows: &[Case], counts: &mut Counts) {
        self.whole.read_up_to(head).await;
        self.cut.read_up_to(head).await;
        let told = rows.iter().flat_map(|case| self.whole.watch.told(case));
        let rows: BTreeMap<W::Key, W::State> = told.collect();
        assert_eq!(self.whole.known, rows, "the one that was never cut");
        assert_eq!(self.cut.known, rows, "the one that was cut");
        counts.histories += 1;
        counts.messages += self.whole.messages + self.cut.messages;
        counts.cuts += self.cut.cuts;
        counts.states += rows.len() as u64;
    }
}
