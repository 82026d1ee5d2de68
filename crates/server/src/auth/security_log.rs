//! Where denied calls, and reads of the log, are told.

use std::sync::Arc;

use countersign_domain::access::Principal;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::methods::Method;
use crate::edge::peer::Peer;

/// What is told of a call.
pub(crate) struct Call {
    /// What was called, if it exists.
    pub(crate) method: Option<&'static Method>,
    /// Who called, if a credential says so.
    pub(crate) caller: Option<Arc<Principal>>,
    /// From where.
    pub(crate) peer: Option<Peer>,
}

/// The security log.
#[derive(Debug, Clone, Default)]
pub(crate) struct SecurityLog;

impl SecurityLog {
    /// Takes note of a call's end, if it was denied.
    pub(crate) fn answered(&self, call: &Call, status: &Status, why: &'static str) {
        let denied = matches!(
            status.code(),
            Code::Unauthenticated | Code::PermissionDenied | Code::NotFound
        );
        let Some(method) = call
            .method
            .filter(|it| denied && (it.mutates || it.audited))
        else {
            return;
        };
        let reason = status
            .get_details_error_info()
            .map(|info| info.reason)
            .unwrap_or_default();
        let caller = call.caller.as_deref();
        tracing::warn!(
            target: "security",
            method = method.path,
            issuer = caller.map_or("", |caller| &caller.person.issuer),
            subject = caller.map_or("", |caller| &caller.person.subject),
            credential = caller.map_or("", |caller| &caller.credential.id),
            reason,
            why,
            "a call was denied",
        );
    }

    /// Takes note of a read of the log.
    pub(crate) fn read(&self, call: &Call) {
        let caller = call.caller.as_deref();
        tracing::info!(
            target: "security",
            method = call.method.map_or("", |method| method.path),
            subject = caller.map_or("", |caller| &caller.person.subject),
            "the log is read",
        );
    }
}
