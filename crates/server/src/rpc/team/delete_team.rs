//! Deletes a team that no policy names (D10).

use countersign_domain::batch::{Action, Answer};
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::TeamId;
use countersign_proto::v1;

use super::answer::open_change_requests;
use crate::convert::fields::{self, etag};
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, unexpected};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::DeleteTeamRequest,
) -> Result<v1::DeleteTeamResponse, Fault> {
    let id = fields::id("team_id", &request.team_id, TeamId::parse)?;
    let command = DirectoryCommand::DeleteTeam {
        id: id.clone(),
        etag: etag(&request.etag)?,
    };
    let mark = mark("DeleteTeam", &request.request_id, &command)?;
    let incarnation = match gate
        .execute(&caller, Action::Directory(command), mark)
        .await?
    {
        Answer::TeamDeleted { incarnation, .. } => incarnation,
        // A repeated call may find another team under the id.
        Answer::Team(_) => 0,
        other => return Err(unexpected(&other)),
    };
    let open_change_requests = open_change_requests(&gate, &id, incarnation).await?;
    Ok(v1::DeleteTeamResponse {
        open_change_requests,
    })
}
