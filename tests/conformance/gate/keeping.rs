//! More calls of a caller: lists, policies, teams and the log.

use countersign_proto::v1::{
    AggregateKind, ChangeRequest, CreatePolicyRequest, CreatePolicyResponse, CreateTeamRequest,
    DeletePolicyRequest, DeleteTeamRequest, GetPolicyRequest, GetTeamRequest,
    ListChangeRequestsRequest, ListChangeRequestsResponse, ListEntriesRequest, ListPoliciesRequest,
    ListPoliciesResponse, ListTeamsRequest, ListTeamsResponse, Policy, RevokeApprovalRequest,
    TaskSpec, Team, UpdatePolicyRequest, UpdatePolicyResponse, UpdateTeamRequest,
    UpdateTeamResponse,
};
use prost_types::FieldMask;

use super::caller::Answer;
use super::{Caller, Expect, PolicySpec};

impl Caller {
    /// Creates a task that nothing is wrong with, and shows its change request.
    pub(crate) async fn opened(&self, task: TaskSpec) -> ChangeRequest {
        let created = self.create(task).await.granted();
        created
            .change_request
            .expect("an answer holds the change request")
    }

    pub(crate) async fn revoke_with(
        &self,
        request: RevokeApprovalRequest,
    ) -> Answer<ChangeRequest> {
        let answer = self.0.change_requests().revoke_approval(request).await;
        Ok(answer?
            .into_inner()
            .change_request
            .expect("an answer holds the change request"))
    }

    pub(crate) async fn list(
        &self,
        request: ListChangeRequestsRequest,
    ) -> Answer<ListChangeRequestsResponse> {
        Ok(self
            .0
            .change_requests()
            .list_change_requests(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn policy_with(
        &self,
        request: CreatePolicyRequest,
    ) -> Answer<CreatePolicyResponse> {
        Ok(self.0.policies().create_policy(request).await?.into_inner())
    }

    pub(crate) async fn get_policy(&self, id: &str) -> Answer<Policy> {
        let request = GetPolicyRequest {
            policy_id: id.to_owned(),
        };
        let answer = self.0.policies().get_policy(request).await?;
        Ok(answer
            .into_inner()
            .policy
            .expect("an answer holds the policy"))
    }

    pub(crate) async fn policies(
        &self,
        request: ListPoliciesRequest,
    ) -> Answer<ListPoliciesResponse> {
        Ok(self.0.policies().list_policies(request).await?.into_inner())
    }

    /// Changes these fields of a policy to what they are in `policy`.
    pub(crate) async fn update_policy(
        &self,
        policy: PolicySpec,
        paths: &[&str],
    ) -> Answer<UpdatePolicyResponse> {
        self.update_policy_with(UpdatePolicyRequest {
            policy: Some(policy.build()),
            update_mask: mask(paths),
            ..UpdatePolicyRequest::default()
        })
        .await
    }

    pub(crate) async fn update_policy_with(
        &self,
        request: UpdatePolicyRequest,
    ) -> Answer<UpdatePolicyResponse> {
        Ok(self.0.policies().update_policy(request).await?.into_inner())
    }

    /// Deletes a policy; answers how many open change requests stay under it.
    pub(crate) async fn delete_policy(&self, id: &str) -> Answer<u64> {
        let request = DeletePolicyRequest {
            policy_id: id.to_owned(),
            ..DeletePolicyRequest::default()
        };
        self.delete_policy_with(request).await
    }

    pub(crate) async fn delete_policy_with(&self, request: DeletePolicyRequest) -> Answer<u64> {
        let answer = self.0.policies().delete_policy(request).await?;
        Ok(answer.into_inner().open_change_requests)
    }

    pub(crate) async fn team_with(&self, request: CreateTeamRequest) -> Answer<Team> {
        let answer = self.0.teams().create_team(request).await?;
        Ok(answer.into_inner().team.expect("an answer holds the team"))
    }

    pub(crate) async fn get_team(&self, id: &str) -> Answer<Team> {
        let request = GetTeamRequest {
            team_id: id.to_owned(),
        };
        let answer = self.0.teams().get_team(request).await?;
        Ok(answer.into_inner().team.expect("an answer holds the team"))
    }

    pub(crate) async fn teams(&self, request: ListTeamsRequest) -> Answer<ListTeamsResponse> {
        Ok(self.0.teams().list_teams(request).await?.into_inner())
    }

    /// Gives a team other members.
    pub(crate) async fn members(&self, team: Team) -> Answer<UpdateTeamResponse> {
        self.update_team_with(UpdateTeamRequest {
            team: Some(team),
            update_mask: mask(&["members"]),
            ..UpdateTeamRequest::default()
        })
        .await
    }

    pub(crate) async fn update_team_with(
        &self,
        request: UpdateTeamRequest,
    ) -> Answer<UpdateTeamResponse> {
        Ok(self.0.teams().update_team(request).await?.into_inner())
    }

    /// Deletes a team; answers which open change requests name it.
    pub(crate) async fn delete_team(&self, id: &str) -> Answer<Vec<String>> {
        let request = DeleteTeamRequest {
            team_id: id.to_owned(),
            ..DeleteTeamRequest::default()
        };
        self.delete_team_with(request).await
    }

    pub(crate) async fn delete_team_with(&self, request: DeleteTeamRequest) -> Answer<Vec<String>> {
        let answer = self.0.teams().delete_team(request).await?;
        Ok(answer.into_inner().open_change_requests)
    }

    /// What the log says happened to one thing; a change request is named by its bare number.
    pub(crate) async fn events(&self, aggregate: AggregateKind, id: &str) -> Vec<String> {
        let request = ListEntriesRequest {
            aggregate: aggregate.into(),
            aggregate_id: id.to_owned(),
            page_size: 1_000,
            ..ListEntriesRequest::default()
        };
        let answer = self
            .0
            .log()
            .list_entries(request)
            .await
            .expect("an auditor reads the log");
        answer
            .into_inner()
            .entries
            .into_iter()
            .map(|entry| entry.event)
            .collect()
    }
}

/// The mask that names these paths.
pub(crate) fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask {
        paths: paths.iter().map(|&path| path.to_owned()).collect(),
    })
}
