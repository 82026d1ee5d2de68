//! Which verb serves which method.

use countersign_proto::v1;
use tonic::{Request, Response, Status};

use super::{finish_task, start_task, watch_signals};
use crate::rpc::gate::{Gate, Stream};

/// The service.
pub(crate) struct Runners(pub(crate) Gate);

type Answer<A> = Result<Response<A>, Status>;

#[tonic::async_trait]
impl v1::runner_service_server::RunnerService for Runners {
    type WatchSignalsStream = Stream<v1::WatchSignalsResponse>;

    async fn watch_signals(
        &self,
        request: Request<v1::WatchSignalsRequest>,
    ) -> Answer<Self::WatchSignalsStream> {
        self.0
            .stream(request, watch_signals::run, watch_signals::show)
            .await
    }

    async fn start_task(
        &self,
        request: Request<v1::StartTaskRequest>,
    ) -> Answer<v1::StartTaskResponse> {
        self.0.change(request, start_task::run).await
    }

    async fn finish_task(
        &self,
        request: Request<v1::FinishTaskRequest>,
    ) -> Answer<v1::FinishTaskResponse> {
        self.0.change(request, finish_task::run).await
    }
}
