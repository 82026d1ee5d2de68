//! Every way in which a call can end other than with an answer.

use std::collections::BTreeSet;

use countersign_domain::Refusal;
use countersign_domain::access::Role;
use countersign_engine::Failure;

/// Why a call is not answered. `status` says it in gRPC's terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// The engine did not answer, or the rules refuse.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// No credential, or an unknown one. One text for all, so that nothing is learned from it.
    #[error("a credential is missing or not accepted; send `authorization: Bearer <token>`")]
    Unauthenticated,
    /// The credential lacks the role.
    #[error(
        "found a credential with {}; this method needs one of: {}",
        found_roles(.found),
        names(.allowed.iter())
    )]
    RoleRequired {
        /// Any of these.
        allowed: &'static [Role],
        /// What the credential has.
        found: BTreeSet<Role>,
    },
    /// There is no such method.
    #[error("there is no method {method:?} here; check the name and the server's version")]
    UnknownMethod {
        /// What was called.
        method: String,
    },
    /// An address presented too many logins that are not accepted.
    #[error("too many logins of this address were not accepted; repeat the call after a moment")]
    TooManyBadLogins,
    /// The keys of the identity provider are not known, or too old.
    #[error(
        "the keys of the identity provider are not known or too old to be trusted, so no login can \
         be checked; repeat the call later"
    )]
    IdentityProviderUnavailable,
    /// What has to be recorded before it is answered cannot be.
    #[error(
        "the security log cannot be written, and a read of the log is not answered without a \
         record; repeat the call later"
    )]
    SecurityLogUnavailable,
    /// The bytes are not a message of this method.
    #[error("the request is not a message of this method; check the client against the API")]
    MalformedRequest,
    /// The message is too large.
    #[error("the request is larger than {limit} bytes")]
    MessageTooLarge {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The caller's deadline passed.
    #[error("the deadline of the call passed; repeat the call, nothing happens twice")]
    DeadlineExceeded,
    /// The caller has too many streams.
    #[error("{limit} streams of this caller are open; close some: one carries any number of tasks")]
    TooManyStreams {
        /// How many are allowed.
        limit: usize,
    },
    /// The caller calls too often.
    #[error(
        "this caller makes more than {limit} calls per second; repeat the call after a moment, and \
         call less often: one stream carries any number of tasks"
    )]
    TooManyCallsOfCaller {
        /// How many are allowed in a second.
        limit: u32,
    },
    /// The server has too many calls in work.
    #[error("{limit} calls are in work; repeat the call after a moment")]
    TooManyCalls {
        /// How many are allowed.
        limit: usize,
    },
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Failed(refusal.into())
    }
}

/// Names of roles, as configuration spells them.
pub(crate) fn names<'a>(roles: impl Iterator<Item = &'a Role>) -> String {
    roles.map(|role| role.name()).collect::<Vec<_>>().join(", ")
}

fn found_roles(roles: &BTreeSet<Role>) -> String {
    if roles.is_empty() {
        "no role".to_owned()
    } else {
        format!("the roles {}", names(roles.iter()))
    }
}
