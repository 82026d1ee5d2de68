//! What is true of each task, as plain facts.

use std::collections::BTreeMap;

use countersign_domain::Instant;

use super::crowd::Crowd;
use super::harness::people::at;
use super::steps::{Asked, Draft, Eyes, Generation, Step};
use super::times::Freeze;

/// How a task ended without a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    Rejected,
    Closed,
    Withdrawn,
    Expired,
}

/// What is known of one task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fact {
    pub(crate) asked: Asked,
    /// Which of the change requests holds it.
    pub(crate) held_by: usize,
    pub(crate) from: Option<Instant>,
    pub(crate) until: Option<Instant>,
    pub(crate) gone: Option<Gone>,
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

    pub(crate) fn end(&mut self, how: Gone) {
        self.gone = Some(how);
        self.cleared = false;
    }

    fn word(&self) -> &'static str {
        match (self.gone, self.started, self.succeeded) {
            (Some(Gone::Rejected), ..) => "TERMINATED:rejected",
            (Some(Gone::Closed), ..) => "TERMINATED:window_closed",
            (Some(Gone::Withdrawn), ..) => "TERMINATED:withdrawn",
            (Some(Gone::Expired), ..) => "TERMINATED:expired",
            (None, Some(_), None) => "RUNNING",
            (None, Some(_), Some(true)) => "SUCCEEDED",
            (None, Some(_), Some(false)) => "FAILED",
            (None, None, _) if self.cleared => "CLEARED",
            (None, None, _) if self.held_for == "window" => "PAUSED:window",
            (None, None, _) if self.held_for == "freeze" => "PAUSED:freeze",
            (None, None, _) => "PAUSED:approval",
        }
    }
}

/// A team, and which one of its id it is.
#[derive(Debug, Clone, PartialEq)]
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
    pub(crate) crowds: Vec<Crowd>,
    /// Policies, each with a mark that no other version of any has.
    pub(crate) policies: BTreeMap<&'static str, (Draft, u64)>,
    pub(crate) teams: BTreeMap<&'static str, Team>,
    pub(crate) freezes: BTreeMap<&'static str, Freeze>,
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
            crowds: Vec::new(),
            policies: BTreeMap::new(),
            teams: BTreeMap::new(),
            freezes: BTreeMap::new(),
            made: 0,
            accepted: None,
            requests: BTreeMap::new(),
        }
    }

    pub(crate) fn states(&self, task: &str) -> String {
        self.tasks.get(task).map_or_else(
            || "absent".to_owned(),
            |fact| {
                let state = self.crowds[fact.held_by].state.name();
                format!("{state} {}", fact.word())
            },
        )
    }

    pub(crate) fn generation(&self, task: &str) -> u64 {
        self.tasks.get(task).map_or(0, |fact| fact.generation)
    }

    /// What the clock says.
    pub(crate) fn now(&self) -> i64 {
        (self.clock - self.behind).max(0)
    }

    /// When those who approve proved who they are: everybody does it every 60 seconds.
    pub(crate) fn login(&self) -> i64 {
        self.now() - self.now() % 60
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
                let login = self.login();
                format!(
                    "{who}!{login} approve {task}{}{}",
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
            Step::MakeFreeze(id, what) => format!("adm freeze {id} {what}"),
            Step::EditFreeze(id, everywhere) => {
                let projects = if *everywhere { "*" } else { "web" };
                format!("adm edit-freeze {id} projects={projects}")
            }
            Step::LiftFreeze(id) => format!("adm lift-freeze {id}"),
            Step::DropFreeze(id) => format!("adm drop-freeze {id}"),
            Step::Sweep(id) => format!("time sweep {id}"),
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
            "seen" | "first" if !self.tasks.contains_key(task) => "other",
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
    for (key, value) in [
        ("runner", asked.runner),
        ("release", asked.release),
        ("tenant", asked.tenant),
    ] {
        if !value.is_empty() {
            text.push_str(&format!(" {key}={value}"));
        }
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
        terms,
        windows,
        close,
    } = draft;
    let (block, disabled) = (yes(*block), yes(*disabled));
    let quorum = if terms.own { "own" } else { "pooled" };
    let recheck = yes(terms.recheck);
    let mut text = format!(
        "projects={projects} users={users} teams={teams} min={min} block={block} \
         disabled={disabled} quorum={quorum} recheck={recheck} windows={windows} close={close}"
    );
    let times = [
        ("attl", terms.attl),
        ("ettl", terms.ettl),
        ("age", terms.age),
    ];
    let times = times.map(|(key, seconds)| (key, seconds.to_string()));
    let times = times.iter().map(|(key, text)| (*key, text.as_str()));
    for (key, value) in times.chain([("share", terms.share)]) {
        text.push_str(&format!(" {key}={}", if value == "0" { "" } else { value }));
    }
    text
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
