//! Lists teams by id.

use std::sync::Arc;

use countersign_domain::directory::Team;
use countersign_domain::ids::TeamId;
use countersign_proto::v1;

use crate::convert::page::Paging;
use crate::convert::team_draft::show_team;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    _caller: Caller,
    request: v1::ListTeamsRequest,
) -> Result<v1::ListTeamsResponse, Fault> {
    let paging = Paging::new("ListTeams", &(), request.page_size)?;
    let after = match paging.position(&request.page_token)? {
        Some(text) => Some(TeamId::parse(&text).map_err(|_| Paging::bad_position())?),
        None => None,
    };
    let page = gate.engine.teams(after.as_ref(), paging.size).await?;
    let (teams, next_page_token) = paging.page(
        page.items,
        page.more,
        |team: &Arc<Team>| team.draft.id.to_string(),
        |team| show_team(team),
    );
    Ok(v1::ListTeamsResponse {
        teams,
        next_page_token,
    })
}
