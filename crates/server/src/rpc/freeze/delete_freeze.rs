//! Deletes a freeze, which ends all its occurrences (F3).

use countersign_domain::batch::{Action, Answer};
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::FreezeId;
use countersign_proto::v1;

use crate::convert::fields::{self, etag};
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, unexpected};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::DeleteFreezeRequest,
) -> Result<v1::DeleteFreezeResponse, Fault> {
    let command = DirectoryCommand::DeleteFreeze {
        id: fields::id("freeze_id", &request.freeze_id, FreezeId::parse)?,
        etag: etag(&request.etag)?,
    };
    let mark = mark("DeleteFreeze", &request.request_id, &command)?;
    match gate
        .execute(&caller, Action::Directory(command), mark)
        .await?
    {
        // A repeated call may find another freeze under the id.
        Answer::FreezeDeleted | Answer::Freeze(_) => Ok(v1::DeleteFreezeResponse {}),
        other => Err(unexpected(&other)),
    }
}
