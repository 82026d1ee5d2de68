//! Calls of the database that end in bounded time.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, QueryResult, RuntimeErr, Statement};

use crate::StoreError;

/// Longer than any limit the server itself keeps: past it nobody is there to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// Waits for an answer. Past the limit the call is abandoned, so whoever made it must not use the
/// connection any more.
pub(crate) async fn limited<T>(
    what: &'static str,
    call: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, StoreError> {
    limited_raw(call)
        .await?
        .map_err(|error| StoreError::new(what, error))
}

/// As [`limited`], for a caller that sorts the driver's errors itself.
pub(crate) async fn limited_raw<T>(
    call: impl Future<Output = Result<T, DbErr>>,
) -> Result<Result<T, DbErr>, StoreError> {
    let answered = tokio::time::timeout(ANSWER_LIMIT, call).await;
    answered.map_err(|_| StoreError::NoAnswer(ANSWER_LIMIT))
}

/// Reads with one statement. A pooled connection may have been cut since it was used last, so a
/// read that breaks is tried once more.
pub(crate) async fn read(
    pool: &DatabaseConnection,
    what: &'static str,
    statement: Statement,
) -> Result<Vec<QueryResult>, StoreError> {
    match limited(what, pool.query_all_raw(statement.clone())).await {
        Err(StoreError::Unreachable(error)) if was_cut(&error) => {
            limited(what, pool.query_all_raw(statement)).await
        }
        answered => answered,
    }
}

/// Whether a connection that had been made broke; one that cannot be made is not tried again.
fn was_cut(error: &DbErr) -> bool {
    matches!(
        error,
        DbErr::Exec(RuntimeErr::SqlxError(_)) | DbErr::Query(RuntimeErr::SqlxError(_))
    )
}
