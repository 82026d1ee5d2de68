//! TLS and the greeting of HTTP/2, both within one limit.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::connection::{Connection, PREFACE, Wire};
use crate::edge::peer::{ClientCertificate, Peer};
use crate::lifecycle::tls::live::Tls;

/// Why a peer is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It was not done in time.
    Late,
    /// The TLS handshake failed.
    Tls,
    /// It did not greet, or not as HTTP/2 does.
    Greeting,
}

/// Shakes hands with a peer and hears its greeting.
pub(super) async fn greet(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<&Tls>,
    limit: Duration,
) -> Result<(Connection, Peer), Unfit> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection could not be told not to delay");
    }
    let greeting = async {
        let (mut wire, certificate) = match tls {
            Some(tls) => shake(stream, tls).await?,
            None => (Wire::Plain(stream), None),
        };
        hear(&mut wire).await.map_err(|_| Unfit::Greeting)?;
        let peer = Peer {
            address: Some(address),
            certificate,
        };
        Ok((Connection::greeted(wire), peer))
    };
    timeout(limit, greeting).await.unwrap_or(Err(Unfit::Late))
}

type Shaken = (Wire, Option<Arc<ClientCertificate>>);

async fn shake(stream: TcpStream, tls: &Tls) -> Result<Shaken, Unfit> {
    let acceptor = TlsAcceptor::from(tls.config());
    let stream = acceptor.accept(stream).await.map_err(|error| {
        // Whoever scans ports would fill the log.
        tracing::debug!(%error, "a TLS handshake failed");
        Unfit::Tls
    })?;
    let shown = stream.get_ref().1.peer_certificates();
    let chain = shown.map(|shown| shown.iter().cloned().map(CertificateDer::into_owned));
    let certificate = match chain {
        Some(chain) => Some(Arc::new(
            ClientCertificate::read(chain.collect()).ok_or(Unfit::Tls)?,
        )),
        None => None,
    };
    Ok((Wire::Tls(Box::new(stream)), certificate))
}

/// Reads the greeting; no byte more, and none after the first wrong one.
async fn hear(wire: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut heard = [0; PREFACE.len()];
    let mut length = 0;
    while length < PREFACE.len() {
        let read = wire.read(&mut heard[length..]).await?;
        length += read;
        if read == 0 || !PREFACE.starts_with(&heard[..length]) {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::lifecycle::tls::fixture::{Authority, Folder, Pair};

    /// What becomes of a peer that sends these bytes, and stays or goes.
    async fn heard(sent: &[u8], stays: bool) -> Option<Unfit> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut peer = TcpStream::connect(address).await.unwrap();
        peer.write_all(sent).await.unwrap();
        if !stays {
            peer.shutdown().await.unwrap();
        }
        let (stream, from) = listener.accept().await.unwrap();
        let limit = Duration::from_millis(50);
        let (mut connection, peer) = match greet(stream, from, None, limit).await {
            Ok(greeted) => greeted,
            Err(unfit) => return Some(unfit),
        };
        assert_eq!(peer.address, Some(from));
        let mut again = vec![0; sent.len()];
        connection.read_exact(&mut again).await.unwrap();
        assert_eq!(again, sent, "nothing is lost");
        None
    }

    /// A client that believes one authority, and shows a certificate or none.
    fn client(believes: &Authority, shows: Option<&Pair>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(believes.pem().as_bytes());
        roots.add(authority.unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match shows {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
                let chain = vec![pair.der.clone()];
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        TlsConnector::from(Arc::new(config))
    }

    /// Who a server with these authorities finds at the other end.
    async fn met(tls: &Tls, client: TlsConnector) -> Result<Peer, Unfit> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calling = tokio::spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let mut stream = client.connect(name, stream).await.ok()?;
            stream.write_all(PREFACE).await.ok()?;
            // Whether the certificate was believed is said after the handshake.
            stream.read(&mut [0; 1]).await.ok()
        });
        let (stream, from) = listener.accept().await.unwrap();
        let met = greet(stream, from, Some(tls), Duration::from_secs(20)).await;
        let met = met.map(|(_, peer)| peer);
        calling.await.unwrap();
        met
    }

    #[tokio::test]
    async fn a_peer_is_known_by_the_certificate_it_shows() {
        let (authority, other) = (Authority::new("one"), Authority::new("other"));
        let folder = Folder::new(&authority.server());
        std::fs::write(folder.path("ca.pem"), authority.pem()).unwrap();
        let tls = Tls::open(folder.files(Some("ca.pem"))).unwrap();
        let uri = "spiffe://example/runner/web";
        let (good, foreign) = (authority.client(uri), other.client(uri));

        let peer = met(&tls, client(&authority, Some(&good))).await.unwrap();
        assert_eq!(peer.certificate.unwrap().uris, [uri]);
        let peer = met(&tls, client(&authority, None)).await.unwrap();
        assert!(peer.certificate.is_none());
        for refused in [client(&authority, Some(&foreign)), client(&other, None)] {
            assert_eq!(met(&tls, refused).await.err(), Some(Unfit::Tls));
        }
    }

    #[tokio::test]
    async fn only_who_greets_in_time_is_served() {
        let mut more = PREFACE.to_vec();
        more.extend([0; 9]);
        for (sent, stays, expected) in [
            (&PREFACE[..], true, None),
            (&more, true, None),
            (b"", true, Some(Unfit::Late)),
            (&PREFACE[..23], true, Some(Unfit::Late)),
            (&PREFACE[..23], false, Some(Unfit::Greeting)),
            (b"GET / HTTP/1.1\r\n", true, Some(Unfit::Greeting)),
            (b"PRI * HTTP/1", true, Some(Unfit::Greeting)),
            (b"\x16\x03\x01", true, Some(Unfit::Greeting)),
        ] {
            assert_eq!(heard(sent, stays).await, expected, "{sent:?}");
        }
    }
}
