//! Who is there before an attack, what it must leave as it was, and a second way in.

use std::net::SocketAddr;

use countersign_engine::Engine;
use countersign_proto::v1::{AggregateKind, ChangeRequest};
use tokio_util::sync::CancellationToken;

use crate::gate::{Caller, Expect, Gate, LIMIT, Setup, StoreKind, TokenSpec, at_any_time, secret};

/// One of everybody, by API token: the id is the name.
pub(super) fn cast() -> Vec<TokenSpec> {
    vec![
        TokenSpec::service("ci", &["orchestrator"]),
        TokenSpec::service("web-1", &["runner"]).runner("web-1"),
        TokenSpec::service("web-2", &["runner"]).runner("web-2"),
        TokenSpec::person("root", "root").roles(&["policy_admin", "operator"]),
        TokenSpec::person("audit", "audit").roles(&["auditor"]),
        TokenSpec::person("ada", "ada").roles(&["access_admin"]),
        TokenSpec::person("alice", "alice"),
        TokenSpec::person("bob", "bob"),
        TokenSpec::person("carol", "carol"),
        TokenSpec::person("mallory", "mallory"),
    ]
}

/// A server that believes names, and has these tokens as well.
pub(super) fn believing(tokens: fn() -> Vec<TokenSpec>) -> Setup {
    Setup {
        tokens,
        ..Setup::default()
    }
}

/// The log and some change requests, as they were before an attack.
pub(super) struct Kept {
    reader: Caller,
    entries: u64,
    shown: Vec<ChangeRequest>,
}

impl Kept {
    /// What these change requests look like to a reader; each is named by itself or by a task.
    pub(super) async fn of(gate: &Gate, reader: &Caller, targets: &[&str]) -> Self {
        let mut shown = Vec::new();
        for target in targets {
            let cr = reader.change_request(target).await.granted();
            shown.push(at_any_time(cr));
        }
        Self {
            reader: reader.clone(),
            entries: gate.entries().await,
            shown,
        }
    }

    /// The attack left no entry, and everything is as it was.
    pub(super) async fn holds(&self, gate: &Gate) {
        assert_eq!(
            gate.entries().await,
            self.entries,
            "the attack left an entry"
        );
        for before in &self.shown {
            let cr = self.reader.change_request(&before.id).await.granted();
            assert_eq!(at_any_time(cr), *before, "the attack changed something");
        }
    }
}

/// How often the log says that something happened to one thing; a change request is named by its
/// bare number.
pub(super) async fn times(gate: &Gate, aggregate: AggregateKind, id: &str, event: &str) -> usize {
    let events = gate.as_("auditor:audit").events(aggregate, id).await;
    events.iter().filter(|found| *found == event).count()
}

/// A second way in: another server on the same store where the store allows one, and else other
/// connections to the same server.
pub(super) struct SecondDoor {
    server: Option<(Engine, SocketAddr, CancellationToken)>,
    url: String,
}

impl SecondDoor {
    pub(super) async fn open(gate: &Gate) -> Self {
        let server = match gate.kind {
            StoreKind::Postgres => Some(gate.replica().await),
            StoreKind::Sqlite => None,
        };
        let url = match &server {
            Some((_, address, _)) => format!("http://{address}"),
            None => gate.url(),
        };
        Self { server, url }
    }

    /// A caller with this bearer.
    pub(super) fn as_(&self, bearer: &str) -> Caller {
        Caller(countersign_client::Connection::new(&self.url, bearer).unwrap())
    }

    /// The bearer of a token that was made before the test began.
    pub(super) fn with_token(&self, id: &str) -> Caller {
        self.as_(&secret(id))
    }

    /// The bearer of a token that was made a moment ago, as soon as it is known here.
    pub(super) async fn knows(&self, bearer: &str) -> Caller {
        let caller = self.as_(bearer);
        let asking = async {
            while caller.who_am_i().await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        let known = tokio::time::timeout(LIMIT, asking).await;
        known.expect("a new token is known at every door");
        caller
    }
}

impl Drop for SecondDoor {
    fn drop(&mut self) {
        if let Some((_, _, stop)) = &self.server {
            stop.cancel();
        }
    }
}
