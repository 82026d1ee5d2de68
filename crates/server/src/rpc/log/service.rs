//! Which verb serves which method.

use countersign_proto::v1;
use tonic::{Request, Response, Status};

use super::{accept_clock, get_head, list_entries, watch_log};
use crate::rpc::gate::{Gate, Stream};

/// The service.
pub(crate) struct Log(pub(crate) Gate);

type Answer<A> = Result<Response<A>, Status>;

#[tonic::async_trait]
impl v1::log_service_server::LogService for Log {
    async fn list_entries(
        &self,
        request: Request<v1::ListEntriesRequest>,
    ) -> Answer<v1::ListEntriesResponse> {
        self.0.read(request, list_entries::run).await
    }

    type WatchLogStream = Stream<v1::WatchLogResponse>;

    async fn watch_log(
        &self,
        request: Request<v1::WatchLogRequest>,
    ) -> Answer<Self::WatchLogStream> {
        self.0
            .stream(request, watch_log::run, watch_log::show)
            .await
    }

    async fn get_head(&self, request: Request<v1::GetHeadRequest>) -> Answer<v1::GetHeadResponse> {
        self.0.read(request, get_head::run).await
    }

    async fn accept_clock(
        &self,
        request: Request<v1::AcceptClockRequest>,
    ) -> Answer<v1::AcceptClockResponse> {
        self.0.change(request, accept_clock::run).await
    }
}
