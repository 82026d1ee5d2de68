//! The states of change requests.

use countersign_proto::v1::{ChangeRequest, Mark, WatchStatusRequest, WatchStatusResponse};
use tonic::{Response, Status, Streaming};

use super::Watch;
use super::kind::Kind;
use crate::Connection;

/// The stream of `WatchStatus`.
#[derive(Debug)]
pub struct StatusStream {
    request: WatchStatusRequest,
}

/// Follows change requests and their tasks.
pub type Statuses = Watch<StatusStream>;

impl Statuses {
    /// Follows what fits a request; the token in it is not used. It begins at once, on the runtime
    /// it is called on.
    pub fn new(connection: Connection, request: WatchStatusRequest) -> Self {
        Self::start(connection, StatusStream { request })
    }
}

impl Kind for StatusStream {
    type Message = WatchStatusResponse;
    type Item = ChangeRequest;
    const LEVEL: bool = true;

    async fn open(
        &self,
        connection: &Connection,
        token: String,
    ) -> Result<Response<Streaming<WatchStatusResponse>>, Status> {
        let request = WatchStatusRequest {
            resume_token: token,
            ..self.request.clone()
        };
        connection.change_requests().watch_status(request).await
    }

    fn split(message: WatchStatusResponse) -> (Vec<ChangeRequest>, Option<Mark>) {
        (message.change_requests, message.mark)
    }

    fn key(change_request: &ChangeRequest) -> &str {
        &change_request.id
    }

    fn may_be_done(&self) -> bool {
        self.request.end_when_done
    }
}
