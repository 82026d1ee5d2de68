//! Following the log: every entry, once, in order.

use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{LogEntry, Mark, WatchLogResponse};
use futures::future::join_all;

use super::quick_heartbeats;
use crate::gate::{Expect, Followed, Gate, deployment};

/// The entries of these messages.
fn entries_of(messages: Vec<WatchLogResponse>) -> Vec<LogEntry> {
    messages
        .into_iter()
        .flat_map(|message| message.entries)
        .collect()
}

/// The sequences of entries.
fn sequences(entries: &[LogEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.sequence).collect()
}

/// Entries follow each other without a gap, and each names the hash of the one before.
fn is_a_chain(entries: &[LogEntry]) {
    for pair in entries.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence + 1);
        assert_eq!(pair[1].previous_hash, pair[0].hash);
    }
}

async fn follow(gate: &Gate, start: Option<Start>) -> Followed<WatchLogResponse> {
    gate.as_("auditor:audit").log(start).await.granted()
}

/// All entries up to the mark, and the mark.
async fn present(gate: &Gate, start: Option<Start>) -> (Vec<LogEntry>, Mark) {
    let (messages, mark) = follow(gate, start).await.synced().await;
    (entries_of(messages), mark)
}

/// Reads until an entry with this sequence has come.
async fn up_to(stream: &mut Followed<WatchLogResponse>, sequence: u64) -> Vec<LogEntry> {
    let reaches = |message: &WatchLogResponse| {
        message
            .entries
            .last()
            .is_some_and(|entry| entry.sequence >= sequence)
    };
    entries_of(stream.until(reaches).await)
}

/// Some tasks, each with four entries.
async fn write_some(gate: &Gate, prefix: &str) {
    for number in 0..3 {
        gate.orchestrator()
            .create(deployment(&format!("{prefix}{number}")))
            .await
            .granted();
    }
}

on_both_stores! {
    async fn i41_from_the_beginning_every_entry_comes_once_in_order(gate) {
        write_some(gate, "t").await;
        let head = gate.entries().await;
        for start in [None, Some(Start::FromNow(false)), Some(Start::FromSequence(1))] {
            let mut stream = follow(gate, start).await;
            let (messages, mark) = stream.synced().await;
            let entries = entries_of(messages);
            assert_eq!(sequences(&entries), (1..=head).collect::<Vec<_>>());
            assert_eq!(mark.sequence, head);
            assert_eq!(entries[0].event, "store.created");
            assert_eq!(entries[0].previous_hash, "0".repeat(64));
            is_a_chain(&entries);
            let listed = gate.as_("auditor:audit").entries_from(1).await;
            assert_eq!(entries, listed);
        }
    }

    async fn i41_from_a_sequence_a_token_and_now(gate) {
        write_some(gate, "before-").await;
        let head = gate.entries().await;
        let (entries, mark) = present(gate, Some(Start::FromSequence(head - 2))).await;
        assert_eq!(sequences(&entries), [head - 2, head - 1, head]);
        assert_eq!(mark.sequence, head);
        let mut now = follow(gate, Some(Start::FromNow(true))).await;
        let (messages, marked_now) = now.synced().await;
        assert!(entries_of(messages).is_empty());
        assert_eq!(marked_now.resume_token, mark.resume_token);
        let mut next = follow(gate, Some(Start::FromSequence(head + 1))).await;
        let (messages, marked_next) = next.synced().await;
        assert!(entries_of(messages).is_empty());
        assert_eq!(marked_next.resume_token, mark.resume_token);
        write_some(gate, "after-").await;
        let newest = gate.entries().await;
        let expected: Vec<u64> = (head + 1..=newest).collect();
        let token = Some(Start::ResumeToken(mark.resume_token));
        assert_eq!(sequences(&present(gate, token).await.0), expected);
        assert_eq!(sequences(&up_to(&mut now, newest).await), expected);
        assert_eq!(sequences(&up_to(&mut next, newest).await), expected);
    }

    async fn i40_concurrent_writers_leave_no_gap_and_no_double(gate) {
        gate.alice_approves().await;
        let mut stream = follow(gate, None).await;
        let writers = (0..8).map(|writer| {
            let gate = &*gate;
            async move {
                for number in 0..10 {
                    let id = format!("t{writer}-{number}");
                    gate.orchestrator().create(deployment(&id)).await.granted();
                    gate.as_("alice").approve(&id).await.granted();
                }
            }
        });
        let (entries, _) = tokio::join!(
            // One entry names the store, one is the policy's, five are each task's.
            up_to(&mut stream, 2 + 8 * 10 * 5),
            join_all(writers),
        );
        assert_eq!(sequences(&entries), (1..=gate.entries().await).collect::<Vec<_>>());
        is_a_chain(&entries);
    }

    async fn i41_a_log_read_in_pieces_equals_one_read_at_once(gate) {
        gate.alice_approves().await;
        let mut whole = follow(gate, None).await;
        let mut pieces: Vec<LogEntry> = Vec::new();
        let mut start = None;
        for round in 0..10 {
            write_some(gate, &format!("t{round}-")).await;
            let mut stream = follow(gate, start.take()).await;
            if round % 2 == 0 {
                // Cut after a mark: its token says where to go on.
                let (messages, mark) = stream.synced().await;
                pieces.extend(entries_of(messages));
                start = Some(Start::ResumeToken(mark.resume_token));
            } else {
                // Cut after any message: the last sequence says so.
                pieces.extend(stream.next().await.entries);
                let last = pieces.last().unwrap().sequence;
                start = Some(Start::FromSequence(last + 1));
            }
        }
        pieces.extend(present(gate, start).await.0);
        let head = gate.entries().await;
        assert_eq!(pieces, up_to(&mut whole, head).await);
    }

    async fn i41_a_long_log_comes_in_several_messages(gate) {
        let orchestrator = gate.orchestrator();
        let creations = (0..150).map(|number| {
            let orchestrator = orchestrator.clone();
            async move { orchestrator.create(deployment(&format!("t{number}"))).await.granted() }
        });
        join_all(creations).await;
        let head = gate.entries().await;
        let mut stream = follow(gate, None).await;
        let (messages, mark) = stream.synced().await;
        assert!(messages.len() > 3, "{} messages", messages.len());
        let entries = entries_of(messages);
        assert_eq!(sequences(&entries), (1..=head).collect::<Vec<_>>());
        assert_eq!(mark.sequence, head);
        is_a_chain(&entries);
    }
}

on_both_stores! {
    with quick_heartbeats();

    async fn i41_a_mark_of_the_log_means_everything_up_to_it_was_sent(gate) {
        let mut stream = follow(gate, None).await;
        let (messages, mark) = stream.synced().await;
        let mut last = entries_of(messages).last().unwrap().sequence;
        assert_eq!(mark.sequence, last);
        for round in 0..5 {
            write_some(gate, &format!("t{round}-")).await;
            let (messages, mark) = stream.heartbeat().await;
            let entries = entries_of(messages);
            if let Some(first) = entries.first() {
                assert_eq!(first.sequence, last + 1);
                last = entries.last().unwrap().sequence;
            }
            assert_eq!(mark.sequence, last);
            let (entries, _) = present(gate, Some(Start::ResumeToken(mark.resume_token))).await;
            assert_eq!(sequences(&entries), (last + 1..=gate.entries().await).collect::<Vec<_>>());
        }
    }
}
