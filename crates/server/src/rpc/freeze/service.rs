//! Which verb serves which method.

use countersign_proto::v1;
use tonic::{Request, Response, Status};

use super::{create_freeze, delete_freeze, get_freeze, lift_freeze, list_freezes, update_freeze};
use crate::rpc::gate::Gate;

/// The service.
pub(crate) struct Freezes(pub(crate) Gate);

type Answer<A> = Result<Response<A>, Status>;

#[tonic::async_trait]
impl v1::freeze_service_server::FreezeService for Freezes {
    async fn create_freeze(
        &self,
        request: Request<v1::CreateFreezeRequest>,
    ) -> Answer<v1::CreateFreezeResponse> {
        self.0.change(request, create_freeze::run).await
    }

    async fn get_freeze(
        &self,
        request: Request<v1::GetFreezeRequest>,
    ) -> Answer<v1::GetFreezeResponse> {
        self.0.read(request, get_freeze::run).await
    }

    async fn list_freezes(
        &self,
        request: Request<v1::ListFreezesRequest>,
    ) -> Answer<v1::ListFreezesResponse> {
        self.0.read(request, list_freezes::run).await
    }

    async fn update_freeze(
        &self,
        request: Request<v1::UpdateFreezeRequest>,
    ) -> Answer<v1::UpdateFreezeResponse> {
        self.0.change(request, update_freeze::run).await
    }

    async fn delete_freeze(
        &self,
        request: Request<v1::DeleteFreezeRequest>,
    ) -> Answer<v1::DeleteFreezeResponse> {
        self.0.change(request, delete_freeze::run).await
    }

    async fn lift_freeze(
        &self,
        request: Request<v1::LiftFreezeRequest>,
    ) -> Answer<v1::LiftFreezeResponse> {
        self.0.change(request, lift_freeze::run).await
    }
}
