//! Policies and teams.

use countersign_domain::ids::{PolicyId, TeamId};

use crate::gate::Gate;
use crate::place::{Place, on_both};
use crate::sample::{create_policy, create_team, delete_policy, policy};

on_both!(
    the_directory_is_at_the_revision_of_the_head,
    changes_are_found_after_a_revision
);

async fn the_directory_is_at_the_revision_of_the_head(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    assert_eq!(gate.directory.revision(), 0);
    gate.grant(&[create_team("ops", &["carol"])]).await;
    gate.grant(&[create_policy(policy(
        "four-eyes",
        "production",
        &["alice"],
        &["ops"],
    ))])
    .await;
    assert_eq!(gate.directory.revision(), 2);
    let id = PolicyId::parse("four-eyes").unwrap();
    let kept = gate.directory.policy(&id).unwrap();
    assert_eq!(
        kept.draft,
        policy("four-eyes", "production", &["alice"], &["ops"])
    );
    assert!(
        gate.directory
            .team(&TeamId::parse("ops").unwrap())
            .is_some()
    );
    gate.grant(&[delete_policy("four-eyes")]).await;
    assert_eq!(gate.directory.revision(), 3);
    assert!(gate.directory.policy(&id).is_none());
    gate.grant(&[create_policy(policy("four-eyes", "staging", &["bob"], &[]))])
        .await;
    assert_eq!(gate.directory.revision(), 4);
    assert_eq!(gate.directory.policy(&id).unwrap().revision, 1);
}

async fn changes_are_found_after_a_revision(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    for id in ["a", "b", "c"] {
        gate.grant(&[create_team(id, &["carol"])]).await;
    }
    let mut transaction = gate.writer.begin().await.unwrap();
    let found = transaction.directory_entries(1).await.unwrap();
    let revisions: Vec<u64> = found
        .iter()
        .map(|entry| entry.head.directory_revision)
        .collect();
    assert_eq!(revisions, [2, 3]);
    assert!(transaction.directory_entries(3).await.unwrap().is_empty());
    transaction.rollback().await;
}
