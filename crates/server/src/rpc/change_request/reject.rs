//! Ends a change request (D5).

use countersign_domain::batch::Action;
use countersign_domain::change_request::{CrState, Reject};
use countersign_domain::ids::TaskId;
use countersign_proto::v1;

use crate::convert::fields::{digest, etag, paragraph};
use crate::convert::identity::target;
use crate::convert::request::mark;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, case_of};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::RejectRequest,
) -> Result<v1::RejectResponse, Fault> {
    let rejection = Reject {
        target: target("change_request", &request.change_request, gate.prefix())?,
        comment: paragraph("comment", &request.comment)?,
        etag: etag(&request.etag)?,
        artifact_digest: digest("artifact_digest", &request.artifact_digest)?,
    };
    let content = (
        &rejection.target,
        &rejection.comment,
        &rejection.etag,
        &rejection.artifact_digest,
    );
    let mark = mark("Reject", &request.request_id, &content)?;
    let answer = gate
        .execute(&caller, Action::Reject(rejection), mark)
        .await?;
    let (case, now) = case_of(answer)?;
    let terminated_task_ids = match &case.change_request.state {
        CrState::Rejected { stopped, .. } => stopped.iter().map(TaskId::to_string).collect(),
        CrState::Pending { .. }
        | CrState::Approved { .. }
        | CrState::Expired { .. }
        | CrState::Withdrawn { .. } => Vec::new(),
    };
    let change_request = Some(gate.change_request(&case, now));
    Ok(v1::RejectResponse {
        change_request,
        terminated_task_ids,
    })
}
