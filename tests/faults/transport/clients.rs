//! Certificates that clients show. They are optional; a bad one is worse than none.

use countersign_client::{Connection, Tls};

use super::ask;
use crate::certificates::{Authority, Files, Pair};
use crate::process::{Database, Server};

/// A connection that shows a certificate.
fn showing(server: &Server, authority: &Authority, pair: &Pair, token: &str) -> Connection {
    let tls = Tls {
        authorities_pem: Some(authority.pem().into()),
        domain_name: Some("localhost".to_owned()),
        identity: Some((pair.certificate.clone().into(), pair.key.clone().into())),
    };
    let address = format!("https://{}", server.address());
    Connection::secure(&address, Some(token), tls).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_good_certificates_of_known_authorities_get_in() {
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let files = Files::new(&authority);
    let folder = tempfile::tempdir().unwrap();
    let setup = files.setup(&authority, &[]);
    let server = Server::start_with(&Database::sqlite(&folder), setup).await;
    let uri = "spiffe://example/runner/web";
    let good = authority.client(uri, 2045);
    let expired = authority.client(uri, 2022);
    let foreign = other.client(uri, 2045);
    // It is no certificate for clients.
    let wrong = authority.server();

    let call = async |pair: &Pair| {
        let connection = showing(&server, &authority, pair, "root:ci");
        ask(&connection).await
    };
    call(&good).await.unwrap();
    for (bad, what) in [(&expired, "expired"), (&foreign, "foreign")] {
        let refused = call(bad).await;
        assert!(refused.is_err(), "{what}");
    }
    // Without any extended usage it may be used for anything.
    call(&wrong).await.unwrap();
    ask(&server.as_("root:ci")).await.unwrap();
    let refused = server
        .metric("countersign_connections_refused_total{reason=\"tls\"}")
        .await;
    assert!(refused >= 2.0, "{refused}");
}
