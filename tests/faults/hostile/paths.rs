//! Paths that are none of ours (grpc-go CVE-2026-33186): a rule that looks at one spelling, and a
//! router that takes another, let a caller in.

use super::attack::{Attack, Over};
use super::frame::call;
use super::wire::Fate;

const UNIMPLEMENTED: u32 = 12;
const UNAUTHENTICATED: u32 = 16;
const PERMISSION_DENIED: u32 = 7;

/// None of these is the path of a method.
fn odd_paths() -> Vec<String> {
    let approve = "/countersign.v1.ChangeRequestService/Approve";
    let health = "/grpc.health.v1.Health/Check";
    let mut paths = vec![
        String::new(),
        "*".to_owned(),
        "/".to_owned(),
        "//".to_owned(),
        "/x/y".to_owned(),
        format!("/{}", "x".repeat(8 * 1_024)),
        format!("{approve}{}", "/".repeat(8 * 1_024)),
    ];
    for path in [approve, health] {
        let (service, method) = path[1..].split_once('/').unwrap();
        paths.extend([
            path[1..].to_owned(),
            path.to_uppercase(),
            path.to_lowercase(),
            format!("/{path}"),
            format!("{path}/"),
            format!("{path}/.."),
            format!("{path}%00"),
            format!("{path};x"),
            format!("{path}%20"),
            format!("/./{service}/{method}"),
            format!("/x/../{service}/{method}"),
            format!("/{service}//{method}"),
            format!("/{service}%2f{method}"),
            format!("/{service}%2F{method}"),
            format!("/%63{}", &path[2..]),
            format!("\\{service}\\{method}"),
            format!("http://localhost/x{path}"),
        ]);
    }
    paths
}

/// How each path was answered, all over one connection unless the server ends it.
async fn fates(attack: &Attack, paths: &[String], bearer: Option<&str>) -> Vec<(String, Fate)> {
    let mut wire = attack.wire().await;
    let mut fates = Vec::new();
    let mut stream = 1;
    for path in paths {
        if wire.seen.is_over() {
            wire = attack.wire().await;
            stream = 1;
        }
        wire.call(stream, &call(path, bearer)).await;
        let fate = |seen: &super::wire::Seen| seen.fate(stream).is_some() || seen.is_over();
        wire.until("an answer", fate).await;
        // That the connection is ended is an answer too: no service has seen the call.
        let fate = wire.seen.fate(stream).unwrap_or(Fate::Reset(0));
        fates.push((path.clone(), fate));
        stream += 2;
    }
    fates
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_odd_paths_reach_nothing() {
    let attack = Attack::begin("odd paths", Over::Plain, &[]).await;
    let paths = odd_paths();
    let mut told = Vec::new();
    let rows = [
        (None, UNAUTHENTICATED),
        (Some("Bearer root:mallory"), UNIMPLEMENTED),
        (Some("Bearer mallory"), UNIMPLEMENTED),
    ];
    for (bearer, expected) in rows {
        let fates = fates(&attack, &paths, bearer).await;
        for (path, fate) in &fates {
            let good = matches!(fate, Fate::Reset(_)) || *fate == Fate::Status(expected);
            assert!(good, "{bearer:?} {path:.80}: {fate:?}");
        }
        let statuses = fates.iter().filter(|it| it.1 == Fate::Status(expected));
        told.push(format!(
            "{bearer:?}: {} of {} answered {expected}, the others reset",
            statuses.count(),
            paths.len()
        ));
    }
    // Positive controls: a real path is served, and a query changes neither rule nor method.
    let create = "/countersign.v1.ChangeRequestService/CreateChangeRequest";
    let (query, health) = (
        format!("{create}?x=/grpc.health.v1.Health/Check"),
        "/grpc.health.v1.Health/Check",
    );
    for (path, bearer, expected) in [
        (create, None, UNAUTHENTICATED),
        (create, Some("Bearer mallory"), PERMISSION_DENIED),
        (&*query, None, UNAUTHENTICATED),
        (&*query, Some("Bearer mallory"), PERMISSION_DENIED),
    ] {
        let fates = fates(&attack, &[path.to_owned()], bearer).await;
        assert_eq!(fates[0].1, Fate::Status(expected), "{path} {bearer:?}");
    }
    let mut wire = attack.wire().await;
    wire.call(1, &call(health, None)).await;
    wire.until("health is told without a credential", |seen| {
        // An empty body is no message; but it was asked.
        seen.fate(1)
            .is_some_and(|fate| fate != Fate::Status(UNAUTHENTICATED))
    })
    .await;
    attack.end(&told.join("; ")).await;
}
