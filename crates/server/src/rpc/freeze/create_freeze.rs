//! Declares a freeze under a new id (F1).

use countersign_domain::directory::DirectoryCommand;
use countersign_proto::v1;

use super::answer::{Changed, change};
use crate::convert::fields::required;
use crate::convert::freeze_draft::{ALL, freeze_draft};
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::CreateFreezeRequest,
) -> Result<v1::CreateFreezeResponse, Fault> {
    let message = required("freeze", request.freeze)?;
    let draft = freeze_draft(&message, &ALL.into())?;
    let id = draft.id.clone();
    let command = DirectoryCommand::CreateFreeze(Box::new(draft));
    let mark = mark("CreateFreeze", &request.request_id, &command)?;
    let Changed {
        freeze,
        impact,
        warnings,
    } = change(&gate, &caller, &id, command, mark, request.validate_only).await?;
    Ok(v1::CreateFreezeResponse {
        freeze: Some(freeze),
        impact,
        warnings,
    })
}
