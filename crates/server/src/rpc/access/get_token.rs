//! Shows one API token.

use countersign_domain::ids::TokenId;
use countersign_proto::v1;

use crate::convert::fields;
use crate::convert::token::show_token;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::GetTokenRequest,
) -> Result<v1::GetTokenResponse, Fault> {
    let id = fields::id("token_id", &request.token_id, TokenId::parse)?;
    let token = gate.engine.token(Some(&caller), &id).await?;
    Ok(v1::GetTokenResponse {
        token: Some(show_token(&token)),
    })
}
