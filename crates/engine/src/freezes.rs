//! What freezes and windows do, and would do: all of it outside the lock, and changing nothing.

use std::sync::Arc;

use countersign_domain::access::{Grant, Principal};
use countersign_domain::directory::{Directory, DirectoryCommand, apply_policy, decide};
use countersign_domain::freeze::{Freeze, FreezeDraft, apply_freeze, would_hold};
use countersign_domain::ids::{
    CrNumber, CrRef, EnvironmentId, FreezeId, PolicyId, ProjectId, TaskId,
};
use countersign_domain::log::{Event, Stamp};
use countersign_domain::policy::{
    ChangeWindow, Policy, PolicyDraft, Warning, freeze_warnings, policy_warnings, window_warnings,
};
use countersign_domain::preview::{Preview, preview_freeze, preview_task, preview_windows};
use countersign_domain::task::{Task, TaskState};
use countersign_domain::{Instant, Refusal};

use crate::engine::Engine;
use crate::failure::Failure;
use crate::query::{HeadView, Page, freezes_near, page};

/// How many tasks are read at once.
const TASKS_PAGE: u64 = 1_000;
/// How many of those it holds are named.
const NAMED_LIMIT: usize = 100;

/// Which waiting and cleared tasks that a caller's grant covers a freeze holds, now or when it next
/// begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Impact {
    /// How many wait.
    pub waiting: u64,
    /// How many are cleared.
    pub cleared: u64,
    /// The first of them.
    pub tasks: Vec<Task>,
    /// More tasks wait than were looked at.
    pub incomplete: bool,
}

/// Which freezes to list.
#[derive(Debug, Clone, Default)]
pub struct FreezeFilter {
    /// After this one.
    pub after: Option<FreezeId>,
    /// Only those in force.
    pub in_force: bool,
    /// Only those that could hold a task of this project.
    pub project: Option<ProjectId>,
    /// Only those that could hold a task of this environment.
    pub environment: Option<EnvironmentId>,
}

impl FreezeFilter {
    fn fits(&self, freeze: &Freeze, now: Instant) -> bool {
        let (project, environment) = (self.project.as_ref(), self.environment.as_ref());
        let mut scopes = freeze.draft.scopes.iter();
        scopes.any(|scope| scope.may_match(project, environment))
            && (!self.in_force || freeze.in_force(now).is_some())
    }
}

/// Whose schedule is looked at.
#[derive(Debug, Clone)]
pub enum ScheduleOf {
    /// A policy's windows.
    Policy(PolicyId),
    /// These windows.
    Windows(Vec<ChangeWindow>),
    /// A freeze's occurrences.
    Freeze(FreezeId),
    /// Those of a freeze that is not saved.
    Draft(Box<FreezeDraft>),
    /// What time does to a task.
    Task(TaskId),
}

impl Engine {
    /// A freeze, if it exists and may hold anything that the caller's grant covers.
    pub async fn freeze(&self, caller: &Principal, id: &FreezeId) -> Result<Arc<Freeze>, Failure> {
        self.know_directory().await?;
        let seen = |freeze: &&Arc<Freeze>| caller.grant.touches_scopes(&freeze.draft.scopes);
        let found = self
            .directory()
            .read(|directory| directory.freeze(id).filter(seen).cloned());
        found.ok_or_else(|| Refusal::not_found("freeze", id.as_str()).into())
    }

    /// A page of freezes by id that may hold anything that the caller's grant covers.
    pub async fn freezes(
        &self,
        caller: &Principal,
        filter: &FreezeFilter,
        limit: usize,
    ) -> Result<Page<Arc<Freeze>>, Failure> {
        self.know_directory().await?;
        let now = self.now();
        let found = self.directory().read(|directory| {
            let found = directory.freezes_after(filter.after.as_ref());
            let fitting = found.filter(|freeze| {
                caller.grant.touches_scopes(&freeze.draft.scopes) && filter.fits(freeze, now)
            });
            fitting.take(limit + 1).cloned().collect()
        });
        Ok(page(found, limit))
    }

    /// The policy as a change of it would leave it; changes nothing.
    pub async fn preview_policy_change(
        &self,
        caller: &Principal,
        id: &PolicyId,
        command: &DirectoryCommand,
    ) -> Result<Arc<Policy>, Failure> {
        let stamp = self.next_stamp().await?;
        let changed = self.directory().read(|directory| {
            let before = directory.policy(id);
            match decide(directory, command, Some(caller), stamp.instant)? {
                Some(Event::Policy(_, event)) => {
                    let next = apply_policy(before.map(Arc::as_ref), &event, stamp);
                    Ok::<_, Refusal>(next.ok().flatten().map(Arc::new))
                }
                Some(_) | None => Ok(before.cloned()),
            }
        })?;
        changed.ok_or(Failure::Internal)
    }

    /// The freeze as a change of it would leave it; changes nothing.
    pub async fn preview_freeze_change(
        &self,
        caller: &Principal,
        id: &FreezeId,
        command: &DirectoryCommand,
    ) -> Result<Arc<Freeze>, Failure> {
        let stamp = self.next_stamp().await?;
        let changed = self.directory().read(|directory| {
            match decide(directory, command, Some(caller), stamp.instant)? {
                Some(Event::Freeze(_, event)) => {
                    let next = apply_freeze(directory.freeze_or_remains(id), &event, stamp);
                    Ok::<_, Refusal>(next.ok().flatten().map(Arc::new))
                }
                Some(_) | None => Ok(directory.freeze(id).cloned()),
            }
        })?;
        changed.ok_or(Failure::Internal)
    }

    /// The stamp that an entry would have if it were written now.
    async fn next_stamp(&self) -> Result<Stamp, Failure> {
        self.know_directory().await?;
        let HeadView { head, clock } = self.head().await?;
        Ok(Stamp {
            sequence: head.sequence + 1,
            instant: clock.max(head.instant),
        })
    }

    /// Which waiting and cleared tasks a freeze holds, as far as at most `limit` are looked at.
    pub async fn impact(
        &self,
        caller: &Principal,
        freeze: &Freeze,
        now: Instant,
        limit: usize,
    ) -> Result<Impact, Failure> {
        let mut impact = Impact::default();
        let mut looked_at = 0;
        let mut after: Option<(CrNumber, TaskId)> = None;
        loop {
            let found = self.store().open_tasks(after.take(), TASKS_PAGE).await;
            let found = found.map_err(|e| self.read_failed(&e))?;
            let full = found.len() as u64 == TASKS_PAGE;
            looked_at += found.len();
            after = found
                .last()
                .map(|task| (task.change_request(), task.id().clone()));
            let held = found.into_iter().filter(|it| would_hold(freeze, it, now));
            held.for_each(|task| impact.count(task, &caller.grant));
            if !full {
                return Ok(impact);
            }
            if looked_at >= limit {
                impact.incomplete = true;
                return Ok(impact);
            }
        }
    }

    /// What to know about a policy: judged by the directory as it is, outside the lock, and where
    /// it keeps nobody else waiting.
    pub async fn policy_warnings(&self, policy: &PolicyDraft) -> Vec<Warning> {
        let now = self.now();
        let (mut found, policies, freezes) = self.directory().read(|directory| {
            let found = policy_warnings(policy, directory);
            let (policies, freezes) = schedules(directory);
            (found, policies, freezes)
        });
        let policy = policy.clone();
        found.extend(apart(move || window_warnings(&policy, &policies, &freezes, now)).await);
        found
    }

    /// What to know about a freeze. Freezes that the caller's grant does not touch are not told of:
    /// they may hold the same policy elsewhere.
    pub async fn freeze_warnings(&self, caller: &Principal, freeze: &FreezeDraft) -> Vec<Warning> {
        let now = self.now();
        let (policies, mut freezes) = self.directory().read(schedules);
        freezes.retain(|other| caller.grant.touches_scopes(&other.draft.scopes));
        let freeze = freeze.clone();
        apart(move || freeze_warnings(&freeze, &policies, &freezes, now)).await
    }

    /// What a schedule does next, at most `count` transitions.
    pub async fn preview_schedule(
        &self,
        caller: &Principal,
        of: ScheduleOf,
        from: Option<Instant>,
        count: usize,
    ) -> Result<(Preview, Instant), Failure> {
        let from = match from {
            Some(from) => from,
            None => self.instant().await?,
        };
        let preview = match of {
            ScheduleOf::Policy(id) => {
                let policy = self.policy(caller, &id).await?;
                preview_windows(&policy.draft.terms.windows, from, count)
            }
            ScheduleOf::Windows(windows) => preview_windows(&windows, from, count),
            ScheduleOf::Freeze(id) => {
                let freeze = self.freeze(caller, &id).await?;
                preview_freeze(&freeze.draft, freeze.lifted, from, count)
            }
            ScheduleOf::Draft(mut draft) => {
                draft.start.get_or_insert(self.clock().await?);
                preview_freeze(&draft, None, from, count)
            }
            ScheduleOf::Task(id) => {
                self.know_directory().await?;
                let case = self.case(caller, &CrRef::Task(id.clone())).await?;
                let task = case.tasks.get(&id);
                let task = task.ok_or_else(|| Refusal::task_not_found(&id))?;
                let freezes = self
                    .directory()
                    .read(|directory| freezes_near(directory, &case));
                preview_task(task, &case.resultant, &freezes, from, count)
            }
        };
        Ok((preview, from))
    }
}

impl Impact {
    fn count(&mut self, task: Task, grant: &Grant) {
        let spec = &task.content.spec;
        if !grant.covers(&spec.project, &spec.environment) {
            return;
        }
        match task.state {
            TaskState::Paused { .. } => self.waiting += 1,
            TaskState::Cleared { .. } => self.cleared += 1,
            TaskState::Running { .. }
            | TaskState::Finished { .. }
            | TaskState::Terminated { .. } => return,
        }
        if self.tasks.len() < NAMED_LIMIT {
            self.tasks.push(task);
        }
    }
}

/// Looks through calendars on a thread of its own. A panic there is told by the runtime; what was
/// saved is saved.
async fn apart(look: impl FnOnce() -> Vec<Warning> + Send + 'static) -> Vec<Warning> {
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

/// The policies that have windows, and all freezes.
fn schedules(directory: &Directory) -> (Vec<Arc<Policy>>, Vec<Arc<Freeze>>) {
    let policies = directory.policies();
    let with_windows = policies.filter(|policy| !policy.draft.terms.windows.is_empty());
    let freezes = directory.freezes_after(None);
    (with_windows.cloned().collect(), freezes.cloned().collect())
}
