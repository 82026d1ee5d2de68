//! The first reading: in order, entry by entry.

use countersign_domain::log::{Hash, Head, check_link};

use super::{ENTRY_PAGE, VerifyError};
use crate::{EntryFilter, Store};

/// Checks the chain up to the present head, and answers with it.
pub(super) async fn check(
    store: &Store,
    expected: Option<(u64, Hash)>,
) -> Result<Option<Head>, VerifyError> {
    let newest = store.head().await?.map_or(0, |head| head.sequence);
    if let Some((sequence, _)) = expected.filter(|(sequence, _)| *sequence > newest) {
        return Err(VerifyError::Cut {
            expected: sequence,
            found: newest,
        });
    }
    let mut head = Head::EMPTY;
    while head.sequence < newest {
        let limit = ENTRY_PAGE.min(newest - head.sequence);
        let filter = EntryFilter {
            after: head.sequence,
            aggregate: None,
            limit,
        };
        let page = store.entries(&filter).await?;
        if page.is_empty() {
            // Entries were there a moment ago, and nothing ever removes one.
            return Err(VerifyError::Cut {
                expected: newest,
                found: head.sequence,
            });
        }
        for entry in page {
            check_link(&head, &entry)?;
            head = entry.head;
            check_kept(&head, expected)?;
        }
    }
    Ok((head != Head::EMPTY).then_some(head))
}

fn check_kept(head: &Head, expected: Option<(u64, Hash)>) -> Result<(), VerifyError> {
    match expected {
        Some((sequence, hash)) if sequence == head.sequence && hash != head.hash => {
            Err(VerifyError::OtherHistory { sequence })
        }
        Some(_) | None => Ok(()),
    }
}
