//! Shows what a schedule does next (W3, F1).

use countersign_domain::calendar::{HORIZON, tzdb_version};
use countersign_domain::ids::{FreezeId, PolicyId, TaskId};
use countersign_domain::{Instant, Refusal};
use countersign_engine::ScheduleOf;
use countersign_proto::v1;

use crate::convert::fields;
use crate::convert::freeze::show_transition;
use crate::convert::freeze_draft::freeze_times;
use crate::convert::schedule::windows;
use crate::convert::window::{optional_instant, timestamp};
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate};

/// How many transitions are shown where none is said.
const COUNT: u32 = 20;
const COUNT_LIMIT: u32 = 200;

pub(super) async fn run(
    gate: Gate,
    caller: Caller,
    request: v1::PreviewScheduleRequest,
) -> Result<v1::PreviewScheduleResponse, Fault> {
    let of = subject(request.subject)?;
    let engine = &gate.engine;
    let from = optional_instant("from", request.from.as_ref())?;
    let from = near("from", from, engine.now())?;
    let count = count(request.count)?;
    let (preview, from) = engine.preview_schedule(&caller, of, from, count).await?;
    Ok(v1::PreviewScheduleResponse {
        transitions: preview.transitions.iter().map(show_transition).collect(),
        open: preview.open,
        from: Some(timestamp(from)),
        tz_database_version: tzdb_version().to_owned(),
    })
}

fn subject(subject: Option<v1::preview_schedule_request::Subject>) -> Result<ScheduleOf, Refusal> {
    use v1::preview_schedule_request::Subject;
    Ok(match fields::required("subject", subject)? {
        Subject::PolicyId(id) => ScheduleOf::Policy(fields::id("policy_id", &id, PolicyId::parse)?),
        Subject::FreezeId(id) => ScheduleOf::Freeze(fields::id("freeze_id", &id, FreezeId::parse)?),
        Subject::TaskId(id) => ScheduleOf::Task(fields::id("task_id", &id, TaskId::parse)?),
        Subject::Policy(policy) => ScheduleOf::Windows(windows("policy.windows", &policy.windows)?),
        Subject::Freeze(freeze) => ScheduleOf::Draft(Box::new(freeze_times(&freeze)?)),
    })
}

/// Nobody looks further ahead than windows and freezes are searched.
fn near(field: &str, from: Option<Instant>, now: Instant) -> Result<Option<Instant>, Refusal> {
    let last = now.plus_micros(HORIZON).unwrap_or(Instant::LAST);
    match from {
        Some(from) if from > last => {
            let allowed = "at most ten years ahead";
            Err(Refusal::field(field, from.to_string(), allowed, "E1"))
        }
        from => Ok(from),
    }
}

fn count(asked: u32) -> Result<usize, Refusal> {
    let count = if asked == 0 { COUNT } else { asked };
    if count > COUNT_LIMIT {
        let allowed = format!("1 to {COUNT_LIMIT}, or 0 for {COUNT}");
        return Err(Refusal::field("count", count.to_string(), allowed, "E1"));
    }
    Ok(count as usize)
}
