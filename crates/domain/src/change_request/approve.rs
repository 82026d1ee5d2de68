//! A person approves (D1 to D4, D11).

use super::eligibility::check_may_decide;
use super::{Case, CrEvent, CrState, Verdict, eligibility};
use crate::Instant;
use crate::access::Principal;
use crate::directory::Directory;
use crate::ids::{ArtifactDigest, CrRef};
use crate::refusal::Refusal;

/// The approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approve {
    /// Of what.
    pub target: CrRef,
    /// Why.
    pub comment: String,
    /// Only of what was read.
    pub etag: Option<String>,
    /// The artifact digest that was seen.
    pub artifact_digest: Option<ArtifactDigest>,
}

/// Decides an approval of a settled change request. `None` repeats the caller's own latest
/// decision.
pub fn approve(
    case: &Case,
    command: &Approve,
    caller: &Principal,
    directory: &Directory,
    now: Instant,
) -> Result<Option<CrEvent>, Refusal> {
    let number = case.number();
    let change_request = &case.change_request;
    check_may_decide(caller)?;
    let latest = change_request
        .decision_of(&caller.person)
        .map(|decision| decision.verdict);
    if latest == Some(Verdict::Approved) {
        if !change_request.state.has_ended() {
            check_seen(
                case,
                command.etag.as_deref(),
                command.artifact_digest.as_ref(),
            )?;
        }
        return Ok(None);
    }
    let eligibility = eligibility(&case.resultant, caller, directory);
    if !eligibility.is_approver() {
        return Err(Refusal::NotAnApprover {
            change_request: number,
        });
    }
    if case.resultant.block_creator && case.was_triggered_by(&caller.person) {
        return Err(Refusal::CreatorBlocked {
            change_request: number,
        });
    }
    check_auth_time(case, caller, now)?;
    match &change_request.state {
        CrState::Pending { .. } | CrState::Approved { .. } => {}
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
    Ok(Some(CrEvent::ApprovalRecorded {
        person: caller.person.clone(),
        comment: command.comment.clone(),
        eligibility,
        artifact_digest: command.artifact_digest.clone(),
        credential: caller.credential.clone(),
    }))
}

/// Refuses an approver who proved who they are too long ago for a matched policy, or at a time that
/// the credential does not tell. To reject, anybody will do.
fn check_auth_time(case: &Case, caller: &Principal, now: Instant) -> Result<(), Refusal> {
    let Some((limit, policy)) = case.resultant.max_auth_age() else {
        return Ok(());
    };
    let auth_time = caller.credential.auth_time;
    if auth_time.is_some_and(|at| now.micros_since(at) <= limit.micros()) {
        return Ok(());
    }
    Err(Refusal::AuthenticationTooOld {
        change_request: case.number(),
        policy: policy.clone(),
        auth_time,
        limit_micros: limit.micros(),
    })
}

/// Refuses a decision on something else than what is there (D11).
pub(super) fn check_seen(
    case: &Case,
    etag: Option<&str>,
    artifact_digest: Option<&ArtifactDigest>,
) -> Result<(), Refusal> {
    let content = &case.change_request.content;
    let current = case.change_request.etag();
    if let Some(named) = etag.filter(|&named| named != current) {
        return Err(Refusal::EtagMismatch {
            named: named.to_owned(),
            current: current.to_owned(),
        });
    }
    if artifact_digest.is_some() && artifact_digest != content.artifact_digest.as_ref() {
        return Err(Refusal::digest_mismatch(
            artifact_digest,
            content.artifact_digest.as_ref(),
        ));
    }
    Ok(())
}
