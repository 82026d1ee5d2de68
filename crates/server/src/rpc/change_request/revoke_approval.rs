//! Takes the caller's own approval back (D7).

use countersign_domain::batch::Action;
use countersign_domain::change_request::Revoke;
use countersign_proto::v1;

use crate::convert::fields::paragraph;
use crate::convert::identity::target;
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, case_of};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::RevokeApprovalRequest,
) -> Result<v1::RevokeApprovalResponse, Fault> {
    let revocation = Revoke {
        target: target("change_request", &request.change_request, gate.prefix())?,
        comment: paragraph("comment", &request.comment)?,
    };
    let content = (&revocation.target, &revocation.comment);
    let mark = mark("RevokeApproval", &request.request_id, &content)?;
    let answer = gate
        .execute(&caller, Action::Revoke(revocation), mark)
        .await?;
    let (case, now) = case_of(answer)?;
    let change_request = Some(gate.change_request(&case, now));
    Ok(v1::RevokeApprovalResponse { change_request })
}
