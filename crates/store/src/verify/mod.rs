//! Proves the rows from the log, and the log from its hashes.
//!
//! The log is read twice in short pages: once in order, to check that each entry is chained to the
//! one before, and once aggregate by aggregate, to fold the rows that should be there and compare
//! them with the stored ones, column by column. Then the other way round: every stored row must
//! have an entry, and every resultant policy must be what its digest says.
//!
//! The store may be written meanwhile. What is proven is what the log said at its head when the
//! check began; a row that has changed since is proven from all entries of its own.

mod chain;
mod columns;
mod compare;
mod fold;
mod report;
mod resultants;
mod unexplained;

use countersign_domain::log::Hash;
pub use report::{VerifyError, VerifyReport};

use crate::Store;

/// Entries in a page; bodies are some kilobytes.
const ENTRY_PAGE: u64 = 500;
/// Rows in a page.
const ROW_PAGE: u64 = 1_000;

impl Store {
    /// Proves the log and all rows, up to the head at the beginning. `expected_head` is a head that
    /// was kept elsewhere: without one a cut log with its head rewound cannot be seen.
    pub async fn verify(
        &self,
        expected_head: Option<(u64, Hash)>,
    ) -> Result<VerifyReport, VerifyError> {
        let Some(head) = chain::check(self, expected_head).await? else {
            return self.verify_rows(VerifyReport::default()).await;
        };
        let mut report = VerifyReport {
            head: Some(head),
            entries: head.sequence,
            ..VerifyReport::default()
        };
        fold::check(self, head.sequence, &mut report).await?;
        self.verify_rows(report).await
    }

    async fn verify_rows(&self, mut report: VerifyReport) -> Result<VerifyReport, VerifyError> {
        resultants::check(self, &mut report).await?;
        unexplained::check(self).await?;
        Ok(report)
    }
}
