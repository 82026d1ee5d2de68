//! Which verb serves which method.

use countersign_proto::v1;
use tonic::{Request, Response, Status};

use super::{
    approve, create_change_request, get_change_request, get_task, list_change_requests, list_tasks,
    reject, revoke_approval, watch_status, withdraw_task,
};
use crate::rpc::gate::{Gate, Stream};

/// The service.
pub(crate) struct ChangeRequests(pub(crate) Gate);

type Answer<A> = Result<Response<A>, Status>;

#[tonic::async_trait]
impl v1::change_request_service_server::ChangeRequestService for ChangeRequests {
    async fn create_change_request(
        &self,
        request: Request<v1::CreateChangeRequestRequest>,
    ) -> Answer<v1::CreateChangeRequestResponse> {
        self.0.change(request, create_change_request::run).await
    }

    async fn get_change_request(
        &self,
        request: Request<v1::GetChangeRequestRequest>,
    ) -> Answer<v1::GetChangeRequestResponse> {
        self.0.read(request, get_change_request::run).await
    }

    async fn list_change_requests(
        &self,
        request: Request<v1::ListChangeRequestsRequest>,
    ) -> Answer<v1::ListChangeRequestsResponse> {
        self.0.read(request, list_change_requests::run).await
    }

    async fn get_task(&self, request: Request<v1::GetTaskRequest>) -> Answer<v1::GetTaskResponse> {
        self.0.read(request, get_task::run).await
    }

    async fn list_tasks(
        &self,
        request: Request<v1::ListTasksRequest>,
    ) -> Answer<v1::ListTasksResponse> {
        self.0.read(request, list_tasks::run).await
    }

    async fn approve(&self, request: Request<v1::ApproveRequest>) -> Answer<v1::ApproveResponse> {
        self.0.change(request, approve::run).await
    }

    async fn reject(&self, request: Request<v1::RejectRequest>) -> Answer<v1::RejectResponse> {
        self.0.change(request, reject::run).await
    }

    async fn revoke_approval(
        &self,
        request: Request<v1::RevokeApprovalRequest>,
    ) -> Answer<v1::RevokeApprovalResponse> {
        self.0.change(request, revoke_approval::run).await
    }

    async fn withdraw_task(
        &self,
        request: Request<v1::WithdrawTaskRequest>,
    ) -> Answer<v1::WithdrawTaskResponse> {
        self.0.change(request, withdraw_task::run).await
    }

    type WatchStatusStream = Stream<v1::WatchStatusResponse>;

    async fn watch_status(
        &self,
        request: Request<v1::WatchStatusRequest>,
    ) -> Answer<Self::WatchStatusStream> {
        self.0
            .stream(request, watch_status::run, watch_status::show)
            .await
    }
}
