//! Lists API tokens by id.

use std::sync::Arc;

use countersign_domain::access::Token;
use countersign_domain::ids::TokenId;
use countersign_proto::v1;

use crate::convert::page::Paging;
use crate::convert::token::show_token;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::ListTokensRequest,
) -> Result<v1::ListTokensResponse, Fault> {
    let paging = Paging::new("ListTokens", &request.live, request.page_size)?;
    let after = match paging.position(&request.page_token)? {
        Some(text) => Some(TokenId::parse(&text).map_err(|_| Paging::bad_position())?),
        None => None,
    };
    let page = gate
        .engine
        .tokens(Some(&caller), after.as_ref(), request.live, paging.size)
        .await?;
    let (tokens, next_page_token) = paging.page(
        page.items,
        page.more,
        |token: &Arc<Token>| token.draft.id.to_string(),
        |token| show_token(token),
    );
    Ok(v1::ListTokensResponse {
        tokens,
        next_page_token,
    })
}
