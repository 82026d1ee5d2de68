//! Ends the present occurrence of a freeze (F3).

use countersign_domain::batch::Action;
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::FreezeId;
use countersign_proto::v1;

use super::answer::freeze_of;
use crate::convert::fields::{self, etag, paragraph};
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::LiftFreezeRequest,
) -> Result<v1::LiftFreezeResponse, Fault> {
    let id = fields::id("freeze_id", &request.freeze_id, FreezeId::parse)?;
    let command = DirectoryCommand::LiftFreeze {
        id: id.clone(),
        comment: paragraph("comment", &request.comment)?,
        etag: etag(&request.etag)?,
    };
    let mark = mark("LiftFreeze", &request.request_id, &command)?;
    let answer = gate
        .execute(&caller, Action::Directory(command), mark)
        .await?;
    let freeze = freeze_of(answer, &id)?;
    let now = gate.engine.now().max(freeze.changed.instant);
    Ok(v1::LiftFreezeResponse {
        freeze: Some(gate.show(now).freeze(&freeze)),
    })
}
