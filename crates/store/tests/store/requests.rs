//! Calls that may be repeated.

use countersign_domain::batch::Reply;
use countersign_domain::ids::CrNumber;
use countersign_domain::log::{Body, Cause, Event, Head, Stamp, append};
use countersign_domain::policy::PolicyDraft;
use countersign_store::StoreError;

use crate::gate::Gate;
use crate::place::{Place, on_both};
use crate::sample::{approve, caller, create, create_policy, policy, task, with_request};

on_both!(a_repeated_call_is_known, a_call_has_one_entry);

async fn a_repeated_call_is_known(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_policy(policy(
        "four-eyes",
        "production",
        &["alice", "bob"],
        &[],
    ))])
    .await;
    gate.grant(&[create(&gate.directory, task("a"))]).await;
    let call = with_request(approve("alice", CrNumber(1)), "request", "digest");
    let first = gate.grant(std::slice::from_ref(&call)).await;
    let head = gate.head().await;
    let again = gate.grant(std::slice::from_ref(&call)).await;
    assert_eq!(first, again);
    assert_eq!(gate.head().await, head, "nothing was written");

    let other_content = with_request(approve("alice", CrNumber(1)), "request", "other");
    let replies = gate.run(&[other_content]).await;
    assert!(matches!(replies[..], [Reply::Refused(_)]), "{replies:?}");
    // The id is the caller's own: somebody else may use the same one.
    gate.grant(&[with_request(
        approve("bob", CrNumber(1)),
        "request",
        "other",
    )])
    .await;
}

/// The second guard: also where the batch did not know of the first entry.
async fn a_call_has_one_entry(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let mark = with_request(create_policy(draft()), "request", "digest");
    gate.grant(std::slice::from_ref(&mark)).await;
    let mut transaction = gate.writer.begin().await.unwrap();
    let (_, head) = transaction.clock_and_head().await.unwrap();
    let head: Head = head.unwrap();
    let event = Event::Policy(
        draft().id,
        countersign_domain::directory::PolicyEvent::Deleted,
    );
    let cause = Cause::call(&caller("admin", &[]), mark.request);
    let stamp = Stamp {
        sequence: head.sequence + 1,
        instant: head.instant,
    };
    let body = Body::new(&event, cause, &event.advance(&head), None);
    let entry = append(&head, stamp, &event, &body);
    let error = transaction
        .save(&[entry], &Default::default())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Statement { .. }), "{error:?}");
    assert!(error.is_statement_error() && !error.is_connection_loss());
    transaction.rollback().await;
}

fn draft() -> PolicyDraft {
    policy("four-eyes", "production", &["alice"], &[])
}
