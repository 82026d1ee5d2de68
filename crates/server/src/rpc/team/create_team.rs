//! Creates a team under a new id.

use countersign_domain::batch::Action;
use countersign_domain::directory::DirectoryCommand;
use countersign_proto::v1;

use super::answer::team_of;
use crate::convert::fields::required;
use crate::convert::request::mark;
use crate::convert::team_draft::{ALL, show_team, team_draft};
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::CreateTeamRequest,
) -> Result<v1::CreateTeamResponse, Fault> {
    let message = required("team", request.team)?;
    let draft = team_draft(&message, &ALL.into(), gate.people_issuer())?;
    let command = DirectoryCommand::CreateTeam(Box::new(draft));
    let mark = mark("CreateTeam", &request.request_id, &command)?;
    let answer = gate
        .execute(&caller, Action::Directory(command), mark)
        .await?;
    let team = team_of(answer)?;
    Ok(v1::CreateTeamResponse {
        team: Some(show_team(&team)),
    })
}
