//! Which verb serves which method.

use std::sync::Arc;

use countersign_domain::access::Token;
use countersign_domain::batch::Answer as Answered;
use countersign_proto::v1;
use tonic::{Request, Response, Status};

use super::{create_token, get_token, list_tokens, revoke_token, who_am_i};
use crate::fault::Fault;
use crate::rpc::gate::{Gate, unexpected};

/// The service.
pub(crate) struct Access(pub(crate) Gate);

type Answer<A> = Result<Response<A>, Status>;

#[tonic::async_trait]
impl v1::access_service_server::AccessService for Access {
    async fn who_am_i(&self, request: Request<v1::WhoAmIRequest>) -> Answer<v1::WhoAmIResponse> {
        self.0.read(request, who_am_i::run).await
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Answer<v1::CreateTokenResponse> {
        self.0.change(request, create_token::run).await
    }

    async fn get_token(
        &self,
        request: Request<v1::GetTokenRequest>,
    ) -> Answer<v1::GetTokenResponse> {
        self.0.read(request, get_token::run).await
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Answer<v1::ListTokensResponse> {
        self.0.read(request, list_tokens::run).await
    }

    async fn revoke_token(
        &self,
        request: Request<v1::RevokeTokenRequest>,
    ) -> Answer<v1::RevokeTokenResponse> {
        self.0.change(request, revoke_token::run).await
    }
}

/// The token of an answer.
pub(super) fn token_of(answer: Answered) -> Result<Arc<Token>, Fault> {
    match answer {
        Answered::Token(token) => Ok(token),
        other => Err(unexpected(&other)),
    }
}
