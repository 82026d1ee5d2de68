//! Freezes: how a test writes one, and the calls that keep them and preview schedules.

use countersign_proto::v1::freeze_service_client::FreezeServiceClient;
use countersign_proto::v1::preview_schedule_request::Subject;
use countersign_proto::v1::{
    CreateFreezeRequest, CreateFreezeResponse, DeleteFreezeRequest, Freeze, GetFreezeRequest,
    LiftFreezeRequest, ListFreezesRequest, ListFreezesResponse, PreviewScheduleRequest,
    PreviewScheduleResponse, Recurrence, Scope, UpdateFreezeRequest, UpdateFreezeResponse,
};
use prost_types::Timestamp;

use super::caller::Answer;
use super::{Caller, Expect, Gate, ids, mask};

/// A freeze that is being written: everything, at once, until it is lifted.
#[derive(Clone)]
pub(crate) struct FreezeSpec(Freeze);

impl FreezeSpec {
    pub(crate) fn new(id: &str) -> Self {
        Self(Freeze {
            id: id.to_owned(),
            reason: "Nobody is here.".to_owned(),
            scopes: vec![Scope {
                projects: ids(&["*"]),
                environments: ids(&["*"]),
                ..Scope::default()
            }],
            ..Freeze::default()
        })
    }

    /// One scope with these ids on its two sides.
    pub(crate) fn only(self, projects: &[&str], environments: &[&str]) -> Self {
        let scope = Scope {
            projects: ids(projects),
            environments: ids(environments),
            ..Scope::default()
        };
        self.with(|freeze| freeze.scopes = vec![scope])
    }

    /// From the first instant to the second; either may be left out.
    pub(crate) fn between(self, start: Option<Timestamp>, end: Option<Timestamp>) -> Self {
        self.with(|freeze| (freeze.start, freeze.end) = (start, end))
    }

    /// Again and again.
    pub(crate) fn recurring(self, recurrence: Recurrence) -> Self {
        self.with(|freeze| freeze.recurrence = Some(recurrence))
    }

    /// Any other change.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Freeze)) -> Self {
        change(&mut self.0);
        self
    }

    pub(crate) fn build(self) -> Freeze {
        self.0
    }
}

impl Gate {
    /// Declares a freeze that nothing is wrong with, and has what it holds held.
    pub(crate) async fn frozen(&self, freeze: FreezeSpec) -> Freeze {
        let created = self.admin().freeze(freeze).await.granted();
        self.pass(0).await;
        created.freeze.expect("an answer holds the freeze")
    }

    /// A freeze as it stands.
    pub(crate) async fn freeze(&self, id: &str) -> Freeze {
        self.as_("alice").get_freeze(id).await.granted()
    }
}

impl Caller {
    fn freezes(&self) -> FreezeServiceClient<countersign_client::Credentialed> {
        FreezeServiceClient::new(self.0.channel())
    }

    pub(crate) async fn freeze(&self, freeze: FreezeSpec) -> Answer<CreateFreezeResponse> {
        self.freeze_with(CreateFreezeRequest {
            freeze: Some(freeze.build()),
            ..CreateFreezeRequest::default()
        })
        .await
    }

    /// Asks what a freeze would do.
    pub(crate) async fn preview_freeze(&self, freeze: FreezeSpec) -> Answer<CreateFreezeResponse> {
        self.freeze_with(CreateFreezeRequest {
            freeze: Some(freeze.build()),
            validate_only: true,
            ..CreateFreezeRequest::default()
        })
        .await
    }

    pub(crate) async fn freeze_with(
        &self,
        request: CreateFreezeRequest,
    ) -> Answer<CreateFreezeResponse> {
        Ok(self.freezes().create_freeze(request).await?.into_inner())
    }

    pub(crate) async fn get_freeze(&self, id: &str) -> Answer<Freeze> {
        let request = GetFreezeRequest {
            freeze_id: id.to_owned(),
        };
        let answer = self.freezes().get_freeze(request).await?;
        Ok(answer
            .into_inner()
            .freeze
            .expect("an answer holds the freeze"))
    }

    pub(crate) async fn list_freezes(
        &self,
        request: ListFreezesRequest,
    ) -> Answer<ListFreezesResponse> {
        Ok(self.freezes().list_freezes(request).await?.into_inner())
    }

    /// Changes these fields of a freeze to what they are in `freeze`.
    pub(crate) async fn update_freeze(
        &self,
        freeze: FreezeSpec,
        paths: &[&str],
    ) -> Answer<UpdateFreezeResponse> {
        self.update_freeze_with(UpdateFreezeRequest {
            freeze: Some(freeze.build()),
            update_mask: mask(paths),
            ..UpdateFreezeRequest::default()
        })
        .await
    }

    pub(crate) async fn update_freeze_with(
        &self,
        request: UpdateFreezeRequest,
    ) -> Answer<UpdateFreezeResponse> {
        Ok(self.freezes().update_freeze(request).await?.into_inner())
    }

    pub(crate) async fn lift(&self, id: &str) -> Answer<Freeze> {
        self.lift_with(LiftFreezeRequest {
            freeze_id: id.to_owned(),
            ..LiftFreezeRequest::default()
        })
        .await
    }

    pub(crate) async fn lift_with(&self, request: LiftFreezeRequest) -> Answer<Freeze> {
        let answer = self.freezes().lift_freeze(request).await?;
        Ok(answer
            .into_inner()
            .freeze
            .expect("an answer holds the freeze"))
    }

    pub(crate) async fn delete_freeze(&self, id: &str) -> Answer<()> {
        self.delete_freeze_with(DeleteFreezeRequest {
            freeze_id: id.to_owned(),
            ..DeleteFreezeRequest::default()
        })
        .await
    }

    pub(crate) async fn delete_freeze_with(&self, request: DeleteFreezeRequest) -> Answer<()> {
        self.freezes().delete_freeze(request).await?;
        Ok(())
    }

    /// The first twenty transitions of a schedule from now on.
    pub(crate) async fn schedule(&self, of: Subject) -> Answer<PreviewScheduleResponse> {
        self.schedule_with(PreviewScheduleRequest {
            subject: Some(of),
            ..PreviewScheduleRequest::default()
        })
        .await
    }

    pub(crate) async fn schedule_with(
        &self,
        request: PreviewScheduleRequest,
    ) -> Answer<PreviewScheduleResponse> {
        let answer = self.0.policies().preview_schedule(request).await?;
        Ok(answer.into_inner())
    }
}
