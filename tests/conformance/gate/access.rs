//! Who is calling, and API tokens, over the API.

use countersign_proto::v1::access_service_client::AccessServiceClient;
use countersign_proto::v1::{
    CreateTokenRequest, CreateTokenResponse, GetTokenRequest, ListTokensRequest,
    ListTokensResponse, PrincipalKind, RevokeTokenRequest, Role, Token, WhoAmIRequest,
    WhoAmIResponse,
};

use super::caller::Answer;
use super::{Caller, Expect, Gate, person};

/// How long tokens live that a test asks for.
const DAY_SECONDS: i64 = 86_400;

impl Gate {
    /// Who makes and revokes tokens in most tests.
    pub(crate) fn access_admin(&self) -> Caller {
        self.as_("access:ada")
    }

    /// A token of a person, as one asks for it: for everything, without roles, for a day.
    pub(crate) fn token_of(&self, id: &str, subject: &str) -> Token {
        Token {
            id: id.to_owned(),
            kind: PrincipalKind::Person.into(),
            person: Some(person(subject)),
            projects: vec!["*".to_owned()],
            environments: vec!["*".to_owned()],
            expires_at: self.at(DAY_SECONDS),
            ..Token::default()
        }
    }

    /// A token of a service of the token's name.
    pub(crate) fn token_of_service(&self, id: &str, roles: &[Role]) -> Token {
        Token {
            kind: PrincipalKind::Service.into(),
            roles: roles.iter().map(|&role| role.into()).collect(),
            ..self.token_of(id, id)
        }
    }

    /// Makes a token that nothing is wrong with; its bearer.
    pub(crate) async fn bearer(&self, token: Token) -> Caller {
        let made = self.access_admin().create_token(token).await.granted();
        self.as_(&made.secret)
    }
}

impl Caller {
    fn access(&self) -> AccessServiceClient<countersign_client::Credentialed> {
        AccessServiceClient::new(self.0.channel())
    }

    pub(crate) async fn who_am_i(&self) -> Answer<WhoAmIResponse> {
        Ok(self.access().who_am_i(WhoAmIRequest {}).await?.into_inner())
    }

    pub(crate) async fn create_token(&self, token: Token) -> Answer<CreateTokenResponse> {
        self.create_token_with(CreateTokenRequest { token: Some(token) })
            .await
    }

    pub(crate) async fn create_token_with(
        &self,
        request: CreateTokenRequest,
    ) -> Answer<CreateTokenResponse> {
        Ok(self.access().create_token(request).await?.into_inner())
    }

    pub(crate) async fn get_token(&self, id: &str) -> Answer<Token> {
        let request = GetTokenRequest {
            token_id: id.to_owned(),
        };
        let answer = self.access().get_token(request).await?;
        Ok(answer
            .into_inner()
            .token
            .expect("an answer holds the token"))
    }

    pub(crate) async fn list_tokens(
        &self,
        request: ListTokensRequest,
    ) -> Answer<ListTokensResponse> {
        Ok(self.access().list_tokens(request).await?.into_inner())
    }

    pub(crate) async fn revoke_token(&self, id: &str) -> Answer<Token> {
        self.revoke_token_with(RevokeTokenRequest {
            token_id: id.to_owned(),
            ..RevokeTokenRequest::default()
        })
        .await
    }

    pub(crate) async fn revoke_token_with(&self, request: RevokeTokenRequest) -> Answer<Token> {
        let answer = self.access().revoke_token(request).await?;
        Ok(answer
            .into_inner()
            .token
            .expect("an answer holds the token"))
    }
}
