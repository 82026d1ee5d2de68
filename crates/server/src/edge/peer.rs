//! Who is at the other end of a connection, before any credential is looked at.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_domain::Instant;
use data_encoding::HEXLOWER;
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The other end of a connection. Each call finds it among its extensions.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Where it calls from; a proxy's address, if there is one in between.
    pub(crate) address: Option<SocketAddr>,
    /// What it has shown in the TLS handshake, verified there.
    pub(crate) certificate: Option<Arc<ClientCertificate>>,
}

/// A certificate that a peer has shown, with its chain.
#[derive(Debug)]
pub(crate) struct ClientCertificate {
    /// The URIs among its alternative names.
    pub(crate) uris: Vec<String>,
    /// SHA-256 of the certificate, in hex.
    pub(crate) fingerprint: String,
    /// From then on it is worth nothing.
    pub(crate) expires_at: Instant,
    /// The certificate and what the peer sent to prove it, in its order.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// What the authorities said last, and when: see [`Self::remembered`].
    verdict: AtomicU64,
}

impl ClientCertificate {
    /// Reads a chain. `None` if its first certificate is missing or cannot be read.
    pub(crate) fn read(chain: Vec<CertificateDer<'static>>) -> Option<Self> {
        let own = chain.first()?;
        let (rest, parsed) = X509Certificate::from_der(own).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let names = parsed.subject_alternative_name().ok()?;
        let names = names.iter().flat_map(|it| &it.value.general_names);
        let uris = names.filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        });
        let uris = uris.collect();
        let seconds = parsed.validity().not_after.timestamp();
        let expires_at = Instant::from_seconds_and_nanos(seconds, 0).unwrap_or(Instant::LAST);
        let fingerprint = HEXLOWER.encode(&Sha256::digest(own));
        Some(Self {
            uris,
            fingerprint,
            expires_at,
            chain,
            verdict: AtomicU64::new(0),
        })
    }

    /// The verdict that was kept under a key; if another was kept, judges and keeps that. A key is
    /// not 0 and below 2^63.
    pub(crate) fn remembered(&self, key: u64, judge: impl FnOnce(&Self) -> bool) -> bool {
        let kept = self.verdict.load(Ordering::Acquire);
        if kept >> 1 == key {
            return kept & 1 == 1;
        }
        let verdict = judge(self);
        self.verdict
            .store(key << 1 | u64::from(verdict), Ordering::Release);
        verdict
    }
}

/// What counts as one address where addresses are counted: of IPv6, a network of 64 bits, because
/// whoever has one address there has all of them.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType, date_time_ymd};

    use super::*;

    fn certificate() -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["runner.example".to_owned()]).unwrap();
        let uri = "spiffe://example/runner/web".try_into().unwrap();
        params.subject_alt_names.push(SanType::URI(uri));
        params.not_after = date_time_ymd(2031, 1, 1);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn a_certificate_says_who_and_until_when() {
        let own = certificate();
        let found = ClientCertificate::read(vec![own.clone()]).unwrap();
        assert_eq!(found.uris, ["spiffe://example/runner/web"]);
        assert_eq!(found.expires_at.micros(), 1_924_992_000_000_000);
        assert_eq!(found.fingerprint.len(), 64);
        assert_eq!(found.chain, std::slice::from_ref(&own));

        let mut longer = own.to_vec();
        longer.push(0);
        for bad in [vec![], vec![longer], vec![vec![0x30, 0x00]]] {
            let chain = bad.into_iter().map(CertificateDer::from).collect();
            assert!(ClientCertificate::read(chain).is_none());
        }
    }

    #[test]
    fn a_verdict_holds_for_its_key() {
        let found = ClientCertificate::read(vec![certificate()]).unwrap();
        assert!(!found.remembered(1, |_| false));
        assert!(!found.remembered(1, |_| panic!("asked twice")));
        assert!(found.remembered(2, |_| true));
        assert!(found.remembered(2, |_| panic!("asked twice")));
    }

    #[test]
    fn addresses_are_counted_as_they_are_given_out() {
        for (one, other, same) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("2001:db8::1", "2001:db8::ffff:0:0:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            let [one, other] = [one, other].map(|it| neighbourhood(it.parse().unwrap()));
            assert_eq!(one == other, same, "{one} {other}");
        }
    }
}
