//! I-40, I-51: whatever is changed, removed, doubled or swapped below the head is found.

use countersign_domain::ids::{CrNumber, RequestId};
use countersign_domain::log::{
    AggregateKey, Body, Entry, Fold, FoldError, Hash, Head, check_link, sha256_hex,
};

use crate::harness::Gate;
use crate::harness::people::{at, person};

#[test]
fn an_untouched_log_holds() {
    let log = log();
    assert!(log.len() > 12);
    assert_eq!(first_fault(&log), None);
}

#[test]
fn i51_every_changed_byte_of_a_body_is_found_at_its_entry() {
    let log = log();
    for place in 0..log.len() {
        // A few bytes of each are enough: the hash does not know one from another.
        for byte in [0, 10, log[place].body.len() / 2, log[place].body.len() - 1] {
            let mut log = log.clone();
            let mut bytes = std::mem::take(&mut log[place].body).into_bytes();
            bytes[byte] ^= 1;
            log[place].body = String::from_utf8(bytes).unwrap();
            assert_eq!(first_fault(&log), Some(place));
        }
    }
}

#[test]
fn i51_a_body_that_was_rehashed_is_found_at_its_link() {
    let log = log();
    for place in 0..log.len() {
        let mut log = log.clone();
        log[place].body.push(' ');
        log[place].body_hash = Hash::parse(&sha256_hex(log[place].body.as_bytes())).unwrap();
        assert_eq!(first_fault(&log), Some(place));
    }
}

#[test]
fn i51_every_changed_column_is_found_at_its_entry() {
    type Change = fn(&mut Entry);
    let changes: &[(&str, Change)] = &[
        ("sequence", |entry| entry.head.sequence += 1),
        ("instant", |entry| entry.head.instant = at(1_000)),
        ("hash", |entry| entry.head.hash = Hash::ZERO),
        ("format", |entry| entry.head.format += 1),
        ("directory revision", |entry| {
            entry.head.directory_revision += 1;
        }),
        ("numbers given", |entry| {
            entry.head.change_requests_given += 1;
        }),
        ("clock accepted", |entry| {
            entry.head.clock_accepted_until = at(2_000);
        }),
        ("previous", |entry| {
            entry.previous = Hash::parse(&"11".repeat(32)).unwrap();
        }),
        ("body hash", |entry| entry.body_hash = Hash::ZERO),
        ("aggregate", |entry| {
            entry.aggregate = AggregateKey::ChangeRequest(CrNumber(77));
        }),
        ("event", |entry| entry.event = "task.gone"),
        ("request", |entry| {
            entry.request = Some((person("eve"), RequestId::parse("r9").unwrap()));
        }),
    ];
    let log = log();
    for (name, change) in changes {
        for place in 0..log.len() {
            let mut log = log.clone();
            change(&mut log[place]);
            assert_eq!(first_fault(&log), Some(place), "{name} of entry {place}");
        }
    }
}

#[test]
fn i40_a_missing_doubled_or_swapped_entry_is_found_at_its_place() {
    let log = log();
    for place in 0..log.len() - 1 {
        let mut removed = log.clone();
        removed.remove(place);
        assert_eq!(first_fault(&removed), Some(place));
        let mut doubled = log.clone();
        doubled.insert(place, log[place].clone());
        assert_eq!(first_fault(&doubled), Some(place + 1));
        let mut swapped = log.clone();
        swapped.swap(place, place + 1);
        assert_eq!(first_fault(&swapped), Some(place));
    }
}

#[test]
fn i30_time_that_runs_back_is_found() {
    let mut log = log();
    let last = log.len() - 1;
    log[last].head.instant = at(-1);
    assert_eq!(first_fault(&log), Some(last));
}

#[test]
fn a_row_that_is_not_what_the_log_says_breaks_the_seal() {
    let gate = gate();
    let key = AggregateKey::ChangeRequest(CrNumber(1));
    let history = &gate.store.history[&key];
    assert!(
        history.last().unwrap().body.seal.is_some(),
        "an ended aggregate is sealed"
    );
    let mut fold = Fold::default();
    for kept in &history[..history.len() - 1] {
        assert_eq!(kept.body.seal, None);
        fold.push(&kept.body, kept.stamp).unwrap();
    }
    let last = history.last().unwrap();
    let forged = Body {
        seal: Some(sha256_hex(b"another row")),
        ..last.body.clone()
    };
    let sequence = last.stamp.sequence;
    assert_eq!(
        fold.push(&forged, last.stamp),
        Err(FoldError::BrokenSeal { sequence })
    );
}

fn gate() -> Gate {
    Gate::played(
        "0 adm team dev members=bob
         0 adm policy p users=ann teams=dev
         1 orc create t1 digest=d1
         2 ann approve t1 request=r1
         3 bob reject t1
         4 orc create t2 env=dev
         5 run start t2
         6 run finish t2
         7 ops accept-clock -
         8 adm edit-team dev members=cat",
    )
}

fn log() -> Vec<Entry> {
    gate().store.log
}

/// The first entry that does not follow the one before.
fn first_fault(log: &[Entry]) -> Option<usize> {
    let mut head = Head::EMPTY;
    for (place, entry) in log.iter().enumerate() {
        if check_link(&head, entry).is_err() {
            return Some(place);
        }
        head = entry.head;
    }
    None
}
