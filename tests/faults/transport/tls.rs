//! What is spoken, and files that change while connections are open.

use std::time::Duration;

use countersign_client::{Connection, Tls};
use rustls::version;

use super::{LIMIT, ask, until_metric};
use crate::certificates::{Authority, Files};
use crate::hostile::wire::{Seen, Terms, Wire, tcp};
use crate::process::{Database, Server};

const FAILURES: &str = "countersign_tls_reload_failures_total";

/// The certificate that a handshake is shown now.
async fn shown(server: &Server, authority: &str) -> Vec<u8> {
    let stream = tcp(&server.address(), None).await.unwrap();
    let stream = Terms::honest(authority).shake(stream).await.unwrap();
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    chain[0].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_versions_and_http2_alone_are_spoken() {
    let authority = Authority::new("one");
    let files = Files::new(&authority);
    let folder = tempfile::tempdir().unwrap();
    let setup = files.setup(&authority, &[]);
    let server = Server::start_with(&Database::sqlite(&folder), setup).await;
    ask(&server.as_("root:ci")).await.unwrap();

    let pem = authority.pem();
    for version in [&version::TLS13, &version::TLS12] {
        let terms = Terms {
            versions: &[version],
            ..Terms::honest(&pem)
        };
        let stream = tcp(&server.address(), None).await.unwrap();
        let stream = terms.shake(stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let wire = Wire::greet(Box::new(stream)).await;
        wire.until("the server greets", Seen::has_greeted).await;
    }
    let old = Terms {
        protocols: &["http/1.1"],
        ..Terms::honest(&pem)
    };
    let stream = tcp(&server.address(), None).await.unwrap();
    assert!(old.shake(stream).await.is_err());

    // Whoever does not know the authority, and whoever speaks in the clear, is not served.
    let address = server.address();
    let strange = Tls::default();
    let strange = Connection::secure(&format!("https://{address}"), Some("root:ci"), strange);
    assert!(ask(&strange.unwrap()).await.is_err());
    let clear = Connection::new(&format!("http://{address}"), "root:ci").unwrap();
    assert!(ask(&clear).await.is_err());
    until_metric(
        &server,
        "countersign_connections_refused_total{reason=\"tls\"}",
        3.0,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_swapped_while_connections_are_open() {
    let authority = Authority::new("one");
    let files = Files::new(&authority);
    let folder = tempfile::tempdir().unwrap();
    let setup = files.setup(&authority, &[]);
    let server = Server::start_with(&Database::sqlite(&folder), setup).await;
    let pem = authority.pem();
    let open = server.as_("root:ci");
    ask(&open).await.unwrap();
    let first = shown(&server, &pem).await;
    let expires = "countersign_tls_certificate_expires_seconds";
    // 2045-01-01.
    assert_eq!(server.metric(expires).await, 2_366_841_600.0);

    // What cannot be used is told of, and changes nothing.
    files.write("server.pem", "broken");
    until_metric(&server, FAILURES, 1.0).await;
    assert_eq!(shown(&server, &pem).await, first);
    ask(&server.as_("root:ci")).await.unwrap();

    files.put(&authority.server());
    let changing = async {
        while shown(&server, &pem).await == first {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let changed = tokio::time::timeout(LIMIT, changing).await;
    changed.expect("the new certificate is shown");
    ask(&open).await.unwrap();
    ask(&server.as_("root:ci")).await.unwrap();
}
