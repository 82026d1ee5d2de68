//! Where a test keeps its store.

use countersign_store::{StoreConfig, testing};
use tempfile::TempDir;

/// An empty place for a store; what is in it goes with it.
pub(crate) struct Place {
    pub(crate) config: StoreConfig,
    _directory: Option<TempDir>,
}

pub(crate) fn sqlite() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store ?#%.db");
    Place {
        config: StoreConfig::Sqlite { path },
        _directory: Some(directory),
    }
}

pub(crate) async fn postgres() -> Place {
    let url = testing::fresh_postgres(&testing::postgres_url())
        .await
        .unwrap();
    Place {
        config: StoreConfig::Postgres { url },
        _directory: None,
    }
}

/// Makes of each function on a place two tests.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(crate::place::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(crate::place::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use on_both;
