//! What verifying can find.

use countersign_domain::log::{ChainError, FoldError, Head};

use crate::{StoreError, UnreadableRow};

/// What was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// The newest entry that was checked; `None` for a store without entries.
    pub head: Option<Head>,
    /// How many entries.
    pub entries: u64,
    /// How many rows of change requests.
    pub change_requests: u64,
    /// How many rows of tasks.
    pub tasks: u64,
    /// How many rows of policies.
    pub policies: u64,
    /// How many rows of teams.
    pub teams: u64,
    /// How many rows of freezes.
    pub freezes: u64,
    /// How many rows of tokens.
    pub tokens: u64,
    /// How many resultant policies.
    pub resultants: u64,
    /// How many of the rows changed while they were checked, and were proven from newer entries.
    pub moved: u64,
}

/// What was found to be wrong, or why nothing could be found out.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store failed: nothing is known.
    #[error("the store could not be read")]
    Store(#[source] StoreError),
    /// A stored row is not one.
    #[error(transparent)]
    Unreadable(UnreadableRow),
    /// The chain is broken.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The entries do not follow from each other.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The log ends before a head that was kept elsewhere.
    #[error("the log ends at entry {found}, but entry {expected} has been there")]
    Cut {
        /// The sequence that was kept.
        expected: u64,
        /// The sequence of the newest entry.
        found: u64,
    },
    /// An entry is another one than the head that was kept elsewhere.
    #[error("entry {sequence} is not the one that has been there")]
    OtherHistory {
        /// The sequence that was kept.
        sequence: u64,
    },
    /// A row is not what its entries fold to.
    #[error("row {key:?} of {table}: {column} is not what the log says")]
    RowDiffers {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// The first column that differs.
        column: &'static str,
    },
    /// A row is missing.
    #[error("row {key:?} of {table} is missing")]
    RowMissing {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
    },
    /// A row is there that the log does not explain.
    #[error("row {key:?} of {table} is not explained by the log")]
    RowUnexplained {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
    },
}

impl VerifyError {
    /// Whether something is wrong with what is stored; otherwise nothing could be found out.
    pub fn is_finding(&self) -> bool {
        match self {
            Self::Store(_) => false,
            Self::Unreadable(_)
            | Self::Chain(_)
            | Self::Fold(_)
            | Self::Cut { .. }
            | Self::OtherHistory { .. }
            | Self::RowDiffers { .. }
            | Self::RowMissing { .. }
            | Self::RowUnexplained { .. } => true,
        }
    }
}

impl From<StoreError> for VerifyError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unreadable(row) => Self::Unreadable(row),
            other => Self::Store(other),
        }
    }
}

impl From<UnreadableRow> for VerifyError {
    fn from(row: UnreadableRow) -> Self {
        Self::Unreadable(row)
    }
}
