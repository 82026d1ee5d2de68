//! Verifying finds what was done to the rows.

use countersign_domain::ids::{CrNumber, TokenId};
use countersign_domain::rows::{CrRow, TokenRow};
use countersign_store::{StoreConfig, VerifyError};
use sea_orm::sea_query::{Expr, Query};

use crate::gate::Gate;
use crate::place::{Place, on_both};
use crate::sample::{approve, create, create_token, four_eyes, revoke_token, task, token};
use crate::tampering::{Intruder, delete, set};
use crate::verify::{busy, verify};

on_both!(
    a_changed_row_is_found,
    a_row_set_back_is_found,
    a_token_made_live_again_is_found,
    a_missing_row_is_found,
    a_row_without_entries_is_found,
    a_changed_resultant_policy_is_found,
);

async fn a_changed_row_is_found(place: Place) {
    let gate = busy(&place).await;
    let intruder = Intruder::into(&place.config).await;
    let far = i64::try_from(gate.head().await.sequence).unwrap() + 7;
    let text = || Expr::val("other");
    let rows = [
        ("change_requests", "state", text()),
        ("change_requests", "kind", text()),
        ("change_requests", "project", text()),
        ("change_requests", "environment", text()),
        ("change_requests", "release", text()),
        ("change_requests", "approval_required", Expr::val(false)),
        ("change_requests", "resultant", text()),
        ("change_requests", "frozen", text()),
        ("change_requests", "live", text()),
        ("change_requests", "sequence", Expr::val(3_i64)),
        ("change_requests", "sequence", Expr::val(far)),
        ("tasks", "change_request", Expr::val(1_i64)),
        ("tasks", "state", text()),
        ("tasks", "waiting_for", text()),
        ("tasks", "project", text()),
        ("tasks", "environment", text()),
        ("tasks", "release", text()),
        ("tasks", "runner", text()),
        ("tasks", "frozen", text()),
        ("tasks", "live", text()),
        ("tasks", "due_at", Expr::val(5_i64)),
        ("tasks", "sequence", Expr::val(far)),
        ("policies", "document", text()),
        ("teams", "document", text()),
        ("teams", "sequence", Expr::val(far)),
        ("freezes", "document", text()),
        ("freezes", "due_at", Expr::val(5_i64)),
        ("freezes", "due_at", Expr::val(None::<i64>)),
        ("freezes", "sequence", Expr::val(3_i64)),
        ("freezes", "sequence", Expr::val(far)),
        ("tokens", "document", text()),
        ("tokens", "sequence", Expr::val(3_i64)),
        ("tokens", "sequence", Expr::val(far)),
    ];
    for (table, column, value) in rows {
        // Each on a store of its own would be plainer, and slow: the old value is put back.
        let kept = intruder.keep(table, key(table), column).await;
        intruder
            .update(&set(table, key(table), column, value.clone()))
            .await;
        let error = verify(&place).await.unwrap_err();
        let VerifyError::RowDiffers {
            table: in_table,
            column: in_column,
            ..
        } = error
        else {
            panic!("{table}.{column} {value:?}: {error:?}");
        };
        assert_eq!((in_table, in_column), (table, column));
        intruder.update(&set(table, key(table), column, kept)).await;
    }
    verify(&place).await.unwrap();
}

/// The row of each table that is tampered with.
fn key(table: &str) -> (&'static str, Expr) {
    match table {
        "change_requests" => ("number", Expr::val(2_i64)),
        "tasks" => ("id", Expr::val("b")),
        "policies" => ("id", Expr::val("four-eyes")),
        "teams" => ("id", Expr::val("ops")),
        "freezes" => ("id", Expr::val("winter")),
        "tokens" => ("id", Expr::val("leaked")),
        other => panic!("no row of {other}"),
    }
}

/// An older version of a row, complete with its sequence.
async fn a_row_set_back_is_found(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[four_eyes()]).await;
    let made = gate.grant(&[create(&gate.directory, task("a"))]).await;
    gate.grant(&[approve("alice", CrNumber(1))]).await;
    let old = CrRow::new(&made[0].change_request);
    let intruder = Intruder::into(&place.config).await;
    let key = || ("number", Expr::val(1_i64));
    intruder
        .update(&set("change_requests", key(), "state", old.state))
        .await;
    intruder
        .update(&set("change_requests", key(), "live", old.live))
        .await;
    let sequence = i64::try_from(old.sequence).unwrap();
    intruder
        .update(&set("change_requests", key(), "sequence", sequence))
        .await;
    let error = verify(&place).await.unwrap_err();
    assert!(matches!(error, VerifyError::RowDiffers { .. }), "{error:?}");
}

/// The row as it was before the revocation: it fits its entries, but not all of them.
async fn a_token_made_live_again_is_found(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_token(token("key"))]).await;
    let id = TokenId::parse("key").unwrap();
    let old = TokenRow::new(gate.directory.token(&id).unwrap());
    gate.grant(&[revoke_token("key")]).await;
    let intruder = Intruder::into(&place.config).await;
    let key = || ("id", Expr::val("key"));
    intruder
        .update(&set("tokens", key(), "document", old.document))
        .await;
    let sequence = i64::try_from(old.sequence).unwrap();
    intruder
        .update(&set("tokens", key(), "sequence", sequence))
        .await;
    let directory = gate.store.directory().await.unwrap();
    assert!(directory.token(&id).unwrap().is_live(gate.now));
    let error = verify(&place).await.unwrap_err();
    let VerifyError::RowDiffers {
        table: "tokens",
        key,
        column: "document",
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(key, "key");
}

async fn a_missing_row_is_found(place: Place) {
    let tables = [
        "change_requests",
        "tasks",
        "policies",
        "teams",
        "freezes",
        "tokens",
    ];
    for table in tables {
        let place = fresh_like(&place).await;
        busy(&place).await;
        let intruder = Intruder::into(&place.config).await;
        intruder.delete(&delete(table, key(table))).await;
        let error = verify(&place).await.unwrap_err();
        let VerifyError::RowMissing { table: found, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(found, table);
    }
}

async fn fresh_like(place: &Place) -> Place {
    match place.config {
        StoreConfig::Sqlite { .. } => crate::place::sqlite(),
        StoreConfig::Postgres { .. } => crate::place::postgres().await,
    }
}

async fn a_row_without_entries_is_found(place: Place) {
    let gate = busy(&place).await;
    let intruder = Intruder::into(&place.config).await;
    let document = Expr::val("{}");
    for (table, id) in [
        ("policies", "extra"),
        ("teams", "extra"),
        ("freezes", "extra"),
        ("tokens", "extra"),
        ("policies", "gone"),
        ("freezes", "thawed"),
    ] {
        let mut extra = Query::insert();
        extra
            .into_table(table)
            .columns(["id", "document", "sequence"]);
        extra.values_panic([Expr::val(id), document.clone(), Expr::val(3_i64)]);
        intruder.insert(&extra.take()).await;
        let error = verify(&place).await.unwrap_err();
        let VerifyError::RowUnexplained { table: found, key } = error else {
            panic!("{error:?}")
        };
        assert_eq!((found, key.as_str()), (table, id));
        intruder.delete(&delete(table, ("id", Expr::val(id)))).await;
    }
    verify(&place).await.unwrap();
    // A copy of a real row under another key.
    intruder
        .update(&set("tasks", ("id", Expr::val("a")), "id", "copy"))
        .await;
    let error = verify(&place).await.unwrap_err();
    assert!(
        matches!(error, VerifyError::RowMissing { table: "tasks", .. }),
        "{error:?}"
    );
    intruder
        .update(&set("tasks", ("id", Expr::val("copy")), "id", "a"))
        .await;
    let extra_number = intruder.copy_change_request(1, 99).await;
    let error = verify(&place).await.unwrap_err();
    let VerifyError::RowUnexplained {
        table: "change_requests",
        key,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(key, extra_number.to_string());
    drop(gate);
}

async fn a_changed_resultant_policy_is_found(place: Place) {
    let gate = busy(&place).await;
    let cases = gate.store.cases(&[CrNumber(2)]).await.unwrap();
    let digest = cases[0].change_request.content.resultant.clone();
    let intruder = Intruder::into(&place.config).await;
    let key = || ("digest", Expr::val(digest.clone()));
    let document = countersign_domain::rows::text(cases[0].resultant.as_ref());

    let easier = document.replace("\"minimum_approvals\":1", "\"minimum_approvals\":0");
    assert_ne!(easier, document);
    intruder
        .update(&set("resultants", key(), "document", easier))
        .await;
    let error = verify(&place).await.unwrap_err();
    let differs = |error: &VerifyError, what: &str| match error {
        VerifyError::RowDiffers {
            table: "resultants",
            column,
            ..
        } => *column == what,
        _ => false,
    };
    assert!(differs(&error, "digest"), "{error:?}");
    intruder
        .update(&set(
            "resultants",
            key(),
            "document",
            format!("{document} "),
        ))
        .await;
    let error = verify(&place).await.unwrap_err();
    assert!(differs(&error, "document"), "{error:?}");
    intruder
        .update(&set("resultants", key(), "document", document))
        .await;
    verify(&place).await.unwrap();

    let part = ("part", Expr::val("policy:four-eyes"));
    intruder
        .update(&set("resultant_parts", part, "part", "policy:other"))
        .await;
    let error = verify(&place).await.unwrap_err();
    assert!(differs(&error, "parts"), "{error:?}");
    let part = ("part", Expr::val("policy:other"));
    intruder
        .update(&set("resultant_parts", part, "part", "policy:four-eyes"))
        .await;
    verify(&place).await.unwrap();

    intruder.delete(&delete("resultant_parts", key())).await;
    intruder.delete(&delete("resultants", key())).await;
    let error = verify(&place).await.unwrap_err();
    assert!(
        matches!(
            error,
            VerifyError::RowMissing {
                table: "resultants",
                ..
            }
        ),
        "{error:?}"
    );
}
