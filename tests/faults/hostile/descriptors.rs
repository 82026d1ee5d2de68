//! A server that may have few file descriptors, and one that is out of them.

use std::time::Duration;

use tokio::process::Command;

use super::attack::{Attack, Over, need_descriptors};
use super::handshakes::{REFUSED, crowd, left};
use super::honest::until_served;

/// How many descriptors the server may have, and how many peers come.
const DESCRIPTORS: u32 = 300;
const CROWD: usize = 600;
const ERRORS: &str = "countersign_accept_errors_total";
/// A greeting, and settings of nothing.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// With fewer descriptors than connections are allowed, fewer are taken: there is no lack.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_descriptors_mean_few_connections() {
    need_descriptors(2_000);
    let name = "few descriptors";
    let attack = Attack::begin_with(name, Over::Plain, &[], Some(DESCRIPTORS))
        .await
        .calls_may_fail();
    let peers = crowd(&attack, CROWD, GREETING).await;
    let reason = format!("{REFUSED}{{reason=\"connections\"}}");
    attack.until_metric(&reason, 1.0).await;
    let open = attack.server.metric("countersign_connections").await;
    let refused = attack.server.metric(&reason).await;
    let errors = attack.server.metric(ERRORS).await;
    let connected = peers.len();
    drop(peers);
    until_served(&attack.server).await;
    let told = format!(
        "{connected} peers of {CROWD} greeted, {open} connections were open at most, {refused} \
         refused, accepting failed {errors} times"
    );
    assert_eq!(errors, 0.0, "{told}");
    attack.end(&told).await;
}

/// The limit falls below what was counted on. Strangers make room, so that honest callers get in
/// all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_descriptors_by_strangers() {
    need_descriptors(2_000);
    let attack = Attack::begin("descriptors, strangers", Over::Plain, &[]).await;
    take_descriptors_away(&attack).await;
    let strangers = crowd(&attack, CROWD, b"").await;
    attack.until_metric(ERRORS, 1.0).await;
    let connected = strangers.len();
    let closed = left(strangers).await;
    let errors = attack.server.metric(ERRORS).await;
    let told = format!("{connected} strangers, accepting failed {errors} times, {closed} closed");
    attack.end(&told).await;
}

/// The same by peers that greet and stay. Nobody gets in until some of them go; who was there
/// before is served on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_descriptors_by_those_who_greet() {
    need_descriptors(2_000);
    let attack = Attack::begin("descriptors, greeted", Over::Plain, &[]).await;
    let attack = attack.calls_may_fail();
    take_descriptors_away(&attack).await;
    let peers = crowd(&attack, CROWD, GREETING).await;
    let connected = peers.len();
    // So long nothing can be accepted: the pauses grow.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = attack.server.cpu_ticks();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let spent = attack.server.cpu_ticks() - before;
    drop(peers);
    until_served(&attack.server).await;
    let errors = attack.server.metric(ERRORS).await;
    let told = format!(
        "{connected} peers that greet, accepting failed {errors} times, {} ms of CPU in a second \
         without descriptors",
        spent * 10
    );
    assert!(errors > 0.0, "the limit was met: {told}");
    assert!(spent < 50, "it does not spin: {told}");
    attack.end(&told).await;
}

/// Leaves the server with a few more descriptors than it has in use.
async fn take_descriptors_away(attack: &Attack) {
    let id = attack.server.id();
    let in_use = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    let limit = in_use + 50;
    let mut lowering = Command::new("prlimit");
    lowering.args([format!("--pid={id}"), format!("--nofile={limit}:{limit}")]);
    let lowered = lowering.status().await.unwrap();
    assert!(lowered.success(), "prlimit (util-linux) lowers the limit");
}
