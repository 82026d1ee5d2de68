//! What a store keeps: rows as texts, entries, and cases read back from their rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_domain::batch::{Changes, KnownRequest, Outcome, ResultantRow, Wanted, WorkingSet};
use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, RequestId, TaskId, TokenId};
use countersign_domain::log::{
    AggregateKey, Body, Cause, Entry, Event, Fold, FoldedRow, Head, Stamp, StoreEvent, append,
    check_link,
};
use countersign_domain::person::Person;
use countersign_domain::policy::ResultantPolicy;
use countersign_domain::rows::{self, CrRow, FreezeRow, PolicyRow, TaskRow, TeamRow, TokenRow};

use super::people::at;

/// An entry that was read back.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Its position and instant.
    pub(crate) stamp: Stamp,
    /// Its body.
    pub(crate) body: Body,
    /// What happened.
    pub(crate) event: &'static str,
}

/// A store in memory.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) head: Head,
    pub(crate) log: Vec<Entry>,
    pub(crate) history: BTreeMap<AggregateKey, Vec<Kept>>,
    pub(crate) cases: BTreeMap<CrNumber, Case>,
    pub(crate) holders: BTreeMap<TaskId, CrNumber>,
    rows: BTreeMap<AggregateKey, FoldedRow>,
    resultants: BTreeMap<String, Arc<ResultantPolicy>>,
    requests: BTreeMap<(Person, RequestId), KnownRequest>,
}

impl Store {
    /// A store with its first entry.
    pub(crate) fn new() -> Self {
        let event = Event::Store(StoreEvent::Created {
            store_id: "store-of-a-test".to_owned(),
            prefix: super::facts::prefix(),
        });
        let stamp = Stamp {
            sequence: 1,
            instant: at(0),
        };
        let body = Body::new(&event, Cause::Program, &Head::EMPTY, None);
        let mut store = Self {
            head: Head::EMPTY,
            log: Vec::new(),
            history: BTreeMap::new(),
            cases: BTreeMap::new(),
            holders: BTreeMap::new(),
            rows: BTreeMap::new(),
            resultants: BTreeMap::new(),
            requests: BTreeMap::new(),
        };
        store.append(&append(&Head::EMPTY, stamp, &event, &body));
        store
    }

    /// Loads what a batch asked for, and nothing else.
    pub(crate) fn load(&self, wanted: &Wanted) -> WorkingSet {
        let of_tasks = wanted.tasks.iter().filter_map(|id| self.holders.get(id));
        let shared = wanted.sharing_keys.iter().filter_map(|key| {
            let newest =
                self.cases.iter().rev().find(|(_, case)| {
                    case.change_request.content.sharing_key.as_ref() == Some(key)
                });
            newest.map(|(number, _)| number)
        });
        let numbers = of_tasks.chain(&wanted.change_requests).chain(shared);
        let cases: BTreeMap<CrNumber, Case> = numbers
            .filter_map(|number| Some((*number, self.cases.get(number)?.clone())))
            .collect();
        let mut set = WorkingSet::new(self.head, cases.into_values().collect());
        for key in &wanted.requests {
            if let Some(known) = self.requests.get(key) {
                set.requests.insert(key.clone(), known.clone());
            }
        }
        set
    }

    /// Appends entries and writes rows, both or neither; answers with the keys that were touched.
    pub(crate) fn save(&mut self, outcome: &Outcome, now: countersign_domain::Instant) {
        let before = self.head.sequence;
        for entry in &outcome.entries {
            assert_eq!(entry.head.instant, now, "one instant per transaction (K1)");
            self.append(entry);
        }
        assert_eq!(self.head, outcome.head, "the head is the newest entry");
        self.write(&outcome.changes);
        for (key, history) in &self.history {
            let last = history.last().unwrap();
            if last.stamp.sequence > before {
                assert_eq!(
                    self.fold(key),
                    self.rows.get(key).cloned(),
                    "I-02 of {key:?}"
                );
            }
        }
        self.read_back(&outcome.changes);
    }

    /// The row that the entries of one aggregate fold to.
    pub(crate) fn fold(&self, key: &AggregateKey) -> Option<FoldedRow> {
        let mut fold = Fold::default();
        for kept in self.history.get(key)? {
            assert_eq!(
                fold.push(&kept.body, kept.stamp),
                Ok(None),
                "I-02 of {key:?}"
            );
        }
        fold.finish()
    }

    /// All rows.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &FoldedRow> {
        self.rows.values()
    }

    /// Folds the whole log once more, and compares it with all rows.
    pub(crate) fn check_all(&self) {
        assert_eq!(self.rows.len(), self.history.len(), "a row without entries");
        for key in self.history.keys() {
            assert_eq!(
                self.fold(key),
                self.rows.get(key).cloned(),
                "I-02 of {key:?}"
            );
        }
    }

    fn append(&mut self, entry: &Entry) {
        let body = check_link(&self.head, entry).unwrap();
        if let Some((person, mark)) = body.cause.request() {
            let known = KnownRequest {
                digest: mark.digest.clone(),
                aggregate: entry.aggregate.clone(),
            };
            let key = (person.clone(), mark.id.clone());
            let earlier = self.requests.insert(key, known);
            assert_eq!(earlier, None, "a request id stands on one entry (I-23)");
        }
        let kept = Kept {
            stamp: entry.head.stamp(),
            body,
            event: entry.event,
        };
        if entry.aggregate == AggregateKey::Store {
            self.rows.insert(AggregateKey::Store, FoldedRow::Store);
        }
        let history = self.history.entry(entry.aggregate.clone()).or_default();
        history.push(kept);
        self.log.push(entry.clone());
        self.head = entry.head;
    }

    fn write(&mut self, changes: &Changes) {
        let fresh = changes.new_change_requests.iter().cloned();
        for row in fresh.map(FoldedRow::ChangeRequest) {
            self.put(row, true);
        }
        for row in changes.new_tasks.iter().cloned().map(FoldedRow::Task) {
            self.put(row, true);
        }
        let changed = changes.change_requests.iter().cloned();
        for row in changed.map(FoldedRow::ChangeRequest) {
            self.put(row, false);
        }
        for row in changes.tasks.iter().cloned().map(FoldedRow::Task) {
            self.put(row, false);
        }
        for (id, row) in &changes.policies {
            let key = AggregateKey::Policy(id.clone());
            self.rows
                .insert(key, FoldedRow::Policy(id.clone(), row.clone()));
        }
        for (id, row) in &changes.teams {
            let key = AggregateKey::Team(id.clone());
            self.rows
                .insert(key, FoldedRow::Team(id.clone(), row.clone()));
        }
        for (id, row) in &changes.freezes {
            let key = AggregateKey::Freeze(id.clone());
            self.rows
                .insert(key, FoldedRow::Freeze(id.clone(), row.clone()));
        }
        for row in &changes.tokens {
            let key = AggregateKey::Token(TokenId::from_stored(row.id.clone()));
            self.rows.insert(key, FoldedRow::Token(row.clone()));
        }
        for row in &changes.resultants {
            let ResultantRow {
                digest, document, ..
            } = row;
            let resultant: ResultantPolicy = rows::read(document).unwrap();
            assert_eq!(
                resultant.digest(),
                *digest,
                "a resultant policy is kept under its digest"
            );
            self.resultants.insert(digest.clone(), Arc::new(resultant));
        }
    }

    /// Writes one row: inserts only what is new, and never changes a frozen text.
    fn put(&mut self, row: FoldedRow, is_new: bool) {
        let (key, frozen) = match &row {
            FoldedRow::ChangeRequest(row) => {
                let number = CrNumber(row.number);
                (AggregateKey::ChangeRequest(number), row.frozen.clone())
            }
            FoldedRow::Task(row) => {
                let id = TaskId::from_stored(row.id.clone());
                (AggregateKey::Task(id), row.frozen.clone())
            }
            FoldedRow::Store
            | FoldedRow::Policy(..)
            | FoldedRow::Team(..)
            | FoldedRow::Freeze(..)
            | FoldedRow::Token(_) => return,
        };
        let earlier = match self.rows.insert(key.clone(), row) {
            Some(FoldedRow::ChangeRequest(CrRow { frozen, .. })) => Some(frozen),
            Some(FoldedRow::Task(TaskRow { frozen, .. })) => Some(frozen),
            Some(
                FoldedRow::Store
                | FoldedRow::Policy(..)
                | FoldedRow::Team(..)
                | FoldedRow::Freeze(..)
                | FoldedRow::Token(_),
            )
            | None => None,
        };
        let expected = (!is_new).then_some(frozen);
        assert_eq!(
            earlier, expected,
            "{key:?} is inserted once and its frozen text stays"
        );
    }

    /// Reads changed rows back, as the next transaction will.
    fn read_back(&mut self, changes: &Changes) {
        for row in changes
            .new_change_requests
            .iter()
            .chain(&changes.change_requests)
        {
            let change_request = CrRow::parse(&row.frozen, &row.live).unwrap();
            let number = change_request.content.number;
            let resultant = Arc::clone(&self.resultants[&change_request.content.resultant]);
            let tasks = self.cases.remove(&number).map(|case| case.tasks);
            let case = Case {
                change_request,
                resultant,
                tasks: tasks.unwrap_or_default(),
            };
            self.cases.insert(number, case);
        }
        for row in changes.new_tasks.iter().chain(&changes.tasks) {
            let task = TaskRow::parse(&row.frozen, &row.live).unwrap();
            let number = task.change_request();
            self.holders.insert(task.id().clone(), number);
            let case = self.cases.get_mut(&number).unwrap();
            case.tasks.insert(task.id().clone(), task);
        }
    }
}

/// Policies, teams, freezes and tokens as the rows hold them.
#[derive(Default)]
pub(crate) struct DirectoryRows {
    pub(crate) policies: Vec<PolicyRow>,
    pub(crate) teams: Vec<TeamRow>,
    pub(crate) freezes: Vec<FreezeRow>,
    pub(crate) tokens: Vec<TokenRow>,
}

impl DirectoryRows {
    pub(crate) fn of(store: &Store) -> Self {
        let mut found = Self::default();
        for row in store.rows.values() {
            match row {
                FoldedRow::Policy(_, Some(row)) => found.policies.push(row.clone()),
                FoldedRow::Team(_, Some(row)) => found.teams.push(row.clone()),
                FoldedRow::Freeze(_, Some(row)) => found.freezes.push(row.clone()),
                FoldedRow::Token(row) => found.tokens.push(row.clone()),
                FoldedRow::Policy(_, None)
                | FoldedRow::Team(_, None)
                | FoldedRow::Freeze(_, None)
                | FoldedRow::Store
                | FoldedRow::ChangeRequest(_)
                | FoldedRow::Task(_) => {}
            }
        }
        found
    }
}
