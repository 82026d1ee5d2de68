//! The freeze of an answer, and what it concerns.

use std::sync::Arc;

use countersign_domain::Refusal;
use countersign_domain::batch::{Action, Answer};
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::freeze::Freeze;
use countersign_domain::ids::FreezeId;
use countersign_domain::log::RequestMark;
use countersign_proto::v1;

use crate::convert::policy::show_warning;
use crate::fault::Fault;
use crate::rpc::gate::{Caller, Gate, unexpected};

/// How many tasks are looked at for what a freeze that is tried out would hold.
const TRIED_OUT_LIMIT: usize = 100_000;
/// How many are for one that is kept: whoever halts everything waits for the answer.
const KEPT_LIMIT: usize = 10_000;

/// The freeze as kept. A repeated call may find that it was deleted since.
pub(super) fn freeze_of(answer: Answer, id: &FreezeId) -> Result<Arc<Freeze>, Fault> {
    match answer {
        Answer::Freeze(freeze) => Ok(freeze),
        Answer::FreezeDeleted => Err(Refusal::not_found("freeze", id.as_str()).into()),
        other => Err(unexpected(&other)),
    }
}

/// A freeze that was changed, or would be, with what it concerns.
pub(super) struct Changed {
    pub(super) freeze: v1::Freeze,
    pub(super) impact: Option<v1::FreezeImpact>,
    pub(super) warnings: Vec<v1::Warning>,
}

/// Changes a freeze, or only says what that would do.
pub(super) async fn change(
    gate: &Gate,
    caller: &Caller,
    id: &FreezeId,
    command: DirectoryCommand,
    mark: Option<RequestMark>,
    validate_only: bool,
) -> Result<Changed, Fault> {
    let freeze = if validate_only {
        gate.engine
            .preview_freeze_change(caller, id, &command)
            .await?
    } else {
        let action = Action::Directory(command);
        freeze_of(gate.execute(caller, action, mark).await?, id)?
    };
    // The clock may be behind the entry by which the freeze came to be.
    let now = gate.engine.now().max(freeze.changed.instant);
    let limit = if validate_only {
        TRIED_OUT_LIMIT
    } else {
        KEPT_LIMIT
    };
    let impact = match gate.engine.impact(caller, &freeze, now, limit).await {
        Ok(impact) => Some(impact),
        Err(failure) if validate_only => return Err(failure.into()),
        // The freeze is kept: whoever was told otherwise would declare it again.
        Err(_) => None,
    };
    let warnings = gate.engine.freeze_warnings(caller, &freeze.draft).await;
    let show = gate.show(now);
    Ok(Changed {
        freeze: show.freeze(&freeze),
        impact: impact.map(|impact| show.impact(&impact)),
        warnings: warnings.iter().map(show_warning).collect(),
    })
}
