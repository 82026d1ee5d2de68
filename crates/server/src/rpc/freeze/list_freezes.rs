//! Lists freezes by id.

use std::sync::Arc;

use countersign_domain::freeze::Freeze;
use countersign_domain::ids::FreezeId;
use countersign_proto::v1;

use crate::convert::page::Paging;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    _caller: Caller,
    request: v1::ListFreezesRequest,
) -> Result<v1::ListFreezesResponse, Fault> {
    let paging = Paging::new("ListFreezes", &(), request.page_size)?;
    let after = match paging.position(&request.page_token)? {
        Some(text) => Some(FreezeId::parse(&text).map_err(|_| Paging::bad_position())?),
        None => None,
    };
    let page = gate.engine.freezes(after.as_ref(), paging.size).await?;
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
