//! From a fault to a gRPC status: code, reason, metadata (E1, E2). The one place that decides it.
//!
//! Reasons are public: `ErrorReason` in the proto files says for each what it means and what to do,
//! and a test below holds the two together. What a driver says never gets here.

use std::collections::HashMap;

use countersign_domain::Refusal;
use countersign_domain::ids::{CrNumber, CrPrefix};
use countersign_engine::Failure;
use countersign_proto::ERROR_DOMAIN;
use countersign_proto::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::facts::facts;
use crate::fault::Fault;

/// Metadata travels in headers, and many clients take 8 KiB of those: longer texts are cut.
const TEXT_LIMIT: usize = 400;

/// The status of a fault, with numbers of change requests as this store writes them.
pub(crate) fn status(fault: &Fault, prefix: &CrPrefix) -> Status {
    let fault = &with_prefix(fault, prefix);
    let (code, reason) = code_and_reason(fault);
    let mut facts = facts(fault, prefix);
    facts.push(("rule", rule(fault).to_owned()));
    let metadata: HashMap<String, String> = facts
        .into_iter()
        .map(|(key, value)| (key.to_owned(), clip(value)))
        .collect();
    let message = clip(fault.to_string());
    let field = metadata.get("field").cloned();
    let mut details = ErrorDetails::with_error_info(reason.wire_name(), ERROR_DOMAIN, metadata);
    if let Some(field) = field {
        details.add_bad_request_violation(field, message.clone());
    }
    Status::with_error_details(code, message, details)
}

/// Pure code knows numbers only; people know them with the prefix. And a credential that has ended
/// is told like one that never was.
fn with_prefix(fault: &Fault, prefix: &CrPrefix) -> Fault {
    if let Fault::Failed(Failure::Refused(Refusal::CredentialEnded)) = fault {
        return Fault::Unauthenticated;
    }
    if let Fault::Failed(Failure::Refused(Refusal::NotFound {
        what: "change request",
        id,
    })) = fault
        && let Ok(number) = id.parse()
    {
        return Refusal::not_found("change request", &prefix.format(CrNumber(number))).into();
    }
    fault.clone()
}

fn code_and_reason(fault: &Fault) -> (Code, ErrorReason) {
    match fault {
        Fault::Failed(failure) => failure_code(failure),
        Fault::Unauthenticated => (Code::Unauthenticated, ErrorReason::Unauthenticated),
        Fault::IdentityProviderUnavailable => {
            (Code::Unavailable, ErrorReason::IdentityProviderUnavailable)
        }
        Fault::SecurityLogUnavailable => (Code::Unavailable, ErrorReason::SecurityLogUnavailable),
        Fault::RoleRequired { .. } => (Code::PermissionDenied, ErrorReason::RoleRequired),
        Fault::UnknownMethod { .. } => (Code::Unimplemented, ErrorReason::UnknownMethod),
        Fault::MalformedRequest => (Code::InvalidArgument, ErrorReason::MalformedRequest),
        Fault::MessageTooLarge { .. } => (Code::ResourceExhausted, ErrorReason::MessageTooLarge),
        Fault::DeadlineExceeded => (Code::DeadlineExceeded, ErrorReason::DeadlineExceeded),
        Fault::TooManyStreams { .. } => (Code::ResourceExhausted, ErrorReason::TooManyStreams),
        Fault::TooManyCalls { .. } => (Code::ResourceExhausted, ErrorReason::TooManyCalls),
        Fault::TooManyCallsOfCaller { .. } | Fault::TooManyBadLogins => {
            (Code::ResourceExhausted, ErrorReason::RateLimited)
        }
    }
}

fn failure_code(failure: &Failure) -> (Code, ErrorReason) {
    use ErrorReason as Reason;
    match failure {
        Failure::Refused(refusal) => refusal_code(refusal),
        Failure::LaneFull { .. } => (Code::ResourceExhausted, Reason::LaneFull),
        Failure::StoreUnavailable => (Code::Unavailable, Reason::StoreUnavailable),
        Failure::ShuttingDown => (Code::Unavailable, Reason::ShuttingDown),
        Failure::TooManyMatches { .. } => (Code::ResourceExhausted, Reason::TooManyMatches),
        Failure::ReaderTooSlow { .. } => (Code::ResourceExhausted, Reason::ReaderTooSlow),
        Failure::TokenMalformed => (Code::InvalidArgument, Reason::ResumeTokenMalformed),
        Failure::TokenOfAnotherStore => (Code::InvalidArgument, Reason::ResumeTokenOfAnotherStore),
        Failure::TokenOfRestoredStore { .. } => {
            (Code::InvalidArgument, Reason::ResumeTokenOfRestoredStore)
        }
        Failure::SequenceOutOfRange { .. } => (Code::OutOfRange, Reason::SequenceOutOfRange),
        Failure::Internal => (Code::Internal, Reason::Internal),
    }
}

fn refusal_code(refusal: &Refusal) -> (Code, ErrorReason) {
    use ErrorReason as Reason;
    match refusal {
        Refusal::OutsideGrant | Refusal::ScopeOutsideGrant { .. } => {
            (Code::PermissionDenied, Reason::OutsideGrant)
        }
        Refusal::CredentialEnded => (Code::Unauthenticated, Reason::Unauthenticated),
        Refusal::AuthenticationTooOld { .. } => {
            (Code::PermissionDenied, Reason::AuthenticationTooOld)
        }
        Refusal::TokenIdTaken { .. } => (Code::AlreadyExists, Reason::TokenIdTaken),
        Refusal::CannotDecide => (Code::PermissionDenied, Reason::CannotDecide),
        Refusal::NotAnApprover { .. } => (Code::PermissionDenied, Reason::NotAnApprover),
        Refusal::CreatorBlocked { .. } => (Code::PermissionDenied, Reason::CreatorBlocked),
        Refusal::NotTheCreator { .. } => (Code::PermissionDenied, Reason::NotTheCreator),
        Refusal::NotFound { .. } => (Code::NotFound, Reason::NotFound),
        Refusal::InvalidField { .. } => (Code::InvalidArgument, Reason::InvalidField),
        Refusal::WindowPast { .. } => (Code::InvalidArgument, Reason::WindowPast),
        Refusal::PolicyRequired { .. } => (Code::FailedPrecondition, Reason::PolicyRequired),
        Refusal::CreatorRequired { .. } => (Code::InvalidArgument, Reason::CreatorRequired),
        Refusal::TaskIdTaken { .. } => (Code::AlreadyExists, Reason::TaskIdTaken),
        Refusal::PolicyIdTaken { .. } => (Code::AlreadyExists, Reason::PolicyIdTaken),
        Refusal::TeamIdTaken { .. } => (Code::AlreadyExists, Reason::TeamIdTaken),
        Refusal::FreezeIdTaken { .. } => (Code::AlreadyExists, Reason::FreezeIdTaken),
        Refusal::NoPeriod { .. } => (Code::FailedPrecondition, Reason::NoPeriod),
        Refusal::FreezeNotInForce { .. } => (Code::FailedPrecondition, Reason::FreezeNotInForce),
        Refusal::RequestIdReused { .. } => (Code::AlreadyExists, Reason::RequestIdReused),
        Refusal::EtagMismatch { .. } => (Code::Aborted, Reason::EtagMismatch),
        Refusal::DigestMismatch { .. } => (Code::Aborted, Reason::DigestMismatch),
        Refusal::ChangeRequestEnded { .. } => {
            (Code::FailedPrecondition, Reason::ChangeRequestEnded)
        }
        Refusal::NothingCanStart { .. } => (Code::FailedPrecondition, Reason::NothingCanStart),
        Refusal::NothingToRevoke { .. } => (Code::FailedPrecondition, Reason::NothingToRevoke),
        Refusal::StartNotNow { .. } => (Code::FailedPrecondition, Reason::StartNotNow),
        Refusal::StartNever { .. } => (Code::FailedPrecondition, Reason::StartNever),
        Refusal::ClaimTaken { .. } => (Code::AlreadyExists, Reason::ClaimTaken),
        Refusal::NotWithdrawable { .. } => (Code::FailedPrecondition, Reason::NotWithdrawable),
        Refusal::NotRunning { .. } => (Code::FailedPrecondition, Reason::NotRunning),
        Refusal::OutcomeDiffers { .. } => (Code::FailedPrecondition, Reason::OutcomeDiffers),
        Refusal::TeamInUse { .. } => (Code::FailedPrecondition, Reason::TeamInUse),
        Refusal::TooManyPolicies { .. } => (Code::FailedPrecondition, Reason::TooManyPolicies),
        Refusal::ClockBehind { .. } => (Code::Unavailable, Reason::ClockBehind),
    }
}

fn rule(fault: &Fault) -> &'static str {
    match fault {
        Fault::Failed(Failure::Refused(refusal)) => refusal.rule(),
        Fault::Failed(_)
        | Fault::Unauthenticated
        | Fault::RoleRequired { .. }
        | Fault::UnknownMethod { .. }
        | Fault::MalformedRequest
        | Fault::MessageTooLarge { .. }
        | Fault::DeadlineExceeded
        | Fault::TooManyStreams { .. }
        | Fault::TooManyCalls { .. }
        | Fault::TooManyCallsOfCaller { .. }
        | Fault::TooManyBadLogins
        | Fault::IdentityProviderUnavailable
        | Fault::SecurityLogUnavailable => "E1",
    }
}

fn clip(mut text: String) -> String {
    if text.len() > TEXT_LIMIT {
        let cut = (0..=TEXT_LIMIT)
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0);
        text.truncate(cut);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use countersign_domain::Instant;
    use countersign_domain::access::Role;
    use countersign_domain::ids::{
        EnvironmentId, FreezeId, ProjectId, RequestId, TaskId, TeamId, TokenId,
    };
    use countersign_domain::policy::NoPeriod;
    use countersign_domain::task::WaitingFor;
    use countersign_proto::FILE_DESCRIPTOR_SET;
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use countersign_domain::ids::PolicyId;
    use countersign_domain::refusal::NotNow;

    use super::*;

    fn task() -> TaskId {
        TaskId::parse("deploy-7").unwrap()
    }

    fn policies() -> Vec<PolicyId> {
        vec![PolicyId::parse("prod").unwrap()]
    }

    fn team() -> TeamId {
        TeamId::parse("security").unwrap()
    }

    fn freeze() -> FreezeId {
        FreezeId::parse("year-end").unwrap()
    }

    /// What calendars refuse.
    fn refusals_of_time() -> [Refusal; 5] {
        let no_period = |why| Refusal::NoPeriod {
            policies: policies(),
            why,
        };
        let opens_at = Instant::EPOCH;
        [
            Refusal::FreezeIdTaken { freeze: freeze() },
            Refusal::FreezeNotInForce {
                freeze: freeze(),
                begins_at: Some(opens_at),
            },
            no_period(NoPeriod::NeverOpen),
            no_period(NoPeriod::OutsideTaskWindow { opens_at }),
            no_period(NoPeriod::TooMuchWork),
        ]
    }

    fn refusals() -> Vec<Refusal> {
        let project = ProjectId::parse("web").unwrap();
        let environment = EnvironmentId::parse("production").unwrap();
        let request = RequestId::parse("r").unwrap();
        let [end, now] = [Instant::EPOCH; 2];
        let (named, current) = ("7".to_owned(), "8".to_owned());
        let expected = current.clone();
        let policy = policies().remove(0);
        let mut all = vec![
            Refusal::OutsideGrant,
            Refusal::ScopeOutsideGrant { what: "the policy" },
            Refusal::CredentialEnded,
            Refusal::TokenIdTaken {
                token: TokenId::parse("ci").unwrap(),
            },
            Refusal::CannotDecide,
            Refusal::field("task.kind", "nothing", "a kind", "C1"),
            Refusal::WindowPast { end, now },
            Refusal::PolicyRequired {
                project,
                environment,
            },
            Refusal::CreatorRequired {
                policies: policies(),
            },
            Refusal::PolicyIdTaken { policy },
            Refusal::TeamIdTaken { team: team() },
            Refusal::RequestIdReused { request },
            Refusal::EtagMismatch {
                named: named.clone(),
                current,
            },
            Refusal::DigestMismatch { named, expected },
            Refusal::TeamInUse {
                team: team(),
                policies: policies(),
            },
            Refusal::TooManyPolicies {
                found: 65,
                limit: 64,
            },
            Refusal::ClockBehind {
                by_micros: 6_000_000,
            },
        ];
        all.extend(refusals_of_change_requests());
        all.extend(refusals_of_tasks());
        all.extend(refusals_of_time());
        all
    }

    fn refusals_of_change_requests() -> [Refusal; 6] {
        let change_request = CrNumber(42);
        let found = "REJECTED";
        [
            Refusal::NotAnApprover { change_request },
            Refusal::CreatorBlocked { change_request },
            Refusal::AuthenticationTooOld {
                change_request,
                policy: policies().remove(0),
                auth_time: Some(Instant::EPOCH),
                limit_micros: 900_000_000,
            },
            Refusal::ChangeRequestEnded {
                change_request,
                found,
            },
            Refusal::NothingCanStart { change_request },
            Refusal::NothingToRevoke { change_request },
        ]
    }

    fn refusals_of_tasks() -> Vec<Refusal> {
        let held = NotNow::Held {
            waiting_for: WaitingFor::Freeze,
            freezes: vec![freeze()],
        };
        let stale = NotNow::StaleGeneration {
            named: 1,
            current: 2,
        };
        let not_now = |cause| Refusal::StartNotNow {
            task: task(),
            cause,
        };
        vec![
            Refusal::task_not_found(&task()),
            Refusal::NotTheCreator { task: task() },
            Refusal::TaskIdTaken { task: task() },
            Refusal::ClaimTaken { task: task() },
            not_now(held),
            not_now(stale),
            Refusal::StartNever {
                task: task(),
                found: "TERMINATED",
            },
            Refusal::NotWithdrawable {
                task: task(),
                found: "RUNNING",
            },
            Refusal::NotRunning {
                task: task(),
                found: "PAUSED",
            },
            Refusal::OutcomeDiffers {
                task: task(),
                found: "FAILED",
            },
        ]
    }

    fn faults() -> Vec<Fault> {
        let mut all = vec![
            Failure::LaneFull {
                lane: "new",
                limit: 4_096,
            }
            .into(),
            Failure::StoreUnavailable.into(),
            Failure::ShuttingDown.into(),
            Failure::TooManyMatches { limit: 10_000 }.into(),
            Failure::ReaderTooSlow { limit: 10_000 }.into(),
            Failure::TokenMalformed.into(),
            Failure::TokenOfAnotherStore.into(),
            Failure::TokenOfRestoredStore { found: 9, head: 3 }.into(),
            Failure::SequenceOutOfRange { found: 9, limit: 3 }.into(),
            Failure::Internal.into(),
            Fault::Unauthenticated,
            Fault::RoleRequired {
                allowed: &[Role::Auditor],
                found: BTreeSet::new(),
            },
            Fault::UnknownMethod {
                method: "/a/B".to_owned(),
            },
            Fault::MalformedRequest,
            Fault::MessageTooLarge { limit: 262_144 },
            Fault::DeadlineExceeded,
            Fault::TooManyStreams { limit: 1_000 },
            Fault::TooManyCalls { limit: 4_096 },
            Fault::TooManyCallsOfCaller { limit: 5_000 },
            Fault::TooManyBadLogins,
            Fault::IdentityProviderUnavailable,
            Fault::SecurityLogUnavailable,
        ];
        all.extend(refusals().into_iter().map(Fault::from));
        all
    }

    /// The comment above each value of the public enum, by its name on the wire.
    fn documented() -> HashMap<String, String> {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
        let is_ours = |name: &str| name.ends_with("error_reason.proto");
        let file = set.file.iter().find(|file| is_ours(file.name())).unwrap();
        let locations = &file.source_code_info.as_ref().unwrap().location;
        let values = file.enum_type[0].value.iter().enumerate();
        let comment = |index: usize| {
            // Enum 0 of the file, value `index` of it.
            let path = [5, 0, 2, i32::try_from(index).unwrap()];
            locations
                .iter()
                .find(|it| it.path == path)
                .unwrap()
                .leading_comments()
                .to_owned()
        };
        values
            .skip(1)
            .map(|(index, value)| {
                let reason = ErrorReason::from_str_name(value.name()).unwrap();
                (reason.wire_name().to_owned(), comment(index))
            })
            .collect()
    }

    fn screaming(code: Code) -> String {
        let mut name = String::new();
        for letter in format!("{code:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.extend(letter.to_uppercase());
        }
        name
    }

    #[test]
    fn e2_every_reason_is_sent_by_something_and_is_sent_as_documented() {
        let prefix = CrPrefix::parse("CR").unwrap();
        let mut missing = documented();
        for fault in faults() {
            let status = status(&fault, &prefix);
            let info = status.get_details_error_info().unwrap();
            let comment = documented().remove(&info.reason).unwrap();
            missing.remove(&info.reason);
            assert_eq!(info.domain, "countersign.dev");
            let code = screaming(status.code());
            assert!(
                comment.trim().starts_with(&format!("{code}. ")),
                "{comment}: {code}"
            );
            assert!(info.metadata["rule"].len() >= 2, "{fault:?}");
            for key in info.metadata.keys().filter(|key| *key != "rule") {
                assert!(
                    comment.contains(&format!("`{key}`")),
                    "{}: {key}",
                    info.reason
                );
            }
            let bad_field = status.get_details_bad_request();
            assert_eq!(
                bad_field.is_some(),
                info.metadata.contains_key("field"),
                "{fault:?}"
            );
            assert!(!status.message().is_empty());
            assert!(
                info.metadata.values().all(|value| !value.is_empty()),
                "{fault:?}"
            );
        }
        assert!(missing.is_empty(), "never sent: {:?}", missing.keys());
    }

    #[test]
    fn e2_change_requests_are_named_as_people_write_them() {
        let prefix = CrPrefix::parse("OCT").unwrap();
        let fault = Refusal::NotAnApprover {
            change_request: CrNumber(7),
        }
        .into();
        let info = status(&fault, &prefix).get_details_error_info().unwrap();
        assert_eq!(info.metadata["change_request"], "OCT-7");
        assert_eq!(info.metadata["rule"], "D1");

        let absent = status(&Refusal::not_found("change request", "7").into(), &prefix);
        assert!(
            absent.message().contains("\"OCT-7\""),
            "{}",
            absent.message()
        );
        let by_task = status(
            &Refusal::not_found("change request", "OCT-7").into(),
            &prefix,
        );
        assert_eq!(by_task.message(), absent.message());
    }

    #[test]
    fn e2_long_texts_are_cut_between_characters() {
        let found = "é".repeat(TEXT_LIMIT);
        let fault = Refusal::field("task.title", found, "less", "E1").into();
        let status = status(&fault, &CrPrefix::parse("CR").unwrap());
        let info = status.get_details_error_info().unwrap();
        assert!(info.metadata["found"].len() <= TEXT_LIMIT + '…'.len_utf8());
        assert!(status.details().len() < 4_096);
    }
}
