//! Revokes an API token.

use countersign_domain::batch::Action;
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::TokenId;
use countersign_proto::v1;

use super::service::token_of;
use crate::convert::fields;
use crate::convert::token::show_token;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::RevokeTokenRequest,
) -> Result<v1::RevokeTokenResponse, Fault> {
    let command = DirectoryCommand::RevokeToken {
        id: fields::id("token_id", &request.token_id, TokenId::parse)?,
        comment: fields::paragraph("comment", &request.comment)?,
    };
    let action = Action::Directory(command);
    let token = token_of(gate.execute(&caller, action, None).await?)?;
    Ok(v1::RevokeTokenResponse {
        token: Some(show_token(&token)),
    })
}
