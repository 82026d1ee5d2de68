//! What may have become of a call that was not answered with OK.

use countersign_proto::v1::ErrorReason;
use tonic::{Code, Status};

use crate::reason;

/// What may have become of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It may have had its effect, or may have it when it is repeated; repeating is safe.
    InDoubt,
    /// It had none, and will have none.
    Refused,
}

/// The codes with which the gate itself refuses are refusals; whatever can also come from
/// something in between, or while the store is away, leaves it in doubt.
pub(super) fn fate(status: &Status) -> Fate {
    match status.code() {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unimplemented
        | Code::Unauthenticated => Fate::Refused,
        Code::ResourceExhausted => match reason(status) {
            Some(ErrorReason::MessageTooLarge) => Fate::Refused,
            _ => Fate::InDoubt,
        },
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        // The transport says so of an answer that is too long.
        | Code::OutOfRange
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Fate::InDoubt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_a_fate() {
        let refused = [3, 5, 6, 7, 9, 10, 12, 16];
        for number in 0..=20 {
            let expected = if refused.contains(&number) {
                Fate::Refused
            } else {
                Fate::InDoubt
            };
            let status = Status::new(Code::from_i32(number), "");
            assert_eq!(fate(&status), expected, "{number}");
        }
    }
}
