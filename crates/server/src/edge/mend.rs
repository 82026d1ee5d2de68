//! Statuses that the transport makes by itself. It calls a message that is too large out of range,
//! and one that is none an internal error. Callers decide by the code, so both are told as what
//! they are.

use countersign_domain::ids::CrPrefix;
use http::Response;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::fault::Fault;
use crate::status::status;

/// The answer with a status that is documented, where messages may have so many bytes.
pub(crate) fn mend(
    answer: Response<Body>,
    prefix: &CrPrefix,
    message_bytes: usize,
) -> Response<Body> {
    let status_of = answer.extensions().get::<Status>();
    match status_of.and_then(|status| meant(status, message_bytes)) {
        Some(fault) => status(&fault, prefix).into_http(),
        None => answer,
    }
}

/// What a status of the transport's own means. Ours carry details.
fn meant(status: &Status, message_bytes: usize) -> Option<Fault> {
    if !status.details().is_empty() {
        return None;
    }
    match status.code() {
        Code::OutOfRange => Some(Fault::MessageTooLarge {
            limit: message_bytes,
        }),
        Code::Internal => Some(Fault::MalformedRequest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use countersign_engine::Failure;

    use super::*;

    fn mended(status: Status) -> Code {
        let answer = mend(status.into_http(), &CrPrefix::parse("CR").unwrap(), 7);
        answer
            .extensions()
            .get::<Status>()
            .map_or(Code::Ok, Status::code)
    }

    #[test]
    fn the_transports_codes_are_mended_and_ours_are_left() {
        let prefix = CrPrefix::parse("CR").unwrap();
        assert_eq!(
            mended(Status::out_of_range("too large")),
            Code::ResourceExhausted
        );
        assert_eq!(
            mended(Status::internal("failed to decode")),
            Code::InvalidArgument
        );
        assert_eq!(mended(Status::unimplemented("")), Code::Unimplemented);
        let ours = status(&Failure::Internal.into(), &prefix);
        assert_eq!(mended(ours), Code::Internal);
        let range = Failure::SequenceOutOfRange { found: 9, limit: 1 };
        assert_eq!(mended(status(&range.into(), &prefix)), Code::OutOfRange);
        let fine = mend(Response::new(Body::default()), &prefix, 7);
        assert!(fine.extensions().get::<Status>().is_none());
    }
}
