//! What is true of each task, as plain facts; the states follow from them.

use std::collections::BTreeMap;

use countersign_domain::Instant;

use super::harness::people::at;
use super::steps::{Asked, Draft, Eyes, Generation, Step};

/// How a task ended without a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    Rejected,
    Closed,
    Withdrawn,
}

/// What is known of one task and its change request.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) asked: Asked,
    pub(crate) from: Option<Instant>,
    pub(crate) until: Option<Instant>,
    /// Nobody has to approve.
    pub(crate) free: bool,
    pub(crate) users: Vec<&'static str>,
    /// Teams with their incarnations.
    pub(crate) teams: Vec<(&'static str, u64)>,
    pub(crate) min: usize,
    pub(crate) block: bool,
    /// The latest word of each person: approved, revoked, rejected.
    pub(crate) said: BTreeMap<&'static str, char>,
    pub(crate) gone: Option<Gone>,
    /// Whether enough had approved when it was gone.
    pub(crate) approved_then: bool,
    pub(crate) started: Option<(&'static str, &'static str, u64)>,
    pub(crate) succeeded: Option<bool>,
    pub(crate) cleared: bool,
    pub(crate) held_for: &'static str,
    pub(crate) generation: u64,
}

impl Fact {
    pub(crate) fn could_start(&self) -> bool {
        self.gone.is_none() && self.started.is_none()
    }

    pub(crate) fn has_quorum(&self) -> bool {
        self.free || self.said.values().filter(|&&word| word == 'a').count() >= self.min
    }

    /// The change request has ended: nobody decides any more.
    pub(crate) fn is_over(&self) -> bool {
        match self.gone {
            Some(Gone::Rejected) => true,
            Some(Gone::Closed | Gone::Withdrawn) => !self.approved_then,
            None => false,
        }
    }

    /// Lets time and approvals do what they do; answers whether anything changed.
    pub(crate) fn touch(&mut self, now: Instant) -> bool {
        if !self.could_start() {
            return false;
        }
        if self.until.is_some_and(|until| until <= now) {
            self.end(Gone::Closed);
            return true;
        }
        let before = (self.cleared, self.held_for);
        let open = self.from.is_none_or(|from| from <= now);
        self.cleared = self.has_quorum() && open;
        self.held_for = if self.has_quorum() {
            "window"
        } else {
            "approval"
        };
        self.generation += u64::from(self.cleared && !before.0);
        (self.cleared, self.held_for) != before
    }

    pub(crate) fn end(&mut self, how: Gone) {
        self.approved_then = self.has_quorum();
        self.gone = Some(how);
        self.cleared = false;
    }

    fn states(&self) -> String {
        let closed = match self.gone {
            Some(Gone::Rejected) => return "REJECTED TERMINATED:rejected".to_owned(),
            Some(Gone::Closed) => Some(("EXPIRED", "TERMINATED:window_closed")),
            Some(Gone::Withdrawn) => Some(("WITHDRAWN", "TERMINATED:withdrawn")),
            None => None,
        };
        if let Some((ended, task)) = closed {
            let state = if self.approved_then {
                "APPROVED"
            } else {
                ended
            };
            return format!("{state} {task}");
        }
        let task = match (self.started, self.succeeded, self.cleared) {
            (Some(_), None, _) => "RUNNING",
            (Some(_), Some(true), _) => "SUCCEEDED",
            (Some(_), Some(false), _) => "FAILED",
            (None, _, true) => "CLEARED",
            (None, _, false) if self.held_for == "window" => "PAUSED:window",
            (None, _, false) => return "PENDING PAUSED:approval".to_owned(),
        };
        format!("APPROVED {task}")
    }
}

/// A team, and which one of its id it is.
#[derive(Debug, Clone)]
pub(crate) struct Team {
    pub(crate) incarnation: u64,
    pub(crate) members: Vec<&'static str>,
    pub(crate) claimed: bool,
}

/// Everything that is true.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) clock: i64,
    pub(crate) behind: i64,
    pub(crate) require_policy: bool,
    pub(crate) tasks: BTreeMap<&'static str, Fact>,
    pub(crate) policies: BTreeMap<&'static str, Draft>,
    pub(crate) teams: BTreeMap<&'static str, Team>,
    pub(crate) made: u64,
    pub(crate) accepted: Option<Instant>,
    /// Who named which request for which call.
    pub(crate) requests: BTreeMap<(String, String), String>,
}

impl Model {
    pub(crate) fn new(require_policy: bool) -> Self {
        Self {
            clock: 0,
            behind: 0,
            require_policy,
            tasks: BTreeMap::new(),
            policies: BTreeMap::new(),
            teams: BTreeMap::new(),
            made: 0,
            accepted: None,
            requests: BTreeMap::new(),
        }
    }

    pub(crate) fn states(&self, task: &str) -> String {
        self.tasks
            .get(task)
            .map_or_else(|| "absent".to_owned(), Fact::states)
    }

    pub(crate) fn generation(&self, task: &str) -> u64 {
        self.tasks.get(task).map_or(0, |fact| fact.generation)
    }

    /// What the clock says.
    pub(crate) fn now(&self) -> i64 {
        (self.clock - self.behind).max(0)
    }

    /// The step as text, or `None` for one that only moves the clock.
    pub(crate) fn line(&mut self, step: &Step) -> Option<String> {
        let said = match step {
            Step::Wait(seconds) => {
                self.clock += seconds;
                return None;
            }
            Step::ClockBack(seconds) => {
                self.behind = *seconds;
                return None;
            }
            Step::Create(who, task, asked) => format!("{who} create {task} {}", options(asked)),
            Step::Again(who, task) => {
                let asked = self.tasks.get(task)?.asked;
                format!("{who} create {task} {}", options(&asked))
            }
            Step::Approve(who, task, eyes, request) => {
                format!(
                    "{who} approve {task}{}{}",
                    self.seen(task, eyes),
                    marked(*request)
                )
            }
            Step::Reject(who, task, eyes, request) => {
                format!(
                    "{who} reject {task}{}{}",
                    self.seen(task, eyes),
                    marked(*request)
                )
            }
            Step::Revoke(who, task, request) => format!("{who} revoke {task}{}", marked(*request)),
            Step::Withdraw(who, task, request) => {
                format!("{who} withdraw {task}{}", marked(*request))
            }
            Step::Start(who, task, generation, digest, claim) => {
                let named = self.named_generation(task, *generation);
                let digest = self.digest(task, digest);
                format!("{who} start {task} gen={named} digest={digest} claim={claim}")
            }
            Step::Finish(who, task, claim, succeeded, request) => {
                let outcome = if *succeeded { "succeeded" } else { "failed" };
                let request = marked(*request);
                format!("{who} finish {task} claim={claim} outcome={outcome}{request}")
            }
            Step::Settle(task) => format!("time settle {task}"),
            Step::MakePolicy(id, draft) => format!("adm policy {id} {}", fields(id, draft)),
            Step::EditPolicy(id, draft) => format!("adm edit-policy {id} {}", fields(id, draft)),
            Step::DropPolicy(id) => format!("adm drop-policy {id}"),
            Step::MakeTeam(id, members, claimed) => {
                let claimed = if *claimed { " claimed" } else { "" };
                format!("adm team {id} members={members}{claimed}")
            }
            Step::EditTeam(id, members) => format!("adm edit-team {id} members={members}"),
            Step::DropTeam(id) => format!("adm drop-team {id}"),
            Step::AcceptClock => "ops accept-clock -".to_owned(),
        };
        Some(format!("{} {said}", self.now()))
    }

    pub(crate) fn named_generation(&self, task: &str, named: Generation) -> u64 {
        let current = self.generation(task);
        match named {
            Generation::Current => current,
            Generation::Older => current.saturating_sub(1),
            Generation::Newer => current + 1,
        }
    }

    /// The digest a call names; `own` is that of the task.
    pub(crate) fn digest(&self, task: &str, named: &'static str) -> &'static str {
        match named {
            "own" => self
                .tasks
                .get(task)
                .map_or("none", |fact| fact.asked.digest),
            named => named,
        }
    }

    fn seen(&self, task: &str, eyes: &Eyes) -> String {
        let etag = match eyes.etag {
            "seen" if !self.tasks.contains_key(task) => "other",
            etag => etag,
        };
        let option = |key: &str, value: &str| match value {
            "" | "none" => String::new(),
            value => format!(" {key}={value}"),
        };
        let digest = self.digest(task, eyes.digest);
        option("etag", etag) + &option("digest", digest)
    }
}

fn options(asked: &Asked) -> String {
    let Asked {
        env,
        project,
        digest,
        creator,
        title,
        ..
    } = asked;
    let mut text = format!("env={env} project={project} digest={digest} creator={creator}");
    text.push_str(&format!(" title={title}"));
    if !asked.window.is_empty() {
        text.push_str(&format!(" window={}", asked.window));
    }
    if !asked.runner.is_empty() {
        text.push_str(&format!(" runner={}", asked.runner));
    }
    text
}

/// The policy `p` binds `web` in `prod`, `q` every project in `prod`.
fn fields(id: &str, draft: &Draft) -> String {
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    let projects = if id == "p" { "web" } else { "*" };
    let Draft {
        users,
        teams,
        min,
        block,
        disabled,
    } = draft;
    let (block, disabled) = (yes(*block), yes(*disabled));
    format!(
        "projects={projects} users={users} teams={teams} min={min} block={block} \
         disabled={disabled}"
    )
}

fn marked(request: u8) -> String {
    match request {
        0 => String::new(),
        request => format!(" request=r{request}"),
    }
}

/// The two ends of a window.
pub(crate) fn window(text: &str) -> (Option<Instant>, Option<Instant>) {
    let (from, until) = text.split_once("..").unwrap_or_default();
    let instant = |text: &str| text.parse().ok().map(at);
    (instant(from), instant(until))
}
