//! The mark of a call that may be repeated (I-22).

use countersign_domain::Refusal;
use countersign_domain::ids::RequestId;
use countersign_domain::log::{RequestMark, digest_of};
use serde::Serialize;

use super::fields;

/// The mark of a call, if it names a request id: the id, and the digest of method and content. The
/// content is what was understood, so a repeat that spells the same thing otherwise is a repeat.
pub(crate) fn mark(
    method: &str,
    request_id: &str,
    content: &impl Serialize,
) -> Result<Option<RequestMark>, Refusal> {
    let id = fields::optional_id("request_id", request_id, RequestId::parse)?;
    Ok(id.map(|id| RequestMark {
        id,
        digest: digest_of(&(method, content)),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::fields::tests::field_of;
    use super::*;

    #[test]
    fn i22_a_mark_tells_methods_and_contents_apart() {
        let of = |method, content: &str| mark(method, "r-1", &content).unwrap().unwrap().digest;
        assert_eq!(of("Approve", "a"), of("Approve", "a"));
        assert_ne!(of("Approve", "a"), of("Approve", "b"));
        assert_ne!(of("Approve", "a"), of("Reject", "a"));
        assert_eq!(mark("Approve", "", &"a"), Ok(None));
        assert_eq!(
            field_of(mark("Approve", &"r".repeat(201), &"a")),
            "request_id"
        );
    }
}
