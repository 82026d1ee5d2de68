//! A store with API tokens, and peers with certificates, for the tests of this room.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use countersign_domain::Instant;
use countersign_domain::access::{Grant, PrincipalKind, SecretHash, TokenDraft};
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::{CrPrefix, TokenId};
use countersign_domain::person::Person;
use countersign_engine::{Clock, Engine, EngineConfig, ManualClock, StoreConfig};
use rcgen::{CertificateParams, KeyPair, SanType, date_time_ymd};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::AccessSettings;
use super::authenticator::Authenticator;
use crate::edge::peer::{ClientCertificate, Peer};
use crate::lifecycle::tls::authorities::ClientAuthorities;

/// When every test begins: 2026-11-23T00:00:00Z.
const BEGINNING_MICROS: i64 = 1_795_392_000_000_000;
/// How long tokens live where nothing else is said.
const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// An engine on an empty store, with a clock that stands still.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) clock: ManualClock,
    _folder: TempDir,
}

impl Bench {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(begin());
        let store = StoreConfig::Sqlite {
            path: folder.path().join("store.db"),
        };
        let prefix = CrPrefix::parse("CR").unwrap();
        let config = EngineConfig {
            clock: Clock::Manual(clock.clone()),
            ..EngineConfig::new(store, prefix, "store".to_owned())
        };
        Self {
            engine: Engine::open(config).await.unwrap(),
            clock,
            _folder: folder,
        }
    }

    /// Makes a token of a service with its own name, unlimited and without roles, or as it is
    /// shaped; answers with its text.
    pub(crate) async fn token(&self, id: &str, shape: impl FnOnce(&mut TokenDraft)) -> String {
        let secret = format!("csn_the-text-of-{id}");
        let mut draft = TokenDraft {
            id: TokenId::parse(id).unwrap(),
            description: String::new(),
            kind: PrincipalKind::Service,
            person: Person {
                issuer: "local".to_owned(),
                subject: id.to_owned(),
            },
            roles: BTreeSet::new(),
            teams: BTreeSet::new(),
            runner: None,
            grant: Grant::unlimited(),
            expires_at: begin().plus_micros(DAY_MICROS).unwrap(),
            secret_hash: SecretHash::of(&secret),
        };
        shape(&mut draft);
        let command = DirectoryCommand::CreateToken(Box::new(draft));
        self.engine.change_tokens(command).await.unwrap();
        secret
    }

    pub(crate) async fn revoke(&self, id: &str) {
        let command = DirectoryCommand::RevokeToken {
            id: TokenId::parse(id).unwrap(),
            comment: String::new(),
        };
        self.engine.change_tokens(command).await.unwrap();
    }

    pub(crate) fn authenticator(
        &self,
        settings: AccessSettings,
        authorities: Option<ClientAuthorities>,
    ) -> Authenticator {
        let engine = self.engine.clone();
        Authenticator::start(engine, settings, authorities, CancellationToken::new()).unwrap()
    }
}

pub(crate) fn begin() -> Instant {
    Instant::from_micros(BEGINNING_MICROS).unwrap()
}

/// Somebody at an address.
pub(crate) fn peer(address: &str, certificate: Option<ClientCertificate>) -> Peer {
    Peer {
        address: Some(SocketAddr::new(address.parse().unwrap(), 7)),
        certificate: certificate.map(Arc::new),
    }
}

/// A certificate with these URIs, signed by nobody.
pub(crate) fn certificate(uris: &[&str]) -> ClientCertificate {
    let mut params = CertificateParams::new(vec!["ci.example.org".to_owned()]).unwrap();
    let names = uris.iter().map(|&uri| uri.to_owned().try_into().unwrap());
    params.subject_alt_names.extend(names.map(SanType::URI));
    params.not_after = date_time_ymd(2031, 1, 1);
    let key = KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap().der().clone();
    ClientCertificate::read(vec![own]).unwrap()
}
