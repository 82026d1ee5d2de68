//! Wake-ups.

use std::time::Duration;

use countersign_store::Store;

use crate::gate::Gate;
use crate::sample::{create, task};

mod a_file_has_none {
    #[tokio::test]
    async fn sqlite() {
        use super::*;
        let place = crate::place::sqlite();
        let gate = Gate::open(&place.config).await;
        assert!(gate.store.listen().await.unwrap().is_none());
    }
}

mod another_process_is_woken {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        use super::*;
        let place = crate::place::postgres().await;
        let mut gate = Gate::open(&place.config).await;
        let other = Store::open(&place.config).await.unwrap();
        let mut listener = other.listen().await.unwrap().unwrap();
        let limit = Duration::from_secs(10);
        // Once for being connected: something may have been written before.
        tokio::time::timeout(limit, listener.changed())
            .await
            .unwrap();
        for id in ["a", "b"] {
            gate.grant(&[create(&gate.directory, task(id))]).await;
            tokio::time::timeout(limit, listener.changed())
                .await
                .unwrap();
        }
        let quiet = tokio::time::timeout(Duration::from_millis(300), listener.changed()).await;
        assert!(quiet.is_err(), "one batch, one wake-up");
    }
}
