//! A person takes their own approval back (D7).

use super::eligibility::check_may_decide;
use super::{Case, CrEvent, CrState, Verdict};
use crate::access::Principal;
use crate::ids::CrRef;
use crate::refusal::Refusal;

/// The revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoke {
    /// Of the own approval of what.
    pub target: CrRef,
    /// Why.
    pub comment: String,
}

/// Decides a revocation on a settled change request. It needs no present eligibility. `None`
/// repeats the caller's own latest decision.
pub fn revoke(
    case: &Case,
    command: &Revoke,
    caller: &Principal,
) -> Result<Option<CrEvent>, Refusal> {
    let number = case.number();
    let change_request = &case.change_request;
    check_may_decide(caller)?;
    match change_request
        .decision_of(&caller.person)
        .map(|decision| decision.verdict)
    {
        Some(Verdict::Revoked) => return Ok(None),
        Some(Verdict::Approved) => {}
        Some(Verdict::Rejected | Verdict::Lapsed) | None => {
            return Err(Refusal::NothingToRevoke {
                change_request: number,
            });
        }
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
    Ok(Some(CrEvent::ApprovalRevoked {
        person: caller.person.clone(),
        comment: command.comment.clone(),
        credential: caller.credential.clone(),
    }))
}
