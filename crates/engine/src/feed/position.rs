//! From a resume token to a position in the log.

use std::time::Duration;

use countersign_domain::log::Entry;
use countersign_store::EntryFilter;

use super::Shared;
use crate::failure::Failure;
use crate::token::ResumeToken;

/// How long a replica that is behind a token may take to catch up.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Checks a token against the entry it was made of; `None` without a token.
pub(crate) async fn position(shared: &Shared, token: Option<&str>) -> Result<Option<u64>, Failure> {
    let Some(text) = token else { return Ok(None) };
    let token = ResumeToken::decode(text).ok_or(Failure::TokenMalformed)?;
    if token.sequence == 0 {
        return Ok(Some(0));
    }
    let found = entry_at(shared, token.sequence).await?;
    if !found.is_some_and(|entry| token.is_of(&entry.head.hash)) {
        return Err(Failure::TokenOfAnotherStore);
    }
    // The entry is in the store, so this replica's feed is about to see it.
    caught_up(shared, token.sequence).await?;
    Ok(Some(token.sequence))
}

/// Waits until this replica's feed has taken in an entry that is in the store.
pub(crate) async fn caught_up(shared: &Shared, sequence: u64) -> Result<(), Failure> {
    let mut head = shared.head.clone();
    let caught_up = head.wait_for(|seen| seen.head.sequence >= sequence);
    match tokio::time::timeout(CATCH_UP, caught_up).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(Failure::ShuttingDown),
        Err(_) => Err(Failure::StoreUnavailable),
    }
}

/// The entry at a sequence.
pub(crate) async fn entry_at(shared: &Shared, sequence: u64) -> Result<Option<Entry>, Failure> {
    let filter = EntryFilter {
        after: sequence - 1,
        aggregate: None,
        limit: 1,
    };
    let found = shared.store.entries(&filter).await.map_err(|error| {
        tracing::warn!(%error, "a token could not be checked");
        Failure::StoreUnavailable
    })?;
    Ok(found
        .into_iter()
        .next()
        .filter(|entry| entry.head.sequence == sequence))
}
