//! What is done to a store without serving it: proving it, and migrating it.

use countersign_domain::log::{FORMAT, Hash};
use countersign_store::{Store, StoreConfig, StoreError, VerifyError, VerifyReport};

/// Proves the chain of the log, and that every row is what its entries fold to. Given a head that
/// was kept elsewhere, also that nothing below it was changed or cut off. Opens read-only.
pub async fn verify(
    store: &StoreConfig,
    kept_head: Option<(u64, Hash)>,
) -> Result<VerifyReport, VerifyError> {
    let store = Store::open_read_only(store)
        .await
        .map_err(VerifyError::Store)?;
    let report = store.verify(kept_head).await;
    store.close().await;
    report
}

/// Runs the migrations that a store needs. Answers with its format and the one this build writes:
/// a store is raised only on request, when no older release writes to it any more.
pub async fn migrate(config: &StoreConfig) -> Result<(Option<u16>, u16), StoreError> {
    let store = Store::open(config).await?;
    let head = store.head().await?;
    store.close().await;
    Ok((head.map(|head| head.format), FORMAT))
}
