//! Which verb serves which method.

use countersign_proto::v1;
use tonic::{Request, Response, Status};

use super::{
    create_policy, delete_policy, get_policy, list_policies, preview_schedule, update_policy,
};
use crate::rpc::gate::Gate;

/// The service.
pub(crate) struct Policies(pub(crate) Gate);

type Answer<A> = Result<Response<A>, Status>;

#[tonic::async_trait]
impl v1::policy_service_server::PolicyService for Policies {
    async fn create_policy(
        &self,
        request: Request<v1::CreatePolicyRequest>,
    ) -> Answer<v1::CreatePolicyResponse> {
        self.0.change(request, create_policy::run).await
    }

    async fn get_policy(
        &self,
        request: Request<v1::GetPolicyRequest>,
    ) -> Answer<v1::GetPolicyResponse> {
        self.0.read(request, get_policy::run).await
    }

    async fn list_policies(
        &self,
        request: Request<v1::ListPoliciesRequest>,
    ) -> Answer<v1::ListPoliciesResponse> {
        self.0.read(request, list_policies::run).await
    }

    async fn update_policy(
        &self,
        request: Request<v1::UpdatePolicyRequest>,
    ) -> Answer<v1::UpdatePolicyResponse> {
        self.0.change(request, update_policy::run).await
    }

    async fn delete_policy(
        &self,
        request: Request<v1::DeletePolicyRequest>,
    ) -> Answer<v1::DeletePolicyResponse> {
        self.0.change(request, delete_policy::run).await
    }

    async fn preview_schedule(
        &self,
        request: Request<v1::PreviewScheduleRequest>,
    ) -> Answer<v1::PreviewScheduleResponse> {
        self.0.read(request, preview_schedule::run).await
    }
}
