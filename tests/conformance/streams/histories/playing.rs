//! Plays many histories on one engine.

use std::time::Duration;

use countersign_domain::access::Grant;
use countersign_domain::change_request::Case;
use countersign_engine::{CrFilter, Engine};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::watch;

use super::acting::History;
use super::entries::follow;
use super::pairs::{AnyPair, Counts};
use crate::gate::{Expect, Gate, PolicySpec, Setup, StoreKind, check};

/// How many histories take their steps together.
const GROUP: u64 = 100;
const STEPS: usize = 8;

/// Plays so many histories; half of the time that a heartbeat takes is waited for at their end.
async fn play(kind: StoreKind, histories: u64) {
    let (seed, histories) = (number("COUNTERSIGN_TEST_SEED"), asked_for(histories));
    let seed = seed.unwrap_or_else(fresh_seed);
    println!("replay with COUNTERSIGN_TEST_SEED={seed}");
    let setup = Setup {
        configure: |config| config.heartbeat = Duration::from_millis(100),
        ..Setup::default()
    };
    let gate = Gate::start(kind, setup).await;
    let policy = |id: &str| PolicySpec::new(id).users(&["alice", "bob"]);
    let staging = policy("staging").only(&["*"], &["staging"]);
    gate.admin().policy(staging).await.granted();
    let production = policy("production")
        .only(&["*"], &["production"])
        .minimum(2);
    gate.admin().policy(production).await.granted();

    let (last, told_last) = watch::channel(None);
    let cutting = Some(StdRng::seed_from_u64(seed));
    let whole = tokio::spawn(follow(gate.engine().clone(), told_last.clone(), None));
    let cut = tokio::spawn(follow(gate.engine().clone(), told_last, cutting));
    let mut counts = Counts::default();
    let mut time = StdRng::seed_from_u64(seed);
    let mut next = 0;
    while next < histories {
        let group = next..(next + GROUP).min(histories);
        next = group.end;
        let members = group.map(|number| History::new(seed, number)).collect();
        play_group(&gate, members, &mut time, &mut counts).await;
    }
    let head = gate.entries().await;
    last.send_replace(Some(head));
    let (whole, cut) = (whole.await.unwrap(), cut.await.unwrap());
    assert!(
        whole
            .entries
            .iter()
            .map(|(sequence, _)| *sequence)
            .eq(1..=head)
    );
    assert!(
        whole.entries == cut.entries,
        "the log that was cut is another one"
    );
    println!(
        "{} histories, {} states told in {} messages over {} cuts; {head} entries over {} cuts",
        counts.histories, counts.states, counts.messages, counts.cuts, cut.cuts
    );
    assert!(counts.cuts >= histories && cut.cuts > 0, "streams were cut");
    check(gate).await;
}

/// A group from its beginning to its end.
async fn play_group(
    gate: &Gate,
    mut histories: Vec<History>,
    time: &mut StdRng,
    counts: &mut Counts,
) {
    let engine = gate.engine();
    let opening = histories
        .iter_mut()
        .map(|history| AnyPair::open(engine, history));
    let mut pairs = join_all(opening).await;
    for _ in 0..STEPS {
        let now = gate.clock.now();
        join_all(
            histories
                .iter_mut()
                .map(|history| history.step(engine, now)),
        )
        .await;
        if time.random_range(0..3) == 0 {
            gate.pass(time.random_range(1..12)).await;
        }
        let both = pairs.iter_mut().zip(&mut histories);
        join_all(both.map(|(pair, history)| pair.step(history))).await;
    }
    let head = gate.entries().await;
    for (pair, history) in pairs.iter_mut().zip(&histories) {
        let rows = rows(engine, history).await;
        pair.compare(head, &rows, counts).await;
    }
}

/// The change requests of a history as the rows have them.
async fn rows(engine: &Engine, history: &History) -> Vec<Case> {
    let mut filter = CrFilter::new(Grant::unlimited(), 0);
    filter.project = Some(history.project());
    let page = engine.change_requests(filter, 100).await.unwrap();
    assert!(!page.more);
    page.items
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn asked_for(histories: u64) -> u64 {
    number("COUNTERSIGN_TEST_HISTORIES").unwrap_or(histories)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a fresh seed, which is printed to replay the run"
)]
fn fresh_seed() -> u64 {
    rand::random()
}

/// Ten thousand on SQLite, in parts that run beside each other, and some on PostgreSQL.
macro_rules! i41_who_was_cut_ends_where_one_ends_who_was_not {
    ($($part:ident: $kind:ident $histories:literal,)*) => {
        mod i41_who_was_cut_ends_where_one_ends_who_was_not {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $part() {
                play(StoreKind::$kind, $histories).await;
            })*
        }
    };
}

i41_who_was_cut_ends_where_one_ends_who_was_not! {
    sqlite_a: Sqlite 2_500,
    sqlite_b: Sqlite 2_500,
    sqlite_c: Sqlite 2_500,
    sqlite_d: Sqlite 2_500,
    postgres: Postgres 500,
}
