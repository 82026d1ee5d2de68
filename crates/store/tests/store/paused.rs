//! A server that is there and does not answer.

use std::process::Command;
use std::time::Duration;

use countersign_domain::batch::Changes;
use countersign_store::{CommitError, StoreError, testing};

use crate::gate::{Gate, first_entry, second};
use crate::sample::{create, task};

mod a_server_that_does_not_answer_is_given_up {
    #[ignore = "fault programme: pauses a process of the server, and waits for the limit"]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        use super::*;
        let place = crate::place::postgres().await;
        let mut gate = Gate::open(&place.config).await;

        let mut transaction = gate.writer.begin().await.unwrap();
        let paused = Paused::writers_of(&place.config).await;
        let error = transaction.clock_and_head().await.unwrap_err();
        assert!(matches!(error, StoreError::NoAnswer(_)), "{error:?}");
        let error = transaction.commit().await.unwrap_err();
        assert!(matches!(error, CommitError::Aborted(_)), "{error:?}");
        drop(paused);
        gate.grant(&[create(&gate.directory, task("a"))]).await;

        let head = gate.head().await;
        let mut transaction = gate.writer.begin().await.unwrap();
        let mut entry = first_entry(second(5));
        entry.head.sequence = head.sequence + 1;
        transaction
            .save(&[entry], &Changes::default())
            .await
            .unwrap();
        let paused = Paused::writers_of(&place.config).await;
        let error = transaction.commit().await.unwrap_err();
        let CommitError::Unknown(StoreError::NoAnswer(_)) = error else {
            panic!("{error:?}")
        };
        // The commit was sent. When the server goes on it may still do it, before the lock is free.
        drop(paused);
        let mut next = gate.writer.begin().await.unwrap();
        let (_, now) = next.clock_and_head().await.unwrap();
        let hash = next.entry_hash(head.sequence + 1).await.unwrap();
        assert_eq!(now.unwrap().sequence == head.sequence + 1, hash.is_some());
        next.rollback().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(
            Some(gate.head().await),
            now,
            "nothing comes after the lock was taken"
        );
    }
}

/// Processes of the server that stand still until this is dropped.
struct Paused {
    processes: Vec<i32>,
}

impl Paused {
    async fn writers_of(config: &countersign_store::StoreConfig) -> Self {
        let processes = testing::processes_in_transactions(config).await.unwrap();
        assert!(!processes.is_empty());
        let paused = Self { processes };
        paused.signal("-STOP");
        paused
    }

    fn signal(&self, signal: &str) {
        for process in &self.processes {
            let done = Command::new("kill")
                .args([signal, &process.to_string()])
                .status();
            assert!(done.unwrap().success());
        }
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}
