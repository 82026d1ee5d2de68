//! Tells callers who they are.

use countersign_domain::ids::TeamId;
use countersign_proto::v1;

use crate::convert::identity::{show_credential, show_person};
use crate::convert::token::{show_kind, show_roles};
use crate::convert::window::timestamp;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    _request: v1::WhoAmIRequest,
) -> Result<v1::WhoAmIResponse, Fault> {
    let runner = caller.runner.as_ref().map(ToString::to_string);
    Ok(v1::WhoAmIResponse {
        person: Some(show_person(&caller.person)),
        display_name: caller.display_name.clone(),
        kind: show_kind(caller.kind).into(),
        roles: show_roles(&caller.roles),
        teams: caller.claimed_teams.iter().map(TeamId::to_string).collect(),
        runner: runner.unwrap_or_default(),
        projects: caller.grant.projects.to_ids(),
        environments: caller.grant.environments.to_ids(),
        credential: Some(show_credential(&caller.credential)),
        expires_at: caller.expires_at.map(timestamp),
        may_decide: caller.may_decide(),
        people_issuer: gate.people_issuer().to_owned(),
    })
}
