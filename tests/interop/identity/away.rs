//! The provider is away: what is known goes on, and whoever needs no provider is not kept out.

use countersign_client::{Connection, reason};
use countersign_proto::v1::ErrorReason;
use tonic::Code;

use super::place::{CI, Place};
use super::provider::Provider;
use super::scene::{self, who};

#[tokio::test]
async fn a_provider_that_is_away_keeps_out_only_whom_nobody_can_vouch_for() {
    let mut provider = Provider::start().await;
    let place = Place::new(&provider.issuer);
    let database = place.sqlite();
    let pat = place.token(&database).await;
    let mut server = place.serve(&database).await;
    let alice = server.as_(&provider.login("alice").await.access_token);
    // Nobody has shown this one to the server when the provider goes.
    let bob = server.as_(&provider.login("bob").await.access_token);
    who(&alice).await.unwrap();

    provider.obey("down").await;
    who(&alice).await.unwrap();
    who(&bob).await.unwrap();
    server.kill().await;
    server.restart().await;
    let (pat, ci) = (server.as_(&pat), place.service(&server, CI));
    for _ in 0..2 {
        unavailable(&alice).await;
        unavailable(&bob).await;
        assert_eq!(who(&pat).await.unwrap().person.unwrap().subject, "carol");
        who(&ci).await.unwrap();
    }

    provider.obey("up").await;
    scene::until("a login", async || who(&alice).await.is_ok()).await;
    who(&bob).await.unwrap();
    server.kill().await;
    database.verify().await;
}

async fn unavailable(caller: &Connection) {
    let status = who(caller).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(
        reason(&status),
        Some(ErrorReason::IdentityProviderUnavailable)
    );
}
