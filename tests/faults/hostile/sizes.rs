//! Frames and messages that are larger than agreed, and lengths that promise far more than comes.

use std::time::Duration;

use super::attack::{Attack, Over};
use super::frame::{DATA, END_HEADERS, END_STREAM, HEADERS, call, frame, header_block};
use super::wire::{Fate, Wire};
use crate::load::until;

const PATH: &str = "/countersign.v1.ChangeRequestService/Approve";
/// What a server that says nothing else takes.
const FRAME_BYTES: usize = 16_384;
const RESOURCE_EXHAUSTED: u32 = 8;
const FRAME_SIZE_ERROR: u32 = 6;
const REFUSED_STREAM: u32 = 7;
const LIMIT: Duration = Duration::from_secs(20);

/// A call of somebody who is known, whose message is still to come.
async fn begin(attack: &Attack) -> Wire {
    let mut wire = attack.wire().await;
    wire.agree().await;
    let block = header_block(&call(PATH, Some("Bearer alice")));
    wire.send(&frame(HEADERS, END_HEADERS, 1, &block)).await;
    wire
}

async fn fate(wire: &Wire) -> Option<Fate> {
    wire.until("an answer", |seen| seen.fate(1).is_some() || seen.is_over())
        .await;
    wire.seen.fate(1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_frames_over_the_limit() {
    let attack = Attack::begin("large frames", Over::Plain, &[]).await;
    let mut told = Vec::new();
    for (length, is_sent) in [
        (FRAME_BYTES + 1, true),
        ((1 << 24) - 1, true),
        ((1 << 24) - 1, false),
    ] {
        let mut wire = begin(&attack).await;
        let bytes = frame(DATA, 0, 1, &vec![0; length]);
        // Of one, only the head comes.
        wire.send(if is_sent { &bytes } else { &bytes[..9] }).await;
        wire.until("it is told to go", super::wire::Seen::is_over)
            .await;
        let goaways = wire.seen.goaways.lock().unwrap().clone();
        assert!(
            goaways.iter().all(|it| *it == FRAME_SIZE_ERROR),
            "{goaways:?}"
        );
        told.push(format!("{length} bytes: GOAWAY {goaways:?}"));
    }
    attack.end(&told.join("; ")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_messages_over_the_limit() {
    let attack = Attack::begin("large messages", Over::Plain, &[]).await;
    let mut fates = Vec::new();
    // The length that is promised, and how much of it comes.
    for (promised, comes) in [
        (256 * 1_024 + 1, 1_000),
        (u32::MAX, 1_000),
        (300_000, 300_000),
        (1_000, 200_000),
    ] {
        let mut wire = begin(&attack).await;
        let mut message = vec![0];
        message.extend(u32::to_be_bytes(promised));
        message.extend(vec![0; comes]);
        for part in message.chunks(FRAME_BYTES) {
            if !wire.send(&frame(DATA, 0, 1, part)).await {
                break;
            }
        }
        wire.send(&frame(DATA, END_STREAM, 1, &[])).await;
        let found = fate(&wire).await;
        fates.push(format!("{promised}: {found:?}"));
        if promised > 256 * 1_024 {
            assert_eq!(found, Some(Fate::Status(RESOURCE_EXHAUSTED)), "{promised}");
        } else {
            assert_ne!(found, Some(Fate::Status(0)), "{promised}");
        }
    }
    attack.end(&fates.join("; ")).await;
}

/// Calls whose messages never come, as many as a connection may carry, over many connections; and
/// the same once more, which must find room in what the first wave has left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_messages_that_never_come() {
    let attack = Attack::begin("messages that never come", Over::Plain, &[]).await;
    let first = wave(&attack).await;
    let between = attack.server.resident_kib();
    let second = wave(&attack).await;
    let more = (attack.server.resident_kib() - between) / 1_024.0;
    let told = format!("{first}; once more: {second}, {more:+.1} MiB");
    assert!(more < 16.0, "{told}");
    attack.end(&told).await;
}

const CONNECTIONS: usize = 25;
const CALLS: u32 = 300;

/// Begins calls until most of them were refused in one way or the other.
async fn wave(attack: &Attack) -> String {
    let block = header_block(&call(PATH, Some("Bearer alice")));
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut wire = attack.wire().await;
        for number in 0..CALLS {
            let stream = 2 * number + 1;
            let mut bytes = frame(HEADERS, END_HEADERS, stream, &block);
            // The beginning of a message of 200 KB.
            bytes.extend(frame(DATA, 0, stream, &[0, 0, 3, 13, 64, 1, 2, 3]));
            wire.send(&bytes).await;
        }
        open.push(wire);
    }
    let told = || {
        let fates = open.iter().map(refused);
        fates.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1))
    };
    let calls = CONNECTIONS * CALLS as usize;
    // The newest stay.
    let most = calls - 2_000;
    until("most are refused", LIMIT, || told().0 + told().1 >= most).await;
    let (over_many, half_sent) = told();
    format!(
        "{calls} calls over {CONNECTIONS} connections, {over_many} were too many for theirs, \
         {half_sent} had to go because they stayed half sent"
    )
}

/// How many streams of a connection were refused at once, and how many because they stayed half
/// sent.
fn refused(wire: &Wire) -> (usize, usize) {
    let resets = wire.seen.reset_codes.lock().unwrap();
    let at_once = resets.iter().filter(|it| it.1 == REFUSED_STREAM);
    let statuses = wire.seen.statuses.lock().unwrap();
    let half_sent = statuses.iter().filter(|it| it.1 == RESOURCE_EXHAUSTED);
    (at_once.count(), half_sent.count())
}
