//! Handshakes that are begun and never ended.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::attack::{Attack, Over, need_descriptors};
use super::frame::PREFACE;
use super::wire::tcp;

const PEERS: usize = 10_000;
/// From how many addresses they come.
const ADDRESSES: usize = 8;
const AT_ONCE: usize = 64;
const CONNECT_LIMIT: Duration = Duration::from_millis(500);
pub(super) const REFUSED: &str = "countersign_connections_refused_total";
/// The head of a TLS record with a handshake of which nothing comes.
const HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1];

/// The address number so many of this machine.
fn address(number: usize) -> IpAddr {
    let last = u8::try_from(number % ADDRESSES + 1).unwrap();
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))
}

/// Connects many peers, each of which says something and no more.
pub(super) async fn crowd(attack: &Attack, count: usize, says: &'static [u8]) -> Vec<TcpStream> {
    let server = attack.server.address();
    let connecting = (0..count).map(|number| {
        let server = server.clone();
        async move {
            let connecting = tcp(&server, Some(address(number)));
            // A server that accepts nobody has a short queue of those who wait.
            let connected = tokio::time::timeout(CONNECT_LIMIT, connecting).await;
            let mut stream = connected.ok()?.ok()?;
            stream.write_all(says).await.ok()?;
            Some(stream)
        }
    });
    let connected = futures::stream::iter(connecting).buffer_unordered(AT_ONCE);
    connected.filter_map(|it| async { it }).collect().await
}

/// How many the server has left.
pub(super) async fn left(peers: Vec<TcpStream>) -> usize {
    let mut left = 0;
    for mut peer in peers {
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), peer.read_to_end(&mut bytes));
        left += usize::from(read.await.is_ok());
    }
    left
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_idle_tls_handshakes() {
    need_descriptors(PEERS as u64 + 1_000);
    let attack = Attack::begin("idle handshakes", Over::Tls, &[]).await;
    let (silent, begun) = tokio::join!(
        crowd(&attack, PEERS / 2, b""),
        crowd(&attack, PEERS / 2, HELLO)
    );
    let connected = silent.len() + begun.len();
    let evicted = format!("{REFUSED}{{reason=\"evicted\"}}");
    let (evicted, of_address) = (
        attack.server.metric(&evicted).await,
        attack
            .server
            .metric(&format!("{REFUSED}{{reason=\"address\"}}"))
            .await,
    );
    let closed = left(silent).await + left(begun).await;
    let late = attack
        .server
        .metric(&format!("{REFUSED}{{reason=\"late\"}}"))
        .await;
    let told = format!(
        "{connected} handshakes from {ADDRESSES} addresses, {evicted} made room, {late} were \
         late, {closed} closed in the end"
    );
    assert!(connected >= PEERS * 9 / 10, "{told}");
    assert!(evicted > 1_000.0 && of_address == 0.0, "{told}");
    assert_eq!(closed, connected, "{told}");
    attack.end(&told).await;
}

/// Peers that send the greeting byte by byte, so that each byte is a sign of life.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_greetings_byte_by_byte() {
    const LORIS: usize = 500;
    let attack = Attack::begin("slow greetings", Over::Plain, &["--handshake-seconds=2"]).await;
    let mut peers = crowd(&attack, LORIS, b"").await;
    let mut sent = 0;
    for byte in PREFACE {
        for peer in &mut peers {
            sent += usize::from(peer.write_all(&[*byte]).await.is_ok());
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    let connected = peers.len();
    let closed = left(peers).await;
    let late = attack
        .server
        .metric(&format!("{REFUSED}{{reason=\"late\"}}"))
        .await;
    let told = format!("{connected} peers, {sent} bytes one by one, {late} were late");
    assert_eq!(
        (connected, closed, late),
        (LORIS, LORIS, LORIS as f64),
        "{told}"
    );
    attack.end(&told).await;
}
