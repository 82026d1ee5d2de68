//! Opening and making stores.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use countersign_store::{Store, StoreConfig, StoreError};

use crate::gate::{Gate, first_entry, second};
use crate::place::{Place, on_both};
use crate::sample::{create, task};

on_both!(a_store_is_made_once, what_is_read_only_refuses_to_write);

async fn a_store_is_made_once(place: Place) {
    let gate = Gate::open(&place.config).await;
    let head = gate.head().await;
    gate.store
        .create_if_empty(|_| first_entry(second(9_999)))
        .await
        .unwrap();
    assert_eq!(gate.head().await, head);
    drop(gate);
    let again = Gate::open(&place.config).await;
    assert_eq!(again.head().await, head);
}

async fn what_is_read_only_refuses_to_write(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let made = gate.grant(&[create(&gate.directory, task("a"))]).await;
    // Beside the one that serves, and after it has ended.
    for _ in 0..2 {
        let reader = Store::open_read_only(&place.config).await.unwrap();
        assert_eq!(reader.cases(&[made[0].number()]).await.unwrap(), made);
        let error = reader.writer(1).await.unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly), "{error:?}");
        let error = reader
            .create_if_empty(|_| first_entry(second(1)))
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly), "{error:?}");
        gate.store.close().await;
    }
}

mod six_start_at_once_on_an_empty_database {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        use super::*;
        let place = crate::place::postgres().await;
        let started = (0..6).map(|n| {
            let config = place.config.clone();
            tokio::spawn(async move {
                let store = Store::open(&config).await.unwrap();
                store
                    .create_if_empty(|_| first_entry(second(n)))
                    .await
                    .unwrap();
                store.head().await.unwrap().unwrap()
            })
        });
        let heads = futures::future::join_all(started).await;
        let heads: Vec<_> = heads.into_iter().map(Result::unwrap).collect();
        assert!(heads.windows(2).all(|two| two[0] == two[1]), "{heads:?}");
    }
}

mod a_second_process_is_refused {
    #[tokio::test]
    async fn sqlite() {
        use super::*;
        let place = crate::place::sqlite();
        let gate = Gate::open(&place.config).await;
        let error = Store::open(&place.config).await.unwrap_err();
        assert!(matches!(error, StoreError::InUse(_)), "{error:?}");
        assert!(
            error.to_string().contains("another process is using"),
            "{error}"
        );
        drop(gate);
        Store::open(&place.config).await.unwrap();
    }
}

mod files_are_for_their_owner_alone {
    #[tokio::test]
    async fn sqlite() {
        use super::*;
        let place = crate::place::sqlite();
        let mut gate = Gate::open(&place.config).await;
        gate.grant(&[create(&gate.directory, task("a"))]).await;
        let StoreConfig::Sqlite { path } = &place.config else {
            panic!("not a file")
        };
        for suffix in ["", "-wal", "-shm", ".lock"] {
            let mut file = path.clone().into_os_string();
            file.push(suffix);
            let mode = std::fs::metadata(PathBuf::from(&file))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
    }
}

mod what_is_not_there_cannot_be_read {
    #[tokio::test]
    async fn sqlite() {
        use super::*;
        let place = crate::place::sqlite();
        let error = Store::open_read_only(&place.config).await.unwrap_err();
        assert!(matches!(error, StoreError::Missing(_)), "{error:?}");
        let config = StoreConfig::Sqlite {
            path: "/nowhere/at/all.db".into(),
        };
        let error = Store::open(&config).await.unwrap_err();
        assert!(matches!(error, StoreError::File { .. }), "{error:?}");
    }
}

mod passwords_are_kept {
    #[tokio::test]
    async fn postgres() {
        use super::*;
        let all = |error: &StoreError| {
            let mut text = format!("{error} {error:?}");
            let mut source = std::error::Error::source(error);
            while let Some(cause) = source {
                text.push_str(&format!(" {cause} {cause:?}"));
                source = cause.source();
            }
            text
        };
        for url in [
            "postgres://gate:s3cret@127.0.0.1:1/gate",
            "postgres://gate:s3cret@:x:/",
        ] {
            let config = StoreConfig::Postgres {
                url: url.to_owned(),
            };
            let error = Store::open(&config).await.unwrap_err();
            assert!(!all(&error).contains("s3cret"), "{}", all(&error));
        }
    }
}
