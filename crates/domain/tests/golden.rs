//! The golden corpus: one stored body of each event, as this format writes it. What a release has
//! written, every later one must read; and no change of a type may change a stored text unnoticed.
//!
//! A new event gets a line by running this with `COUNTERSIGN_WRITE_GOLDEN=1`. Lines that are there
//! never change: a new shape is a new format.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected shall fail there"
)]

#[path = "golden/access.rs"]
mod access;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use countersign_domain::Instant;
use countersign_domain::access::{CredentialKind, CredentialRef};
use countersign_domain::calendar::{Cron, Elapsed, Length, LocalTime, Period, Recurrence, Zone};
use countersign_domain::change_request::{CrContent, CrEvent, Eligibility, ExpiryCause};
use countersign_domain::directory::{PolicyEvent, TeamDraft, TeamEvent};
use countersign_domain::freeze::{FreezeDraft, FreezeEvent, Sweep};
use countersign_domain::ids::*;
use countersign_domain::log::{Body, Cause, Event, FORMAT, Head, StoreEvent};
use countersign_domain::person::{Creator, Person};
use countersign_domain::policy::{
    Approvers, ChangeWindow, OnClose, PolicyDraft, Quorum, Scope, ScopeSide, Sharing, Terms,
    TimeToLive,
};
use countersign_domain::task::{
    Link, Outcome, TaskContent, TaskEvent, TaskKind, TaskSpec, TerminationReason, WaitingFor,
    Window,
};

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/entries.jsonl")
}

fn at(second: i64) -> Instant {
    Instant::from_micros(second * 1_000_000).unwrap()
}

fn person(subject: &str) -> Person {
    Person {
        issuer: "local".to_owned(),
        subject: subject.to_owned(),
    }
}

fn credential() -> CredentialRef {
    CredentialRef::new(CredentialKind::ApiToken, "alice")
}

fn task_id() -> TaskId {
    TaskId::parse("deploy-1").unwrap()
}

fn spec() -> TaskSpec {
    let tags = |text: &str| BTreeSet::from([Tag::parse(text).unwrap()]);
    TaskSpec {
        id: task_id(),
        kind: TaskKind::Deployment,
        project: ProjectId::parse("web").unwrap(),
        environment: EnvironmentId::parse("production").unwrap(),
        project_tags: tags("tier/critical"),
        environment_tags: tags("region/eu"),
        release: Some(ReleaseId::parse("1.4.2").unwrap()),
        tenant: Some(TenantId::parse("north").unwrap()),
        artifact_digest: Some(digest()),
        runner: Some(RunnerName::parse("web-1").unwrap()),
        title: "Deploy web".to_owned(),
        description: "First\nsecond".to_owned(),
        links: vec![Link {
            title: "Build".to_owned(),
            url: "https://build.test/1".to_owned(),
        }],
        labels: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
        creator: Some(Creator {
            person: person("carol"),
            display_name: "Carol".to_owned(),
            service: false,
        }),
        window: Window {
            start: Some(at(10)),
            end: Some(at(20)),
        },
    }
}

fn digest() -> ArtifactDigest {
    ArtifactDigest::parse("sha256:ab").unwrap()
}

fn store_events() -> Vec<Event> {
    let prefix = CrPrefix::parse("CR").unwrap();
    let comment = "the clock is right".to_owned();
    [
        StoreEvent::Created {
            store_id: "store-1".to_owned(),
            prefix,
        },
        StoreEvent::FormatRaised { format: FORMAT },
        StoreEvent::ClockAccepted {
            clock: at(5),
            comment,
        },
    ]
    .map(Event::Store)
    .into()
}

fn change_request_events() -> Vec<Event> {
    let spec = spec();
    let content = Arc::new(CrContent {
        number: CrNumber(1),
        kind: spec.kind,
        project: spec.project,
        environment: spec.environment,
        release: spec.release,
        tenant: spec.tenant,
        artifact_digest: spec.artifact_digest,
        creator: spec.creator,
        resultant: "ab".repeat(32),
        approval_required: true,
        sharing_key: None,
        approval_ttl: None,
        execution_ttl: None,
        etag: "cd".repeat(32),
        created_at: at(1),
    });
    let eligibility = Eligibility {
        directly: true,
        through: vec![TeamId::parse("security").unwrap()],
        as_creator: false,
    };
    let (person, comment) = (person("alice"), "looks good".to_owned());
    let events = [
        CrEvent::Created { content },
        CrEvent::ApprovalRecorded {
            person: person.clone(),
            comment: comment.clone(),
            eligibility: eligibility.clone(),
            artifact_digest: Some(digest()),
            credential: credential(),
        },
        CrEvent::ApprovalRevoked {
            person: person.clone(),
            comment: comment.clone(),
            credential: credential(),
        },
        CrEvent::QuorumReached,
        CrEvent::QuorumLost,
        CrEvent::Rejected {
            person,
            comment,
            eligibility,
            artifact_digest: None,
            credential: credential(),
            stops: vec![task_id()],
        },
        CrEvent::Expired {
            cause: ExpiryCause::WindowClosed,
            due_at: None,
        },
        CrEvent::Withdrawn,
    ];
    events
        .map(|event| Event::ChangeRequest(CrNumber(1), event))
        .into()
}

fn task_events() -> Vec<Event> {
    let content = TaskContent {
        spec: spec(),
        change_request: CrNumber(1),
        created_at: at(1),
    };
    let events = [
        TaskEvent::Created {
            content: Arc::new(content),
            period: None,
        },
        TaskEvent::Cleared { generation: 1 },
        TaskEvent::Held {
            waiting_for: WaitingFor::Window,
        },
        TaskEvent::Started {
            claim: ClaimId::parse("claim-1").unwrap(),
            generation: 1,
            runner: person("web-1"),
            artifact_digest: Some(digest()),
        },
        TaskEvent::Finished {
            outcome: Outcome::Succeeded,
            comment: "exit 0".to_owned(),
        },
        TaskEvent::Terminated {
            reason: TerminationReason::WindowClosed,
            comment: String::new(),
        },
    ];
    events.map(|event| Event::Task(task_id(), event)).into()
}

fn directory_events() -> Vec<Event> {
    let policy = PolicyId::parse("prod-four-eyes").unwrap();
    let team = TeamId::parse("security").unwrap();
    let policy_draft = Box::new(PolicyDraft {
        id: policy.clone(),
        name: "Four eyes".to_owned(),
        description: String::new(),
        disabled: false,
        scopes: vec![Scope {
            projects: ScopeSide::Ids(["web".to_owned()].into()),
            environments: ScopeSide::Tags([Tag::parse("tier/prod").unwrap()].into()),
            kinds: [TaskKind::RunbookRun].into(),
            tenants: BTreeSet::new(),
        }],
        approvers: Approvers {
            users: [person("alice")].into(),
            teams: [team.clone()].into(),
        },
        minimum_approvals: 2,
        block_creator: true,
        terms: Terms::default(),
    });
    let team_draft = Box::new(TeamDraft {
        id: team.clone(),
        name: "Security".to_owned(),
        description: String::new(),
        members: [person("dave")].into(),
        claimed: false,
    });
    vec![
        Event::Policy(
            policy.clone(),
            PolicyEvent::Created {
                draft: policy_draft.clone(),
            },
        ),
        Event::Policy(
            policy.clone(),
            PolicyEvent::Updated {
                draft: policy_draft,
            },
        ),
        Event::Policy(policy, PolicyEvent::Deleted),
        Event::Team(
            team.clone(),
            TeamEvent::Created {
                draft: team_draft.clone(),
            },
        ),
        Event::Team(team.clone(), TeamEvent::Updated { draft: team_draft }),
        Event::Team(team, TeamEvent::Deleted),
    ]
}

/// What came with sharing, rechecks and times to live, and what else may stand in a text since.
fn later_events() -> Vec<Event> {
    let ttl = |seconds: i64| TimeToLive::from_micros(seconds * 1_000_000);
    let mut policy_events = directory_events();
    for event in &mut policy_events {
        if let Event::Policy(_, PolicyEvent::Created { draft } | PolicyEvent::Updated { draft }) =
            event
        {
            draft.terms = Terms {
                quorum: Quorum::Own,
                sharing: Some(Sharing::PerReleaseAndTenant),
                recheck_approvers: true,
                approval_ttl: ttl(60),
                execution_ttl: ttl(900),
                ..Terms::default()
            };
        }
    }
    policy_events.truncate(2);
    let mut created = change_request_events().swap_remove(0);
    if let Event::ChangeRequest(_, CrEvent::Created { content }) = &mut created {
        let content = Arc::make_mut(content);
        content.sharing_key = Some("ef".repeat(32));
        content.approval_ttl = ttl(60);
        content.execution_ttl = ttl(900);
    }
    let events = [
        CrEvent::TaskJoined {
            task: task_id(),
            etag: "ef".repeat(32),
        },
        CrEvent::ApprovalLapsed {
            person: person("alice"),
        },
        CrEvent::Expired {
            cause: ExpiryCause::ApprovalTtl,
            due_at: Some(at(20)),
        },
        CrEvent::Expired {
            cause: ExpiryCause::ExecutionTtl,
            due_at: Some(at(20)),
        },
        CrEvent::TimeToLivePassed,
    ];
    let expired = TaskEvent::Terminated {
        reason: TerminationReason::Expired,
        comment: String::new(),
    };
    let later = events.map(|event| Event::ChangeRequest(CrNumber(1), event));
    std::iter::once(created)
        .chain(later)
        .chain([Event::Task(task_id(), expired)])
        .chain(policy_events)
        .collect()
}

fn period() -> Period {
    Period {
        start: at(10),
        end: at(20),
    }
}

fn recurrence(length: &str) -> Recurrence {
    Recurrence {
        starts: Cron::parse("0 22 * * 5").unwrap(),
        zone: Zone::parse("Europe/Berlin").unwrap(),
        length: match LocalTime::parse(length) {
            Ok(end) => Length::Until(end),
            Err(_) => Length::Elapsed(Elapsed::from_micros(length.parse().unwrap()).unwrap()),
        },
    }
}

fn freeze_draft(recurrence: Option<Recurrence>, end: Option<Instant>) -> FreezeDraft {
    FreezeDraft {
        id: FreezeId::parse("quarter-end").unwrap(),
        reason: "The books are closed".to_owned(),
        scopes: vec![Scope {
            projects: ScopeSide::Any,
            environments: ScopeSide::Ids(["production".to_owned()].into()),
            kinds: BTreeSet::new(),
            tenants: [TenantId::parse("north").unwrap()].into(),
        }],
        start: Some(at(10)),
        end,
        recurrence,
    }
}

fn freeze_events() -> Vec<FreezeEvent> {
    let whole = Box::new(freeze_draft(None, None));
    let again = Box::new(freeze_draft(Some(recurrence("24:00")), Some(at(90))));
    let sweep = Sweep {
        began_at: at(30),
        through: CrNumber(7),
    };
    let due_at = Some(at(30));
    vec![
        FreezeEvent::Created {
            draft: whole.clone(),
            due_at,
        },
        FreezeEvent::Created {
            draft: again.clone(),
            due_at: None,
        },
        FreezeEvent::Updated {
            draft: whole,
            stays_lifted: false,
            due_at: None,
        },
        FreezeEvent::Updated {
            draft: again,
            stays_lifted: true,
            due_at,
        },
        FreezeEvent::Lifted {
            until: at(40),
            comment: "it is over".to_owned(),
            due_at,
        },
        FreezeEvent::Swept {
            sweep: Some(sweep),
            due_at,
        },
        FreezeEvent::Swept {
            sweep: None,
            due_at: None,
        },
        FreezeEvent::Deleted { due_at },
        FreezeEvent::Deleted { due_at: None },
    ]
}

/// What came with windows and freezes.
fn timed_events() -> Vec<Event> {
    let mut created = task_events().swap_remove(0);
    if let Event::Task(_, TaskEvent::Created { period: found, .. }) = &mut created {
        *found = Some(period());
    }
    let bound = Event::Task(task_id(), TaskEvent::Bound { period: period() });
    let waits = TaskEvent::Held {
        waiting_for: WaitingFor::Freeze,
    };
    let mut events = vec![created, bound, Event::Task(task_id(), waits)];
    for on_close in [None, Some(OnClose::Hold), Some(OnClose::Terminate)] {
        let mut event = directory_events().swap_remove(0);
        if let Event::Policy(_, PolicyEvent::Created { draft }) = &mut event {
            draft.terms.windows = vec![
                ChangeWindow::Once(period()),
                ChangeWindow::Recurring(recurrence("06:00")),
                ChangeWindow::Recurring(recurrence("7200000000")),
            ];
            draft.terms.on_close = on_close;
        }
        events.push(event);
    }
    let id = FreezeId::parse("quarter-end").unwrap();
    let freezes = freeze_events().into_iter();
    events.extend(freezes.map(|event| Event::Freeze(id.clone(), event)));
    events
}

fn events() -> Vec<Event> {
    let all = [
        store_events(),
        change_request_events(),
        task_events(),
        directory_events(),
        later_events(),
        timed_events(),
        access::access_events(),
    ];
    all.into_iter().flatten().collect()
}

fn written(event: &Event) -> String {
    let cause = Cause::Time {
        due_at: Some(at(20)),
    };
    serde_json::to_string(&Body::new(event, cause, &Head::EMPTY, None)).unwrap()
}

#[test]
fn what_was_written_is_read_and_still_written_so() {
    let now: Vec<String> = events().iter().map(written).collect();
    if std::env::var_os("COUNTERSIGN_WRITE_GOLDEN").is_some() {
        std::fs::write(corpus(), now.join("\n") + "\n").unwrap();
    }
    let kept = std::fs::read_to_string(corpus()).unwrap();
    let kept: Vec<&str> = kept.lines().collect();
    for (event, kept) in events().iter().zip(&kept) {
        let read = Body::parse(kept).unwrap().typed_event().unwrap();
        assert_eq!(read, *event, "{} is read as it was", event.name());
        assert_eq!(
            written(event),
            *kept,
            "{} is written as it was",
            event.name()
        );
    }
    assert_eq!(kept.len(), now.len(), "every event has its line");
}

#[test]
fn another_version_is_not_read() {
    let kept = std::fs::read_to_string(corpus()).unwrap();
    let newer = kept
        .lines()
        .next()
        .unwrap()
        .replacen("\"version\":1", "\"version\":2", 1);
    assert_ne!(newer, kept.lines().next().unwrap());
    assert!(Body::parse(&newer).is_err());
}
