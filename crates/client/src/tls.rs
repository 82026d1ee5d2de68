//! What a client believes and shows where it speaks TLS.

use std::fmt;
use std::time::Duration;

use tonic::transport::{Certificate, ClientTlsConfig, Identity};

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// TLS of a client. By default it believes the authorities that browsers believe, expects the name
/// in the address, and shows no certificate.
#[derive(Clone, Default)]
pub struct Tls {
    /// The authorities that are believed instead, as PEM.
    pub authorities_pem: Option<Vec<u8>>,
    /// The name that the server's certificate must have, where it is not that of the address.
    pub domain_name: Option<String>,
    /// The certificate to show, with those that prove it, and its private key, both as PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Tls {
    pub(crate) fn config(self) -> ClientTlsConfig {
        let mut config = match self.authorities_pem {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_webpki_roots(),
        };
        config = config.timeout(HANDSHAKE_TIMEOUT);
        if let Some(name) = self.domain_name {
            config = config.domain_name(name);
        }
        if let Some((certificate, key)) = self.identity {
            config = config.identity(Identity::from_pem(certificate, key));
        }
        config
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("own_authorities", &self.authorities_pem.is_some())
            .field("domain_name", &self.domain_name)
            .field("shows_a_certificate", &self.identity.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_shown() {
        let tls = Tls {
            identity: Some((b"certificate".to_vec(), b"secret".to_vec())),
            ..Tls::default()
        };
        let shown = format!("{tls:?}");
        assert!(!shown.contains("115"), "{shown}");
        assert!(shown.contains("shows_a_certificate: true"), "{shown}");
    }
}
