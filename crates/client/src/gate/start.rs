//! Claims the start, and what each answer means.

use std::time::Duration;

use countersign_proto::v1::{ErrorReason, StartTaskRequest};
use tonic::Status;

use super::fate::{Fate, fate};
use super::grant::{Claim, Grant};
use crate::{Connection, reason, within};

/// What an answer to a claim means.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// The start is this claim's.
    Granted(Box<Grant>),
    /// Not granted; the next signal says more.
    NotNow(Status),
    /// Not granted, and it never will be: the task has ended.
    Never(Status),
    /// The start is another claim's.
    Taken(Status),
    /// Not granted, and repeating does not help.
    Refused(Status),
    /// Nobody knows.
    InDoubt(Status),
    /// An OK that does not say what was claimed: not known either.
    Unverified(&'static str),
}

/// Claims the start once.
pub(super) async fn start(connection: &Connection, limit: Duration, claim: &Claim) -> Answer {
    let request = StartTaskRequest {
        task_id: claim.task_id.clone(),
        generation: claim.generation,
        artifact_digest: claim.artifact_digest.clone(),
        claim_id: claim.claim_id.clone(),
    };
    let mut runner = connection.runner();
    let answer = within(limit, request, async |request| {
        runner.start_task(request).await
    });
    match answer.await {
        Ok(answer) => Grant::verify(claim, answer)
            .map_or_else(Answer::Unverified, |grant| Answer::Granted(Box::new(grant))),
        Err(status) => refusal(status),
    }
}

fn refusal(status: Status) -> Answer {
    match fate(&status) {
        Fate::InDoubt => Answer::InDoubt(status),
        Fate::Refused => match reason(&status) {
            Some(ErrorReason::StartNotNow) => Answer::NotNow(status),
            Some(ErrorReason::StartNever) => Answer::Never(status),
            Some(ErrorReason::ClaimTaken) => Answer::Taken(status),
            _ => Answer::Refused(status),
        },
    }
}

#[cfg(test)]
mod tests {
    use countersign_proto::ERROR_DOMAIN;
    use tonic::Code;
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    fn answer(code: Code, reason: &str) -> &'static str {
        let details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, []);
        match refusal(Status::with_error_details(code, "", details)) {
            Answer::Granted(_) => "granted",
            Answer::NotNow(_) => "not now",
            Answer::Never(_) => "never",
            Answer::Taken(_) => "taken",
            Answer::Refused(_) => "refused",
            Answer::InDoubt(_) => "in doubt",
            Answer::Unverified(_) => "unverified",
        }
    }

    #[test]
    fn p4_a_refusal_says_which_it_is() {
        let rows = [
            (Code::FailedPrecondition, "START_NOT_NOW", "not now"),
            (Code::FailedPrecondition, "START_NEVER", "never"),
            (Code::FailedPrecondition, "SOMETHING_NEWER", "refused"),
            (Code::AlreadyExists, "CLAIM_TAKEN", "taken"),
            (Code::Aborted, "DIGEST_MISMATCH", "refused"),
            (Code::Unavailable, "CLOCK_BEHIND", "in doubt"),
            (Code::ResourceExhausted, "LANE_FULL", "in doubt"),
            (Code::ResourceExhausted, "MESSAGE_TOO_LARGE", "refused"),
            (Code::Unavailable, "START_NEVER", "in doubt"),
        ];
        for (code, reason, expected) in rows {
            assert_eq!(answer(code, reason), expected, "{code:?} {reason}");
        }
    }
}
