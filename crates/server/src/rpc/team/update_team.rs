//! Changes the fields of a team that a mask names; acts at once on everything that waits (D8).

use countersign_domain::batch::Action;
use countersign_domain::directory::DirectoryCommand;
use countersign_proto::v1;

use super::answer::{open_change_requests, team_of};
use crate::convert::fields::{etag, required};
use crate::convert::mask::team_fields;
use crate::convert::request::mark;
use crate::convert::team_draft::{show_team, team_draft};
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::UpdateTeamRequest,
) -> Result<v1::UpdateTeamResponse, Fault> {
    let message = required("team", request.team)?;
    let fields = team_fields(request.update_mask.as_ref())?;
    let draft = Box::new(team_draft(&message, &fields, gate.people_issuer())?);
    let command = DirectoryCommand::UpdateTeam {
        draft,
        fields,
        etag: etag(&request.etag)?,
    };
    let mark = mark("UpdateTeam", &request.request_id, &command)?;
    let answer = gate
        .execute(&caller, Action::Directory(command), mark)
        .await?;
    let team = team_of(answer)?;
    let incarnation = team.created.sequence;
    Ok(v1::UpdateTeamResponse {
        team: Some(show_team(&team)),
        open_change_requests: open_change_requests(&gate, &team.draft.id, incarnation).await?,
    })
}
