//! One GET over HTTPS: bounded in time and size, and from nowhere else than was asked.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::config::OidcError;

/// The most bytes of an answer, and of a file.
pub(super) const SIZE_LIMIT: usize = 1024 * 1024;

type Body = Empty<&'static [u8]>;

/// Why there is no answer. Only for our own log.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("no whole answer within {0:?}")]
    TooLate(Duration),
    #[error("{0}")]
    Broken(String),
    #[error("answered {0}; allowed: 200, redirects are not followed")]
    Status(StatusCode),
}

/// Fetches.
pub(super) struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    time_limit: Duration,
}

impl Fetcher {
    /// Trusts the authorities of a file, or else those that are built in.
    pub(super) fn new(ca_file: Option<&Path>, time_limit: Duration) -> Result<Self, OidcError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let tls = match ca_file {
            Some(path) => tls.with_root_certificates(authorities(path)?),
            None => tls.with_webpki_roots(),
        };
        // Which addresses may go without TLS was decided where they came in: those of this host.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .build();
        // A connection of its own each time: minutes pass between two, and the provider may move.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(Self { client, time_limit })
    }

    /// What stands at an address.
    pub(super) async fn get(&self, from: &Uri) -> Result<Vec<u8>, FetchError> {
        let answer = tokio::time::timeout(self.time_limit, self.whole(from));
        answer
            .await
            .unwrap_or(Err(FetchError::TooLate(self.time_limit)))
    }

    async fn whole(&self, from: &Uri) -> Result<Vec<u8>, FetchError> {
        let request = Request::get(from)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "countersign")
            .body(Body::new())
            .map_err(|error| FetchError::Broken(error.to_string()))?;
        let answer = self.client.request(request).await.map_err(broken)?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), SIZE_LIMIT).collect().await;
        let body = body.map_err(|error| FetchError::Broken(chain(&*error)))?;
        Ok(body.to_bytes().to_vec())
    }
}

fn broken(error: impl Error) -> FetchError {
    FetchError::Broken(chain(&error))
}

/// An error with what caused it, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn authorities(path: &Path) -> Result<RootCertStore, OidcError> {
    let text = std::fs::read(path).map_err(|source| OidcError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let refused = |found: String| OidcError::NoAuthorities {
        path: path.to_owned(),
        found,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|_| refused("a broken PEM text".to_owned()))?;
        let added = roots.add(certificate);
        added.map_err(|error| refused(format!("a certificate that is unfit ({error})")))?;
    }
    match roots.is_empty() {
        true => Err(refused("no certificate".to_owned())),
        false => Ok(roots),
    }
}

#[cfg(test)]
mod tests {
    use super::super::provider::{Provider, Reply};
    use super::*;

    fn fetcher(time_limit: Duration) -> Fetcher {
        Fetcher::new(None, time_limit).unwrap()
    }

    async fn get(reply: Reply) -> Result<Vec<u8>, String> {
        let provider = Provider::start().await;
        provider.set("/keys", reply);
        let at = provider.url("/keys").parse().unwrap();
        let answer = fetcher(Duration::from_secs(5)).get(&at).await;
        answer.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn an_answer_is_read_whole() {
        assert_eq!(get(Reply::json("{}")).await, Ok(b"{}".to_vec()));
        let full = " ".repeat(SIZE_LIMIT);
        let length = get(Reply::json(&full)).await.map(|body| body.len());
        assert_eq!(length, Ok(SIZE_LIMIT));
    }

    #[tokio::test]
    async fn more_than_the_limit_is_refused() {
        let large = " ".repeat(SIZE_LIMIT + 1);
        for reply in [Reply::json(&large), Reply::json(&large).without_length()] {
            let error = get(reply).await.unwrap_err();
            assert!(error.contains("length limit exceeded"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        for status in [301, 302, 303, 307, 308] {
            let provider = Provider::start().await;
            provider.set("/elsewhere", Reply::json("{}"));
            provider.set("/keys", Reply::redirect(status, "/elsewhere"));
            let at = provider.url("/keys").parse().unwrap();
            let error = fetcher(Duration::from_secs(5)).get(&at).await.unwrap_err();
            assert!(matches!(error, FetchError::Status(found) if found == status));
            assert_eq!(provider.asked("/elsewhere"), 0);
        }
    }

    #[tokio::test]
    async fn other_answers_than_200_are_refused() {
        for status in [201, 204, 400, 401, 404, 500, 503] {
            let reply = Reply::json("{}").with_status(status);
            assert!(
                get(reply).await.unwrap_err().contains("answered"),
                "{status}"
            );
        }
    }

    #[tokio::test]
    async fn a_slow_provider_is_not_waited_for() {
        let provider = Provider::start().await;
        let limit = Duration::from_millis(100);
        for reply in [Reply::silence(), Reply::json("{}").half_only()] {
            provider.set("/keys", reply);
            let at = provider.url("/keys").parse().unwrap();
            let error = fetcher(limit).get(&at).await.unwrap_err();
            assert!(matches!(error, FetchError::TooLate(_)), "{error}");
        }
    }

    #[tokio::test]
    async fn nobody_there_is_an_error_that_says_so() {
        let provider = Provider::start().await;
        let at = provider.url("/keys").parse().unwrap();
        provider.down().await;
        let error = fetcher(Duration::from_secs(5)).get(&at).await.unwrap_err();
        assert!(error.to_string().contains("refused"), "{error}");
    }

    /// A certificate for `localhost` that nobody else signed, and its key.
    fn certificate() -> (rcgen::Certificate, rcgen::KeyPair) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap(), key)
    }

    #[tokio::test]
    async fn a_certificate_must_come_from_the_authorities_that_were_named() {
        let (certificate, key) = certificate();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                key.serialize_der().try_into().unwrap(),
            );
        let provider = Provider::start_with(Some(Arc::new(tls.unwrap()).into())).await;
        provider.set("/keys", Reply::json("{}"));
        let at = provider.url("/keys").parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let limit = Duration::from_secs(5);
        std::fs::write(&path, certificate.pem()).unwrap();
        let named = Fetcher::new(Some(&path), limit).unwrap();
        assert_eq!(named.get(&at).await.unwrap(), b"{}");
        std::fs::write(&path, self::certificate().0.pem()).unwrap();
        for other in [Fetcher::new(Some(&path), limit), Fetcher::new(None, limit)] {
            let error = other.unwrap().get(&at).await.unwrap_err().to_string();
            assert!(error.contains("certificate"), "{error}");
        }
        assert_eq!(provider.asked("/keys"), 1);
    }

    #[test]
    fn a_file_of_authorities_must_hold_some() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let new = || Fetcher::new(Some(&path), Duration::from_secs(5)).err();
        assert!(matches!(new(), Some(OidcError::Unreadable { .. })));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in ["", "no PEM", broken] {
            std::fs::write(&path, text).unwrap();
            assert!(
                matches!(new(), Some(OidcError::NoAuthorities { .. })),
                "{text}"
            );
        }
        std::fs::write(&path, certificate().0.pem()).unwrap();
        assert!(new().is_none());
    }
}
