//! Reads: one snapshot each, from the primary, as the log has it. Never settles.

use std::sync::Arc;

use countersign_domain::Instant;
use countersign_domain::Refusal;
use countersign_domain::access::Principal;
use countersign_domain::batch::{part_of_person, part_of_team};
use countersign_domain::change_request::{Case, Deficit, deficit};
use countersign_domain::directory::{Directory, Team};
use countersign_domain::freeze::Freeze;
use countersign_domain::ids::{CrNumber, CrRef, PolicyId, TaskId, TeamId};
use countersign_domain::log::{Entry, Head};
use countersign_domain::policy::{Policy, Warning, change_request_warnings, confusable_warnings};
use countersign_store::{CrFilter, CrStates, EntryFilter, TaskFilter};

use crate::engine::Engine;
use crate::failure::Failure;

/// How many are read at once where what is read is then sifted.
const WAITING_PAGE: u64 = 200;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Whether something follows.
    pub more: bool,
}

/// What its tasks wait for beside their own facts; judged by teams and freezes as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What is missing, and from whom.
    pub deficit: Deficit,
    /// The freezes that may hold its tasks.
    pub freezes: Vec<Arc<Freeze>>,
}

/// What is shown of a change request beside its own facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrView {
    /// What its tasks wait for.
    pub standing: Standing,
    /// What to know about it.
    pub warnings: Vec<Warning>,
}

/// The newest entry, and the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadView {
    /// The newest entry.
    pub head: Head,
    /// What the clock says.
    pub clock: Instant,
}

impl Engine {
    /// What is shown of a change request beside its own facts.
    pub fn view(&self, case: &Case) -> CrView {
        let (standing, mut warnings) = self.directory().read(|directory| {
            let warnings = change_request_warnings(&case.resultant, &case.creators(), directory);
            (standing(case, directory), warnings)
        });
        warnings.extend(confusable_warnings(case));
        CrView { standing, warnings }
    }

    /// What the tasks of a change request wait for beside their own facts.
    pub fn standing(&self, case: &Case) -> Standing {
        self.directory().read(|directory| standing(case, directory))
    }

    /// A change request with its tasks, if it exists and the caller's grant covers it.
    pub async fn case(&self, caller: &Principal, target: &CrRef) -> Result<Case, Failure> {
        let found = self
            .store()
            .case(target)
            .await
            .map_err(|e| self.read_failed(&e))?;
        let visible = found.filter(|case| case.is_covered_by(caller));
        visible.ok_or_else(|| match target {
            CrRef::Number(number) => {
                Refusal::not_found("change request", &self.prefix().format(*number)).into()
            }
            CrRef::Task(id) => Refusal::task_not_found(id).into(),
        })
    }

    /// A page of change requests, newest first.
    pub async fn change_requests(
        &self,
        mut filter: CrFilter,
        limit: usize,
    ) -> Result<Page<Case>, Failure> {
        filter.limit = limit as u64 + 1;
        let found = self.store().list_change_requests(&filter).await;
        Ok(page(found.map_err(|e| self.read_failed(&e))?, limit))
    }

    /// A page of pending change requests that wait for this caller, newest first. The store finds
    /// those whose policy names the caller; what the caller has approved or triggered is left out
    /// here, and the search goes on until the page is full.
    pub async fn waiting_for(
        &self,
        caller: &Principal,
        mut filter: CrFilter,
        limit: usize,
    ) -> Result<Page<Case>, Failure> {
        filter.states = Some(CrStates::Pending);
        filter.parts = Some(self.parts_of(caller));
        filter.limit = (limit as u64 + 1).max(WAITING_PAGE);
        let mut items = Vec::new();
        loop {
            let found = self.store().list_change_requests(&filter).await;
            let found = found.map_err(|e| self.read_failed(&e))?;
            let last = found.last().map(Case::number);
            let full = found.len() as u64 == filter.limit;
            items.extend(
                found
                    .into_iter()
                    .filter(|case| self.could_approve(caller, case)),
            );
            if items.len() > limit || !full {
                return Ok(page(items, limit));
            }
            filter.before = last;
        }
    }

    fn could_approve(&self, caller: &Principal, case: &Case) -> bool {
        use countersign_domain::change_request::{Approve, approve};
        let approval = Approve {
            target: CrRef::Number(case.number()),
            comment: String::new(),
            etag: None,
            artifact_digest: None,
        };
        let now = self.now();
        let decided = self
            .directory()
            .read(|directory| approve(case, &approval, caller, directory, now));
        // Who has to log in again first is waited for all the same.
        matches!(
            decided,
            Ok(Some(_)) | Err(Refusal::AuthenticationTooOld { .. })
        )
    }

    /// What resultant policies that name this caller are found by.
    fn parts_of(&self, caller: &Principal) -> Vec<String> {
        let mut parts = vec![part_of_person(&caller.person)];
        self.directory().read(|directory| {
            for team in directory.teams_after(None) {
                let member = if team.draft.claimed {
                    caller.claimed_teams.contains(&team.draft.id)
                } else {
                    team.draft.members.contains(&caller.person)
                };
                if member {
                    parts.push(part_of_team(&team.draft.id, team.created.sequence));
                }
            }
        });
        parts
    }

    /// A page of tasks by id, each with its change request.
    pub async fn tasks(
        &self,
        mut filter: TaskFilter,
        limit: usize,
    ) -> Result<Page<(TaskId, Case)>, Failure> {
        filter.limit = limit as u64 + 1;
        let found = self.store().list_tasks(&filter).await;
        Ok(page(found.map_err(|e| self.read_failed(&e))?, limit))
    }

    /// A policy, if it exists and may match anything that the caller's grant covers.
    pub async fn policy(&self, caller: &Principal, id: &PolicyId) -> Result<Arc<Policy>, Failure> {
        self.know_directory().await?;
        let seen = |policy: &&Arc<Policy>| caller.grant.touches_scopes(&policy.draft.scopes);
        let found = self
            .directory()
            .read(|directory| directory.policy(id).filter(seen).cloned());
        found.ok_or_else(|| Refusal::not_found("policy", id.as_str()).into())
    }

    /// A page of policies by id that may match anything that the caller's grant covers.
    pub async fn policies(
        &self,
        caller: &Principal,
        after: Option<&PolicyId>,
        limit: usize,
    ) -> Result<Page<Arc<Policy>>, Failure> {
        self.know_directory().await?;
        let found = self.directory().read(|directory| {
            let found = directory
                .policies_after(after)
                .filter(|policy| caller.grant.touches_scopes(&policy.draft.scopes));
            found.take(limit + 1).cloned().collect()
        });
        Ok(page(found, limit))
    }

    /// A team.
    pub async fn team(&self, id: &TeamId) -> Result<Arc<Team>, Failure> {
        self.know_directory().await?;
        let found = self
            .directory()
            .read(|directory| directory.team(id).cloned());
        found.ok_or_else(|| Refusal::not_found("team", id.as_str()).into())
    }

    /// A page of teams by id.
    pub async fn teams(
        &self,
        after: Option<&TeamId>,
        limit: usize,
    ) -> Result<Page<Arc<Team>>, Failure> {
        self.know_directory().await?;
        let found = self.directory().read(|directory| {
            let found = directory.teams_after(after);
            found.take(limit + 1).cloned().collect()
        });
        Ok(page(found, limit))
    }

    /// How many open change requests hold a part of a policy, and the newest of them.
    pub async fn open_change_requests(
        &self,
        part: &str,
        limit: u64,
    ) -> Result<(u64, Vec<CrNumber>), Failure> {
        let found = self.store().open_change_requests(part, limit).await;
        found.map_err(|e| self.read_failed(&e))
    }

    /// A page of the log, oldest first.
    pub async fn entries(
        &self,
        mut filter: EntryFilter,
        limit: usize,
    ) -> Result<Page<Entry>, Failure> {
        filter.limit = limit as u64 + 1;
        let found = self.store().entries(&filter).await;
        Ok(page(found.map_err(|e| self.read_failed(&e))?, limit))
    }

    /// The newest entry, and the clock.
    pub async fn head(&self) -> Result<HeadView, Failure> {
        let head = self.store().head().await;
        let head = head
            .map_err(|e| self.read_failed(&e))?
            .unwrap_or(Head::EMPTY);
        let clock = self.clock().await?;
        Ok(HeadView { head, clock })
    }

    /// The instant by which the next transaction will be judged, at the earliest (K1).
    pub(crate) async fn instant(&self) -> Result<Instant, Failure> {
        let HeadView { head, clock } = self.head().await?;
        Ok(clock.max(head.instant))
    }

    /// What the clock says that transactions are judged by.
    pub(crate) async fn clock(&self) -> Result<Instant, Failure> {
        let database = self.store().clock().await;
        let database = database.map_err(|e| self.read_failed(&e))?;
        Ok(self.config().clock.of_transaction(database))
    }
}

fn standing(case: &Case, directory: &Directory) -> Standing {
    Standing {
        deficit: deficit(case, directory),
        freezes: freezes_near(directory, case),
    }
}

/// The freezes that may hold tasks of a change request.
pub(crate) fn freezes_near(directory: &Directory, case: &Case) -> Vec<Arc<Freeze>> {
    let content = &case.change_request.content;
    directory
        .freezes_near(&content.project, &content.environment)
        .cloned()
        .collect()
}

pub(crate) fn page<T>(mut items: Vec<T>, limit: usize) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    Page { items, more }
}
