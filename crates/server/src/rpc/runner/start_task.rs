//! Claims the start of a task (P3, P4).

use countersign_domain::Refusal;
use countersign_domain::batch::Action;
use countersign_domain::ids::{ClaimId, TaskId};
use countersign_domain::task::StartTask;
use countersign_proto::v1;

use crate::convert::fields;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, case_of};

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::StartTaskRequest,
) -> Result<v1::StartTaskResponse, Fault> {
    let claim = claim(&request)?;
    let id = claim.task.clone();
    let answer = gate.execute(&caller, Action::Start(claim), None).await?;
    let (case, now) = case_of(answer)?;
    let task = Some(gate.task(&case, &id, now)?);
    Ok(v1::StartTaskResponse { task })
}

fn claim(request: &v1::StartTaskRequest) -> Result<StartTask, Refusal> {
    if request.generation == 0 {
        let allowed = "the generation of the permit that came with PROCEED";
        return Err(Refusal::field("generation", "0", allowed, "P3"));
    }
    Ok(StartTask {
        task: fields::id("task_id", &request.task_id, TaskId::parse)?,
        generation: request.generation,
        artifact_digest: fields::digest("artifact_digest", &request.artifact_digest)?,
        claim: fields::id("claim_id", &request.claim_id, ClaimId::parse)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::fields::tests::field_of;

    #[test]
    fn p3_a_claim_names_task_generation_and_attempt() {
        let good = v1::StartTaskRequest {
            task_id: "deploy-7".to_owned(),
            generation: 1,
            artifact_digest: String::new(),
            claim_id: "c-1".to_owned(),
        };
        assert!(claim(&good).is_ok());
        let rows = [
            (
                "task_id",
                v1::StartTaskRequest {
                    task_id: String::new(),
                    ..good.clone()
                },
            ),
            (
                "generation",
                v1::StartTaskRequest {
                    generation: 0,
                    ..good.clone()
                },
            ),
            (
                "claim_id",
                v1::StartTaskRequest {
                    claim_id: String::new(),
                    ..good.clone()
                },
            ),
            (
                "artifact_digest",
                v1::StartTaskRequest {
                    artifact_digest: "a b".to_owned(),
                    ..good
                },
            ),
        ];
        for (field, request) in rows {
            assert_eq!(field_of(claim(&request)), field);
        }
    }
}
