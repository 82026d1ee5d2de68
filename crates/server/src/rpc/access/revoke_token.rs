//! Revokes an API token.

use countersign_domain::batch::Action;
use countersign_proto::v1;

use super::service::token_of;
use crate::convert::token::{revocation, show_token};
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::RevokeTokenRequest,
) -> Result<v1::RevokeTokenResponse, Fault> {
    let action = Action::Directory(revocation(&request.token_id, &request.comment)?);
    let token = token_of(gate.execute(&caller, action, None).await?)?;
    Ok(v1::RevokeTokenResponse {
        token: Some(show_token(&token)),
    })
}
