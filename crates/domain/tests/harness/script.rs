//! Steps as text: who does what when, and what comes of it.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::Instant;
use countersign_domain::batch::{Action, Command, Outcome, Reply};
use countersign_domain::change_request::{Approve, Reject, Revoke};
use countersign_domain::directory::{DirectoryCommand, TeamDraft, TeamField};
use countersign_domain::ids::{
    ClaimId, CrNumber, CrRef, EnvironmentId, ProjectId, ReleaseId, RequestId, RunnerName, TenantId,
};
use countersign_domain::log::{RequestMark, digest_of};
use countersign_domain::person::Person;
use countersign_domain::policy::{
    Approvers, PolicyDraft, PolicyField, Quorum, Scope, ScopeSide, Sharing, Terms, TimeToLive,
};
use countersign_domain::task::{
    FinishTask, Outcome as TaskOutcome, StartTask, TaskKind, TaskSpec, Window, WithdrawTask,
};

use super::Gate;
use super::access::{actor, token_draft};
use super::facts::{facts, reply_name};
use super::people::{
    creator, digest, freeze_id, micros, person, policy_id, spec, tags, task_id, team_id, token_id,
};
use super::schedule::{freeze_draft, freeze_fields, on_close, windows};

/// The words behind verb and subject, as `key=value`; a key alone is `yes`.
pub(crate) type Options<'a> = BTreeMap<&'a str, &'a str>;

impl Gate {
    /// Plays steps on a new gate.
    pub(crate) fn played(steps: &str) -> Self {
        let mut gate = Self::new();
        gate.play(steps);
        gate.check_all();
        gate
    }

    /// Plays steps.
    pub(crate) fn play(&mut self, steps: &str) {
        for step in steps.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (said, expected) = step.split_once("->").unwrap_or((step, "Done"));
            let (reply, entries) = self.say(said);
            let subject = said.split_whitespace().nth(3).unwrap_or_default();
            let clock = time(said.split_whitespace().next().unwrap());
            let mut found = facts(self, subject, clock.max(self.store.head.instant));
            found.push(reply_name(&reply));
            found.push(format!("entries={entries}"));
            for word in expected.split_whitespace() {
                let holds = found.iter().any(|fact| fact == word);
                assert!(holds, "{step}\nexpected {word}, found {found:?}\n{reply:?}");
            }
        }
    }

    /// Plays one step without an expectation; answers with the reply, and with how many entries
    /// were left.
    pub(crate) fn say(&mut self, step: &str) -> (Reply, usize) {
        if let [clock, "time", "sweep", id] = step.split_whitespace().collect::<Vec<_>>()[..] {
            return self.sweep(id, time(clock));
        }
        let (command, clock) = self.read(step);
        let Outcome {
            mut replies,
            entries,
            ..
        } = self.run(&[command], clock);
        (replies.remove(0), entries.len())
    }

    /// Reads one step.
    pub(crate) fn read(&self, step: &str) -> (Command, Instant) {
        let mut words = step.split_whitespace();
        let clock = time(words.next().unwrap());
        let caller = actor(self, words.next().unwrap());
        let verb = words.next().unwrap();
        let subject = words.next().unwrap_or_default();
        let options: Options<'_> = words
            .map(|word| word.split_once('=').unwrap_or((word, "yes")))
            .collect();
        let action = self.action(verb, subject, &options);
        let request = options.get("request").map(|id| RequestMark {
            id: RequestId::parse(id).unwrap(),
            digest: digest_of(&format!("{action:?}")),
        });
        let command = Command {
            caller,
            action,
            request,
        };
        (command, clock)
    }

    fn action(&self, verb: &str, subject: &str, options: &Options<'_>) -> Action {
        let comment = options
            .get("comment")
            .copied()
            .unwrap_or_default()
            .to_owned();
        match verb {
            "create" => self.prepare(task_spec(subject, options)),
            "approve" => Action::Approve(Approve {
                target: self.target(subject, options),
                comment,
                etag: self.etag(subject, options),
                artifact_digest: options.get("digest").and_then(|text| digest(text)),
            }),
            "reject" => Action::Reject(Reject {
                target: self.target(subject, options),
                comment,
                etag: self.etag(subject, options),
                artifact_digest: options.get("digest").and_then(|text| digest(text)),
            }),
            "revoke" => Action::Revoke(Revoke {
                target: self.target(subject, options),
                comment,
            }),
            "withdraw" => Action::Withdraw(WithdrawTask {
                task: task_id(subject),
                comment,
            }),
            "start" => Action::Start(self.start(subject, options)),
            "finish" => Action::Finish(FinishTask {
                task: task_id(subject),
                claim: claim(options),
                outcome: match options.get("outcome") {
                    Some(&"failed") => TaskOutcome::Failed,
                    _ => TaskOutcome::Succeeded,
                },
                comment,
            }),
            "settle" => Action::Settle {
                number: self.number(subject),
                due_at: None,
            },
            "accept-clock" => Action::AcceptClock { comment },
            verb => Action::Directory(self.directory_command(verb, subject, options)),
        }
    }

    /// A start that is right, but for what the options say.
    fn start(&self, subject: &str, options: &Options<'_>) -> StartTask {
        let task = self
            .case(subject)
            .map(|case| &case.tasks[&task_id(subject)]);
        let own = task.and_then(|task| task.content.spec.artifact_digest.clone());
        let current = task.map_or(0, |task| task.generation);
        StartTask {
            task: task_id(subject),
            generation: options
                .get("gen")
                .map_or(current, |text| text.parse().unwrap()),
            artifact_digest: options.get("digest").map_or(own, |text| digest(text)),
            claim: claim(options),
        }
    }

    fn directory_command(&self, verb: &str, id: &str, options: &Options<'_>) -> DirectoryCommand {
        let etag = options.get("etag").map(|&etag| etag.to_owned());
        match verb {
            "policy" => DirectoryCommand::CreatePolicy(Box::new(policy_draft(id, options))),
            "edit-policy" => DirectoryCommand::UpdatePolicy {
                draft: Box::new(policy_draft(id, options)),
                fields: policy_fields(options),
                etag,
            },
            "drop-policy" => DirectoryCommand::DeletePolicy {
                id: policy_id(id),
                etag,
            },
            "team" => DirectoryCommand::CreateTeam(Box::new(team_draft(id, options))),
            "edit-team" => DirectoryCommand::UpdateTeam {
                draft: Box::new(team_draft(id, options)),
                fields: [TeamField::Members].into(),
                etag,
            },
            "drop-team" => DirectoryCommand::DeleteTeam {
                id: team_id(id),
                etag,
            },
            "freeze" => DirectoryCommand::CreateFreeze(Box::new(freeze_draft(id, options))),
            "edit-freeze" => DirectoryCommand::UpdateFreeze {
                draft: Box::new(freeze_draft(id, options)),
                fields: freeze_fields(options),
                etag,
            },
            "lift-freeze" => DirectoryCommand::LiftFreeze {
                id: freeze_id(id),
                comment: options.get("comment").copied().unwrap_or("over").to_owned(),
                etag,
            },
            "drop-freeze" => DirectoryCommand::DeleteFreeze {
                id: freeze_id(id),
                etag,
            },
            "token" => DirectoryCommand::CreateToken(Box::new(token_draft(id, options))),
            "revoke-token" => DirectoryCommand::RevokeToken {
                id: token_id(id),
                comment: options.get("comment").copied().unwrap_or("over").to_owned(),
            },
            other => panic!("no such verb: {other}"),
        }
    }

    fn target(&self, subject: &str, options: &Options<'_>) -> CrRef {
        match options.get("by") {
            Some(&"number") => CrRef::Number(self.number(subject)),
            _ => CrRef::Task(task_id(subject)),
        }
    }

    /// The number of the change request that holds a task; 99 where there is none.
    fn number(&self, subject: &str) -> CrNumber {
        self.case(subject).map_or(
            CrNumber(99),
            countersign_domain::change_request::Case::number,
        )
    }

    fn etag(&self, subject: &str, options: &Options<'_>) -> Option<String> {
        let found = || &self.case(subject).unwrap().change_request;
        options.get("etag").map(|&etag| match etag {
            "seen" => found().etag().to_owned(),
            "first" => found().content.etag.clone(),
            other => other.to_owned(),
        })
    }
}

/// What an orchestrator says about a task.
pub(crate) fn task_spec(id: &str, options: &Options<'_>) -> TaskSpec {
    let mut found = spec(id);
    for (&key, &value) in options {
        match key {
            "creator" => found.creator = (value != "none").then(|| creator(value)),
            "window" => found.window = window(value),
            "digest" => found.artifact_digest = digest(value),
            "runner" => found.runner = Some(RunnerName::parse(value).unwrap()),
            "project" => found.project = ProjectId::parse(value).unwrap(),
            "env" => found.environment = EnvironmentId::parse(value).unwrap(),
            "release" => found.release = Some(ReleaseId::parse(value).unwrap()),
            "tenant" => found.tenant = Some(TenantId::parse(value).unwrap()),
            "ptags" => found.project_tags = tags(value),
            "etags" => found.environment_tags = tags(value),
            "title" => found.title = value.to_owned(),
            "label" => {
                found.labels.insert("label".to_owned(), value.to_owned());
            }
            "kind" => found.kind = kind(value),
            "request" => {}
            other => panic!("no such option: {other}"),
        }
    }
    found
}

/// What an administrator says about a policy: by default it binds `web` in `prod`, and one of
/// nobody must approve.
pub(crate) fn policy_draft(id: &str, options: &Options<'_>) -> PolicyDraft {
    let option = |key: &str| options.get(key).copied();
    let list = |key: &str| {
        option(key)
            .unwrap_or_default()
            .split(',')
            .filter(|id| !id.is_empty())
    };
    PolicyDraft {
        id: policy_id(id),
        name: option("name").unwrap_or(id).to_owned(),
        description: String::new(),
        disabled: option("disabled") == Some("yes"),
        scopes: vec![scope(options)],
        approvers: Approvers {
            users: list("users").map(person).collect(),
            teams: list("teams").map(team_id).collect(),
        },
        minimum_approvals: option("min").map_or(1, |text| text.parse().unwrap()),
        block_creator: option("block") == Some("yes"),
        terms: terms(&option),
    }
}

/// `web` in `prod`, where nothing else is said.
pub(crate) fn scope(options: &Options<'_>) -> Scope {
    let option = |key: &str| options.get(key).copied();
    let list = |key: &str| {
        let ids = option(key).unwrap_or_default().split(',');
        ids.filter(|id| !id.is_empty())
    };
    Scope {
        projects: side(option("projects").unwrap_or("web")),
        environments: side(option("envs").unwrap_or("prod")),
        kinds: list("kinds").map(kind).collect(),
        tenants: list("tenants")
            .map(|id| TenantId::parse(id).unwrap())
            .collect(),
    }
}

/// The terms of a policy: `quorum=own share=release recheck=yes attl=60 ettl=900 age=9`, and its
/// windows.
fn terms<'a>(option: &impl Fn(&str) -> Option<&'a str>) -> Terms {
    let ttl = |key: &str| {
        let text = option(key).filter(|text| !text.is_empty());
        let seconds: Option<i64> = text.map(|text| text.parse().unwrap());
        seconds.map(|seconds| TimeToLive::from_micros(seconds * 1_000_000).unwrap())
    };
    Terms {
        quorum: match option("quorum") {
            Some("own") => Quorum::Own,
            Some("pooled") | None => Quorum::Pooled,
            Some(other) => panic!("no such quorum: {other}"),
        },
        sharing: option("share")
            .filter(|text| !text.is_empty())
            .map(|text| match text {
                "task" => Sharing::PerTask,
                "tenant" => Sharing::PerReleaseAndTenant,
                "release" => Sharing::PerRelease,
                other => panic!("no such sharing: {other}"),
            }),
        recheck_approvers: option("recheck") == Some("yes"),
        approval_ttl: ttl("attl"),
        execution_ttl: ttl("ettl"),
        max_auth_age: ttl("age"),
        windows: windows(option("windows").unwrap_or_default()),
        on_close: on_close(option("close").unwrap_or_default()),
    }
}

fn policy_fields(options: &Options<'_>) -> BTreeSet<PolicyField> {
    let field = |key: &&str| match *key {
        "name" => Some(PolicyField::Name),
        "disabled" => Some(PolicyField::Disabled),
        "projects" | "envs" | "kinds" | "tenants" => Some(PolicyField::Scopes),
        "users" | "teams" => Some(PolicyField::Approvers),
        "min" => Some(PolicyField::MinimumApprovals),
        "block" => Some(PolicyField::BlockCreator),
        "quorum" => Some(PolicyField::Quorum),
        "share" => Some(PolicyField::Sharing),
        "recheck" => Some(PolicyField::RecheckApprovers),
        "attl" => Some(PolicyField::ApprovalTtl),
        "ettl" => Some(PolicyField::ExecutionTtl),
        "age" => Some(PolicyField::MaxAuthAge),
        "windows" => Some(PolicyField::Windows),
        "close" => Some(PolicyField::OnClose),
        _ => None,
    };
    options.keys().filter_map(field).collect()
}

fn team_draft(id: &str, options: &Options<'_>) -> TeamDraft {
    let members = options.get("members").copied().unwrap_or_default();
    let members = members.split(',').filter(|member| !member.is_empty());
    let members: BTreeSet<Person> = members.map(person).collect();
    TeamDraft {
        id: team_id(id),
        name: id.to_owned(),
        description: String::new(),
        members,
        claimed: options.get("claimed") == Some(&"yes"),
    }
}

/// `*`, or ids, or tags.
fn side(text: &str) -> ScopeSide {
    match text {
        "*" => ScopeSide::Any,
        "" => ScopeSide::Ids(BTreeSet::new()),
        text if text.contains('/') => ScopeSide::Tags(tags(text)),
        text => ScopeSide::Ids(text.split(',').map(str::to_owned).collect()),
    }
}

/// `10..20`, `10..` or `..20`.
pub(crate) fn window(text: &str) -> Window {
    let (start, end) = text.split_once("..").unwrap();
    let instant = |text: &str| (!text.is_empty()).then(|| time(text));
    Window {
        start: instant(start),
        end: instant(end),
    }
}

/// Seconds of the test's time, with up to six places.
pub(crate) fn time(text: &str) -> Instant {
    let (seconds, parts) = text.split_once('.').unwrap_or((text, ""));
    let parts: i64 = format!("{parts:0<6}").parse().unwrap();
    micros(seconds.parse::<i64>().unwrap() * 1_000_000 + parts)
}

fn kind(text: &str) -> TaskKind {
    match text {
        "runbook" => TaskKind::RunbookRun,
        _ => TaskKind::Deployment,
    }
}

fn claim(options: &Options<'_>) -> ClaimId {
    ClaimId::parse(options.get("claim").unwrap_or(&"c1")).unwrap()
}
