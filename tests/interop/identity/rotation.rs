//! The provider signs with another key from one moment to the next, under a running server.

use super::place::{CI, Place};
use super::provider::Provider;
use super::scene::{self, LIMIT, Listening, ends_unauthenticated, who};

/// How long after its end a token's stream may go on.
const LATE: f64 = 3.0;

#[tokio::test]
async fn a_new_key_is_taken_at_once_and_the_old_one_is_gone() {
    let mut provider = Provider::start().await;
    let place = Place::new(&provider.issuer);
    let database = place.sqlite();
    let mut server = place.serve(&database).await;
    let ci = place.service(&server, CI);
    let old = server.as_(&provider.login("alice").await.access_token);
    who(&old).await.unwrap();
    // Long enough for what follows until it ends.
    provider.obey("ttl 15").await;
    let short = server.as_(&provider.login("bob").await.access_token);
    let end = who(&short).await.unwrap().expires_at.unwrap().seconds as f64;
    let mut stream = Listening::open(&short).await;
    scene::ask(&ci, "web-1", "test").await;
    stream.hears("web-1").await;

    provider.obey("ttl 300").await;
    provider.obey("rotate").await;
    let new = server.as_(&provider.login("alice").await.access_token);
    assert_eq!(who(&new).await.unwrap().person.unwrap().subject, "alice");
    scene::nobody(&old).await;
    scene::nobody(&short).await;

    // A stream was let in once, and stays until its token ends.
    scene::ask(&ci, "web-2", "test").await;
    stream.hears("web-2").await;
    assert!(scene::now() < end, "the machine is too slow for this test");
    ends_unauthenticated(&stream.end(LIMIT).await);
    let late = scene::now() - end;
    assert!(
        (0.0..LATE).contains(&late),
        "it ended {late} s after the token"
    );
    who(&new).await.unwrap();
    server.kill().await;
    database.verify().await;
}
