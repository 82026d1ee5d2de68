//! Lists freezes by id.

use std::sync::Arc;

use countersign_domain::freeze::Freeze;
use countersign_domain::ids::{EnvironmentId, FreezeId, ProjectId};
use countersign_engine::FreezeFilter;
use countersign_proto::v1;

use crate::convert::fields;
use crate::convert::page::Paging;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::ListFreezesRequest,
) -> Result<v1::ListFreezesResponse, Fault> {
    let conditions = (request.in_force, &request.project, &request.environment);
    let paging = Paging::new("ListFreezes", &conditions, request.page_size)?;
    let after = match paging.position(&request.page_token)? {
        Some(text) => Some(FreezeId::parse(&text).map_err(|_| Paging::bad_position())?),
        None => None,
    };
    let environment = &request.environment;
    let filter = FreezeFilter {
        after,
        in_force: request.in_force,
        project: fields::optional_id("project", &request.project, ProjectId::parse)?,
        environment: fields::optional_id("environment", environment, EnvironmentId::parse)?,
    };
    let page = gate.engine.freezes(&caller, &filter, paging.size).await?;
    let show = gate.show(gate.engine.now());
    let (freezes, next_page_token) = paging.page(
        page.items,
        page.more,
        |freeze: &Arc<Freeze>| freeze.draft.id.to_string(),
        |freeze| show.freeze(freeze),
    );
    Ok(v1::ListFreezesResponse {
        freezes,
        next_page_token,
    })
}
