//! One call with a limit.

use std::time::Duration;

use tonic::{Request, Response, Status};

/// Makes one call and waits for its answer at most for `limit`; the server is told the limit too.
/// An answer that is late is no answer: what was asked may have happened all the same.
///
/// ```
/// # use countersign_client::{Connection, within};
/// # use countersign_proto::v1::{GetHeadRequest, GetHeadResponse};
/// # use std::time::Duration;
/// # async fn head(connection: Connection) -> Result<GetHeadResponse, tonic::Status> {
/// let mut log = connection.log();
/// let limit = Duration::from_secs(5);
/// within(limit, GetHeadRequest {}, async |request| log.get_head(request).await).await
/// # }
/// ```
pub async fn within<Q, A>(
    limit: Duration,
    message: Q,
    call: impl AsyncFnOnce(Request<Q>) -> Result<Response<A>, Status>,
) -> Result<A, Status> {
    let mut request = Request::new(message);
    request.set_timeout(limit);
    // The deadline of the transport ends where an answer begins; this one holds to its end.
    match tokio::time::timeout(limit, call(request)).await {
        Ok(answer) => answer.map(Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded("no answer came in time")),
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_time_is_the_answer() {
        let answer = within(LIMIT, 7, async |request| {
            assert_eq!(request.metadata().get("grpc-timeout").unwrap(), "5000000u");
            tokio::time::sleep(LIMIT / 2).await;
            Ok(Response::new(request.into_inner() + 1))
        });
        assert_eq!(answer.await.unwrap(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_is_none() {
        let answer = within(LIMIT, (), async |_| {
            tokio::time::sleep(LIMIT * 2).await;
            Ok(Response::new(()))
        });
        assert_eq!(answer.await.unwrap_err().code(), Code::DeadlineExceeded);
    }
}
