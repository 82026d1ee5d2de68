//! Frames that cost nothing to send, by the hundred thousand.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::attack::{Attack, LASTS, Over};
use super::frame::{
    ACK, DATA, END_HEADERS, HEADERS, PING, PREFACE, PRIORITY, SETTINGS, WINDOW_UPDATE, call, frame,
    header_block,
};
use super::honest::now;

const FRAMES: usize = 100_000;
/// How many of them are written at once.
const BATCH: usize = 1_000;
const PATH: &str = "/countersign.v1.LogService/GetHead";

/// Sends one frame again and again; connects again when the server has had enough.
async fn flood(attack: &Attack, begin: &[u8], repeated: &[u8]) -> String {
    let began = now();
    let goes_on = |sent: usize| sent < FRAMES || began.elapsed() < LASTS;
    let (mut sent, mut connections, mut ended) = (0, 0, 0);
    let mut told = String::new();
    while goes_on(sent) {
        let mut wire = attack.wire().await;
        connections += 1;
        wire.send(begin).await;
        while goes_on(sent) && !wire.seen.is_over() {
            if !wire.send(&repeated.repeat(BATCH)).await {
                break;
            }
            sent += BATCH;
        }
        // The last frame was read when this is answered, or the connection is over.
        let last = wire
            .seen
            .ping_acks
            .load(std::sync::atomic::Ordering::SeqCst);
        wire.send(&frame(PING, 0, 0, &[7; 8])).await;
        wire.until("an answer", |seen| {
            let acks = seen.ping_acks.load(std::sync::atomic::Ordering::SeqCst);
            seen.is_over() || acks > last
        })
        .await;
        ended += usize::from(wire.seen.is_over());
        told = wire.seen.told();
    }
    format!("{sent} frames over {connections} connections, {ended} of them ended ({told})")
}

async fn abuse(name: &'static str, over: Over, begin: &[u8], repeated: &[u8]) {
    let attack = Attack::begin(name, over, &[]).await;
    let told = flood(&attack, begin, repeated).await;
    attack.end(&told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_pings() {
    abuse("PING", Over::Plain, &[], &frame(PING, 0, 0, &[1; 8])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_pings_over_tls() {
    abuse("PING", Over::Tls, &[], &frame(PING, 0, 0, &[1; 8])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_settings() {
    let settings = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]);
    abuse("SETTINGS", Over::Plain, &[], &settings).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_settings_acknowledged_that_were_not_sent() {
    abuse(
        "SETTINGS ACK",
        Over::Plain,
        &[],
        &frame(SETTINGS, ACK, 0, &[]),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_priorities() {
    let priority = frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 16]);
    abuse("PRIORITY", Over::Plain, &[], &priority).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_windows_that_grow_by_one() {
    let update = frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes());
    abuse("WINDOW_UPDATE", Over::Plain, &[], &update).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_data_without_bytes() {
    // A call whose message never comes; its caller is known.
    let block = header_block(&call(PATH, Some("Bearer root:mallory")));
    let begin = frame(HEADERS, END_HEADERS, 1, &block);
    abuse("empty DATA", Over::Plain, &begin, &frame(DATA, 0, 1, &[])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_data_without_bytes_by_nobody() {
    let block = header_block(&call(PATH, None));
    let begin = frame(HEADERS, END_HEADERS, 1, &block);
    let name = "empty DATA without a credential";
    abuse(name, Over::Plain, &begin, &frame(DATA, 0, 1, &[])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_pings_whose_answers_are_not_read() {
    let attack = Attack::begin("PING unread", Over::Plain, &[]).await;
    let mut peers = Vec::new();
    let mut sent = 0;
    for _ in 0..50 {
        let mut io = attack.io().await;
        io.write_all(PREFACE).await.unwrap();
        io.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        let pings = frame(PING, 0, 0, &[1; 8]).repeat(BATCH);
        // Until the server reads no more, because nobody reads what it says.
        while sent < 20 * FRAMES {
            let writing = tokio::time::timeout(Duration::from_millis(200), io.write_all(&pings));
            match writing.await {
                Ok(Ok(())) => sent += BATCH,
                _ => break,
            }
        }
        peers.push(io);
    }
    let told = format!(
        "{sent} frames over {} connections, none answer read",
        peers.len()
    );
    attack.end(&told).await;
}
