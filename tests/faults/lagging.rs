//! Readers that have stopped reading: what each takes is bounded, and the others are told as fast
//! as without them (I-46).

use std::time::Duration;

use countersign_client::Connection;
use countersign_proto::v1::{
    ApproveRequest, RevokeApprovalRequest, TaskSpec, WatchStatusRequest, WatchStatusResponse,
};
use tonic::Streaming;

use crate::load::{self, deployment};
use crate::process::{Database, Server};

/// How many change requests there are, each of which takes some kilobytes to tell.
const CHANGE_REQUESTS: usize = 200;
const LAGGING: usize = 20;
const ROUNDS: usize = 5;
const CHANGES: usize = 60;
/// The trap: a transport keeps about 2 MB for a reader that reads nothing.
const MIB_EACH_LIMIT: f64 = 4.0;
/// The bar is 1.2 on a machine of its own; this one is shared with the test's own load.
const SLOWER_LIMIT: f64 = 2.0;
const LIMIT: Duration = Duration::from_secs(20);

type Statuses = Streaming<WatchStatusResponse>;

fn wordy(number: usize) -> TaskSpec {
    TaskSpec {
        description: "x".repeat(4_000),
        ..deployment(&format!("t{number}"))
    }
}

async fn watch(connection: &Connection) -> Statuses {
    let request = WatchStatusRequest {
        project: "web".to_owned(),
        ..WatchStatusRequest::default()
    };
    let opened = connection.change_requests().watch_status(request).await;
    opened.unwrap().into_inner()
}

/// Turns the approval of a change request, and answers with the sequence that this makes.
async fn turn(alice: &Connection, number: usize, approve: bool) -> u64 {
    let change_request = format!("t{number}");
    let mut service = alice.change_requests();
    let changed = if approve {
        let request = ApproveRequest {
            change_request,
            ..ApproveRequest::default()
        };
        service
            .approve(request)
            .await
            .unwrap()
            .into_inner()
            .change_request
    } else {
        let request = RevokeApprovalRequest {
            change_request,
            ..RevokeApprovalRequest::default()
        };
        service
            .revoke_approval(request)
            .await
            .unwrap()
            .into_inner()
            .change_request
    };
    changed.unwrap().sequence
}

/// How long a change takes from the answer on to the subscriber, sorted.
async fn latencies(alice: &Connection, quick: &mut Statuses) -> Vec<Duration> {
    let mut found = Vec::with_capacity(CHANGES * 2);
    for approve in [true, false] {
        for number in 0..CHANGES {
            let began = now();
            let sequence = turn(alice, number, approve).await;
            tokio::time::timeout(LIMIT, told(quick, sequence))
                .await
                .unwrap();
            found.push(began.elapsed());
        }
    }
    found.sort();
    found
}

async fn told(stream: &mut Statuses, sequence: u64) {
    loop {
        let message = stream.message().await.unwrap().unwrap();
        if message
            .change_requests
            .iter()
            .any(|told| told.sequence >= sequence)
        {
            return;
        }
    }
}

async fn lagging(database: Database) {
    let server = Server::start(&database).await;
    load::policy(&server).await;
    let orchestrator = server.as_("orchestrator:ci");
    for number in 0..CHANGE_REQUESTS {
        load::create_task(&orchestrator, wordy(number))
            .await
            .unwrap();
    }
    let alice = server.as_("alice");
    let mut quick = watch(&server.as_("quick")).await;
    // What is made once is made before anything is measured.
    latencies(&alice, &mut quick).await;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let mut each = Vec::new();
    for _ in 0..ROUNDS {
        without.extend(latencies(&alice, &mut quick).await);
        let before = server.resident_kib() / 1_024.0;
        let connections: Vec<_> = (0..LAGGING).map(|_| server.as_("slow")).collect();
        let mut slow = Vec::new();
        for connection in &connections {
            slow.push(watch(connection).await);
        }
        // Far more is written than any of them has room for.
        for number in 0..CHANGE_REQUESTS {
            turn(&alice, number, true).await;
            turn(&alice, number, false).await;
        }
        with.extend(latencies(&alice, &mut quick).await);
        each.push((server.resident_kib() / 1_024.0 - before) / LAGGING as f64);
        // It was lagging indeed, and comes to the newest state all the same.
        let newest = turn(&alice, 0, true).await;
        turn(&alice, 0, false).await;
        let last = slow.last_mut().unwrap();
        tokio::time::timeout(LIMIT, told(last, newest))
            .await
            .unwrap();
    }
    report(without, with, &each);
}

fn report(mut without: Vec<Duration>, mut with: Vec<Duration>, each: &[f64]) {
    let most = each.iter().copied().fold(0.0, f64::max);
    without.sort();
    with.sort();
    let at = |found: &[Duration], percent: usize| found[(found.len() - 1) * percent / 100];
    let [before, after] = [&without, &with].map(|found| (at(found, 50), at(found, 99)));
    let slower = after.0.as_secs_f64() / before.0.as_secs_f64();
    println!(
        "{LAGGING} readers that do not read take {each:.1?} MiB each; another one is told after \
         {:.1?} (p99 {:.1?}) without them and {:.1?} (p99 {:.1?}) with them: {slower:.2} times",
        before.0, before.1, after.0, after.1
    );
    assert!(
        most <= MIB_EACH_LIMIT,
        "a reader that does not read takes {most:.1} MiB"
    );
    assert!(
        slower <= SLOWER_LIMIT,
        "others are told {slower:.2} times later"
    );
}

#[expect(clippy::disallowed_methods, reason = "measures a latency")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i46_readers_that_do_not_read_are_bounded_and_slow_nobody_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    lagging(Database::sqlite(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i46_readers_that_do_not_read_are_bounded_and_slow_nobody_postgres() {
    lagging(Database::postgres().await).await;
}
