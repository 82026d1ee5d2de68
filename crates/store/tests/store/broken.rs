//! Failures inside a transaction, and of its connection.

use countersign_domain::batch::Changes;
use countersign_domain::rows::CrRow;
use countersign_store::{CommitError, StoreConfig, StoreError, testing};

use crate::gate::{Gate, first_entry, second};
use crate::place::{Place, on_both};
use crate::sample::{create, task};

on_both!(
    a_failed_transaction_refuses_to_commit,
    a_missing_row_is_an_error,
    a_newer_row_is_an_error,
    a_dropped_transaction_leaves_nothing,
    a_cancelled_begin_leaves_nothing,
    the_second_writer_waits,
);

async fn a_failed_transaction_refuses_to_commit(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let head = gate.head().await;
    let mut transaction = gate.writer.begin().await.unwrap();
    // Sequence 1 is there already.
    let error = transaction
        .save(&[first_entry(second(5))], &Changes::default())
        .await
        .unwrap_err();
    assert!(error.is_statement_error(), "{error:?}");
    let error = transaction.clock_and_head().await.unwrap_err();
    assert!(matches!(error, StoreError::TransactionFailed), "{error:?}");
    let error = transaction.commit().await.unwrap_err();
    assert!(
        matches!(error, CommitError::Aborted(StoreError::TransactionFailed)),
        "{error:?}"
    );
    assert_eq!(gate.head().await, head);
    gate.grant(&[create(&gate.directory, task("a"))]).await;
}

async fn a_missing_row_is_an_error(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let made = gate.grant(&[create(&gate.directory, task("a"))]).await;
    let mut row = CrRow::new(&made[0].change_request);
    row.number = 77;
    row.sequence = 1_000;
    assert_row_not_written(&mut gate, row).await;
}

async fn a_newer_row_is_an_error(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let made = gate.grant(&[create(&gate.directory, task("a"))]).await;
    let row = CrRow::new(&made[0].change_request);
    assert_row_not_written(&mut gate, row).await;
}

async fn assert_row_not_written(gate: &mut Gate, row: CrRow) {
    let mut transaction = gate.writer.begin().await.unwrap();
    let changes = Changes {
        change_requests: vec![row],
        ..Changes::default()
    };
    let error = transaction.save(&[], &changes).await.unwrap_err();
    let StoreError::RowsNotWritten {
        table,
        expected,
        found,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((table, expected, found), ("change_requests", 1, 0));
    transaction.commit().await.unwrap_err();
}

async fn a_dropped_transaction_leaves_nothing(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let store = gate.store.clone();
    let other = Gate::open_beside(&store).await;
    drop(other);
    let mut transaction = gate.writer.begin().await.unwrap();
    let mut entry = first_entry(second(5));
    entry.head.sequence = 2;
    transaction
        .save(&[entry], &Changes::default())
        .await
        .unwrap();
    drop(transaction);
    let mut next = gate.writer.begin().await.unwrap();
    let (_, head) = next.clock_and_head().await.unwrap();
    assert_eq!(head.map(|head| head.sequence), Some(1));
    next.commit().await.unwrap();
    gate.grant(&[create(&gate.directory, task("a"))]).await;
}

async fn a_cancelled_begin_leaves_nothing(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let mut other = Gate::open_beside(&gate.store).await;
    let transaction = other.writer.begin().await.unwrap();
    let limit = std::time::Duration::from_millis(200);
    let begun = tokio::time::timeout(limit, gate.writer.begin()).await;
    assert!(begun.is_err(), "the other one has the lock");
    transaction.commit().await.unwrap();
    // Neither what was given up keeps the lock, nor does anything of it come into the next one.
    for id in ["a", "b"] {
        gate.grant(&[create(&gate.directory, task(id))]).await;
    }
    other.grant(&[create(&other.directory, task("c"))]).await;
    gate.store.verify(None).await.unwrap();
}

async fn the_second_writer_waits(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let mut other = Gate::open_beside(&gate.store).await;
    let transaction = gate.writer.begin().await.unwrap();
    let waiting = tokio::spawn(async move {
        let spec = task("a");
        other.grant(&[create(&other.directory, spec)]).await;
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!waiting.is_finished());
    assert_eq!(gate.head().await.sequence, 1);
    transaction.rollback().await;
    waiting.await.unwrap();
    assert!(gate.head().await.sequence > 1);
}

mod a_lock_that_is_not_free_is_said_to_be_busy {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        use super::*;
        let place = crate::place::postgres().await;
        let mut gate = Gate::open(&place.config).await;
        let mut other = Gate::open_beside(&gate.store).await;
        let mut transaction = gate.writer.begin().await.unwrap();
        let began = other.writer.begin();
        let keep = async {
            // Kept busy, or the server would end it for idling with the lock.
            for _ in 0..6 {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                transaction.clock_and_head().await.unwrap();
            }
        };
        let (began, ()) = futures::join!(began, keep);
        let error = began.unwrap_err();
        assert!(matches!(error, StoreError::Busy(_)), "{error:?}");
        transaction.commit().await.unwrap();
        other.grant(&[create(&other.directory, task("a"))]).await;
    }
}

mod a_lost_connection_is_made_again {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        use super::*;
        let place = crate::place::postgres().await;
        let mut gate = Gate::open(&place.config).await;
        gate.grant(&[create(&gate.directory, task("a"))]).await;
        cut_all_connections(&place.config).await;
        gate.grant(&[create(&gate.directory, task("b"))]).await;
        assert_eq!(gate.store.cases(&[]).await.unwrap(), []);

        let mut transaction = gate.writer.begin().await.unwrap();
        cut_all_connections(&place.config).await;
        let error = transaction.clock_and_head().await.unwrap_err();
        assert!(error.is_connection_loss(), "{error:?}");
        transaction.commit().await.unwrap_err();
        gate.grant(&[create(&gate.directory, task("c"))]).await;

        // Cut between the last statement and the commit: nobody can say what became of it.
        let transaction = gate.writer.begin().await.unwrap();
        cut_all_connections(&place.config).await;
        let error = transaction.commit().await.unwrap_err();
        assert!(matches!(error, CommitError::Unknown(_)), "{error:?}");
        gate.grant(&[create(&gate.directory, task("d"))]).await;
    }
}

mod a_writer_that_idles_with_the_lock_loses_it {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        use super::*;
        let place = crate::place::postgres().await;
        let mut gate = Gate::open(&place.config).await;
        let mut other = Gate::open_beside(&gate.store).await;
        let transaction = gate.writer.begin().await.unwrap();
        other.grant(&[create(&other.directory, task("a"))]).await;
        let error = transaction.commit().await.unwrap_err();
        assert!(matches!(error, CommitError::Aborted(_)), "{error:?}");
    }
}

async fn cut_all_connections(config: &StoreConfig) {
    testing::cut_connections(config).await.unwrap();
    // The server has sent its farewell; the connection is seen to be gone a moment later.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}
