//! The first states of a stream, read page by page as the subscriber takes them.
//!
//! The subscriber is registered and the head is noted before the first page, so that whatever
//! changes between two pages waits in its slot: a page may be newer than the head, never older.

use countersign_domain::change_request::Case;
use countersign_domain::ids::CrNumber;
use countersign_store::{StoreError, TaskFilter, WatchFilter};

use super::conditions::Conditions;
use super::shared::Shared;
use super::{STREAM_LIMIT, read_failed};
use crate::failure::Failure;

/// How many change requests, or tasks of a runner, are read at once.
pub(crate) const PAGE: usize = 100;
/// How many are looked through where the store cannot look for every condition.
const SIFTED_LIMIT: usize = 100_000;

/// Where first states come from.
pub(crate) enum Snapshot {
    /// Change requests that are named.
    Named(std::vec::IntoIter<CrNumber>),
    /// Change requests that fit conditions.
    Matching(Matching),
    /// What holds the tasks of a runner.
    OfRunner(OfRunner),
}

impl Snapshot {
    /// The next page, which may be empty where little fits; `None` after the last.
    pub(crate) async fn next(&mut self, shared: &Shared) -> Result<Option<Vec<Case>>, Failure> {
        match self {
            Self::Named(numbers) => {
                let page: Vec<CrNumber> = numbers.by_ref().take(PAGE).collect();
                if page.is_empty() {
                    return Ok(None);
                }
                read_states(shared, &page).await.map(Some)
            }
            Self::Matching(matching) => matching.next(shared).await,
            Self::OfRunner(of_runner) => of_runner.next(shared).await,
        }
    }
}

/// The present states of change requests.
pub(crate) async fn read_states(
    shared: &Shared,
    numbers: &[CrNumber],
) -> Result<Vec<Case>, Failure> {
    let _turn = shared.turn().await;
    shared.store.cases(numbers).await.map_err(failed)
}

/// Change requests that fit conditions, by number.
pub(crate) struct Matching {
    filter: WatchFilter,
    conditions: Conditions,
    /// Numbers that were read and whose states were not.
    ahead: Vec<CrNumber>,
    found: usize,
    is_over: bool,
}

impl Matching {
    /// Refuses what is too much before anything is sent.
    pub(crate) async fn new(
        shared: &Shared,
        filter: WatchFilter,
        conditions: Conditions,
    ) -> Result<Self, Failure> {
        let mut matching = Self {
            filter,
            conditions,
            ahead: Vec::new(),
            found: 0,
            is_over: false,
        };
        matching.look_ahead(shared, None).await?;
        if !matching.is_over {
            let limit = look_limit(&matching.conditions);
            let _turn = shared.turn().await;
            let counting = shared
                .store
                .count_matching(&matching.filter, limit as u64 + 1);
            check_count(counting.await.map_err(failed)?, limit)?;
        }
        Ok(matching)
    }

    async fn look_ahead(
        &mut self,
        shared: &Shared,
        after: Option<CrNumber>,
    ) -> Result<(), Failure> {
        let _turn = shared.turn().await;
        let page = shared
            .store
            .matching_numbers(&self.filter, after, PAGE as u64);
        self.ahead = page.await.map_err(failed)?;
        self.is_over = self.ahead.len() < PAGE;
        Ok(())
    }

    async fn next(&mut self, shared: &Shared) -> Result<Option<Vec<Case>>, Failure> {
        if self.ahead.is_empty() {
            return Ok(None);
        }
        let numbers = std::mem::take(&mut self.ahead);
        if !self.is_over {
            self.look_ahead(shared, numbers.last().copied()).await?;
        }
        let mut states = read_states(shared, &numbers).await?;
        states.retain(|case| self.conditions.fit(case));
        self.found += states.len();
        check_count(self.found as u64, STREAM_LIMIT)?;
        Ok(Some(states))
    }
}

/// What holds the tasks of a runner: those that have not ended, then, after a position, those that
/// changed since.
pub(crate) struct OfRunner {
    conditions: Conditions,
    /// The pass under way, and the one after it.
    passes: Vec<TaskFilter>,
    found: usize,
}

impl OfRunner {
    /// Refuses what is too much before anything is sent.
    pub(crate) async fn new(
        shared: &Shared,
        filter: TaskFilter,
        conditions: Conditions,
        position: Option<u64>,
    ) -> Result<Self, Failure> {
        let limit = look_limit(&conditions);
        let open = TaskFilter {
            open_only: true,
            ..filter.clone()
        };
        let changed = TaskFilter {
            changed_after: position,
            ..filter
        };
        let mut passes = vec![open];
        if position.is_some() {
            passes.insert(0, changed);
        }
        for pass in &passes {
            let counting = TaskFilter {
                limit: limit as u64 + 1,
                ..pass.clone()
            };
            let _turn = shared.turn().await;
            let counted = shared.store.count_tasks(&counting).await;
            check_count(counted.map_err(failed)?, limit)?;
        }
        Ok(Self {
            conditions,
            passes,
            found: 0,
        })
    }

    async fn next(&mut self, shared: &Shared) -> Result<Option<Vec<Case>>, Failure> {
        let Some(pass) = self.passes.last_mut() else {
            return Ok(None);
        };
        let page = {
            let _turn = shared.turn().await;
            shared.store.held_tasks(pass).await.map_err(failed)?
        };
        let is_over = page.ids.len() < PAGE;
        if page.ids.last().is_some() {
            pass.after = page.ids.last().cloned();
        }
        let mut cases: Vec<Case> = page.cases.into_values().collect();
        cases.retain(|case| {
            let tasks = case.tasks.values();
            let picked = tasks.filter(|task| page.ids.binary_search(task.id()).is_ok());
            let fitting = picked.filter(|task| self.conditions.fit_task(task)).count();
            self.found += fitting;
            fitting > 0
        });
        check_count(self.found as u64, STREAM_LIMIT)?;
        if is_over {
            // What changed since counts for itself: most of it was open a moment ago.
            self.passes.pop();
            self.found = 0;
        }
        Ok(Some(cases))
    }
}

fn look_limit(conditions: &Conditions) -> usize {
    if conditions.needs_sifting() {
        SIFTED_LIMIT
    } else {
        STREAM_LIMIT
    }
}

fn check_count(counted: u64, limit: usize) -> Result<(), Failure> {
    if counted > limit as u64 {
        return Err(Failure::TooManyMatches { limit });
    }
    Ok(())
}

fn failed(error: StoreError) -> Failure {
    read_failed(&error)
}
