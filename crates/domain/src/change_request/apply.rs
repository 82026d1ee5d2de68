//! The one way from a change request's state to the next, live and when the log is folded.

use std::sync::Arc;

use super::{ChangeRequest, CrEvent, CrState, Decision, Eligibility, Verdict};
use crate::access::CredentialRef;
use crate::ids::ArtifactDigest;
use crate::log::{IllegalEdge, Stamp};
use crate::person::Person;

/// Applies one event. Illegal edges are errors: they can only come from a damaged log (I-02).
pub fn apply(
    found: Option<&ChangeRequest>,
    event: &CrEvent,
    stamp: Stamp,
) -> Result<ChangeRequest, IllegalEdge> {
    let illegal = || IllegalEdge {
        event: event.name(),
        state: found.map_or("absent", |found| found.state.name()),
        sequence: stamp.sequence,
    };
    if let CrEvent::Created { content } = event {
        if found.is_some() {
            return Err(illegal());
        }
        let since = stamp.instant;
        let state = if content.approval_required {
            CrState::Pending { since }
        } else {
            CrState::Approved {
                since,
                ttl_passed: false,
            }
        };
        return Ok(ChangeRequest {
            content: Arc::clone(content),
            joined_etag: None,
            state,
            decisions: Vec::new(),
            stamp,
        });
    }
    let found = found.ok_or_else(illegal)?;
    let mut next = found.clone();
    next.stamp = stamp;
    next.state = next_state(found, event, stamp).ok_or_else(illegal)?;
    if let CrEvent::TaskJoined { etag, .. } = event {
        next.joined_etag = Some(etag.clone());
    }
    if let Some(decision) = decision(event, found, stamp) {
        next.decisions
            .retain(|earlier| earlier.person != decision.person);
        next.decisions.push(decision);
    }
    Ok(next)
}

/// The state after an event, or `None` where the state does not know the event.
fn next_state(found: &ChangeRequest, event: &CrEvent, stamp: Stamp) -> Option<CrState> {
    let pending = matches!(found.state, CrState::Pending { .. });
    let approved = matches!(found.state, CrState::Approved { .. });
    let at = stamp.instant;
    match event {
        CrEvent::Created { .. } => None,
        CrEvent::TaskJoined { .. } | CrEvent::ApprovalRevoked { .. } => {
            (pending || approved).then(|| found.state.clone())
        }
        CrEvent::ApprovalLapsed { person } => {
            let counts = found.approvals().any(|decision| decision.person == *person);
            (counts && (pending || approved)).then(|| found.state.clone())
        }
        // A newer approval has a time to live of its own.
        CrEvent::ApprovalRecorded { .. } => match found.state {
            CrState::Approved { since, .. } => Some(CrState::Approved {
                since,
                ttl_passed: false,
            }),
            CrState::Pending { since } => Some(CrState::Pending { since }),
            CrState::Rejected { .. } | CrState::Expired { .. } | CrState::Withdrawn { .. } => None,
        },
        CrEvent::QuorumReached => pending.then_some(CrState::Approved {
            since: at,
            ttl_passed: false,
        }),
        CrEvent::QuorumLost => approved.then_some(CrState::Pending { since: at }),
        CrEvent::Rejected { person, stops, .. } => {
            (pending || approved).then(|| CrState::Rejected {
                by: person.clone(),
                at,
                stopped: stops.clone(),
            })
        }
        CrEvent::Expired { cause, due_at } => (pending || approved).then_some(CrState::Expired {
            cause: *cause,
            due_at: *due_at,
            at,
        }),
        CrEvent::TimeToLivePassed => match found.state {
            CrState::Approved {
                since,
                ttl_passed: false,
            } => Some(CrState::Approved {
                since,
                ttl_passed: true,
            }),
            CrState::Approved {
                ttl_passed: true, ..
            }
            | CrState::Pending { .. }
            | CrState::Rejected { .. }
            | CrState::Expired { .. }
            | CrState::Withdrawn { .. } => None,
        },
        CrEvent::Withdrawn => pending.then_some(CrState::Withdrawn { at }),
    }
}

/// The decision an event records, if it is one. A revocation keeps how the approval was entitled.
fn decision(event: &CrEvent, found: &ChangeRequest, stamp: Stamp) -> Option<Decision> {
    match event {
        CrEvent::ApprovalRecorded {
            person,
            comment,
            eligibility,
            artifact_digest,
            credential,
        } => {
            let parts = (person, comment, eligibility, artifact_digest, credential);
            Some(record(Verdict::Approved, parts, stamp))
        }
        CrEvent::Rejected {
            person,
            comment,
            eligibility,
            artifact_digest,
            credential,
            ..
        } => {
            let parts = (person, comment, eligibility, artifact_digest, credential);
            Some(record(Verdict::Rejected, parts, stamp))
        }
        CrEvent::ApprovalRevoked {
            person,
            comment,
            credential,
        } => {
            let earlier = found.decision_of(person);
            let eligibility = earlier.map(|d| d.eligibility.clone()).unwrap_or_default();
            let parts = (person, comment, &eligibility, &None, credential);
            Some(record(Verdict::Revoked, parts, stamp))
        }
        CrEvent::ApprovalLapsed { person } => {
            let earlier = found.decision_of(person)?;
            Some(Decision {
                verdict: Verdict::Lapsed,
                at: stamp.instant,
                ..earlier.clone()
            })
        }
        CrEvent::Created { .. }
        | CrEvent::TaskJoined { .. }
        | CrEvent::QuorumReached
        | CrEvent::QuorumLost
        | CrEvent::Expired { .. }
        | CrEvent::TimeToLivePassed
        | CrEvent::Withdrawn => None,
    }
}

type Parts<'a> = (
    &'a Person,
    &'a String,
    &'a Eligibility,
    &'a Option<ArtifactDigest>,
    &'a CredentialRef,
);

fn record(verdict: Verdict, parts: Parts<'_>, stamp: Stamp) -> Decision {
    let (person, comment, eligibility, artifact_digest, credential) = parts;
    Decision {
        person: person.clone(),
        verdict,
        comment: comment.clone(),
        at: stamp.instant,
        eligibility: eligibility.clone(),
        artifact_digest: artifact_digest.clone(),
        credential: credential.clone(),
    }
}
