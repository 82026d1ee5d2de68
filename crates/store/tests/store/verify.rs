//! Verifying finds what was tampered with, and nothing else.

use countersign_domain::ids::CrNumber;
use countersign_domain::log::{ChainError, Hash};
use countersign_domain::task::Window;
use countersign_store::{Store, VerifyError, VerifyReport};
use sea_orm::sea_query::{Expr, Query};

use crate::gate::{Gate, second};
use crate::place::{Place, on_both};
use crate::sample::{
    approve, create, create_policy, create_team, delete_policy, finish, policy, reject, start,
    task, with_request,
};
use crate::tampering::{Intruder, delete, set};

on_both!(
    a_sound_store_is_proven,
    an_empty_store_is_sound,
    a_changed_entry_is_found,
    a_changed_column_of_an_entry_is_found,
    a_missing_entry_is_found,
    swapped_entries_are_found,
    a_cut_log_is_found_by_a_kept_head,
    a_changed_row_is_found,
    a_row_set_back_is_found,
    a_missing_row_is_found,
    a_row_without_entries_is_found,
    a_changed_resultant_policy_is_found,
    rows_that_move_meanwhile_are_no_alarm,
);

/// A bit of everything.
async fn busy(place: &Place) -> Gate {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_team("ops", &["carol"])]).await;
    gate.grant(&[create_policy(policy(
        "four-eyes",
        "production",
        &["alice"],
        &["ops"],
    ))])
    .await;
    gate.grant(&[create_policy(policy("gone", "production", &["bob"], &[]))])
        .await;
    gate.grant(&[create(&gate.directory, task("a"))]).await;
    gate.grant(&[delete_policy("gone")]).await;
    let mut windowed = task("b");
    windowed.window = Window {
        start: Some(second(2_000)),
        end: Some(second(3_000)),
    };
    let call = with_request(create(&gate.directory, windowed), "request", "digest");
    gate.grant(&[call, create(&gate.directory, task("c"))])
        .await;
    gate.grant(&[approve("alice", CrNumber(1)), approve("alice", CrNumber(2))])
        .await;
    gate.grant(&[start("a"), reject("alice", "c")]).await;
    gate.grant(&[finish("a")]).await;
    gate
}

async fn verify(place: &Place) -> Result<VerifyReport, VerifyError> {
    Store::open_read_only(&place.config)
        .await
        .unwrap()
        .verify(None)
        .await
}

async fn a_sound_store_is_proven(place: Place) {
    let gate = busy(&place).await;
    let head = gate.head().await;
    let report = verify(&place).await.unwrap();
    let expected = VerifyReport {
        head: Some(head),
        entries: head.sequence,
        change_requests: 3,
        tasks: 3,
        policies: 1,
        teams: 1,
        resultants: 2,
        moved: 0,
    };
    assert_eq!(report, expected);
    gate.store
        .verify(Some((head.sequence, head.hash)))
        .await
        .unwrap();
    let first = gate.store.first_entry().await.unwrap().unwrap();
    gate.store.verify(Some((1, first.head.hash))).await.unwrap();
}

async fn an_empty_store_is_sound(place: Place) {
    let store = Store::open(&place.config).await.unwrap();
    assert_eq!(store.verify(None).await.unwrap(), VerifyReport::default());
    let error = store.verify(Some((3, Hash::ZERO))).await.unwrap_err();
    assert!(
        matches!(
            error,
            VerifyError::Cut {
                expected: 3,
                found: 0
            }
        ),
        "{error:?}"
    );
}

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

async fn put_back(intruder: &Intruder, entry: &countersign_domain::log::Entry) {
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
    all.and_where(sea_orm::sea_query::ExprTrait::eq(
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
            .update(&set(
                "entries",
                sequence(from),
                "sequence",
                i64::try_from(to).unwrap(),
            ))
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

async fn a_changed_row_is_found(place: Place) {
    let gate = busy(&place).await;
    let intruder = Intruder::into(&place.config).await;
    let cr = || ("number", Expr::val(2_i64));
    let task = || ("id", Expr::val("b"));
    let named = |id: &'static str| move || ("id", Expr::val(id));
    let far = i64::try_from(gate.head().await.sequence).unwrap() + 7;
    let text = || Expr::val("other");
    let rows: [(
        &'static str,
        &dyn Fn() -> (&'static str, Expr),
        &'static str,
        Expr,
    ); 22] = [
        ("change_requests", &cr, "state", text()),
        ("change_requests", &cr, "kind", text()),
        ("change_requests", &cr, "project", text()),
        ("change_requests", &cr, "environment", text()),
        ("change_requests", &cr, "release", text()),
        (
            "change_requests",
            &cr,
            "approval_required",
            Expr::val(false),
        ),
        ("change_requests", &cr, "frozen", text()),
        ("change_requests", &cr, "live", text()),
        ("change_requests", &cr, "sequence", Expr::val(3_i64)),
        ("change_requests", &cr, "sequence", Expr::val(far)),
        ("tasks", &task, "change_request", Expr::val(1_i64)),
        ("tasks", &task, "state", text()),
        ("tasks", &task, "waiting_for", text()),
        ("tasks", &task, "project", text()),
        ("tasks", &task, "environment", text()),
        ("tasks", &task, "release", text()),
        ("tasks", &task, "runner", text()),
        ("tasks", &task, "live", text()),
        ("tasks", &task, "due_at", Expr::val(5_i64)),
        ("tasks", &task, "sequence", Expr::val(far)),
        ("policies", &named("four-eyes"), "document", text()),
        ("teams", &named("ops"), "sequence", Expr::val(far)),
    ];
    for (table, key, column, value) in rows {
        // Each on a store of its own would be plainer, and slow: the old value is put back.
        let mut keep = Query::select();
        keep.column(column).from(table);
        keep.and_where(sea_orm::sea_query::ExprTrait::eq(
            Expr::col(key().0),
            key().1,
        ));
        let kept = intruder.keep(&keep.take()).await;
        intruder
            .update(&set(table, key(), column, value.clone()))
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
        intruder.update(&set(table, key(), column, kept)).await;
    }
    verify(&place).await.unwrap();
}

/// An older version of a row, complete with its sequence.
async fn a_row_set_back_is_found(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_policy(policy(
        "four-eyes",
        "production",
        &["alice"],
        &[],
    ))])
    .await;
    let made = gate.grant(&[create(&gate.directory, task("a"))]).await;
    gate.grant(&[approve("alice", CrNumber(1))]).await;
    let old = countersign_domain::rows::CrRow::new(&made[0].change_request);
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

async fn a_missing_row_is_found(place: Place) {
    for (table, column, key) in [
        ("change_requests", "number", Expr::val(2_i64)),
        ("tasks", "id", Expr::val("b")),
        ("policies", "id", Expr::val("four-eyes")),
        ("teams", "id", Expr::val("ops")),
    ] {
        let place = fresh_like(&place).await;
        busy(&place).await;
        let intruder = Intruder::into(&place.config).await;
        intruder.delete(&delete(table, (column, key))).await;
        let error = verify(&place).await.unwrap_err();
        let VerifyError::RowMissing { table: found, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(found, table);
    }
}

async fn fresh_like(place: &Place) -> Place {
    match place.config {
        countersign_store::StoreConfig::Sqlite { .. } => crate::place::sqlite(),
        countersign_store::StoreConfig::Postgres { .. } => crate::place::postgres().await,
    }
}

async fn a_row_without_entries_is_found(place: Place) {
    let gate = busy(&place).await;
    let intruder = Intruder::into(&place.config).await;
    let document = Expr::val("{}");
    for (table, id) in [
        ("policies", "extra"),
        ("teams", "extra"),
        ("policies", "gone"),
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
    let differs = |error: &VerifyError, what: &str| matches!(error, VerifyError::RowDiffers { table: "resultants", column, .. } if *column == what);
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

async fn rows_that_move_meanwhile_are_no_alarm(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_policy(policy(
        "four-eyes",
        "production",
        &["alice"],
        &[],
    ))])
    .await;
    let reader = Store::open_read_only(&place.config).await.unwrap();
    let proving = tokio::spawn(async move {
        let mut moved = 0;
        for _ in 0..12 {
            moved += reader.verify(None).await.unwrap().moved;
        }
        moved
    });
    let mut round = 0_u64;
    while !proving.is_finished() {
        let ids: Vec<String> = (0..20).map(|n| format!("task-{round}-{n}")).collect();
        let commands: Vec<_> = ids
            .iter()
            .map(|id| create(&gate.directory, task(id)))
            .collect();
        let made = gate.grant(&commands).await;
        let approvals: Vec<_> = made
            .iter()
            .map(|case| approve("alice", case.number()))
            .collect();
        gate.grant(&approvals).await;
        let starts: Vec<_> = ids.iter().map(|id| start(id)).collect();
        gate.grant(&starts).await;
        gate.grant(&[create_policy(policy("passing", "test", &["bob"], &[]))])
            .await;
        gate.grant(&[delete_policy("passing")]).await;
        round += 1;
    }
    proving.await.unwrap();
    gate.store.verify(None).await.unwrap();
}

fn everything() -> countersign_store::EntryFilter {
    countersign_store::EntryFilter {
        after: 0,
        aggregate: None,
        limit: 10_000,
    }
}

fn sequence(sequence: u64) -> (&'static str, Expr) {
    ("sequence", Expr::val(i64::try_from(sequence).unwrap()))
}
