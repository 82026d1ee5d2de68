//! Shows one team.

use countersign_domain::ids::TeamId;
use countersign_proto::v1;

use crate::convert::fields;
use crate::convert::team_draft::show_team;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    _caller: Caller,
    request: v1::GetTeamRequest,
) -> Result<v1::GetTeamResponse, Fault> {
    let id = fields::id("team_id", &request.team_id, TeamId::parse)?;
    let team = gate.engine.team(&id).await?;
    Ok(v1::GetTeamResponse {
        team: Some(show_team(&team)),
    })
}
