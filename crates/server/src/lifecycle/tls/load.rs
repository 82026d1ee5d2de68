//! From the bytes of the files to what a handshake needs.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, version};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::files::{Bytes, TlsError, TlsFiles};

/// What a handshake needs.
pub(super) struct Loaded {
    pub(super) config: Arc<ServerConfig>,
    /// Who verifies client certificates, if they are asked for.
    pub(super) verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// Until when the server's certificate is good, in Unix seconds.
    pub(super) expires: i64,
}

/// Makes what a handshake needs.
pub(super) fn load(files: &TlsFiles, bytes: &Bytes) -> Result<Loaded, TlsError> {
    let chain = certificates(&files.certificate, &bytes.certificate)?;
    let expires = expires(&files.certificate, &chain)?;
    // What the parser says of the key's text stays here.
    let key = PrivateKeyDer::from_pem_slice(&bytes.key).map_err(|_| TlsError::NoKey {
        file: files.key.clone(),
    })?;
    let authorities = files.client_authorities.as_deref();
    let verifier = authorities
        .zip(bytes.client_authorities.as_deref())
        .map(|(file, bytes)| verifier(file, bytes))
        .transpose()?;
    let unusable = |source| TlsError::Unusable {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(unusable)?;
    let builder = match &verifier {
        Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Loaded {
        config: Arc::new(config),
        verifier,
        expires,
    })
}

fn certificates(file: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = file.to_owned();
    match CertificateDer::pem_slice_iter(bytes).collect::<Result<Vec<_>, _>>() {
        Ok(found) if found.is_empty() => Err(TlsError::NoCertificate { file }),
        Ok(found) => Ok(found),
        Err(_) => Err(TlsError::BadCertificate { file }),
    }
}

fn expires(file: &Path, chain: &[CertificateDer<'_>]) -> Result<i64, TlsError> {
    let own = chain.first().map(|own| X509Certificate::from_der(own));
    match own {
        Some(Ok((_, own))) => Ok(own.validity().not_after.timestamp()),
        _ => Err(TlsError::BadCertificate {
            file: file.to_owned(),
        }),
    }
}

/// Verifies client certificates where there are some: people come without.
fn verifier(file: &Path, bytes: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let bad = |why: String| TlsError::BadAuthority {
        file: file.to_owned(),
        why,
    };
    let mut roots = RootCertStore::empty();
    for authority in certificates(file, bytes)? {
        roots
            .add(authority)
            .map_err(|error| bad(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .allow_unauthenticated()
        .build()
        .map_err(|error| bad(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::tls::fixture::Authority;

    fn error(certificate: &str, key: &str, authorities: Option<&str>) -> TlsError {
        let files = TlsFiles {
            certificate: "server.pem".into(),
            key: "server.key".into(),
            client_authorities: authorities.map(|_| "ca.pem".into()),
        };
        let bytes = Bytes {
            certificate: certificate.into(),
            key: key.into(),
            client_authorities: authorities.map(Into::into),
        };
        load(&files, &bytes).err().unwrap()
    }

    #[test]
    fn what_cannot_be_used_is_refused_and_says_which_file() {
        let authority = Authority::new("one");
        let (one, other) = (authority.server(), authority.server());
        let (pem, key) = (&one.certificate, &one.key);
        let garbled = pem.replace("MII", "MI!");
        let cases = [
            (error("", key, None), "server.pem: found no certificate"),
            (error(key, key, None), "server.pem: found no certificate"),
            (
                error(&garbled, key, None),
                "server.pem: found a certificate",
            ),
            (error(pem, "", None), "server.key: found no private key"),
            (error(pem, pem, None), "server.key: found no private key"),
            (error(pem, &other.key, None), "cannot be used together"),
            (error(pem, key, Some("")), "ca.pem: found no certificate"),
        ];
        for (error, said) in cases {
            let found = error.to_string();
            assert!(found.contains(said), "{found}: {said}");
            let secret = one.key.lines().nth(1).unwrap();
            assert!(!format!("{error:?}{found}").contains(secret), "{said}");
        }
    }
}
