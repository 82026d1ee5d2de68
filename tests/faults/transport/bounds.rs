//! Connections and strangers are bounded, and old connections are told to go.

use std::time::{Duration, Instant};

use super::{LIMIT, ask, until_metric};
use crate::hostile::wire::{Seen, Wire, tcp};
use crate::process::{Database, Server, Setup};

const REFUSED: &str = "countersign_connections_refused_total";

async fn start(folder: &tempfile::TempDir, arguments: &[&str]) -> Server {
    let setup = Setup {
        arguments: arguments.iter().map(ToString::to_string).collect(),
        ..Setup::default()
    };
    Server::start_with(&Database::sqlite(folder), setup).await
}

/// A connection from an address that has said nothing yet.
async fn stranger(server: &Server, from: &str) -> Wire {
    let from = Some(from.parse().unwrap());
    let stream = tcp(&server.address(), from).await.unwrap();
    Wire::silent(Box::new(stream))
}

/// A connection from an address that has greeted.
async fn greeted(server: &Server, from: &str) -> Wire {
    let from = Some(from.parse().unwrap());
    let stream = tcp(&server.address(), from).await.unwrap();
    Wire::greet(Box::new(stream)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_greet_in_time_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder, &["--handshake-seconds", "1"]).await;
    let began = now();
    let silent = stranger(&server, "127.0.0.1").await;
    let polite = greeted(&server, "127.0.0.1").await;
    silent.until("it is let go", Seen::is_closed).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(1), "{took:?}");
    assert!(polite.seen.has_greeted());
    assert!(!polite.seen.is_over(), "who has greeted may be silent");
    until_metric(&server, &format!("{REFUSED}{{reason=\"late\"}}"), 1.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_make_room_for_honest_callers() {
    let folder = tempfile::tempdir().unwrap();
    // Two of them may be strangers.
    let server = start(&folder, &["--max-connections=8", "--handshake-seconds=300"]).await;
    let mut strangers = Vec::new();
    for _ in 0..20 {
        strangers.push(stranger(&server, "127.0.0.1").await);
    }
    until_metric(&server, &format!("{REFUSED}{{reason=\"evicted\"}}"), 18.0).await;
    for _ in 0..3 {
        ask(&server.as_("root:ci")).await.unwrap();
    }
    let closed = strangers.iter().filter(|it| it.seen.is_closed()).count();
    assert!((18..=20).contains(&closed), "{closed}");
    // The first ones went.
    assert!(strangers[..18].iter().all(|it| it.seen.is_closed()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_bounded_in_all_and_per_address() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(
        &folder,
        &["--max-connections=5", "--max-connections-per-address=3"],
    )
    .await;
    // The start has knocked once.
    let mut open = Vec::new();
    for from in ["127.0.0.2", "127.0.0.2", "127.0.0.2", "127.0.0.3"] {
        let wire = greeted(&server, from).await;
        wire.until("it is served", Seen::has_greeted).await;
        open.push(wire);
    }
    let fourth = greeted(&server, "127.0.0.2").await;
    fourth.until("it is refused", Seen::is_closed).await;
    assert!(!fourth.seen.has_greeted());
    until_metric(&server, &format!("{REFUSED}{{reason=\"address\"}}"), 1.0).await;

    // One from here is the fifth; there is no sixth.
    let honest = server.as_("root:ci");
    ask(&honest).await.unwrap();
    assert_eq!(server.metric("countersign_connections").await, 5.0);
    let sixth = greeted(&server, "127.0.0.4").await;
    sixth.until("it is refused", Seen::is_closed).await;
    until_metric(
        &server,
        &format!("{REFUSED}{{reason=\"connections\"}}"),
        1.0,
    )
    .await;

    // Whoever goes makes room.
    drop(open.pop());
    let seventh = async {
        loop {
            let wire = greeted(&server, "127.0.0.4").await;
            wire.until("it is decided", |seen| {
                seen.has_greeted() || seen.is_closed()
            })
            .await;
            if wire.seen.has_greeted() {
                break;
            }
        }
    };
    tokio::time::timeout(LIMIT, seventh).await.unwrap();
    ask(&honest).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_connection_is_told_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder, &["--connection-age-seconds=1"]).await;
    let honest = server.as_("root:ci");
    ask(&honest).await.unwrap();
    let began = now();
    let open = greeted(&server, "127.0.0.1").await;
    open.until("it is told to go", Seen::is_over).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(1), "{took:?}");
    assert_eq!(*open.seen.goaways.lock().unwrap().first().unwrap(), 0);
    // An honest client notices, and connects again.
    ask(&honest).await.unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how long something takes"
)]
fn now() -> Instant {
    Instant::now()
}
