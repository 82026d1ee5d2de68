//! Certificates and authorities change under open connections.

use std::time::Duration;

use countersign_client::{Connection, reason};

use super::authority::Authority;
use super::place::{ADMIN, CI, Place, RUNNER, trusts};
use super::scene::{self, Listening, ends_unauthenticated, who};
use crate::process::Server;

/// People come from here, and nobody does in these stories.
const ISSUER: &str = "https://login.example.com";
/// An open stream asks once a minute at least whether its certificate is still believed.
const MINUTE: Duration = Duration::from_secs(75);

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections() {
    let place = Place::new(ISSUER);
    let mut server = place.serve(&place.sqlite()).await;
    let (ci, runner) = (place.service(&server, CI), place.service(&server, RUNNER));
    let mut stream = Listening::open(&runner).await;
    scene::ask(&ci, "web-1", "test").await;
    stream.hears("web-1").await;
    let next = Authority::new("next");
    assert!(!is_believed(&server, &next).await);
    assert!(is_believed(&server, &place.authority).await);

    place.show(&next.server());
    scene::until("the new certificate", async || {
        is_believed(&server, &next).await
    })
    .await;
    assert!(!is_believed(&server, &place.authority).await);
    // Calls and streams on connections that were open know nothing of it.
    scene::ask(&ci, "web-2", "test").await;
    stream.hears("web-2").await;
    who(&runner).await.unwrap();
    server.kill().await;
}

/// Whether somebody who believes this authority alone gets as far as the gate.
async fn is_believed(server: &Server, authority: &Authority) -> bool {
    let status = who(&trusts(server, authority)).await.unwrap_err();
    reason(&status).is_some()
}

#[tokio::test]
async fn an_authority_that_is_taken_away_ends_what_it_vouched_for() {
    let mut place = Place::new(ISSUER);
    let mut server = place.serve(&place.sqlite()).await;
    let (ci, runner) = (place.service(&server, CI), place.service(&server, RUNNER));
    who(&ci).await.unwrap();
    let stream = Listening::open(&runner).await;

    let next = Authority::new("next");
    place.believe(&next);
    scene::until("the end of a connection's credential", async || {
        who(&ci).await.is_err()
    })
    .await;
    scene::nobody(&ci).await;
    scene::nobody(&runner).await;
    is_kept_out(&place.service(&server, CI)).await;
    place.clients = next;
    who(&place.service(&server, CI)).await.unwrap();
    ends_unauthenticated(&stream.end(MINUTE).await);
    server.kill().await;
}

#[tokio::test]
async fn only_certificates_of_known_services_are_credentials() {
    let place = Place::new(ISSUER);
    let mut server = place.serve(&place.sqlite()).await;
    who(&place.service(&server, ADMIN)).await.unwrap();
    let shows = |pair| place.shows(&server, &pair);
    for (what, uris) in [
        ("an unknown service", vec!["spiffe://example.org/other"]),
        ("nearly a known one", vec!["spiffe://example.org/ci/"]),
        ("in other letters", vec!["spiffe://example.org/CI"]),
        ("two known ones", vec![CI, ADMIN]),
        ("none", vec![]),
    ] {
        let status = who(&shows(place.clients.client(&uris))).await.unwrap_err();
        assert!(reason(&status).is_some(), "{what}: {status:?}");
        ends_unauthenticated(&status);
    }
    // These do not get as far as the gate.
    is_kept_out(&shows(Authority::new("services").client(&[CI]))).await;
    is_kept_out(&shows(place.authority.client(&[CI]))).await;
    is_kept_out(&shows(place.clients.ended(CI))).await;
    who(&place.service(&server, CI)).await.unwrap();
    server.kill().await;
}

/// The handshake must fail: no answer comes, good or bad.
async fn is_kept_out(caller: &Connection) {
    let status = who(caller).await.unwrap_err();
    assert_eq!(reason(&status), None, "{status:?}");
}
