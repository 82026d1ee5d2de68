//! Records the caller's approval (D1 to D4).

use countersign_domain::batch::Action;
use countersign_domain::change_request::Approve;
use countersign_proto::v1;

use crate::convert::fields::{digest, etag, paragraph};
use crate::convert::identity::target;
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, case_of};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::ApproveRequest,
) -> Result<v1::ApproveResponse, Fault> {
    let approval = Approve {
        target: target("change_request", &request.change_request, gate.prefix())?,
        comment: paragraph("comment", &request.comment)?,
        etag: etag(&request.etag)?,
        artifact_digest: digest("artifact_digest", &request.artifact_digest)?,
    };
    let content = (
        &approval.target,
        &approval.comment,
        &approval.etag,
        &approval.artifact_digest,
    );
    let mark = mark("Approve", &request.request_id, &content)?;
    let answer = gate
        .execute(&caller, Action::Approve(approval), mark)
        .await?;
    let (case, now) = case_of(answer)?;
    let change_request = Some(gate.change_request(&case, now));
    Ok(v1::ApproveResponse { change_request })
}
