//! Makes an API token, and shows its text once.

use countersign_domain::access::SecretHash;
use countersign_domain::batch::Action;
use countersign_domain::directory::DirectoryCommand;
use countersign_proto::v1;

use super::service::token_of;
use crate::auth::api_token;
use crate::convert::fields::required;
use crate::convert::token::{show_token, token_draft};
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::CreateTokenRequest,
) -> Result<v1::CreateTokenResponse, Fault> {
    let message = required("token", request.token)?;
    let secret = api_token::fresh();
    let draft = token_draft(&message, gate.issuers(), SecretHash::of(&secret))?;
    let action = Action::Directory(DirectoryCommand::CreateToken(Box::new(draft)));
    // No mark: a repeat could not show the text again, so it has to be refused.
    let token = token_of(gate.execute(&caller, action, None).await?)?;
    Ok(v1::CreateTokenResponse {
        token: Some(show_token(&token)),
        secret,
    })
}
