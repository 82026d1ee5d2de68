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
    /// The same of a login, which took more work to find out.
    BadLogin(&'static str),
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
    /// that is not accepted never falls back on the other. `may_try` is asked before work is spent
    /// on a signature.
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
        if principal.foreign_issuer {
            principal.roles.clear();
        }
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
            let now = self.engine.clock_says();
            if let Some(verified) = oidc.remembered(bearer, now) {
                return Ok(self.person(oidc, verified));
            }
            if !may_try() {
                return Err(Denied::TooOften);
            }
            return match oidc.verify(bearer, now).await {
                Ok(verified) => Ok(self.person(oidc, verified)),
                Err(Rejected::NotAccepted(why)) => Err(Denied::BadLogin(why)),
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
        let (authorities, now) = (self.authorities.as_ref(), self.engine.clock_says());
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
        let now = self.engine.clock_says();
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
                let micros = end.micros_since(self.engine.clock_says()).max(0);
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

#[cfg(test)]
mod tests {
    use countersign_domain::access::{GrantSide, Role};
    use countersign_domain::ids::RunnerName;
    use http::HeaderValue;
    use http::header::AUTHORIZATION;

    use super::*;
    use crate::auth::bench::{Bench, begin, certificate, peer};
    use crate::lifecycle::tls::fixture::{Authority, Folder};
    use crate::lifecycle::tls::live::Tls;

    const CI: &str = "spiffe://example.org/ci";
    const SERVICES: &str = r#"
        [[services]]
        uri = "spiffe://example.org/ci"
        roles = ["orchestrator"]
        projects = ["*"]
        environments = ["*"]
    "#;
    /// How long is waited for what must come.
    const LIMIT: Duration = Duration::from_secs(30);

    fn headers(bearers: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for bearer in bearers {
            let value = HeaderValue::try_from(format!("Bearer {bearer}")).unwrap();
            headers.append(AUTHORIZATION, value);
        }
        headers
    }

    async fn who(
        authenticator: &Authenticator,
        bearers: &[&str],
        peer: Option<&Peer>,
    ) -> Result<Principal, Denied> {
        let headers = headers(bearers);
        authenticator.authenticate(&headers, peer, || true).await
    }

    fn settings(text: &str) -> AccessSettings {
        AccessSettings::parse(text).unwrap()
    }

    fn believing(authority: &Authority) -> Option<ClientAuthorities> {
        let folder = Folder::new(&authority.server());
        std::fs::write(folder.path("ca.pem"), authority.pem()).unwrap();
        let tls = Tls::open(folder.files(Some("ca.pem"))).unwrap();
        tls.authorities().cloned()
    }

    fn comes_with(authority: &Authority, uri: &str) -> Peer {
        let shown = ClientCertificate::read(vec![authority.client(uri).der]);
        peer("10.0.0.1", shown)
    }

    #[tokio::test]
    async fn i12_a_token_is_whom_the_store_says() {
        let bench = Bench::open().await;
        let secret = bench.token("web-runner", |draft| {
            draft.roles = [Role::Runner].into();
            draft.runner = Some(RunnerName::parse("pool-1").unwrap());
            draft.grant.projects = GrantSide::Only(["web".to_owned()].into());
            draft.teams = [TeamId::parse("ops").unwrap()].into();
        });
        let secret = secret.await;
        let authenticator = bench.authenticator(AccessSettings::default(), None);
        let found = who(&authenticator, &[&secret], None).await.unwrap();
        assert_eq!(found.person.subject, "web-runner");
        assert_eq!(found.kind, PrincipalKind::Service);
        assert_eq!(found.roles, [Role::Runner].into());
        assert_eq!(found.runner, RunnerName::parse("pool-1").ok());
        assert_eq!(found.claimed_teams.len(), 1);
        assert!(!found.grant.is_unlimited());
        assert_eq!(found.credential.kind, CredentialKind::ApiToken);
        assert_eq!(found.credential.id, "web-runner");
        assert!(found.expires_at.is_some() && !found.foreign_issuer);
    }

    #[tokio::test]
    async fn i12_what_is_no_live_credential_names_nobody() {
        let bench = Bench::open().await;
        let good = bench.token("good", |_| {}).await;
        let revoked = bench.token("revoked", |_| {}).await;
        bench.revoke("revoked").await;
        let short = bench.token("short", |draft| {
            draft.expires_at = begin().plus_micros(1).unwrap();
        });
        let short = short.await;
        let authenticator = bench.authenticator(AccessSettings::default(), None);
        assert!(who(&authenticator, &[&short], None).await.is_ok());
        bench.clock.advance_micros(1);
        let (longer, shorter) = (format!("{good}x"), &good[..good.len() - 1]);
        let rows: [&[&str]; 11] = [
            &[],
            &[""],
            &["csn_"],
            &["alice"],
            &["root:alice"],
            &["a.b.c"],
            &[&revoked],
            &[&short],
            &[&longer],
            &[shorter],
            &[&good, &good],
        ];
        for bearers in rows {
            let found = who(&authenticator, bearers, None).await;
            assert!(matches!(found, Err(Denied::NotAccepted(_))), "{bearers:?}");
        }
        assert!(who(&authenticator, &[&good], None).await.is_ok());
    }

    #[tokio::test]
    async fn who_says_it_is_somebody_is_believed_only_where_that_is_set() {
        let bench = Bench::open().await;
        let insecure = bench.authenticator(AccessSettings::insecure_dev(), None);
        let found = who(&insecure, &["admin:alice"], None).await.unwrap();
        assert_eq!(found.person.subject, "admin:alice");
        assert!(found.may_decide());
        let denied = who(&insecure, &["csn_nobody-knows-it"], None).await;
        assert!(denied.is_err(), "what looks like a token has to be one");
    }

    #[tokio::test]
    async fn i12_a_certificate_is_the_service_that_is_known_by_it() {
        let bench = Bench::open().await;
        let (ours, other) = (Authority::new("ours"), Authority::new("other"));
        let authenticator = bench.authenticator(settings(SERVICES), believing(&ours));
        let known = comes_with(&ours, CI);
        let found = who(&authenticator, &[], Some(&known)).await.unwrap();
        assert_eq!(
            (found.person.issuer.as_str(), found.person.subject.as_str()),
            ("mtls", CI)
        );
        assert_eq!(found.credential.kind, CredentialKind::Mtls);
        assert!(!found.foreign_issuer && !found.may_decide());
        let strangers = [
            comes_with(&ours, "spiffe://example.org/other"),
            comes_with(&other, CI),
            peer("10.0.0.1", Some(certificate(&[CI]))),
            peer("10.0.0.1", None),
        ];
        for stranger in &strangers {
            let found = who(&authenticator, &[], Some(stranger)).await;
            assert!(matches!(found, Err(Denied::NotAccepted(_))), "{stranger:?}");
        }
        let nobody = bench.authenticator(settings(SERVICES), None);
        assert!(who(&nobody, &[], Some(&known)).await.is_err());
    }

    #[tokio::test]
    async fn abuse_a_bad_bearer_never_falls_back_on_the_certificate() {
        let bench = Bench::open().await;
        let good = bench.token("good", |_| {}).await;
        let ours = Authority::new("ours");
        let authenticator = bench.authenticator(settings(SERVICES), believing(&ours));
        let known = comes_with(&ours, CI);
        for bearers in [&["csn_unknown"][..], &["alice"], &[""], &[&good, &good]] {
            let found = who(&authenticator, bearers, Some(&known)).await;
            assert!(matches!(found, Err(Denied::NotAccepted(_))), "{bearers:?}");
        }
        let found = who(&authenticator, &[&good], Some(&known)).await.unwrap();
        assert_eq!(found.person.subject, "good", "a bearer decides alone");
    }

    #[tokio::test]
    async fn the_address_of_the_caller_is_kept_with_the_credential() {
        let bench = Bench::open().await;
        let good = bench.token("good", |_| {}).await;
        let authenticator = bench.authenticator(AccessSettings::default(), None);
        for (address, expected) in [
            ("10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            let peer = peer(address, None);
            let found = who(&authenticator, &[&good], Some(&peer)).await.unwrap();
            assert_eq!(found.credential.peer.as_deref(), Some(expected));
        }
        let found = who(&authenticator, &[&good], None).await.unwrap();
        assert_eq!(found.credential.peer, None);
    }

    #[tokio::test]
    async fn d2_people_of_another_issuer_than_people_come_from_decide_nothing() {
        let bench = Bench::open().await;
        let alice = bench.token("alice", |draft| draft.kind = PrincipalKind::Person);
        let (alice, ci) = (alice.await, bench.token("ci", |_| {}).await);
        for (text, foreign) in [("", false), ("people_issuer = \"corp\"", true)] {
            let authenticator = bench.authenticator(settings(text), None);
            let person = who(&authenticator, &[&alice], None).await.unwrap();
            assert_eq!(
                (person.foreign_issuer, person.may_decide()),
                (foreign, !foreign)
            );
            let service = who(&authenticator, &[&ci], None).await.unwrap();
            assert!(!service.foreign_issuer, "services come from anywhere");
        }
    }

    #[tokio::test]
    async fn a_credential_that_ends_is_heard_of() {
        let bench = Bench::open().await;
        let lives = bench.token("lives", |_| {}).await;
        let revoked = bench.token("revoked", |_| {}).await;
        let authenticator = bench.authenticator(AccessSettings::default(), None);
        let lives = who(&authenticator, &[&lives], None).await.unwrap();
        let revoked = who(&authenticator, &[&revoked], None).await.unwrap();
        let mut still = Box::pin(authenticator.ended(&lives, None));
        let mut ended = Box::pin(authenticator.ended(&revoked, None));
        assert!(futures::poll!(&mut ended).is_pending());
        assert!(authenticator.is_good(&revoked, None));
        bench.revoke("revoked").await;
        tokio::time::timeout(LIMIT, ended).await.unwrap();
        assert!(!authenticator.is_good(&revoked, None));
        assert!(futures::poll!(&mut still).is_pending());
        assert!(authenticator.is_good(&lives, None));
    }

    #[tokio::test]
    async fn a_credential_that_expires_is_heard_of_when_it_does() {
        const LIFE_MICROS: i64 = 50_000;
        let bench = Bench::open().await;
        let short = bench.token("short", |draft| {
            draft.expires_at = begin().plus_micros(LIFE_MICROS).unwrap();
        });
        let short = short.await;
        let authenticator = bench.authenticator(AccessSettings::default(), None);
        let caller = who(&authenticator, &[&short], None).await.unwrap();
        let mut ended = Box::pin(authenticator.ended(&caller, None));
        assert!(futures::poll!(&mut ended).is_pending());
        // Nothing tells of it: time alone wakes whoever waits.
        bench.clock.advance_micros(LIFE_MICROS - 1);
        assert!(authenticator.is_good(&caller, None));
        bench.clock.advance_micros(1);
        tokio::time::timeout(LIMIT, ended).await.unwrap();
        assert!(!authenticator.is_good(&caller, None));
    }

    #[tokio::test]
    async fn a_certificate_is_good_only_on_its_own_connection() {
        let bench = Bench::open().await;
        let ours = Authority::new("ours");
        let authenticator = bench.authenticator(settings(SERVICES), believing(&ours));
        let known = comes_with(&ours, CI);
        let caller = who(&authenticator, &[], Some(&known)).await.unwrap();
        assert!(authenticator.is_good(&caller, Some(&known)));
        let unsigned = peer("10.0.0.1", Some(certificate(&[CI])));
        for other in [None, Some(&peer("10.0.0.1", None)), Some(&unsigned)] {
            assert!(!authenticator.is_good(&caller, other), "{other:?}");
        }
        let years = 30 * 366 * 86_400_000_000;
        bench.clock.advance_micros(years);
        assert!(!authenticator.is_good(&caller, Some(&known)));
    }
}
