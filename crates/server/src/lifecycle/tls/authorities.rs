//! Whether a certificate that was shown in a handshake is still worth something.
//!
//! A connection lives longer than a handshake: meanwhile its certificate may end, and an authority
//! may be taken away. So each call asks again. The answer is kept with the certificate, for as long
//! as the authorities are the same and for a minute at most, because one of those in between may
//! end too.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use countersign_domain::Instant;
use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerifier;

use crate::edge::peer::ClientCertificate;

const MINUTE: u64 = 60 * 1_000_000;
/// How many bits of a key hold the minute: enough for 2,000 years.
const MINUTE_BITS: u32 = 31;

/// The authorities whose client certificates are believed at present. Clones share them.
#[derive(Clone)]
pub(crate) struct ClientAuthorities(Arc<ArcSwap<Present>>);

struct Present {
    generation: u32,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl ClientAuthorities {
    pub(super) fn new(verifier: Arc<dyn ClientCertVerifier>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Present {
            generation: 1,
            verifier,
        })))
    }

    pub(super) fn replace(&self, verifier: Arc<dyn ClientCertVerifier>) {
        self.0.rcu(|present| Present {
            generation: present.generation.wrapping_add(1).max(1),
            verifier: Arc::clone(&verifier),
        });
    }

    /// Whether a certificate is believed at an instant.
    pub(crate) fn accepts(&self, certificate: &ClientCertificate, now: Instant) -> bool {
        let Ok(micros) = u64::try_from(now.micros()) else {
            return false;
        };
        if now >= certificate.expires_at {
            return false;
        }
        let present = self.0.load();
        let minute = (micros / MINUTE) & ((1 << MINUTE_BITS) - 1);
        let key = u64::from(present.generation) << MINUTE_BITS | minute;
        certificate.remembered(key, |certificate| {
            let Some((own, others)) = certificate.chain.split_first() else {
                return false;
            };
            let now = UnixTime::since_unix_epoch(Duration::from_micros(micros));
            let verified = present.verifier.verify_client_cert(own, others, now);
            verified.is_ok()
        })
    }
}

impl fmt::Debug for ClientAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let generation = self.0.load().generation;
        write!(f, "ClientAuthorities(generation {generation})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::tls::fixture::{Authority, Folder};
    use crate::lifecycle::tls::live::Tls;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds_and_nanos(seconds, 0).unwrap()
    }

    /// 2026-01-01, within the life of the fixture's certificates.
    const NOW: i64 = 1_767_225_600;

    fn verifier(authority: &Authority) -> Arc<dyn ClientCertVerifier> {
        let folder = Folder::new(&authority.server());
        std::fs::write(folder.path("ca.pem"), authority.pem()).unwrap();
        let files = folder.files(Some("ca.pem"));
        let loaded = super::super::load::load(&files, &files.read().unwrap()).unwrap();
        loaded.verifier.unwrap()
    }

    fn client(authority: &Authority) -> ClientCertificate {
        let pair = authority.client("spiffe://example/runner/web");
        ClientCertificate::read(vec![pair.der]).unwrap()
    }

    #[test]
    fn an_authority_that_is_taken_away_ends_what_it_vouched_for() {
        let (one, other) = (Authority::new("one"), Authority::new("other"));
        let authorities = ClientAuthorities::new(verifier(&one));
        let (good, foreign) = (client(&one), client(&other));
        assert!(authorities.accepts(&good, at(NOW)));
        assert!(!authorities.accepts(&foreign, at(NOW)));
        authorities.replace(verifier(&other));
        assert!(!authorities.accepts(&good, at(NOW)));
        assert!(authorities.accepts(&foreign, at(NOW)));
        authorities.replace(verifier(&one));
        assert!(authorities.accepts(&good, at(NOW)));
    }

    #[test]
    fn a_certificate_ends_in_time_on_an_open_connection() {
        let one = Authority::new("one");
        let authorities = ClientAuthorities::new(verifier(&one));
        let good = client(&one);
        let end = good.expires_at.micros() / 1_000_000;
        assert!(authorities.accepts(&good, at(end - 1)));
        assert!(!authorities.accepts(&good, at(end)));
        assert!(
            authorities.accepts(&good, at(end - 1)),
            "nothing is kept of it"
        );
        assert!(!authorities.accepts(&good, at(0)), "it was not made yet");
    }

    #[test]
    fn without_authorities_there_are_none() {
        let folder = Folder::new(&Authority::new("one").server());
        assert!(
            Tls::open(folder.files(None))
                .unwrap()
                .authorities()
                .is_none()
        );
    }
}
