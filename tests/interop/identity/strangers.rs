//! Credentials that are not good: whoever shows one learns nothing by how it is refused.

use std::collections::BTreeSet;

use countersign_client::Connection;
use countersign_proto::v1::WhoAmIRequest;
use tonic::{Code, Request, Status};

use super::forged::{Good, forged};
use super::place::Place;
use super::provider::Provider;
use super::scene::{self, who};

/// All that a caller learns from a refusal.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    code: Code,
    message: String,
    details: Vec<u8>,
    headers: BTreeSet<String>,
}

impl From<Status> for Told {
    fn from(status: Status) -> Self {
        let names = status.metadata().keys();
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            details: status.details().to_vec(),
            headers: names.map(|name| format!("{name:?}")).collect(),
        }
    }
}

#[tokio::test]
async fn all_bad_credentials_are_refused_alike() {
    // The same name and the same kid, but another key: it was there before.
    let earlier = Provider::start().await;
    let port = earlier.port.clone();
    let impostor = earlier.login("alice").await.access_token;
    earlier.quit().await;
    let mut provider = Provider::start_at(&port).await;
    let other = Provider::start().await;
    provider.obey("ttl 1").await;
    let ended = provider.login("alice").await.access_token;
    provider.obey("ttl 300").await;
    let tokens = provider.login("alice").await;
    let place = Place::new(&provider.issuer);
    let database = place.sqlite();
    let mut server = place.serve(&database).await;
    let alice = server.as_(&tokens.access_token);
    who(&alice).await.unwrap();

    let good = Good::read(&tokens.access_token);
    let mut rows = forged(&good, &provider.key().await);
    let bearer = |token: &str| format!("Bearer {token}");
    rows.extend([
        ("an earlier provider of this name", bearer(&impostor)),
        (
            "another provider",
            bearer(&other.login("alice").await.access_token),
        ),
        ("an ID token", bearer(&tokens.id_token)),
        ("an opaque token", bearer(&provider.opaque("alice").await)),
        ("a token that has ended", bearer(&ended)),
    ]);
    let end = Good::read(&ended).payload["exp"].as_f64().unwrap();
    scene::until("the end of a token", async || scene::now() > end).await;
    let nobody = place.nobody(&server);
    let expected = refused("no credential", &nobody, None).await;
    assert_eq!(expected.code, Code::Unauthenticated);
    assert!(!expected.message.is_empty() && !expected.details.is_empty());
    assert!(rows.len() >= 60, "{}", rows.len());
    for (what, header) in &rows {
        assert_ne!(header, &bearer(&tokens.access_token), "{what}");
        let found = refused(what, &nobody, Some(header)).await;
        assert_eq!(found, expected, "{what}");
    }
    who(&alice).await.unwrap();
    let again = server.as_(&provider.login("alice").await.access_token);
    who(&again).await.unwrap();
    server.kill().await;
    database.verify().await;
}

async fn refused(what: &str, caller: &Connection, header: Option<&str>) -> Told {
    let mut request = Request::new(WhoAmIRequest {});
    request.set_timeout(scene::LIMIT);
    if let Some(header) = header {
        request
            .metadata_mut()
            .insert("authorization", header.parse().unwrap());
    }
    match caller.access().who_am_i(request).await {
        Ok(_) => panic!("{what} was accepted"),
        Err(status) => status.into(),
    }
}
