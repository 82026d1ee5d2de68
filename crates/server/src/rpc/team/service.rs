//! Which verb serves which method.

use countersign_proto::v1;
use tonic::{Request, Response, Status};

use super::{create_team, delete_team, get_team, list_teams, update_team};
use crate::rpc::gate::Gate;

/// The service.
pub(crate) struct Teams(pub(crate) Gate);

type Answer<A> = Result<Response<A>, Status>;

#[tonic::async_trait]
impl v1::team_service_server::TeamService for Teams {
    async fn create_team(
        &self,
        request: Request<v1::CreateTeamRequest>,
    ) -> Answer<v1::CreateTeamResponse> {
        self.0.change(request, create_team::run).await
    }

    async fn get_team(&self, request: Request<v1::GetTeamRequest>) -> Answer<v1::GetTeamResponse> {
        self.0.read(request, get_team::run).await
    }

    async fn list_teams(
        &self,
        request: Request<v1::ListTeamsRequest>,
    ) -> Answer<v1::ListTeamsResponse> {
        self.0.read(request, list_teams::run).await
    }

    async fn update_team(
        &self,
        request: Request<v1::UpdateTeamRequest>,
    ) -> Answer<v1::UpdateTeamResponse> {
        self.0.change(request, update_team::run).await
    }

    async fn delete_team(
        &self,
        request: Request<v1::DeleteTeamRequest>,
    ) -> Answer<v1::DeleteTeamResponse> {
        self.0.change(request, delete_team::run).await
    }
}
