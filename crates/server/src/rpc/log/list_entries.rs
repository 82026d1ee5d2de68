//! Lists entries in order.

use countersign_engine::EntryFilter;
use countersign_proto::v1;

use crate::convert::fields;
use crate::convert::log::{aggregate, show_entry};
use crate::edge::streams::portions;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

const DEFAULT_SIZE: usize = 100;
const SIZE_LIMIT: usize = 1_000;

pub(super) async fn run(
    gate: Gate,
    _caller: Caller,
    request: v1::ListEntriesRequest,
) -> Result<v1::ListEntriesResponse, Fault> {
    let size = match usize::try_from(request.page_size).unwrap_or(usize::MAX) {
        0 => DEFAULT_SIZE,
        size => size,
    };
    fields::at_most("page_size", size, SIZE_LIMIT)?;
    let filter = EntryFilter {
        after: request.from_sequence.saturating_sub(1),
        aggregate: aggregate(request.aggregate, &request.aggregate_id)?,
        limit: 0,
    };
    let page = gate.engine.entries(filter, size).await?;
    let found = page.items.len();
    // Entries may be large: what does not fit into one message is the beginning of the next page.
    let shown = page.items.iter().map(show_entry).collect();
    let entries = portions(shown, size).into_iter().next().unwrap_or_default();
    let more = page.more || entries.len() < found;
    let last = entries.last().filter(|_| more);
    let next_sequence = last.map_or(0, |entry| entry.sequence + 1);
    Ok(v1::ListEntriesResponse {
        entries,
        next_sequence,
    })
}
