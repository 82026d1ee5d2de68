//! Verifying finds what was done to the log.

use countersign_domain::log::{ChainError, Entry, Hash};
use countersign_store::{EntryFilter, Store, VerifyError};
use sea_orm::sea_query::{Expr, ExprTrait, Query};

use crate::gate::Gate;
use crate::place::{Place, on_both};
use crate::sample::{create_team, create_token, token};
use crate::tampering::{Intruder, delete, set};
use crate::verify::{busy, verify};

on_both!(
    a_changed_entry_is_found,
    a_token_that_was_given_more_is_found,
    a_changed_column_of_an_entry_is_found,
    a_missing_entry_is_found,
    swapped_entries_are_found,
    a_cut_log_is_found_by_a_kept_head,
);

async fn a_changed_entry_is_found(place: Place) {
    let gate = busy(&place).await;
    let intruder = Intruder::into(&place.config).await;
    let entry = gate.store.first_entry().await.unwrap().unwrap();
    let body = entry.body.replace("a store", "no store");
    assert_ne!(body, entry.body);
    intruder
        .update(&set("entries", sequence(1), "body", body))
        .await;
    let error = verify(&place).await.unwrap_err();
    let VerifyError::Chain(ChainError::Changed {
        sequence: 1,
        what: "the body",
    }) = error
    else {
        panic!("{error:?}");
    };
    assert!(error.is_finding());
}

/// Whoever may write the log gives a token roles, or a longer life.
async fn a_token_that_was_given_more_is_found(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_token(token("key"))]).await;
    let intruder = Intruder::into(&place.config).await;
    let entry = gate.store.entries(&everything()).await.unwrap().remove(1);
    assert_eq!(entry.event, "token.created");
    for (from, to) in [
        ("\"roles\":[]", "\"roles\":[\"access_admin\"]"),
        ("\"expires_at\":9000000000", "\"expires_at\":9900000000"),
        ("\"subject\":\"key\"", "\"subject\":\"bob\""),
    ] {
        let body = entry.body.replace(from, to);
        assert_ne!(body, entry.body, "{from}");
        intruder
            .update(&set("entries", sequence(2), "body", body))
            .await;
        let error = verify(&place).await.unwrap_err();
        let VerifyError::Chain(ChainError::Changed {
            sequence: 2,
            what: "the body",
        }) = error
        else {
            panic!("{error:?}");
        };
    }
    put_back(&intruder, &entry).await;
    verify(&place).await.unwrap();
}

async fn a_changed_column_of_an_entry_is_found(place: Place) {
    let gate = busy(&place).await;
    let head = gate.head().await.sequence;
    let intruder = Intruder::into(&place.config).await;
    let zero = Hash::ZERO.to_string();
    let changes: [(&'static str, Expr); 15] = [
        ("instant", Expr::val(1_000_000_001_i64)),
        ("previous_hash", Expr::val(zero.clone())),
        ("hash", Expr::val(zero.clone())),
        ("body_hash", Expr::val(zero)),
        ("body", Expr::val("{}")),
        ("aggregate_kind", Expr::val("policy")),
        ("aggregate_id", Expr::val("other")),
        ("event", Expr::val("task.started")),
        ("event", Expr::val("no event")),
        ("format", Expr::val(2_i64)),
        ("directory_revision", Expr::val(99_i64)),
        ("change_requests_given", Expr::val(99_i64)),
        ("clock_accepted_until", Expr::val(99_i64)),
        ("request_id", Expr::val("another")),
        ("hash", Expr::val("not a hash")),
    ];
    for (column, value) in changes {
        let kept = gate.store.entries(&everything()).await.unwrap();
        let entry = &kept[usize::try_from(head).unwrap() - 1];
        intruder
            .update(&set("entries", sequence(head), column, value.clone()))
            .await;
        let error = verify(&place).await.unwrap_err();
        let found = matches!(error, VerifyError::Chain(_) | VerifyError::Unreadable(_));
        assert!(found && error.is_finding(), "{column} {value:?}: {error:?}");
        put_back(&intruder, entry).await;
    }
    verify(&place).await.unwrap();
}

async fn put_back(intruder: &Intruder, entry: &Entry) {
    let mut all = Query::update();
    all.table("entries")
        .value("instant", entry.head.instant.micros())
        .value("previous_hash", entry.previous.to_string())
        .value("hash", entry.head.hash.to_string())
        .value("body_hash", entry.body_hash.to_string())
        .value("body", entry.body.clone())
        .value("aggregate_kind", entry.aggregate.kind())
        .value("aggregate_id", entry.aggregate.id())
        .value("event", entry.event)
        .value("format", i64::from(entry.head.format))
        .value(
            "directory_revision",
            i64::try_from(entry.head.directory_revision).unwrap(),
        )
        .value(
            "change_requests_given",
            i64::try_from(entry.head.change_requests_given).unwrap(),
        )
        .value(
            "clock_accepted_until",
            entry.head.clock_accepted_until.micros(),
        )
        .value("request_id", Option::<String>::None);
    all.and_where(ExprTrait::eq(
        Expr::col("sequence"),
        i64::try_from(entry.head.sequence).unwrap(),
    ));
    intruder.update(&all.take()).await;
}

async fn a_missing_entry_is_found(place: Place) {
    busy(&place).await;
    let intruder = Intruder::into(&place.config).await;
    intruder.delete(&delete("entries", sequence(5))).await;
    let error = verify(&place).await.unwrap_err();
    let VerifyError::Chain(ChainError::Gap {
        expected: 5,
        found: 6,
    }) = error
    else {
        panic!("{error:?}");
    };
}

async fn swapped_entries_are_found(place: Place) {
    busy(&place).await;
    let intruder = Intruder::into(&place.config).await;
    for (from, to) in [(5, 1_000), (6, 5), (1_000, 6)] {
        intruder
            .update(&set("entries", sequence(from), "sequence", i64::from(to)))
            .await;
    }
    let error = verify(&place).await.unwrap_err();
    assert!(
        matches!(error, VerifyError::Chain(ChainError::Changed { .. })),
        "{error:?}"
    );
}

/// The rows are rewound with the log, so only a head that was kept elsewhere tells.
async fn a_cut_log_is_found_by_a_kept_head(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let earlier = gate.head().await;
    gate.grant(&[create_team("ops", &["carol"])]).await;
    let head = gate.head().await;
    let intruder = Intruder::into(&place.config).await;
    intruder
        .delete(&delete("entries", sequence(head.sequence)))
        .await;
    intruder
        .delete(&delete("teams", ("id", Expr::val("ops"))))
        .await;
    verify(&place).await.unwrap();
    let reader = Store::open_read_only(&place.config).await.unwrap();
    reader
        .verify(Some((earlier.sequence, earlier.hash)))
        .await
        .unwrap();
    let error = reader
        .verify(Some((head.sequence, head.hash)))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            VerifyError::Cut {
                expected: 2,
                found: 1
            }
        ),
        "{error:?}"
    );
    gate.directory = gate.store.directory().await.unwrap();
    gate.grant(&[create_team("other", &["carol"])]).await;
    let error = reader
        .verify(Some((head.sequence, head.hash)))
        .await
        .unwrap_err();
    assert!(
        matches!(error, VerifyError::OtherHistory { sequence: 2 }),
        "{error:?}"
    );
}

fn everything() -> EntryFilter {
    EntryFilter {
        after: 0,
        aggregate: None,
        limit: 10_000,
    }
}

fn sequence(sequence: u64) -> (&'static str, Expr) {
    ("sequence", Expr::val(i64::try_from(sequence).unwrap()))
}
