//! Changes the fields of a freeze that a mask names.

use countersign_domain::directory::DirectoryCommand;
use countersign_proto::v1;

use super::answer::{Changed, change};
use crate::convert::fields::{etag, required};
use crate::convert::freeze_draft::freeze_draft;
use crate::convert::mask::freeze_fields;
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::UpdateFreezeRequest,
) -> Result<v1::UpdateFreezeResponse, Fault> {
    let message = required("freeze", request.freeze)?;
    let fields = freeze_fields(request.update_mask.as_ref())?;
    let draft = Box::new(freeze_draft(&message, &fields)?);
    let id = draft.id.clone();
    let command = DirectoryCommand::UpdateFreeze {
        draft,
        fields,
        etag: etag(&request.etag)?,
    };
    let mark = mark("UpdateFreeze", &request.request_id, &command)?;
    let Changed {
        freeze,
        impact,
        warnings,
    } = change(&gate, &caller, &id, command, mark, request.validate_only).await?;
    Ok(v1::UpdateFreezeResponse {
        freeze: Some(freeze),
        impact,
        warnings,
    })
}
