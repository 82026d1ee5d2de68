//! What can go wrong between the gate and its database.
//!
//! Driver text stays in the sources of these errors: it is for the log, never for a caller.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr, SqlxError};

/// A row that cannot be turned back into what it was written from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of {table}, column {column}: {problem}")]
pub struct UnreadableRow {
    /// The table.
    pub table: &'static str,
    /// The column, or the text in it.
    pub column: &'static str,
    /// The row's key.
    pub row: String,
    /// Why.
    pub problem: String,
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The connection could not be made, or broke, or the database cannot work at present.
    #[error("the database is not available")]
    Unreachable(#[source] DbErr),
    /// The connection is there, but nothing came back in time.
    #[error("the database did not answer within {0:?}")]
    NoAnswer(Duration),
    /// The write lock, or a lock of the database's own, was not free in time.
    #[error("the database was busy for too long")]
    Busy(#[source] DbErr),
    /// The database refused a statement.
    #[error("the database refused to {what}")]
    Statement {
        /// What was tried.
        what: &'static str,
        /// What the driver says.
        #[source]
        source: DbErr,
    },
    /// A stored row is not what this build knows as such a row.
    #[error("a stored row cannot be read")]
    Unreadable(#[from] UnreadableRow),
    /// Fewer rows than expected were written: the rows are not what the log says.
    #[error("{found} of {expected} rows of {table} were written")]
    RowsNotWritten {
        /// The table.
        table: &'static str,
        /// How many should have been.
        expected: usize,
        /// How many were.
        found: u64,
    },
    /// An earlier statement of this transaction failed, so it can only be rolled back.
    #[error("an earlier statement of this transaction failed")]
    TransactionFailed,
    /// Another process serves this file.
    #[error("another process is using the store {}", .0.display())]
    InUse(PathBuf),
    /// There is no store to read.
    #[error("there is no store at {}", .0.display())]
    Missing(PathBuf),
    /// A file of the store cannot be used.
    #[error("the file {} cannot be used", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database's address is not one.
    #[error("the database URL is not one that PostgreSQL understands")]
    BadUrl,
    /// The store was opened to be read only.
    #[error("the store was opened read-only")]
    ReadOnly,
}

impl StoreError {
    /// Sorts a driver error by what can be done about it.
    pub(crate) fn new(what: &'static str, source: DbErr) -> Self {
        match Kind::of(&source) {
            Kind::ConnectionLoss => Self::Unreachable(source),
            Kind::Busy => Self::Busy(source),
            Kind::Statement => Self::Statement { what, source },
        }
    }

    /// Whether the connection is gone, so that the same call may succeed on another one.
    pub fn is_connection_loss(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::NoAnswer(_) => true,
            Self::Busy(_)
            | Self::Statement { .. }
            | Self::Unreadable(_)
            | Self::RowsNotWritten { .. }
            | Self::TransactionFailed
            | Self::InUse(_)
            | Self::Missing(_)
            | Self::File { .. }
            | Self::BadUrl
            | Self::ReadOnly => false,
        }
    }

    /// Whether it is the statement, or what it was given, that failed: the same batch would fail
    /// again, a smaller one may not.
    pub fn is_statement_error(&self) -> bool {
        match self {
            Self::Statement { .. }
            | Self::Unreadable(_)
            | Self::RowsNotWritten { .. }
            | Self::TransactionFailed => true,
            Self::Unreachable(_)
            | Self::NoAnswer(_)
            | Self::Busy(_)
            | Self::InUse(_)
            | Self::Missing(_)
            | Self::File { .. }
            | Self::BadUrl
            | Self::ReadOnly => false,
        }
    }
}

/// What became of a transaction whose commit failed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Nothing of it is there: it may be run again.
    #[error("the transaction was rolled back")]
    Aborted(#[source] StoreError),
    /// It is there, or it is not: look before running it again.
    #[error("the outcome of the commit is unknown")]
    Unknown(#[source] StoreError),
}

impl CommitError {
    /// Sorts what a commit said. Only a server that answers with a refusal has surely aborted.
    pub(crate) fn new(source: DbErr) -> Self {
        let aborted = database_code(&source).is_some_and(|code| surely_aborted(&code));
        let error = StoreError::new("commit", source);
        if aborted {
            Self::Aborted(error)
        } else {
            Self::Unknown(error)
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    ConnectionLoss,
    Busy,
    Statement,
}

impl Kind {
    fn of(error: &DbErr) -> Self {
        if let Some(code) = database_code(error) {
            return Self::of_code(&code);
        }
        match error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::ConnectionLoss,
            DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => match error.as_ref() {
                SqlxError::Io(_)
                | SqlxError::Tls(_)
                | SqlxError::Protocol(_)
                | SqlxError::PoolTimedOut
                | SqlxError::PoolClosed
                | SqlxError::WorkerCrashed
                | SqlxError::BeginFailed => Self::ConnectionLoss,
                _ => Self::Statement,
            },
            _ => Self::Statement,
        }
    }

    /// By SQLSTATE (five characters) or by SQLite's result code (a number).
    fn of_code(code: &str) -> Self {
        if let Some(primary) = sqlite_primary(code) {
            return match primary {
                // SQLITE_BUSY, SQLITE_LOCKED.
                5 | 6 => Self::Busy,
                // No memory, read-only, failing disk, full disk, cannot be opened.
                7 | 8 | 10 | 13 | 14 => Self::ConnectionLoss,
                _ => Self::Statement,
            };
        }
        match code {
            // Lock not available, cancelled by a timeout, serialization failure, deadlock.
            "55P03" | "57014" | "40001" | "40P01" => Self::Busy,
            // Idle in transaction for too long, read-only.
            "25P03" | "25006" => Self::ConnectionLoss,
            // Connection exceptions, out of resources, intervention of an operator, system errors.
            _ if ["08", "53", "57", "58"]
                .iter()
                .any(|class| code.starts_with(class)) =>
            {
                Self::ConnectionLoss
            }
            _ => Self::Statement,
        }
    }
}

/// SQLite's primary result code, if the code is one of SQLite's.
fn sqlite_primary(code: &str) -> Option<u32> {
    (code.len() != 5)
        .then(|| code.parse::<u32>().ok())
        .flatten()
        .map(|code| code & 0xff)
}

/// SQLSTATEs after which PostgreSQL has rolled back; SQLite's busy, locked and constraint codes.
fn surely_aborted(code: &str) -> bool {
    if let Some(primary) = sqlite_primary(code) {
        return matches!(primary, 5 | 6 | 19);
    }
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "22" | "23" | "25" | "40" | "42" | "55") && code != "40003"
}

/// The code the database itself gave, if it is the database that speaks.
pub(crate) fn database_code(error: &DbErr) -> Option<String> {
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    match error.as_ref() {
        SqlxError::Database(error) => error.code().map(Cow::into_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_can_be_done() {
        let rows = [
            ("23505", Kind::Statement, true),
            ("22P02", Kind::Statement, true),
            ("42601", Kind::Statement, true),
            ("40001", Kind::Busy, true),
            ("40003", Kind::Statement, false),
            ("55P03", Kind::Busy, true),
            ("57014", Kind::Busy, false),
            ("25P03", Kind::ConnectionLoss, true),
            ("25006", Kind::ConnectionLoss, true),
            ("57P01", Kind::ConnectionLoss, false),
            ("08006", Kind::ConnectionLoss, false),
            ("53100", Kind::ConnectionLoss, false),
            ("XX000", Kind::Statement, false),
            // SQLite: unique constraint, busy, busy snapshot, locked, disk full, failing disk.
            ("2067", Kind::Statement, true),
            ("5", Kind::Busy, true),
            ("517", Kind::Busy, true),
            ("6", Kind::Busy, true),
            ("13", Kind::ConnectionLoss, false),
            ("778", Kind::ConnectionLoss, false),
            ("11", Kind::Statement, false),
        ];
        for (code, kind, aborted) in rows {
            assert_eq!(Kind::of_code(code), kind, "{code}");
            assert_eq!(surely_aborted(code), aborted, "{code}");
        }
    }

    #[test]
    fn what_breaks_underneath_is_a_lost_connection() {
        let broken = || SqlxError::Io(io::Error::from(io::ErrorKind::BrokenPipe));
        let rows = [
            (DbErr::Query(RuntimeErr::SqlxError(broken().into())), true),
            (
                DbErr::Exec(RuntimeErr::SqlxError(SqlxError::PoolTimedOut.into())),
                true,
            ),
            (DbErr::Conn(RuntimeErr::SqlxError(broken().into())), true),
            (
                DbErr::Query(RuntimeErr::SqlxError(SqlxError::RowNotFound.into())),
                false,
            ),
            (DbErr::Custom("other".to_owned()), false),
        ];
        for (error, lost) in rows {
            let unknown = matches!(CommitError::new(error.clone()), CommitError::Unknown(_));
            assert!(unknown, "{error:?}: nobody said that it was rolled back");
            assert_eq!(
                StoreError::new("try", error.clone()).is_connection_loss(),
                lost,
                "{error}"
            );
        }
    }
}
