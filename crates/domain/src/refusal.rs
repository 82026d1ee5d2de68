//! Every way in which a command can be refused (E1, E2).
//!
//! A refusal names what was found, what would be allowed, and the rule. It is a fact about the
//! state at one instant, never a fault of the server.

use crate::Instant;
use crate::ids::{
    ArtifactDigest, CrNumber, EnvironmentId, FreezeId, PolicyId, ProjectId, RequestId, TaskId,
    TeamId, TokenId,
};
use crate::policy::NoPeriod;
use crate::task::WaitingFor;

/// Why a start is refused now but may be granted later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotNow {
    /// The task is held.
    Held {
        /// It waits for this.
        waiting_for: WaitingFor,
        /// The freezes that hold it.
        freezes: Vec<FreezeId>,
    },
    /// The permit is not the newest one.
    StaleGeneration {
        /// The generation that was named.
        named: u64,
        /// The current one.
        current: u64,
    },
}

/// A refused command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The caller's grant does not cover what it wants to create.
    #[error("the credential's grant does not cover this task")]
    OutsideGrant,
    /// The caller's grant does not cover all that it wants to decide on.
    #[error("the credential's grant does not cover {what}; it takes a wider grant")]
    ScopeOutsideGrant {
        /// What it would have to cover.
        what: &'static str,
    },
    /// The credential ended since it was presented. Told like any other that is not accepted.
    #[error("the credential has ended")]
    CredentialEnded,
    /// Services, orchestrators and runners never decide.
    #[error(
        "found the credential of a service, an orchestrator, a runner, or of an issuer that people \
         are not accepted from; only a person with a credential of their own may decide"
    )]
    CannotDecide,
    /// The caller is not among the approvers.
    #[error(
        "the caller is not an approver of this change request; \
         its resultant policy lists who is"
    )]
    NotAnApprover {
        /// Of which change request.
        change_request: CrNumber,
    },
    /// The caller triggered the task, and a policy bars creators.
    #[error(
        "the caller triggered the task, and a policy blocks the creator from approving; \
         another approver has to"
    )]
    CreatorBlocked {
        /// Of which change request.
        change_request: CrNumber,
    },
    /// A policy wants to know that the person was there a short while ago.
    #[error(
        "{}, and policy {policy} asks for one at most {} s ago; log in again and repeat the call",
        proof(.auth_time),
        .limit_micros / 1_000_000
    )]
    AuthenticationTooOld {
        /// Of which change request.
        change_request: CrNumber,
        /// The policy that asks for the most recent one.
        policy: PolicyId,
        /// When the person last proved who they are, if the credential says so.
        auth_time: Option<Instant>,
        /// How long ago that may be.
        limit_micros: i64,
    },
    /// Only the creator or an orchestrator may withdraw.
    #[error("only the task's creator or an orchestrator may withdraw it")]
    NotTheCreator {
        /// Which task.
        task: TaskId,
    },
    /// It does not exist, or is not open to this caller; which of the two is not told.
    #[error(
        "no {what} {id:?} is known to this credential; check the id and the credential's grant"
    )]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A field is missing or bad.
    #[error("{field}: found {found}; allowed: {allowed}")]
    InvalidField {
        /// Which field.
        field: String,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
        /// The rule that says so.
        rule: &'static str,
    },
    /// The window had closed before the task was created.
    #[error(
        "task.window: found an end at {end}, which is past (it is {now}); allowed: a later end"
    )]
    WindowPast {
        /// The end.
        end: Instant,
        /// The instant of the decision.
        now: Instant,
    },
    /// No policy matched where one is required.
    #[error(
        "no policy matches project {project} and environment {environment}, and this server \
         requires one; check the ids and tags, or create a policy"
    )]
    PolicyRequired {
        /// The task's project.
        project: ProjectId,
        /// The task's environment.
        environment: EnvironmentId,
    },
    /// A matched policy blocks the creator, and none was named.
    #[error(
        "task.creator: found nothing; allowed: the person who triggered the task, because policies \
         {} block the creator",
        list(.policies)
    )]
    CreatorRequired {
        /// The policies.
        policies: Vec<PolicyId>,
    },
    /// The task id belongs to another task.
    #[error("task id {task} is taken by a task with other content; use a new id for another task")]
    TaskIdTaken {
        /// The id.
        task: TaskId,
    },
    /// The policy id is taken.
    #[error("policy id {policy} is taken; choose another one or update that policy")]
    PolicyIdTaken {
        /// The id.
        policy: PolicyId,
    },
    /// The team id is taken.
    #[error("team id {team} is taken; choose another one or update that team")]
    TeamIdTaken {
        /// The id.
        team: TeamId,
    },
    /// The freeze id is taken.
    #[error("freeze id {freeze} is taken; choose another one or update that freeze")]
    FreezeIdTaken {
        /// The id.
        freeze: FreezeId,
    },
    /// The token id is taken, by a live token or one that has ended.
    #[error("token id {token} is taken, or was once; choose another one")]
    TokenIdTaken {
        /// The id.
        token: TokenId,
    },
    /// The request id was used for another call.
    #[error("request id {request} was used for a call with other content; use a new one")]
    RequestIdReused {
        /// The id.
        request: RequestId,
    },
    /// It is not what the caller read.
    #[error("found etag {current}, the call names {named}; read it again and decide anew")]
    EtagMismatch {
        /// The etag that was named.
        named: String,
        /// The current one.
        current: String,
    },
    /// The digest is not the one the task was created with.
    #[error("the task was created with {expected}, the call names {named}")]
    DigestMismatch {
        /// The digest that was named.
        named: String,
        /// The task's own.
        expected: String,
    },
    /// Nothing can be decided any more.
    #[error(
        "found change request in state {found}; allowed in PENDING and APPROVED; \
         a new task gets a new change request"
    )]
    ChangeRequestEnded {
        /// Which.
        change_request: CrNumber,
        /// The state found.
        found: &'static str,
    },
    /// Every task has started or ended, so the decision would come too late.
    #[error(
        "every task of this change request has started or ended; \
         allowed while a task is PAUSED or CLEARED"
    )]
    NothingCanStart {
        /// Which.
        change_request: CrNumber,
    },
    /// The caller has no approval to revoke.
    #[error("the caller has not approved this change request, so there is nothing to revoke")]
    NothingToRevoke {
        /// Which.
        change_request: CrNumber,
    },
    /// Not now: wait for the next signal.
    #[error("{}; do not start, wait for the next signal", not_now(.cause))]
    StartNotNow {
        /// Which task.
        task: TaskId,
        /// Why.
        cause: NotNow,
    },
    /// Never: stop.
    #[error("found task in state {found}; it never starts again, stop waiting")]
    StartNever {
        /// Which task.
        task: TaskId,
        /// The state found.
        found: &'static str,
    },
    /// The start was granted to another claim.
    #[error("the start was granted to another claim; do not start, and do not report for it")]
    ClaimTaken {
        /// Which task.
        task: TaskId,
    },
    /// Only waiting and cleared tasks can be withdrawn.
    #[error("found task in state {found}; allowed in PAUSED and CLEARED")]
    NotWithdrawable {
        /// Which task.
        task: TaskId,
        /// The state found.
        found: &'static str,
    },
    /// Only a started task has an outcome.
    #[error("found task in state {found}; allowed in RUNNING")]
    NotRunning {
        /// Which task.
        task: TaskId,
        /// The state found.
        found: &'static str,
    },
    /// Another outcome was reported before.
    #[error("found task in state {found}: another outcome was reported before and stands")]
    OutcomeDiffers {
        /// Which task.
        task: TaskId,
        /// The state found.
        found: &'static str,
    },
    /// Policies name the team.
    #[error("team {team} is named by policies {}; take it out of them first", list(.policies))]
    TeamInUse {
        /// The team.
        team: TeamId,
        /// The first policies that name it.
        policies: Vec<PolicyId>,
    },
    /// No period lies ahead in which all policies' windows and the task's own are open (W4).
    #[error("{}", no_period(.why, .policies))]
    NoPeriod {
        /// The policies that have windows.
        policies: Vec<PolicyId>,
        /// Why not.
        why: NoPeriod,
    },
    /// Only what is in force can be lifted (F3).
    #[error(
        "freeze {freeze} is not in force{}; only one that is can be lifted, change or delete it \
         instead",
        begins(.begins_at)
    )]
    FreezeNotInForce {
        /// The freeze.
        freeze: FreezeId,
        /// When it will be.
        begins_at: Option<Instant>,
    },
    /// More policies match than one change request may hold.
    #[error("{found} policies match this task; allowed: at most {limit}; merge some of them")]
    TooManyPolicies {
        /// How many match.
        found: usize,
        /// How many may.
        limit: usize,
    },
    /// The clock lags behind the log, so no start can be judged (K2).
    #[error(
        "the clock is {} ms behind the newest log entry; no start is granted until it has caught \
         up or an operator accepts it",
        .by_micros / 1_000
    )]
    ClockBehind {
        /// By how much.
        by_micros: i64,
    },
}

impl Refusal {
    /// A bad field.
    pub fn field(
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        rule: &'static str,
    ) -> Self {
        Self::InvalidField {
            field: field.into(),
            found: found.into(),
            allowed: allowed.into(),
            rule,
        }
    }

    /// Absent or forbidden.
    pub fn not_found(what: &'static str, id: &str) -> Self {
        Self::NotFound {
            what,
            id: id.to_owned(),
        }
    }

    /// An absent or forbidden task.
    pub fn task_not_found(task: &TaskId) -> Self {
        Self::not_found("task", task.as_str())
    }

    /// Another digest than the task's, or one where it has none, or none where it has one.
    pub fn digest_mismatch(
        named: Option<&ArtifactDigest>,
        expected: Option<&ArtifactDigest>,
    ) -> Self {
        let text = |digest: Option<&ArtifactDigest>| match digest {
            None => "no artifact digest".to_owned(),
            Some(digest) => format!("artifact digest {digest}"),
        };
        Self::DigestMismatch {
            named: text(named),
            expected: text(expected),
        }
    }

    /// The rule of the rule book that refuses.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::OutsideGrant | Self::TaskIdTaken { .. } => "C2",
            Self::CannotDecide
            | Self::NotAnApprover { .. }
            | Self::CreatorBlocked { .. }
            | Self::AuthenticationTooOld { .. } => "D1",
            Self::NotTheCreator { .. } | Self::NotWithdrawable { .. } => "P7",
            Self::NotFound { .. }
            | Self::ScopeOutsideGrant { .. }
            | Self::CredentialEnded
            | Self::TokenIdTaken { .. } => "E1",
            Self::InvalidField { rule, .. } => rule,
            Self::WindowPast { .. } => "W1",
            Self::PolicyRequired { .. } => "M6",
            Self::CreatorRequired { .. } => "C3",
            Self::PolicyIdTaken { .. } | Self::TeamIdTaken { .. } => "M1",
            Self::FreezeIdTaken { .. } => "F1",
            Self::NoPeriod { .. } => "W4",
            Self::FreezeNotInForce { .. } => "F3",
            Self::RequestIdReused { .. } => "E1",
            Self::EtagMismatch { .. } | Self::DigestMismatch { .. } => "D11",
            Self::ChangeRequestEnded { .. } => "D5",
            Self::NothingCanStart { .. } => "D12",
            Self::NothingToRevoke { .. } => "D7",
            Self::StartNotNow { .. } | Self::StartNever { .. } => "P4",
            Self::ClaimTaken { .. } => "P3",
            Self::NotRunning { .. } | Self::OutcomeDiffers { .. } => "P6",
            Self::TeamInUse { .. } => "D10",
            Self::TooManyPolicies { .. } => "G1",
            Self::ClockBehind { .. } => "K2",
        }
    }
}

fn list(ids: &[impl ToString]) -> String {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn proof(auth_time: &Option<Instant>) -> String {
    match auth_time {
        Some(at) => format!("the credential tells of a login at {at}"),
        None => "the credential tells of no login".to_owned(),
    }
}

fn begins(at: &Option<Instant>) -> String {
    at.map(|at| format!(", it begins at {at}"))
        .unwrap_or_default()
}

fn no_period(why: &NoPeriod, policies: &[PolicyId]) -> String {
    let policies = list(policies);
    match why {
        NoPeriod::NeverOpen => format!(
            "the change windows of policies {policies} are not open together within ten years; \
             mend them, PreviewSchedule shows when each is open"
        ),
        NoPeriod::OutsideTaskWindow { opens_at } => format!(
            "the change windows of policies {policies} are not open within the task's window, but \
             at {opens_at}; create the task with a window in which they are"
        ),
        NoPeriod::TooMuchWork => format!(
            "the change windows of policies {policies} take too long to look through; use fewer or \
             simpler ones"
        ),
    }
}

fn not_now(cause: &NotNow) -> String {
    match cause {
        NotNow::Held {
            waiting_for: WaitingFor::Approval,
            ..
        } => "the task is held: approvals are missing".to_owned(),
        NotNow::Held {
            waiting_for: WaitingFor::Window,
            ..
        } => "the task is held: its window has not opened".to_owned(),
        NotNow::Held {
            waiting_for: WaitingFor::Freeze,
            freezes,
        } => format!("the task is held by freezes: {}", list(freezes)),
        NotNow::StaleGeneration { named, current } => {
            format!("the call names generation {named}, the current one is {current}")
        }
    }
}
