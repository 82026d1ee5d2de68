//! The body of an entry: what happened, who caused it, and what the store looks like after it.

use serde::{Deserialize, Serialize};

use super::{AggregateKey, FORMAT, Head};
use crate::Instant;
use crate::access::{CredentialRef, Principal, PrincipalKind, TokenEvent};
use crate::change_request::CrEvent;
use crate::directory::{PolicyEvent, TeamEvent};
use crate::freeze::FreezeEvent;
use crate::ids::{CrNumber, CrPrefix, FreezeId, PolicyId, RequestId, TaskId, TeamId, TokenId};
use crate::person::Person;
use crate::task::TaskEvent;

/// One thing that happened to the store itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreEvent {
    /// Entry 1: names the store.
    Created {
        /// The store's id, given once.
        store_id: String,
        /// What stands before change request numbers.
        prefix: CrPrefix,
    },
    /// The store is written in a newer format from here on.
    FormatRaised {
        /// The format.
        format: u16,
    },
    /// An operator accepted that the clock is behind the log.
    ClockAccepted {
        /// What the clock said.
        clock: Instant,
        /// Why.
        comment: String,
    },
}

/// One thing that happened to one aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// To the store.
    Store(StoreEvent),
    /// To a change request.
    ChangeRequest(CrNumber, CrEvent),
    /// To a task.
    Task(TaskId, TaskEvent),
    /// To a policy.
    Policy(PolicyId, PolicyEvent),
    /// To a team.
    Team(TeamId, TeamEvent),
    /// To a freeze.
    Freeze(FreezeId, FreezeEvent),
    /// To an API token.
    Token(TokenId, TokenEvent),
}

impl Event {
    /// What it happened to.
    pub fn aggregate(&self) -> AggregateKey {
        match self {
            Self::Store(_) => AggregateKey::Store,
            Self::ChangeRequest(number, _) => AggregateKey::ChangeRequest(*number),
            Self::Task(id, _) => AggregateKey::Task(id.clone()),
            Self::Policy(id, _) => AggregateKey::Policy(id.clone()),
            Self::Team(id, _) => AggregateKey::Team(id.clone()),
            Self::Freeze(id, _) => AggregateKey::Freeze(id.clone()),
            Self::Token(id, _) => AggregateKey::Token(id.clone()),
        }
    }

    /// The event's name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Store(StoreEvent::Created { .. }) => "store.created",
            Self::Store(StoreEvent::FormatRaised { .. }) => "store.format_raised",
            Self::Store(StoreEvent::ClockAccepted { .. }) => "store.clock_accepted",
            Self::ChangeRequest(_, event) => event.name(),
            Self::Task(_, event) => event.name(),
            Self::Policy(_, event) => event.name(),
            Self::Team(_, event) => event.name(),
            Self::Freeze(_, event) => event.name(),
            Self::Token(_, event) => event.name(),
        }
    }

    /// The head after an entry with this event, before its own position and hash are known.
    pub fn advance(&self, head: &Head) -> Head {
        let mut next = *head;
        match self {
            Self::Store(StoreEvent::Created { .. }) | Self::Task(..) => {}
            Self::Store(StoreEvent::FormatRaised { format }) => next.format = *format,
            Self::Store(StoreEvent::ClockAccepted { .. }) => {
                next.clock_accepted_until = head.instant;
            }
            Self::ChangeRequest(number, CrEvent::Created { .. }) => {
                next.change_requests_given = number.0;
            }
            Self::ChangeRequest(..) => {}
            Self::Policy(..) | Self::Team(..) | Self::Freeze(..) | Self::Token(..) => {
                next.directory_revision += 1;
            }
        }
        next
    }
}

/// The mark of a call that may be repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestMark {
    /// The caller's id for it.
    pub id: RequestId,
    /// The digest of its content.
    pub digest: String,
}

/// What caused an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A call.
    Call {
        /// Who called.
        person: Person,
        /// Person or service.
        kind: PrincipalKind,
        /// With which credential.
        credential: CredentialRef,
        /// Kept on one entry of a call that named a request id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<RequestMark>,
    },
    /// Time.
    Time {
        /// The instant at which it was due; the entry's own instant may be later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Instant>,
    },
    /// The program itself, or whoever runs it at the store: creating or migrating it, making and
    /// revoking its tokens.
    Program,
}

impl Cause {
    /// A call by this principal.
    pub fn call(principal: &Principal, request: Option<RequestMark>) -> Self {
        Self::Call {
            person: principal.person.clone(),
            kind: principal.kind,
            credential: principal.credential.clone(),
            request,
        }
    }

    /// The mark of a call that may be repeated, with the caller it is unique for.
    pub fn request(&self) -> Option<(&Person, &RequestMark)> {
        match self {
            Self::Call {
                person, request, ..
            } => request.as_ref().map(|mark| (person, mark)),
            Self::Time { .. } | Self::Program => None,
        }
    }
}

/// What is stored of an entry beside its position, instant and hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The version of this text.
    pub version: u16,
    /// What it is about.
    pub aggregate: AggregateKey,
    /// What happened, as its aggregate's own event.
    pub event: serde_json::Value,
    /// What caused it.
    pub cause: Cause,
    /// The format the store is written in after it.
    pub format: u16,
    /// How many policy, team, freeze and token events there have been after it.
    pub directory_revision: u64,
    /// How many change request numbers have been given after it.
    pub change_requests_given: u64,
    /// Up to this instant the log may be ahead of the clock.
    pub clock_accepted_until: Instant,
    /// On the last entry of an aggregate: the digest of its row, so that rows stay provable after
    /// bodies have been dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

impl Body {
    /// The body of an entry that makes this head.
    pub fn new(event: &Event, cause: Cause, head: &Head, seal: Option<String>) -> Self {
        let value = match event {
            Event::Store(event) => serde_json::to_value(event),
            Event::ChangeRequest(_, event) => serde_json::to_value(event),
            Event::Task(_, event) => serde_json::to_value(event),
            Event::Policy(_, event) => serde_json::to_value(event),
            Event::Team(_, event) => serde_json::to_value(event),
            Event::Freeze(_, event) => serde_json::to_value(event),
            Event::Token(_, event) => serde_json::to_value(event),
        };
        Self {
            version: head.format,
            aggregate: event.aggregate(),
            event: value.unwrap_or_default(),
            cause,
            format: head.format,
            directory_revision: head.directory_revision,
            change_requests_given: head.change_requests_given,
            clock_accepted_until: head.clock_accepted_until,
            seal,
        }
    }

    /// Reads a stored body, of a version that this build knows.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        use serde::de::Error;
        let body: Self = serde_json::from_str(text)?;
        if body.version == FORMAT {
            return Ok(body);
        }
        let problem = format!("it has version {}; this build reads {FORMAT}", body.version);
        Err(serde_json::Error::custom(problem))
    }

    /// The event with its types back.
    pub fn typed_event(&self) -> Result<Event, serde_json::Error> {
        use serde_json::from_value as read;
        let value = self.event.clone();
        Ok(match &self.aggregate {
            AggregateKey::Store => Event::Store(read(value)?),
            AggregateKey::ChangeRequest(number) => Event::ChangeRequest(*number, read(value)?),
            AggregateKey::Task(id) => Event::Task(id.clone(), read(value)?),
            AggregateKey::Policy(id) => Event::Policy(id.clone(), read(value)?),
            AggregateKey::Team(id) => Event::Team(id.clone(), read(value)?),
            AggregateKey::Freeze(id) => Event::Freeze(id.clone(), read(value)?),
            AggregateKey::Token(id) => Event::Token(id.clone(), read(value)?),
        })
    }
}
