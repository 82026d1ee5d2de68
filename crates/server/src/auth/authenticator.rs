//! From a call's credential to its principal.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_domain::access::{
    CredentialKind, CredentialRef, Principal, PrincipalKind, SecretHash,
};
use countersign_domain::ids::{TeamId, TokenId};
use countersign_domain::person::Person;
use countersign_engine::Engine;
use http::HeaderMap;
use tokio_util::sync::CancellationToken;

use super::bearer::{Presented, presented};
use super::oidc::{Oidc, OidcError, Rejected, Verified};
use super::people::given;
use super::settings::AccessSettings;
use super::{api_token, insecure_dev};
use crate::edge::peer::{ClientCertificate, Peer};
use crate::lifecycle::tls::authorities::ClientAuthorities;

/// How long a stream may at the most go on without its credential being looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Why a call has no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It has no credential, or one that is not accepted. Why is for our own log only.
    NotAccepted(&'static str),
    /// Its address failed too often a moment ago for more work to be spent on it.
    TooOften,
    /// The keys of the identity provider are not at hand.
    KeysUnavailable,
}

/// What credentials are checked against. The tokens are those of the engine's store.
pub(crate) struct Authenticator {
    engine: Engine,
    settings: AccessSettings,
    oidc: Option<Oidc>,
    authorities: Option<ClientAuthorities>,
}

impl Authenticator {
    /// Starts to know the keys of the identity provider, if one is set.
    pub(crate) fn start(
        engine: Engine,
        settings: AccessSettings,
        authorities: Option<ClientAuthorities>,
        stop: CancellationToken,
    ) -> Result<Self, OidcError> {
        let oidc = settings.oidc.clone();
        let oidc = oidc.map(|config| Oidc::start(config, stop)).transpose()?;
        Ok(Self {
            engine,
            settings,
            oidc,
            authorities,
        })
    }

    /// The caller. A bearer decides alone; without one, the certificate of the connection does. One
    /// that is not accepted never falls back on the other. `may_try` is asked before work is spent on a
    /// signature.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: Option<&Peer>,
        may_try: impl Fn() -> bool,
    ) -> Result<Principal, Denied> {
        let certificate = peer.and_then(|peer| peer.certificate.as_ref());
        let mut principal = match (presented(headers), certificate) {
            (Presented::Bearer(bearer), _) => self.of_bearer(bearer, may_try).await?,
            (Presented::Nothing, Some(certificate)) => self.of_certificate(certificate)?,
            (Presented::Nothing, None) => return Err(Denied::NotAccepted("no credential")),
            (Presented::Unclear, _) => {
                return Err(Denied::NotAccepted("not one well-formed bearer"));
            }
        };
        principal.foreign_issuer = principal.kind == PrincipalKind::Person
            && principal.person.issuer != self.settings.people_issuer();
        let address = peer.and_then(|peer| peer.address);
        principal.credential.peer = address.map(|address| address.ip().to_canonical().to_string());
        Ok(principal)
    }

    async fn of_bearer(
        &self,
        bearer: &str,
        may_try: impl Fn() -> bool,
    ) -> Result<Principal, Denied> {
        if api_token::is_meant(bearer) {
            let token = self.engine.bearer_of(&SecretHash::of(bearer));
            let token = token.ok_or(Denied::NotAccepted("no live API token"))?;
            return Ok(token.principal());
        }
        if let Some(oidc) = self.oidc.as_ref().filter(|_| Oidc::looks_like_one(bearer)) {
            let now = self.engine.now();
            if oidc.remembered(bearer, now).is_none() && !may_try() {
                return Err(Denied::TooOften);
            }
            return match oidc.verify(bearer, now).await {
                Ok(verified) => Ok(self.person(oidc, verified)),
                Err(Rejected::NotAccepted(why)) => Err(Denied::NotAccepted(why)),
                Err(Rejected::KeysUnavailable) => Err(Denied::KeysUnavailable),
            };
        }
        let believed = self.settings.is_insecure().then_some(bearer);
        let principal = believed.and_then(insecure_dev::principal);
        principal.ok_or(Denied::NotAccepted("an unknown kind of bearer"))
    }

    fn of_certificate(&self, certificate: &ClientCertificate) -> Result<Principal, Denied> {
        if !self.is_accepted(certificate) {
            return Err(Denied::NotAccepted(
                "a certificate that is not accepted any more",
            ));
        }
        let principal = self.settings.services.principal(certificate);
        principal.ok_or(Denied::NotAccepted("a certificate of an unknown service"))
    }

    fn is_accepted(&self, certificate: &ClientCertificate) -> bool {
        let (authorities, now) = (self.authorities.as_ref(), self.engine.now());
        authorities.is_some_and(|known| known.accepts(certificate, now))
    }

    fn person(&self, oidc: &Oidc, verified: Verified) -> Principal {
        let (roles, grant) = given(&self.settings.people, &verified.subject, &verified.groups);
        // What no team can be called is no team.
        let teams = verified.groups.iter();
        let claimed_teams: BTreeSet<TeamId> = teams
            .filter_map(|group| TeamId::parse(group).ok())
            .collect();
        Principal {
            person: Person {
                issuer: oidc.issuer().to_owned(),
                subject: verified.subject,
            },
            display_name: verified.display_name,
            kind: PrincipalKind::Person,
            roles,
            claimed_teams,
            grant,
            runner: None,
            credential: CredentialRef {
                auth_time: verified.auth_time,
                ..CredentialRef::new(CredentialKind::Oidc, verified.id)
            },
            expires_at: Some(verified.expires_at),
            foreign_issuer: false,
        }
    }

    /// Whether a credential that was accepted still is. What is asked here is at hand: no provider
    /// and no store.
    pub(crate) fn is_good(&self, caller: &Principal, peer: Option<&Peer>) -> bool {
        let now = self.engine.now();
        if caller.expires_at.is_some_and(|end| end <= now) {
            return false;
        }
        match caller.credential.kind {
            CredentialKind::ApiToken => {
                let id = TokenId::from_stored(caller.credential.id.clone());
                self.engine.is_token_live(&id)
            }
            CredentialKind::Mtls => {
                let certificate = peer.and_then(|peer| peer.certificate.as_ref());
                certificate.is_some_and(|it| self.is_accepted(it))
            }
            CredentialKind::Oidc | CredentialKind::InsecureDev => true,
        }
    }

    /// Waits until a credential that was accepted is not any more.
    pub(crate) async fn ended(&self, caller: &Principal, peer: Option<&Peer>) {
        let mut changed = self.engine.credentials_changed();
        while self.is_good(caller, peer) {
            let left = caller.expires_at.map_or(LOOK_AGAIN, |end| {
                let micros = end.micros_since(self.engine.now()).max(0);
                Duration::from_micros(micros.unsigned_abs()).min(LOOK_AGAIN)
            });
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                heard = changed.changed() => {
                    if heard.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// The issuer that people are accepted from.
    pub(crate) fn people_issuer(&self) -> &str {
        self.settings.people_issuer()
    }

    /// The issuer of the identity provider that people log in at.
    pub(crate) fn provider(&self) -> Option<&str> {
        self.settings.provider()
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.settings)
    }
}
