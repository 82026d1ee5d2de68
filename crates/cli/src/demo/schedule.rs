//! The calls of the story that are about time, one short function each: windows of policies,
//! freezes, and a start that comes too late.

use anyhow::Context as _;
use countersign_client::Credentialed;
use countersign_proto::v1::freeze_service_client::FreezeServiceClient;
use countersign_proto::v1::preview_schedule_request::Subject;
use countersign_proto::v1::recurrence::Length;
use countersign_proto::v1::{
    ChangeWindow, CreateFreezeRequest, Freeze, LiftFreezeRequest, Policy, PreviewScheduleRequest,
    PreviewScheduleResponse, Recurrence, StartTaskRequest, Task, change_window,
};
use prost_types::{Duration, Timestamp};
use tonic::Status;

use super::callers::{Callers, scope};

/// The zone by whose clocks the policies of the story count.
pub(super) const ZONE: &str = "Europe/Berlin";

impl Callers {
    /// A policy for `web` in `production` that only says when.
    pub(super) async fn windows_policy(
        &self,
        id: &str,
        window: ChangeWindow,
    ) -> anyhow::Result<()> {
        let policy = Policy {
            id: id.to_owned(),
            scopes: vec![scope("web")],
            windows: vec![window],
            ..Policy::default()
        };
        self.create_policy(policy).await
    }

    /// When a window that nobody has saved would open and close.
    pub(super) async fn try_windows(
        &self,
        window: ChangeWindow,
        from: Option<Timestamp>,
        count: u32,
    ) -> anyhow::Result<PreviewScheduleResponse> {
        let policy = Policy {
            windows: vec![window],
            ..Policy::default()
        };
        self.preview(Subject::Policy(policy), from, count).await
    }

    /// When the windows of a policy open and close from now on.
    pub(super) async fn preview_policy(
        &self,
        id: &str,
        count: u32,
    ) -> anyhow::Result<PreviewScheduleResponse> {
        let subject = Subject::PolicyId(id.to_owned());
        self.preview(subject, None, count).await
    }

    async fn preview(
        &self,
        subject: Subject,
        from: Option<Timestamp>,
        count: u32,
    ) -> anyhow::Result<PreviewScheduleResponse> {
        let request = PreviewScheduleRequest {
            subject: Some(subject),
            from,
            count,
        };
        let admin = self.connection("root")?;
        let answer = admin.policies().preview_schedule(request).await?;
        Ok(answer.into_inner())
    }

    /// Freezes all of `production`, until it is lifted.
    pub(super) async fn freeze(&self, id: &str, reason: &str) -> anyhow::Result<()> {
        let freeze = Freeze {
            id: id.to_owned(),
            reason: reason.to_owned(),
            scopes: vec![scope("*")],
            ..Freeze::default()
        };
        let request = CreateFreezeRequest {
            freeze: Some(freeze),
            ..CreateFreezeRequest::default()
        };
        self.freezes()?.create_freeze(request).await?;
        Ok(())
    }

    pub(super) async fn lift(&self, id: &str) -> anyhow::Result<Freeze> {
        let request = LiftFreezeRequest {
            freeze_id: id.to_owned(),
            comment: "it is fast again".to_owned(),
            ..LiftFreezeRequest::default()
        };
        let answer = self.freezes()?.lift_freeze(request).await?;
        answer
            .into_inner()
            .freeze
            .context("the answer holds no freeze")
    }

    fn freezes(&self) -> anyhow::Result<FreezeServiceClient<Credentialed>> {
        let operator = self.connection("olga")?;
        Ok(operator.freezes())
    }

    /// A claim that may be refused.
    pub(super) async fn try_to_start(
        &self,
        id: &str,
        generation: u64,
    ) -> anyhow::Result<Result<Task, Status>> {
        let request = StartTaskRequest {
            task_id: id.to_owned(),
            generation,
            artifact_digest: String::new(),
            claim_id: format!("web-1/{id}/too-late"),
        };
        let runner = self.connection("web-1")?;
        let answer = runner.runner().start_task(request).await;
        Ok(answer.map(|answer| answer.into_inner().task.unwrap_or_default()))
    }
}

/// Monday to Friday, from nine to five.
pub(super) fn office_hours() -> ChangeWindow {
    recurring("0 9 * * MON-FRI", Length::LocalEnd("17:00".to_owned()))
}

/// Three hours each day, from a full hour on.
pub(super) fn three_hours_from(hour: i8) -> ChangeWindow {
    let three_hours = Duration {
        seconds: 3 * 3_600,
        nanos: 0,
    };
    recurring(&format!("0 {hour} * * *"), Length::Duration(three_hours))
}

fn recurring(starts: &str, length: Length) -> ChangeWindow {
    let recurrence = Recurrence {
        starts: starts.to_owned(),
        time_zone: ZONE.to_owned(),
        length: Some(length),
    };
    ChangeWindow {
        window: Some(change_window::Window::Recurring(recurrence)),
    }
}

/// The hour on the clocks of that zone, so that a window can be asked for that is open.
#[expect(
    clippy::disallowed_methods,
    reason = "a caller's own clock, for the window it asks for"
)]
pub(super) fn hour_there() -> anyhow::Result<i8> {
    let there = jiff::Timestamp::now().in_tz(ZONE);
    Ok(there.context("the zone is unknown")?.hour())
}
