//! Headers that never end, are too many, or unfold into far more than was sent.

use super::attack::{Attack, Over};
use super::frame::{CONTINUATION, END_HEADERS, END_STREAM, HEADERS, call, frame, header_block};
use super::wire::{Fate, Seen};

const PATH: &str = "/countersign.v1.LogService/GetHead";
const ATTEMPTS: u32 = 200;
/// An attacker sends this much over one connection, if it is let.
const BYTES: u64 = 64 * 1_024 * 1_024;

/// What became of one attempt.
async fn unending(attack: &Attack, fragment: &[u8]) -> (u64, bool) {
    let mut wire = attack.wire().await;
    let block = header_block(&call(PATH, None));
    wire.send(&frame(HEADERS, END_STREAM, 1, &block)).await;
    let more = frame(CONTINUATION, 0, 1, fragment);
    let batch = more.repeat((64 * 1_024 / more.len()).max(1));
    while wire.sent < BYTES && !wire.seen.is_over() && wire.send(&batch).await {}
    if wire.sent < BYTES {
        wire.until("why it takes no more", Seen::is_over).await;
    }
    (wire.sent, wire.seen.is_over())
}

async fn abuse_continuation(name: &'static str, fragment: &[u8]) {
    let attack = Attack::begin(name, Over::Plain, &[]).await;
    let (mut sent, mut ended) = (0, 0);
    for _ in 0..ATTEMPTS {
        let (bytes, is_over) = unending(&attack, fragment).await;
        sent += bytes;
        ended += u32::from(is_over);
    }
    assert_eq!(ended, ATTEMPTS, "{name}: the server had enough");
    let each = sent / u64::from(ATTEMPTS) / 1_024;
    let told = format!("{ATTEMPTS} connections, each ended after {each} KiB");
    attack.end(&told).await;
}

/// RUSTSEC-2024-0332 and its kin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_continuations_that_never_end() {
    let fragment = header_block(&[("x", &"y".repeat(16_000))]);
    abuse_continuation("CONTINUATION of 16 KiB", &fragment).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_continuations_without_bytes() {
    abuse_continuation("CONTINUATION without bytes", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_continuations_of_one_header() {
    let fragment = header_block(&[("x", "y")]);
    abuse_continuation("CONTINUATION of one header", &fragment).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_header_lists_over_the_limit() {
    let attack = Attack::begin("large headers", Over::Plain, &[]).await;
    let mut fates = Vec::new();
    for (count, length) in [(1, 15_000), (3, 15_000), (600, 1)] {
        let mut wire = attack.wire().await;
        let mut headers = call(PATH, Some("Bearer root:mallory"));
        let value = "y".repeat(length);
        headers.extend(std::iter::repeat_n(("x", &*value), count));
        let block = header_block(&headers);
        let mut parts = block.chunks(16_000);
        let first = parts.next().unwrap();
        let parts: Vec<_> = parts.collect();
        let flags = if parts.is_empty() { END_HEADERS } else { 0 };
        let mut bytes = frame(HEADERS, END_STREAM | flags, 1, first);
        for (place, part) in parts.iter().enumerate() {
            let is_last = place + 1 == parts.len();
            let flags = if is_last { END_HEADERS } else { 0 };
            bytes.extend(frame(CONTINUATION, flags, 1, part));
        }
        wire.send(&bytes).await;
        wire.until("an answer", |seen| {
            let answers = seen.answers.load(std::sync::atomic::Ordering::SeqCst);
            answers > 0 || seen.fate(1).is_some() || seen.is_over()
        })
        .await;
        fates.push((wire.seen.fate(1), wire.seen.told()));
    }
    // The first list is below the limit: it is a call without a message, and was looked at.
    assert!(matches!(fates[0].0, Some(Fate::Status(_))), "{fates:?}");
    for (fate, told) in &fates[1..] {
        assert!(!matches!(fate, Some(Fate::Status(_))), "{fate:?}: {told}");
    }
    attack
        .end(&format!(
            "{:?}",
            fates.iter().map(|it| it.0).collect::<Vec<_>>()
        ))
        .await;
}

/// A header of 4 KB that is kept in the table, and named again by one byte each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_headers_that_unfold() {
    let attack = Attack::begin("unfolding headers", Over::Plain, &[]).await;
    let (mut sent, mut unfolded, mut refused) = (0, 0_u64, 0);
    for _ in 0..ATTEMPTS {
        let mut wire = attack.wire().await;
        let mut block = header_block(&call(PATH, None));
        let mut kept = header_block(&[("x", &"y".repeat(4_000))]);
        // With incremental indexing: it becomes the first entry of the table, 62.
        kept[0] = 0x40;
        block.extend(kept);
        block.extend(vec![0x80 | 62; 10_000]);
        unfolded += 10_000 * 4_000;
        wire.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block))
            .await;
        wire.until("an answer", |seen| {
            let answers = seen.answers.load(std::sync::atomic::Ordering::SeqCst);
            answers > 0 || seen.fate(1).is_some() || seen.is_over()
        })
        .await;
        sent += wire.sent;
        refused += u32::from(!matches!(wire.seen.fate(1), Some(Fate::Status(_))));
    }
    assert_eq!(refused, ATTEMPTS, "no such list reaches a service");
    let told = format!("{sent} bytes that stand for {unfolded}, {refused} of {ATTEMPTS} refused");
    attack.end(&told).await;
}
