//! Accepts that the clock is behind the log (K2).

use countersign_domain::Refusal;
use countersign_domain::batch::{Action, Answer};
use countersign_proto::v1;

use crate::convert::fields::paragraph;
use crate::convert::request::mark;
use crate::convert::window::timestamp;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, unexpected};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::AcceptClockRequest,
) -> Result<v1::AcceptClockResponse, Fault> {
    let comment = paragraph("comment", &request.comment)?;
    if comment.trim().is_empty() {
        let allowed = "why the clock is right and the log is ahead";
        return Err(Refusal::field("comment", "nothing", allowed, "K2").into());
    }
    let mark = mark("AcceptClock", &request.request_id, &comment)?;
    match gate
        .execute(&caller, Action::AcceptClock { comment }, mark)
        .await?
    {
        Answer::ClockAccepted { until } => {
            let accepted_until = Some(timestamp(until));
            Ok(v1::AcceptClockResponse { accepted_until })
        }
        other => Err(unexpected(&other)),
    }
}
