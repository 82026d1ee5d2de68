//! Nothing that lets somebody in is ever printed, however much is asked for.

use countersign_client::Connection;
use countersign_proto::v1::WhoAmIRequest;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use tonic::Request;

use super::person::{generate_stubs, in_python};
use super::place::{ADMIN, CI, Place, RUNNER};
use super::provider::Provider;
use super::scene::{self, Listening, who};
use crate::process::{Database, Server, Setup};

const PASSWORD: &str = "correct-horse-battery-staple";

#[tokio::test]
async fn a_server_that_tells_everything_tells_no_secret() {
    let provider = Provider::start().await;
    let place = Place::new(&provider.issuer);
    let database = with_password(Database::postgres().await);
    let pat = place.token(&database).await;
    let (file, security) = (place.path("printed.txt"), place.path("security.log"));
    let mut setup = Setup {
        printed: Some(file.clone()),
        ..place.setup()
    };
    let option = ["--security-log".to_owned(), security.display().to_string()];
    setup.arguments.extend(option);
    let mut server = Server::start_with(&database, setup).await;
    let login = provider.login("alice").await.access_token;
    let wrong = provider.login("alice").await.id_token;
    let (alice, carol) = (server.as_(&login), server.as_(&pat));
    let (ci, admin) = (place.service(&server, CI), place.service(&server, ADMIN));
    who(&carol).await.unwrap();
    scene::claimed_team(&admin, "security").await;
    scene::policy(&admin, "production", "security", 300).await;
    scene::ask(&ci, "web-1", "production").await;
    let mut stream = Listening::open(&place.service(&server, RUNNER)).await;
    stream.hears("web-1").await;
    scene::approve(&alice, "web-1").await.unwrap();
    scene::nobody(&server.as_(&wrong)).await;
    scene::nobody(&server.as_(&format!("{pat}x"))).await;
    assert!(scene::approve(&server.as_(&wrong), "web-1").await.is_err());
    // A client may forget to say that the header is a secret.
    for bearer in [&login, &pat] {
        careless(&place.nobody(&server), bearer).await;
    }
    generate_stubs(&place).await;
    let python = in_python(&place, &server, &provider, "alice").await;
    let told = || {
        [&file, &security]
            .map(|it| std::fs::read_to_string(it).unwrap())
            .concat()
    };
    // Without these it would prove nothing. The last one is of the security log.
    for part in [
        "TRACE",
        "countersign is ready",
        "ChangeRequestService/Approve\"",
    ] {
        scene::until(part, async || told().contains(part)).await;
    }
    server.kill().await;

    let tokens = [
        ("a login", login.as_str()),
        ("a wrong login", wrong.as_str()),
        ("a login of Python", python["token"].as_str().unwrap()),
    ];
    let mut secrets = secrets_of(&tokens, &place);
    secrets.push(("an API token", pat.trim_start_matches("csn_").to_owned()));
    none_is_told(&secrets, &told());
}

/// What must not be told of tokens of the provider and of the server's key, part by part; the
/// header of a token is the same for all.
fn secrets_of<'a>(tokens: &[(&'a str, &str)], place: &Place) -> Vec<(&'a str, String)> {
    let mut secrets = vec![("the password", PASSWORD.to_owned())];
    for (what, token) in tokens {
        secrets.extend(
            token
                .split('.')
                .skip(1)
                .map(|part| (*what, part.to_owned())),
        );
    }
    let key = std::fs::read_to_string(place.path("server.key")).unwrap();
    let lines = key.lines().filter(|line| !line.starts_with("-----"));
    secrets.extend(lines.map(|line| ("the key", line.to_owned())));
    assert!(secrets.len() >= 8, "{}", secrets.len());
    secrets
}

fn none_is_told(secrets: &[(&str, String)], told: &str) {
    for (what, secret) in secrets {
        for (spelling, text) in spellings(secret) {
            let found = told.lines().find(|line| line.contains(&text));
            assert!(found.is_none(), "{what} {spelling}: {found:?}");
        }
    }
}

/// How a program may print a text. Half of it is as bad as all of it.
fn spellings(secret: &str) -> [(&'static str, String); 4] {
    let half = &secret[..secret.len().min(24)];
    let bytes: Vec<String> = half.bytes().map(|byte| byte.to_string()).collect();
    let base64 = BASE64URL_NOPAD.encode(&half.as_bytes()[..half.len() / 3 * 3]);
    let standard = BASE64.encode(&half.as_bytes()[..half.len() / 3 * 3]);
    [
        ("as it is", half.to_owned()),
        ("as bytes", bytes.join(", ")),
        ("in base64url", base64),
        ("in base64", standard),
    ]
}

/// The cluster of the tests asks for no password, and takes any.
fn with_password(database: Database) -> Database {
    let Database::Postgres(url) = database else {
        panic!("a store of PostgreSQL was asked for");
    };
    let (user, rest) = url.split_once('@').unwrap();
    assert!(
        !user.trim_start_matches("postgres://").contains(':'),
        "it has one"
    );
    Database::Postgres(format!("{user}:{PASSWORD}@{rest}"))
}

async fn careless(caller: &Connection, bearer: &str) {
    let mut request = Request::new(WhoAmIRequest {});
    let header = format!("Bearer {bearer}").parse().unwrap();
    request.metadata_mut().insert("authorization", header);
    caller.access().who_am_i(request).await.unwrap();
}
