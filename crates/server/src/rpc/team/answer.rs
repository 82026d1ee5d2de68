//! The team of an answer.

use std::sync::Arc;

use countersign_domain::Refusal;
use countersign_domain::batch::{Answer, part_of_team};
use countersign_domain::directory::Team;
use countersign_domain::ids::TeamId;

use crate::fault::Fault;
use crate::rpc::gate::{Gate, unexpected};

/// How many change requests an answer names.
const NAMED_LIMIT: u64 = 100;

/// The team as kept. A repeated call may find that it was deleted since.
pub(super) fn team_of(answer: Answer) -> Result<Arc<Team>, Fault> {
    match answer {
        Answer::Team(team) => Ok(team),
        Answer::TeamDeleted { id, .. } => Err(Refusal::not_found("team", id.as_str()).into()),
        other => Err(unexpected(&other)),
    }
}

/// The newest open change requests that name one incarnation of a team (D8).
pub(super) async fn open_change_requests(
    gate: &Gate,
    id: &TeamId,
    incarnation: u64,
) -> Result<Vec<String>, Fault> {
    let part = part_of_team(id, incarnation);
    let (_, numbers) = gate.engine.open_change_requests(&part, NAMED_LIMIT).await?;
    Ok(numbers
        .into_iter()
        .map(|number| gate.prefix().format(number))
        .collect())
}
