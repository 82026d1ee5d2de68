//! Streams that are opened and reset at once (CVE-2023-44487), and streams that the server is made
//! to reset (CVE-2025-8671): each costs the peer a few bytes, and must not cost the server more.

use super::attack::{Attack, LASTS, Over};
use super::frame::{
    END_HEADERS, END_STREAM, HEADERS, RST_STREAM, WINDOW_UPDATE, call, frame, header_block,
};
use super::honest::now;
use super::wire::{Seen, Wire};

const STREAMS: u32 = 50_000;
/// How many of them are written at once.
const BATCH: u32 = 500;
const PATH: &str = "/countersign.v1.LogService/GetHead";

/// What was sent and met, over all connections.
#[derive(Debug, Default)]
struct Tally {
    streams: u32,
    connections: u32,
    ended: u32,
    answers: u64,
}

/// Opens and ruins streams until so many were; connects again when the server has had enough.
async fn ruin(attack: &Attack, ruin: impl Fn(u32) -> Vec<u8>) -> Tally {
    let bearer = Some("Bearer root:mallory");
    let block = header_block(&call(PATH, bearer));
    let mut tally = Tally::default();
    let began = now();
    while tally.streams < STREAMS || began.elapsed() < LASTS {
        let mut wire = attack.wire().await;
        tally.connections += 1;
        let mut stream = 1;
        while !wire.seen.is_over() {
            let mut bytes = Vec::new();
            for _ in 0..BATCH {
                bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &block));
                bytes.extend(ruin(stream));
                stream += 2;
            }
            if !wire.send(&bytes).await {
                wire.until("why it takes no more", Seen::is_over).await;
                break;
            }
            tally.streams += BATCH;
            if tally.streams >= STREAMS && began.elapsed() >= LASTS {
                break;
            }
        }
        settle(&mut tally, &wire).await;
    }
    tally
}

/// Waits until the server has answered what was sent last, and takes down what it did.
async fn settle(tally: &mut Tally, wire: &Wire) {
    if wire.seen.is_over() {
        tally.ended += 1;
    }
    tally.answers += wire.seen.answers.load(std::sync::atomic::Ordering::SeqCst);
}

async fn rapid_reset(over: Over) {
    let attack = Attack::begin("rapid reset", over, &[]).await;
    let cancel = |stream| frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
    let tally = ruin(&attack, cancel).await;
    assert!(tally.ended > 0, "the server had enough: {tally:?}");
    attack.end(&format!("{tally:?}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_streams_reset_at_once() {
    rapid_reset(Over::Plain).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_streams_reset_at_once_over_tls() {
    rapid_reset(Over::Tls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_streams_the_server_is_made_to_reset() {
    let attack = Attack::begin("made to reset", Over::Plain, &[]).await;
    // A window that grows by nothing is a fault of the stream.
    let nothing = |stream| frame(WINDOW_UPDATE, 0, stream, &0_u32.to_be_bytes());
    let tally = ruin(&attack, nothing).await;
    assert!(tally.ended > 0, "the server had enough: {tally:?}");
    attack.end(&format!("{tally:?}")).await;
}
