//! Tasks that freezes hold, or would hold.

use countersign_domain::ids::{CrNumber, ReleaseId};
use countersign_domain::policy::{PolicyDraft, Sharing, Terms};
use countersign_domain::task::{Task, TaskState, WaitingFor};

use crate::eight::eight;
use crate::gate::{Gate, second};
use crate::place::{Place, on_both};
use crate::sample::{
    approve, create, create_freeze, create_policy, delete_freeze, freeze, policy, settle, task,
    withdraw,
};

on_both!(
    open_tasks_are_paused_or_cleared,
    open_tasks_come_in_pages,
    held_and_cleared_tasks_are_found,
    held_and_cleared_tasks_come_in_pages,
);

async fn open_tasks_are_paused_or_cleared(place: Place) {
    let gate = eight(&place).await;
    let found = gate.store.open_tasks(None, 100).await.unwrap();
    // Of a4 to z8 the others have ended; a3 runs.
    assert_eq!(names(&found), ["1/a1", "2/a2", "5/B5", "8/z8"]);
    for task in found {
        let number = task.change_request();
        let cases = gate.store.cases(&[number]).await.unwrap();
        assert_eq!(cases[0].tasks.get(task.id()), Some(&task));
    }
}

async fn open_tasks_come_in_pages(place: Place) {
    let gate = shared(&place).await;
    for limit in 1..8 {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = gate.store.open_tasks(after, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() as u64 <= limit);
            after = Some((last.change_request(), last.id().clone()));
            found.extend(page);
        }
        let expected = ["1/B", "1/a", "1/é", "2/A", "3/c", "3/d"];
        assert_eq!(names(&found), expected, "{limit}");
    }
}

async fn held_and_cleared_tasks_are_found(place: Place) {
    let mut gate = eight(&place).await;
    assert_eq!(held_or_cleared(&gate, 0, 100).await, ["2/a2", "5/B5"]);
    gate.grant(&[create_freeze(freeze("winter", "staging"))])
        .await;
    gate.grant(&[settle(CrNumber(5))]).await;
    let found = gate.store.held_or_cleared(CrNumber(2), 100).await.unwrap();
    assert_eq!(names(&found), ["5/B5"]);
    let waiting_for = WaitingFor::Freeze;
    assert_eq!(found[0].state, TaskState::Paused { waiting_for });
    gate.grant(&[withdraw("a2")]).await;
    assert_eq!(held_or_cleared(&gate, 0, 100).await, ["5/B5"]);
    gate.grant(&[withdraw("B5")]).await;
    assert_eq!(held_or_cleared(&gate, 0, 100).await, [""; 0]);
}

async fn held_and_cleared_tasks_come_in_pages(place: Place) {
    let mut gate = shared(&place).await;
    gate.grant(&[approve("alice", CrNumber(1)), approve("alice", CrNumber(3))])
        .await;
    // The first wait for the freeze, the last are cleared.
    gate.grant(&[create_freeze(freeze("winter", "production"))])
        .await;
    gate.grant(&[settle(CrNumber(1))]).await;
    assert_eq!(
        held_or_cleared(&gate, 0, 100).await,
        ["1/B", "1/a", "1/é", "3/c", "3/d"]
    );
    assert_eq!(held_or_cleared(&gate, 0, 2).await, ["1/B", "1/a"]);
    assert_eq!(
        held_or_cleared(&gate, 0, 4).await,
        ["1/B", "1/a", "1/é", "3/c"]
    );
    assert_eq!(held_or_cleared(&gate, 1, 4).await, ["3/c", "3/d"]);
    assert_eq!(held_or_cleared(&gate, 3, 4).await, [""; 0]);
    assert_eq!(held_or_cleared(&gate, 0, 0).await, [""; 0]);
    gate.now = second(1_100);
    gate.grant(&[delete_freeze("winter")]).await;
    gate.grant(&[settle(CrNumber(1))]).await;
    let found = gate.store.held_or_cleared(CrNumber(0), 3).await.unwrap();
    assert_eq!(names(&found), ["1/B", "1/a", "1/é"]);
    let since = gate.now;
    let cleared = |task: &Task| task.state == TaskState::Cleared { since };
    assert!(found.iter().all(cleared));
}

/// Three tasks that share a change request, one with its own, and two that share another one.
async fn shared(place: &Place) -> Gate {
    let mut gate = Gate::open(&place.config).await;
    let sharing = PolicyDraft {
        terms: Terms {
            sharing: Some(Sharing::PerRelease),
            ..Terms::default()
        },
        ..policy("four-eyes", "production", &["alice"], &[])
    };
    gate.grant(&[create_policy(sharing)]).await;
    let specs = [
        ("é", Some("1")),
        ("a", Some("1")),
        ("A", None),
        ("d", Some("2")),
        ("B", Some("1")),
        ("c", Some("2")),
    ]
    .map(|(id, release)| {
        let mut spec = task(id);
        spec.release = release.map(|release| ReleaseId::parse(release).unwrap());
        create(&gate.directory, spec)
    });
    gate.grant(&specs).await;
    gate
}

async fn held_or_cleared(gate: &Gate, after: u64, limit: u64) -> Vec<String> {
    let found = gate.store.held_or_cleared(CrNumber(after), limit).await;
    names(&found.unwrap())
}

/// Each as number and id.
fn names(tasks: &[Task]) -> Vec<String> {
    let name = |task: &Task| format!("{}/{}", task.change_request().0, task.id());
    tasks.iter().map(name).collect()
}
