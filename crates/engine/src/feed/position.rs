//! From a resume token to a position in the log.

use std::time::Duration;

use countersign_domain::log::{Entry, Head};
use countersign_store::EntryFilter;

use super::Shared;
use super::shared::read_failed;
use crate::failure::Failure;
use crate::token::ResumeToken;

/// How long a replica that is behind a token may take to catch up.
const CATCH_UP: Duration = Duration::from_secs(5);

/// The head that the entry of a token was. The store is asked, which all replicas share, so a token
/// that another replica gave is never taken for one of a state that was lost.
pub(crate) async fn position(shared: &Shared, text: &str) -> Result<Head, Failure> {
    let token = ResumeToken::decode(text).ok_or(Failure::TokenMalformed)?;
    if !token.is_of_store(shared.tag) {
        return Err(Failure::TokenOfAnotherStore);
    }
    let found = head_at(shared, token.sequence).await?;
    let Some(position) = found.filter(|head| token.is_of(&head.hash)) else {
        let head = shared.store.head().await.map_err(|e| read_failed(&e))?;
        return Err(Failure::TokenOfRestoredStore {
            found: token.sequence,
            head: head.unwrap_or(Head::EMPTY).sequence,
        });
    };
    // The entry is in the store, so this replica's feed is about to see it.
    caught_up(shared, token.sequence).await?;
    Ok(position)
}

/// Waits until this replica's feed has taken in an entry that is in the store.
pub(crate) async fn caught_up(shared: &Shared, sequence: u64) -> Result<(), Failure> {
    let mut head = shared.head.clone();
    if head.borrow().head.sequence >= sequence {
        return Ok(());
    }
    shared.hub.wake();
    let caught_up = head.wait_for(|seen| seen.head.sequence >= sequence);
    match tokio::time::timeout(CATCH_UP, caught_up).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(Failure::ShuttingDown),
        Err(_) => Err(Failure::StoreUnavailable),
    }
}

/// The head that the entry at a sequence was; sequence 0 is before the first entry.
pub(crate) async fn head_at(shared: &Shared, sequence: u64) -> Result<Option<Head>, Failure> {
    let Some(after) = sequence.checked_sub(1) else {
        return Ok(Some(Head::EMPTY));
    };
    let filter = EntryFilter {
        after,
        aggregate: None,
        limit: 1,
    };
    let found = shared.store.entries(&filter).await;
    let found: Option<Entry> = found.map_err(|e| read_failed(&e))?.into_iter().next();
    let head = found.map(|entry| entry.head);
    Ok(head.filter(|head| head.sequence == sequence))
}
