//! A caller: one credential, and the calls that tests make with it.

use countersign_client::{Connection, reason};
use countersign_proto::v1::{
    ApproveRequest, ChangeRequest, CreateChangeRequestRequest, CreateChangeRequestResponse,
    CreatePolicyRequest, CreatePolicyResponse, CreateTeamRequest, ErrorReason, FinishTaskRequest,
    GetChangeRequestRequest, GetTaskRequest, RejectRequest, RejectResponse, RevokeApprovalRequest,
    StartTaskRequest, Task, TaskOutcome, TaskSpec, Team, WithdrawTaskRequest,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::PolicySpec;

/// A refusal, as an operator sees it.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    /// The reason in its ErrorInfo.
    pub(crate) reason: String,
    /// The rule in its ErrorInfo.
    pub(crate) rule: String,
    pub(crate) message: String,
    pub(crate) metadata: std::collections::HashMap<String, String>,
    /// The fields that its BadRequest names.
    pub(crate) fields: Vec<String>,
}

impl Refused {
    /// A fact of its metadata; empty where there is none.
    pub(crate) fn fact(&self, key: &str) -> &str {
        self.metadata.get(key).map_or("", String::as_str)
    }
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        let info = status.get_details_error_info();
        assert_eq!(
            info.as_ref().map(|info| info.reason.as_str()),
            reason(&status).map(ErrorReason::wire_name),
            "each refusal has a reason of the public enum: {status:?}"
        );
        let metadata = info
            .as_ref()
            .map(|info| info.metadata.clone())
            .unwrap_or_default();
        let violations = status
            .get_details_bad_request()
            .map(|bad| bad.field_violations);
        let fields = violations
            .into_iter()
            .flatten()
            .map(|violation| violation.field)
            .collect();
        Self {
            code: status.code(),
            reason: info.map(|info| info.reason).unwrap_or_default(),
            rule: metadata.get("rule").cloned().unwrap_or_default(),
            message: status.message().to_owned(),
            metadata,
            fields,
        }
    }
}

/// What a test expects of an answer.
pub(crate) trait Expect<T> {
    /// It is granted.
    fn granted(self) -> T;
    /// It is refused for this reason, by this rule.
    fn refused(self, reason: &str, rule: &str) -> Refused;
    /// It is refused because of this field, by this rule.
    fn bad_field(self, field: &str, rule: &str) -> Refused;
}

impl<T: std::fmt::Debug> Expect<T> for Result<T, Refused> {
    #[track_caller]
    fn granted(self) -> T {
        self.unwrap_or_else(|refused| panic!("expected a grant, found {refused:?}"))
    }

    #[track_caller]
    fn refused(self, reason: &str, rule: &str) -> Refused {
        let refused = self.expect_err("expected a refusal");
        assert_eq!(
            (refused.reason.as_str(), refused.rule.as_str()),
            (reason, rule),
            "{refused:?}"
        );
        refused
    }

    #[track_caller]
    fn bad_field(self, field: &str, rule: &str) -> Refused {
        let refused = self.refused("INVALID_FIELD", rule);
        assert_eq!(refused.code, Code::InvalidArgument, "{refused:?}");
        assert_eq!(refused.fact("field"), field, "{refused:?}");
        assert_eq!(refused.fields, [field], "{refused:?}");
        let told = !refused.fact("found").is_empty() && !refused.fact("allowed").is_empty();
        assert!(
            told,
            "it says what was found and what is allowed: {refused:?}"
        );
        refused
    }
}

/// One credential.
#[derive(Clone)]
pub(crate) struct Caller(pub(crate) Connection);

pub(super) type Answer<T> = Result<T, Refused>;

impl Caller {
    pub(crate) async fn create(&self, task: TaskSpec) -> Answer<CreateChangeRequestResponse> {
        let request = CreateChangeRequestRequest {
            task: Some(task),
            validate_only: false,
        };
        let answer = self
            .0
            .change_requests()
            .create_change_request(request)
            .await;
        Ok(answer?.into_inner())
    }

    pub(crate) async fn preview(&self, task: TaskSpec) -> Answer<CreateChangeRequestResponse> {
        let request = CreateChangeRequestRequest {
            task: Some(task),
            validate_only: true,
        };
        let answer = self
            .0
            .change_requests()
            .create_change_request(request)
            .await;
        Ok(answer?.into_inner())
    }

    pub(crate) async fn approve(&self, target: &str) -> Answer<ChangeRequest> {
        self.approve_with(ApproveRequest {
            change_request: target.to_owned(),
            ..ApproveRequest::default()
        })
        .await
    }

    pub(crate) async fn approve_with(&self, request: ApproveRequest) -> Answer<ChangeRequest> {
        let answer = self.0.change_requests().approve(request).await;
        Ok(answer?
            .into_inner()
            .change_request
            .expect("an answer holds the change request"))
    }

    pub(crate) async fn reject(&self, target: &str) -> Answer<RejectResponse> {
        self.reject_with(RejectRequest {
            change_request: target.to_owned(),
            ..RejectRequest::default()
        })
        .await
    }

    pub(crate) async fn reject_with(&self, request: RejectRequest) -> Answer<RejectResponse> {
        Ok(self.0.change_requests().reject(request).await?.into_inner())
    }

    pub(crate) async fn revoke(&self, target: &str) -> Answer<ChangeRequest> {
        let request = RevokeApprovalRequest {
            change_request: target.to_owned(),
            ..RevokeApprovalRequest::default()
        };
        let answer = self.0.change_requests().revoke_approval(request).await;
        Ok(answer?
            .into_inner()
            .change_request
            .expect("an answer holds the change request"))
    }

    pub(crate) async fn withdraw(&self, task_id: &str) -> Answer<Task> {
        let request = WithdrawTaskRequest {
            task_id: task_id.to_owned(),
            ..WithdrawTaskRequest::default()
        };
        let answer = self.0.change_requests().withdraw_task(request).await;
        Ok(answer?.into_inner().task.expect("an answer holds the task"))
    }

    pub(crate) async fn change_request(&self, target: &str) -> Answer<ChangeRequest> {
        let request = GetChangeRequestRequest {
            change_request: target.to_owned(),
        };
        let answer = self.0.change_requests().get_change_request(request).await;
        Ok(answer?
            .into_inner()
            .change_request
            .expect("an answer holds the change request"))
    }

    pub(crate) async fn task(&self, task_id: &str) -> Answer<Task> {
        let request = GetTaskRequest {
            task_id: task_id.to_owned(),
        };
        let answer = self.0.change_requests().get_task(request).await;
        Ok(answer?.into_inner().task.expect("an answer holds the task"))
    }

    /// Claims the start of a task that was created without a digest.
    pub(crate) async fn start(&self, task_id: &str, generation: u64, claim: &str) -> Answer<Task> {
        self.start_with(StartTaskRequest {
            task_id: task_id.to_owned(),
            generation,
            artifact_digest: String::new(),
            claim_id: claim.to_owned(),
        })
        .await
    }

    pub(crate) async fn start_with(&self, request: StartTaskRequest) -> Answer<Task> {
        let answer = self.0.runner().start_task(request).await;
        Ok(answer?.into_inner().task.expect("an answer holds the task"))
    }

    pub(crate) async fn finish(
        &self,
        task_id: &str,
        claim: &str,
        outcome: TaskOutcome,
    ) -> Answer<Task> {
        let request = FinishTaskRequest {
            task_id: task_id.to_owned(),
            claim_id: claim.to_owned(),
            outcome: outcome.into(),
            comment: String::new(),
        };
        let answer = self.0.runner().finish_task(request).await;
        Ok(answer?.into_inner().task.expect("an answer holds the task"))
    }

    pub(crate) async fn policy(&self, policy: PolicySpec) -> Answer<CreatePolicyResponse> {
        let request = CreatePolicyRequest {
            policy: Some(policy.build()),
            ..CreatePolicyRequest::default()
        };
        Ok(self.0.policies().create_policy(request).await?.into_inner())
    }

    pub(crate) async fn team(&self, team: Team) -> Answer<Team> {
        let request = CreateTeamRequest {
            team: Some(team),
            request_id: String::new(),
        };
        let answer = self.0.teams().create_team(request).await?;
        Ok(answer.into_inner().team.expect("an answer holds the team"))
    }
}
