//! A person rejects, which ends the change request (D5).

use super::approve::check_seen;
use super::eligibility::{check_may_decide, is_first_creator};
use super::{Case, CrEvent, CrState, Verdict, eligibility};
use crate::access::Principal;
use crate::directory::Directory;
use crate::ids::{ArtifactDigest, CrRef};
use crate::log::Event;
use crate::refusal::Refusal;
use crate::task::{TaskEvent, TerminationReason};

/// The rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Of what.
    pub target: CrRef,
    /// Why.
    pub comment: String,
    /// Only of what was read.
    pub etag: Option<String>,
    /// The artifact digest that was seen.
    pub artifact_digest: Option<ArtifactDigest>,
}

/// Decides a rejection of a settled change request: the rejection itself, and the end of every task
/// that could still start, in one transaction (I-04). Nothing to do repeats the caller's own latest
/// decision.
pub fn reject(
    case: &Case,
    command: &Reject,
    caller: &Principal,
    directory: &Directory,
) -> Result<Vec<Event>, Refusal> {
    let number = case.number();
    let change_request = &case.change_request;
    check_may_decide(caller)?;
    let latest = change_request
        .decision_of(&caller.person)
        .map(|decision| decision.verdict);
    if latest == Some(Verdict::Rejected) {
        return Ok(Vec::new());
    }
    let mut eligibility = eligibility(&case.resultant, caller, directory);
    eligibility.as_creator = is_first_creator(case, caller);
    if !eligibility.is_approver() && !eligibility.as_creator {
        return Err(Refusal::NotAnApprover {
            change_request: number,
        });
    }
    match &change_request.state {
        CrState::Pending { .. } | CrState::Approved { .. } if case.could_start() => {}
        CrState::Pending { .. } | CrState::Approved { .. } => {
            return Err(Refusal::NothingCanStart {
                change_request: number,
            });
        }
        CrState::Rejected { .. } | CrState::Expired { .. } | CrState::Withdrawn { .. } => {
            let found = change_request.state.name();
            return Err(Refusal::ChangeRequestEnded {
                change_request: number,
                found,
            });
        }
    }
    check_seen(
        case,
        command.etag.as_deref(),
        command.artifact_digest.as_ref(),
    )?;
    let stops: Vec<_> = case.open_tasks().map(|task| task.id().clone()).collect();
    let rejected = CrEvent::Rejected {
        person: caller.person.clone(),
        comment: command.comment.clone(),
        eligibility,
        artifact_digest: command.artifact_digest.clone(),
        credential: caller.credential.clone(),
        stops: stops.clone(),
    };
    let terminated = TaskEvent::Terminated {
        reason: TerminationReason::Rejected,
        comment: String::new(),
    };
    let mut events = vec![Event::ChangeRequest(number, rejected)];
    events.extend(
        stops
            .into_iter()
            .map(|id| Event::Task(id, terminated.clone())),
    );
    Ok(events)
}
