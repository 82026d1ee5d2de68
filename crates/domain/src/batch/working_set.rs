//! What a batch is run on, and what it leaves to be written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::Instant;
use crate::change_request::Case;
use crate::directory::Directory;
use crate::ids::{CrNumber, FreezeId, PolicyId, RequestId, TaskId, TeamId};
use crate::log::{AggregateKey, Head};
use crate::person::Person;
use crate::policy::{Approver, ResultantPolicy};
use crate::rows::{self, CrRow, FreezeRow, PolicyRow, TaskRow, TeamRow, TokenRow};

/// What is set for the whole server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Refuse tasks that no policy matches (M6).
    pub require_policy: bool,
}

/// What every command of a batch is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The instant of the transaction: the later of the clock and the head (K1).
    pub now: Instant,
    /// What the clock itself says.
    pub clock: Instant,
    /// Policies, teams, freezes and tokens at the head's revision.
    pub directory: &'a Directory,
    /// What is set.
    pub settings: &'a Settings,
}

/// A call that was made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRequest {
    /// The digest of its content.
    pub digest: String,
    /// What it was about.
    pub aggregate: AggregateKey,
}

/// Everything that a batch looks at, keyed by change request number and task id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingSet {
    /// The newest entry.
    pub head: Head,
    /// Change requests with all their tasks.
    pub cases: BTreeMap<CrNumber, Case>,
    /// Which change request holds a task.
    pub holders: BTreeMap<TaskId, CrNumber>,
    /// The newest change request of each key, which tasks with that key may share.
    pub shared: BTreeMap<String, CrNumber>,
    /// Calls that were made before.
    pub requests: BTreeMap<(Person, RequestId), KnownRequest>,
    /// Change requests that met a broken invariant: nothing is decided on them any more.
    pub quarantine: BTreeSet<CrNumber>,
}

impl WorkingSet {
    /// A working set of these cases.
    pub fn new(head: Head, cases: Vec<Case>) -> Self {
        let mut set = Self {
            head,
            cases: BTreeMap::new(),
            holders: BTreeMap::new(),
            shared: BTreeMap::new(),
            requests: BTreeMap::new(),
            quarantine: BTreeSet::new(),
        };
        for case in cases {
            set.holders
                .extend(case.tasks.keys().map(|id| (id.clone(), case.number())));
            let content = &case.change_request.content;
            if let Some(key) = &content.sharing_key {
                let newest = set.shared.entry(key.clone()).or_insert(content.number);
                *newest = content.number.max(*newest);
            }
            set.cases.insert(case.number(), case);
        }
        set
    }
}

/// The rows that a batch changed, each once, in its last form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Change requests to insert.
    pub new_change_requests: Vec<CrRow>,
    /// Change requests whose live columns changed.
    pub change_requests: Vec<CrRow>,
    /// Tasks to insert.
    pub new_tasks: Vec<TaskRow>,
    /// Tasks whose live columns changed.
    pub tasks: Vec<TaskRow>,
    /// Resultant policies to insert where they are not known yet.
    pub resultants: Vec<ResultantRow>,
    /// Policies to write, or to delete.
    pub policies: Vec<(PolicyId, Option<PolicyRow>)>,
    /// Teams to write, or to delete.
    pub teams: Vec<(TeamId, Option<TeamRow>)>,
    /// Freezes to write, or to delete.
    pub freezes: Vec<(FreezeId, Option<FreezeRow>)>,
    /// Tokens to write.
    pub tokens: Vec<TokenRow>,
}

/// A resultant policy as it is stored: once, under its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultantRow {
    /// The digest; the key.
    pub digest: String,
    /// The whole of it.
    pub document: String,
    /// What it is searched by: see [`part_of_person`] and its siblings.
    pub parts: Vec<String>,
}

impl ResultantRow {
    /// The row of a resultant policy.
    pub fn new(digest: &str, resultant: &Arc<ResultantPolicy>) -> Self {
        let approvers = resultant
            .approvers
            .iter()
            .map(|named| match &named.approver {
                Approver::User(person) => part_of_person(person),
                Approver::Team(team) => part_of_team(&team.id, team.incarnation),
            });
        let policies = resultant
            .policies
            .iter()
            .map(|policy| part_of_policy(&policy.id));
        Self {
            digest: digest.to_owned(),
            document: rows::text(resultant.as_ref()),
            parts: approvers.chain(policies).collect(),
        }
    }
}

/// How resultant policies are found by a person. Control characters are in neither name.
pub fn part_of_person(person: &Person) -> String {
    format!("user:{}\n{}", person.issuer, person.subject)
}

/// How resultant policies are found by a team.
pub fn part_of_team(id: &TeamId, incarnation: u64) -> String {
    format!("team:{id}\n{incarnation}")
}

/// How resultant policies are found by a policy that matched.
pub fn part_of_policy(id: &PolicyId) -> String {
    format!("policy:{id}")
}
